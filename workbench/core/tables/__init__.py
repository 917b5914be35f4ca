"""Filters, tables and counts: which samples a curator means, and how many there are. Pure."""

from workbench.core.tables.column import CategoryColumn, NumberColumn, SetColumn
from workbench.core.tables.facet import Facet
from workbench.core.tables.filter import EVERYTHING, Filter
from workbench.core.tables.language import as_filter, parse
from workbench.core.tables.table import Table

__all__ = [
    "EVERYTHING",
    "CategoryColumn",
    "Facet",
    "Filter",
    "NumberColumn",
    "SetColumn",
    "Table",
    "as_filter",
    "parse",
]
