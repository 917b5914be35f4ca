"""Curated data out of a dataset: leak-free splits and exports that are read back before they count."""

from workbench.curating.exporting import ExportReport, export
from workbench.curating.splits import DEFAULT_RATIOS, LeftOut, Member, Plan, assign, groups, plan

__all__ = ["DEFAULT_RATIOS", "ExportReport", "LeftOut", "Member", "Plan", "assign", "export", "groups", "plan"]
