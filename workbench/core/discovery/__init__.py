"""Slices nobody named: conjunctions of conditions where a metric is worst."""
