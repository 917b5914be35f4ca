"""A heat map of slices for people who would rather look: shown in a notebook, saved as a page of HTML."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from workbench.actions.evaluate.slices import sliced
from workbench.adapters import store
from workbench.adapters.store import Dataset, opened
from workbench.base.errors import InputError
from workbench.base.files import write_bytes
from workbench.base.plurals import counted
from workbench.core.metrics.registry import find
from workbench.core.report import html
from workbench.core.schema.report import Problem
from workbench.core.tables import Filter

# ends and middle of a scale that people with colour-blindness can read (ColorBrewer's YlGnBu, by Cynthia Brewer)
SCALE = np.array([[255, 255, 217], [65, 182, 196], [8, 29, 88]], float)
DARK_TEXT_ABOVE = 0.35  # relative luminance


@dataclass(frozen=True)
class Heatmap:
    """Cells with colours; the last line of a notebook cell shows it.

    Attributes:
        frame: what ``slices`` gives.
        by: one or two facets: rows, columns.
        metric: what the colours mean.
        evaluation: what was evaluated, in words; empty for a metric that needs no evaluation.
        problems: labels that could not be used.
    """

    frame: pd.DataFrame
    by: tuple[str, ...]
    metric: str
    evaluation: str = ""
    problems: tuple[Problem, ...] = ()

    def _repr_html_(self) -> str:
        return html.fragment(self._body())

    def _body(self) -> Markup:
        return html.join(self._table(), html.paragraphs(map(str, self.problems)))

    def _table(self) -> Markup:
        columns = self._words(self.by[-1])
        rows: list[object] = [""] if len(self.by) == 1 else self._words(self.by[0])
        cells = {tuple(_word(row[name]) for name in self.by): row for row in self.frame.to_dict("records")}
        lines = [
            html.join(_header(row), *(self._cell(cells.get((row, column)[-len(self.by) :])) for column in columns))
            for row in rows
        ]
        head = html.join(*(_header(word) for word in columns))
        body = html.join(*(Markup("<tr>{}</tr>").format(line) for line in lines))
        of = f" of {self.evaluation}" if self.evaluation else ""
        samples = "evaluated samples" if self.evaluation else "samples"
        caption = f"{self.metric}{of}; below it the {samples}. Hover for labels and the 95 % interval."
        return Markup("<table class='wb-heat'><caption>{}</caption><tr><th>{}</th>{}</tr>{}</table>").format(
            caption, " \\ ".join(self.by), head, body
        )

    def __str__(self) -> str:
        return "\n".join([self.frame.to_string(index=False), *map(str, self.problems)])

    def save(self, path: str | Path) -> Path:
        """Write a page that opens anywhere.

        Raises:
            OutputError: the folder is missing, read-only or full.
        """
        target = Path(path)
        write_bytes(target, html.page(self.metric, self._body()).encode())
        return target

    def _words(self, name: str) -> list[object]:
        return list(dict.fromkeys(map(_word, self.frame[name])))

    def _cell(self, row: Mapping[Hashable, Any] | None) -> Markup:
        if row is None or not row["samples"]:
            return Markup("<td class='wb-empty' title='no samples'></td>")
        samples = counted(row["samples"], "sample")
        if _word(row["value"]) is None:
            cell = Markup("<td class='wb-empty' title='{}, no value'>-<small>{}</small></td>")
            return cell.format(samples, f"{row['samples']:,}")
        color = _color(self._share(float(row["value"])))
        text = "#111" if _luminance(color) > DARK_TEXT_ABOVE else "#fff"
        ends = [_word(row["low"]), _word(row["high"])]
        interval = "" if None in ends else f", {_number(ends[0])} to {_number(ends[1])}"
        title = f"{samples}, {counted(row['labels'], 'label')}{interval}"
        style = f"background-color: rgb({', '.join(str(round(c)) for c in color)}); color: {text}"
        cell = Markup("<td style='{}' title='{}'>{}<small>{}</small></td>")
        return cell.format(style, title, _number(row["value"]), f"{row['samples']:,}")

    def _share(self, value: float) -> float:
        """Where a value lies on the scale: shares from 0 to 1, others between the least and the largest."""
        if find(self.metric)[0].share:
            return value
        known = self.frame["value"].astype(float)
        low, high = (0.0 if self.metric == "count" else known.min()), known.max()
        return float((value - low) / (high - low)) if high > low else 1.0


def heatmap(
    dataset: Dataset | str, by: str | Sequence[str], *, metric: str = "count", where: str | Filter | None = None
) -> Heatmap:
    """A metric for every combination of words of one or two facets, as colours; see ``slices``.

    Raises:
        FilterError, InputError: as ``slices``.
    """
    names = (by,) if isinstance(by, str) else tuple(by)
    if not 1 <= len(names) <= 2:
        problem = f"A heat map takes one or two facets, not {len(names)}."
        raise InputError(problem, at="by", fix="For example lighting,surface.")
    dataset = opened(dataset)
    frame, problems = sliced(dataset, names, metric, where)
    evaluation = _evaluation(dataset) if find(metric)[0].needs_evaluation else ""
    return Heatmap(frame, names, metric, evaluation, tuple(problems))


def _evaluation(dataset: Dataset) -> str:
    """Field, limits, scope and filter of the evaluation that the dataset holds; nothing where that is not noted."""
    known = store.evaluation(dataset)
    if known is None:
        return ""
    filtered = f", where {where}" if (where := known.get("where")) else ""
    scope = {"covered": ", samples that it covers", "all": ", all samples"}.get(known.get("scope", ""), "")
    limits = f"IoU {known['iou']:g}, confidence {known['confidence']:g}"
    return f"{known['field']} ({limits}{scope}{filtered})"


def _word(value: Any) -> Any:
    """A value of a table, ``None`` for what is missing there."""
    return None if value is None or value != value else value


def _header(word: object) -> Markup:
    return Markup("<th><i>missing</i></th>") if word is None else Markup("<th>{}</th>").format(word)


def _number(value: object) -> str:
    number = float(str(value))
    return f"{number:,.0f}" if number.is_integer() and abs(number) > 1 else f"{number:.3g}"


def _color(share: float) -> NDArray[np.float64]:
    at = min(max(share, 0.0), 1.0) * (len(SCALE) - 1)
    low = min(int(at), len(SCALE) - 2)
    mixed: NDArray[np.float64] = SCALE[low] + (at - low) * (SCALE[low + 1] - SCALE[low])
    return mixed


def _luminance(colour: NDArray[np.float64]) -> float:
    """Relative luminance (WCAG 2.2)."""
    linear = np.where(colour / 255 <= 0.04045, colour / 255 / 12.92, ((colour / 255 + 0.055) / 1.055) ** 2.4)
    return float(linear @ np.array([0.2126, 0.7152, 0.0722]))
