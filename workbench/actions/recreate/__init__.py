"""Recreate a failure: from tagged samples to a scenario, refined with trial pictures."""

from workbench.actions.recreate.recreate import Recreation, recreate
from workbench.actions.recreate.report import Row

__all__ = ["Recreation", "Row", "recreate"]
