"""Recreate a failure: from tagged samples to a scenario, fitted by pictures made on the way."""

from workbench.recreating.rows import Row
from workbench.recreating.run import Recreation, recreate

__all__ = ["Recreation", "Row", "recreate"]
