"""Export curated, leak-free splits; every export is read back and compared before it counts."""

from workbench.actions.export.diff import BundleDiff, diff
from workbench.actions.export.export import ExportReport, export

__all__ = ["BundleDiff", "ExportReport", "diff", "export"]
