"""Curated data out of a dataset: leak-free splits and exports that are read back before they count."""

from workbench.curating.bundle_diff import BundleDiff, diff
from workbench.curating.duplicate_report import DuplicateGroup, DuplicateReport, LabelConflict, Pair
from workbench.curating.duplicate_search import duplicates
from workbench.curating.exporting import ExportReport, export
from workbench.curating.limits import Deviation, settled
from workbench.curating.members import Member, groups
from workbench.curating.splits import LeftOut, Plan, assign, plan
from workbench.curating.wishes import DEFAULT_RATIOS, Wish

__all__ = [
    "DEFAULT_RATIOS",
    "BundleDiff",
    "Deviation",
    "DuplicateGroup",
    "DuplicateReport",
    "ExportReport",
    "LabelConflict",
    "LeftOut",
    "Member",
    "Pair",
    "Plan",
    "Wish",
    "assign",
    "diff",
    "duplicates",
    "export",
    "groups",
    "plan",
    "settled",
]
