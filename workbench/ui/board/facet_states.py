"""What the slicer shows of one facet: bars with counts, or a histogram."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import numpy as np

from workbench.core.metrics.registry import EVALUATION
from workbench.core.schema import fields
from workbench.core.tables import Filter, NumberColumn, Table
from workbench.core.tables.column import CategoryColumn, Column, Mask, SetColumn
from workbench.ui.board.conditions import chosen_words, range_of

CLASS, LABEL_TAGS = "class", "label_tags"
BARS = (fields.SOURCE, *fields.ATTRIBUTES, CLASS, fields.TAGS, LABEL_TAGS, fields.SPLIT)
HISTOGRAMS = tuple(f"{fields.MEASURES}.{name}" for name in ("exposure_ev", "highlight_share", "blur_px", "noise"))
ERRORS = tuple(f"{EVALUATION}.{name}" for name in ("misses", "false_alarms"))
TOP = 60  # words sent to the browser; the others are found by a search


def usual_facets(table: Table) -> list[str]:
    """The facets that slicers show when nobody has said which."""
    return [name for name in (*BARS, *ERRORS, *HISTOGRAMS) if name in table.columns]


def facet_state(
    name: str, column: Column, rows: Mask, condition: Filter | None, occurring: Container[str]
) -> dict[str, Any]:
    """A facet as plain values.

    Args:
        name: of the facet.
        column: its values.
        rows: what to count: the rows that pass all *other* facets' conditions.
        condition: of this facet.
        occurring: words that any sample has.
    """
    if isinstance(column, NumberColumn):
        edges = column.bin_edges()
        counts = column.counts(rows, edges).tolist()
        lacking = int(np.count_nonzero(column.missing() & rows))
        low, high = range_of(condition)
        missing = {"count": lacking, "on": chosen_words(condition)[1]}
        most = column.values[np.isfinite(column.values)].max(initial=edges[0])  # of one value alone, no edge
        state = {"edges": edges.tolist(), "counts": counts, "range": [low, high], "missing": missing}
        state["most"] = float(most)
        return {"name": name, "kind": "histogram", **state}
    values, missing_on = chosen_words(condition)
    counted = [pair for pair in _ranked(column, rows) if pair[0] in occurring or pair[0] in values]
    shown = [pair for rank, pair in enumerate(counted) if rank < TOP or pair[0] in values]
    left = [pair for pair in counted[TOP:] if pair[0] not in values]
    return {
        "name": name,
        "kind": "bars",
        "bars": [{"value": v, "count": n, "on": v in values} for v, n in shown],
        "missing": {"count": int(np.count_nonzero(column.missing() & rows)), "on": missing_on},
        "other": {"values": len(left), "count": sum(n for _, n in left)},
    }


def find_words(column: Column, rows: Mask, text: str, condition: Filter | None) -> list[dict[str, Any]]:
    """The words that hold a text, in any case; the most frequent first."""
    if isinstance(column, NumberColumn):
        return []
    wanted, (values, _) = text.casefold(), chosen_words(condition)
    matches = [pair for pair in _ranked(column, rows) if wanted in pair[0].casefold()]
    return [{"value": v, "count": n, "on": v in values} for v, n in matches[:TOP]]


def _ranked(column: CategoryColumn | SetColumn, rows: Mask) -> list[tuple[str, int]]:
    return sorted(column.counts(rows).items(), key=lambda pair: (-pair[1], pair[0]))
