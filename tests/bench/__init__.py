"""Benchmarks: each is a script that prints a table; ratios come from one run. ``make bench`` runs all."""
