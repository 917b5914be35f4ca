"""Find exact and near duplicates, and the same image with other labels."""

from workbench.actions.duplicates.report import DuplicateGroup, DuplicateReport, LabelConflict, Pair
from workbench.actions.duplicates.search import duplicates

__all__ = ["DuplicateGroup", "DuplicateReport", "LabelConflict", "Pair", "duplicates"]
