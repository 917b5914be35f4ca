"""Where does it fail: metrics per slice of a dataset."""

from workbench.evaluating.tables import slices

__all__ = ["slices"]
