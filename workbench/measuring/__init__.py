"""Measure the pictures of a dataset: only what is new, in parallel, resumable."""

from workbench.measuring.run import MeasureReport, measure

__all__ = ["MeasureReport", "measure"]
