"""Filters, tables and counts: which samples a curator means, and how many there are. Pure."""

from workbench.slicing.column import CategoryColumn, NumberColumn, SetColumn
from workbench.slicing.filter import EVERYTHING, Facet, Filter
from workbench.slicing.language import parse
from workbench.slicing.table import Table

__all__ = ["EVERYTHING", "CategoryColumn", "Facet", "Filter", "NumberColumn", "SetColumn", "Table", "parse"]
