"""A heat map of slices for people who would rather look: shown in a notebook, saved as a page of HTML."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.actions.evaluate.slices import slices
from workbench.adapters.store import Dataset
from workbench.base.errors import InputError
from workbench.base.files import write_bytes
from workbench.base.plurals import counted
from workbench.core.metrics.registry import find
from workbench.core.tables import Filter

# ends and middle of a scale that people with colour-blindness can read (ColorBrewer's YlGnBu, by Cynthia Brewer)
SCALE = np.array([[255, 255, 217], [65, 182, 196], [8, 29, 88]], float)
DARK_TEXT_ABOVE = 0.35  # relative luminance
STYLE = """
<style>
.wb-heat { border-collapse: collapse; font: 13px system-ui, sans-serif; color: inherit; background: none }
.wb-heat th { padding: 4px 10px; text-align: left; font-weight: 600; color: inherit; background: none }
.wb-heat td { padding: 6px 10px; min-width: 64px; text-align: center !important; border: 2px solid transparent;
  background-clip: padding-box }
.wb-heat td small { display: block; opacity: .8 }
.wb-heat td.wb-none { background: repeating-linear-gradient(135deg, #8882 0 4px, transparent 4px 9px) padding-box }
.wb-heat caption { caption-side: bottom; text-align: left; padding-top: 6px; opacity: .8; color: inherit }
</style>
"""


@dataclass(frozen=True)
class Heatmap:
    """Cells with colours; the last line of a notebook cell shows it.

    Attributes:
        frame: what ``slices`` gives.
        by: one or two facets: rows, columns.
        metric: what the colours mean.
    """

    frame: pd.DataFrame
    by: tuple[str, ...]
    metric: str

    def _repr_html_(self) -> str:
        columns = self._words(self.by[-1])
        rows: list[object] = [""] if len(self.by) == 1 else self._words(self.by[0])
        cells = {tuple(_word(row[name]) for name in self.by): row for row in self.frame.to_dict("records")}
        head = "".join(f"<th>{_shown(word)}</th>" for word in columns)
        body = "".join(
            f"<tr><th>{_shown(row)}</th>"
            + "".join(self._cell(cells.get((row, column)[-len(self.by) :])) for column in columns)
            + "</tr>"
            for row in rows
        )
        corner = escape(" \\ ".join(self.by))
        caption = f"{escape(self.metric)}; below it the samples. Hover for labels and the 95 % interval."
        parts = f"<caption>{caption}</caption><tr><th>{corner}</th>{head}</tr>{body}"
        return f"{STYLE}<table class='wb-heat'>{parts}</table>"

    def __str__(self) -> str:
        return self.frame.to_string(index=False)

    def save(self, path: str | Path) -> Path:
        """Write a page that opens anywhere.

        Raises:
            OutputError: the folder is missing, read-only or full.
        """
        target = Path(path)
        page = f"<!doctype html><meta charset='utf-8'><title>{escape(self.metric)}</title>{self._repr_html_()}"
        write_bytes(target, page.encode())
        return target

    def _words(self, name: str) -> list[object]:
        return list(dict.fromkeys(map(_word, self.frame[name])))

    def _cell(self, row: Mapping[Hashable, Any] | None) -> str:
        if row is None or not row["samples"]:
            return "<td class='wb-none' title='no samples'></td>"
        if _word(row["value"]) is None:
            told = f"{counted(row['samples'], 'sample')}, no value"
            return f"<td class='wb-none' title='{told}'>-<small>{row['samples']:,}</small></td>"
        colour = _colour(self._share(float(row["value"])))
        text = "#111" if _luminance(colour) > DARK_TEXT_ABOVE else "#fff"
        ends = [_word(row["low"]), _word(row["high"])]
        interval = "" if None in ends else f", {_number(ends[0])} to {_number(ends[1])}"
        told = f"{counted(row['samples'], 'sample')}, {counted(row['labels'], 'label')}{interval}"
        look = f"background-color: rgb({', '.join(str(round(c)) for c in colour)}); color: {text}"
        return f"<td style='{look}' title='{told}'>{_number(row['value'])}<small>{row['samples']:,}</small></td>"

    def _share(self, value: float) -> float:
        """Where a value lies on the scale: shares from 0 to 1, others between the least and the largest."""
        if find(self.metric)[0].share:
            return value
        known = self.frame["value"].astype(float)
        low, high = (0.0 if self.metric == "count" else known.min()), known.max()
        return float((value - low) / (high - low)) if high > low else 1.0


def heatmap(
    dataset: Dataset, by: str | Sequence[str], *, metric: str = "count", where: str | Filter | None = None
) -> Heatmap:
    """A metric for every combination of words of one or two facets, as colours; see ``slices``.

    Raises:
        FilterError, InputError: as ``slices``.
    """
    names = (by,) if isinstance(by, str) else tuple(by)
    if not 1 <= len(names) <= 2:
        raise InputError("one or two facets", found=str(len(names)), where="by", fix="For example lighting,surface.")
    return Heatmap(slices(dataset, names, metric=metric, where=where), names, metric)


def _word(value: Any) -> Any:
    """A value of a table, ``None`` for what is missing there."""
    return None if value is None or value != value else value


def _shown(word: object) -> str:
    return "<i>missing</i>" if word is None else escape(str(word))


def _number(value: object) -> str:
    number = float(str(value))
    return f"{number:,.0f}" if number.is_integer() and abs(number) > 1 else f"{number:.3g}"


def _colour(share: float) -> NDArray[np.float64]:
    at = min(max(share, 0.0), 1.0) * (len(SCALE) - 1)
    low = min(int(at), len(SCALE) - 2)
    mixed: NDArray[np.float64] = SCALE[low] + (at - low) * (SCALE[low + 1] - SCALE[low])
    return mixed


def _luminance(colour: NDArray[np.float64]) -> float:
    """Relative luminance (WCAG 2.2)."""
    linear = np.where(colour / 255 <= 0.04045, colour / 255 / 12.92, ((colour / 255 + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))
