"""Curated data out of a dataset: leak-free splits and exports that are read back before they count."""

from workbench.curating.duplicate_report import DuplicateGroup, DuplicateReport, LabelConflict, Pair
from workbench.curating.duplicate_search import duplicates
from workbench.curating.exporting import ExportReport, export
from workbench.curating.splits import DEFAULT_RATIOS, LeftOut, Member, Plan, assign, groups, plan

__all__ = [
    "DEFAULT_RATIOS",
    "DuplicateGroup",
    "DuplicateReport",
    "ExportReport",
    "LabelConflict",
    "LeftOut",
    "Member",
    "Pair",
    "Plan",
    "assign",
    "duplicates",
    "export",
    "groups",
    "plan",
]
