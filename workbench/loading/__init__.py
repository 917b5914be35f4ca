"""Load data from disk into a dataset: every record ends as a sample, as already there, or as a named problem."""

from workbench.loading.run import load

__all__ = ["load"]
