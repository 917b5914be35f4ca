"""Discover slices of a dataset: where does the model fail that nobody thought of?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import pandas as pd
from markupsafe import Markup

from workbench.actions.evaluate.slices import by_labels, odd_labels_of, samples_by_class
from workbench.adapters import store
from workbench.adapters.store import Dataset, opened
from workbench.base.errors import InputError
from workbench.base.plurals import counted
from workbench.core.discovery.search import ALPHA, LIMIT, Search, Slice, search
from workbench.core.measures.registry import cyclic_measures
from workbench.core.metrics.registry import EVALUATION, Worst
from workbench.core.metrics.score import score
from workbench.core.report import html
from workbench.core.schema.fields import ATTRIBUTES_FROM, CONFIDENCE, MEASURES, ORIGIN, SCENE_ID
from workbench.core.schema.report import Problem
from workbench.core.tables import Filter, Table

COLUMNS = [field.name for field in fields(Slice)]
FEWEST = 40  # samples; of fewer, neither half can say anything
# names of samples and what made them explain nothing that a curator could act upon; name them in ``by`` to search them
LEFT_OUT = frozenset({ORIGIN, SCENE_ID, ATTRIBUTES_FROM, *CONFIDENCE.values()})
LEFT_OUT_PREFIXES = (f"{EVALUATION}.", "generation.", "metadata.")
CYCLIC = frozenset(f"{MEASURES}.{name}" for name in cyclic_measures())


@dataclass(frozen=True)
class Discovery(Sequence[Slice]):
    """Slices, most evidence first; the last line of a notebook cell shows them.

    Attributes:
        metric: what is bad in them.
        found: the search's result.
        problems: labels that could not be used.
    """

    metric: str
    found: Search
    problems: tuple[Problem, ...] = ()

    def __len__(self) -> int:
        return len(self.found.slices)

    def __getitem__(self, index: int) -> Slice:  # type: ignore[override]  # one at a time
        return self.found.slices[index]

    def __iter__(self) -> Iterator[Slice]:
        return iter(self.found.slices)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The slices as plain values, ``filter`` as the text that ``where`` takes."""
        return [{**{name: getattr(part, name) for name in COLUMNS}, "filter": str(part.filter)} for part in self]

    @property
    def frame(self) -> pd.DataFrame:
        """The same as a table."""
        return pd.DataFrame(self.rows, columns=COLUMNS)

    @property
    def summary(self) -> str:
        """How many slices were found, and how many were searched and tested, as sentences."""
        search = self.found
        if search.value is None:
            return f"No sample has a value of {self.metric}: nothing to search."
        if search.samples < FEWEST:
            return f"Too few samples to find and confirm a slice: {search.samples:,}, at least {FEWEST} are needed."
        n = counted(len(self), "slice") if len(self) else "No slice"
        part = "" if search.searched >= search.possible else ", the most promising"
        return (
            f"{n} worse than the rest ({self.metric} {search.value:.3g} over {counted(search.samples, 'sample')}). "
            f"Searched {counted(search.searched, 'set')} of up to three attributes{part} "
            f"({counted(search.conditions, 'condition')} in all); "
            f"{counted(search.tested, 'candidate slice')} tested on held-out data (Holm, p below {ALPHA:g})."
        )

    def __str__(self) -> str:
        return "\n".join(
            [self.summary, *(f"  {part.words} (p {part.p_value:.2g})" for part in self), *map(str, self.problems)]
        )

    def _repr_html_(self) -> str:
        head = ("slice", "images", self.metric, "95 %", "elsewhere", "held out", "p") if len(self) else ()
        table = html.table(head, [_row(part) for part in self], caption=self.summary)
        return html.fragment(html.join(table, html.paragraphs(map(str, self.problems))))


def _row(part: Slice) -> tuple[object, ...]:
    interval = "-" if part.low is None or part.high is None else f"{part.low:.3g} to {part.high:.3g}"
    numbers = (f"{part.value:.3g}", interval, f"{part.rest:.3g}", f"{part.confirmed:.3g}", f"{part.p_value:.2g}")
    return (Markup("<code>{}</code>").format(part.filter), part.samples, *numbers)


def discover(
    dataset: Dataset | str,
    *,
    metric: str = "recall",
    by: Sequence[str] | None = None,
    where: str | Filter | None = None,
    worst: Worst | None = None,
    limit: int = LIMIT,
    save_views: bool = False,
) -> Discovery:
    """Find the conjunctions of up to three conditions where a metric is worst; see ``core.discovery``.

    Recall and precision of a slice with a class count the labels of the class alone.

    ``board.filter = found[0].filter`` shows the first on the board.

    Args:
        dataset: the dataset.
        metric: ``recall``, ``precision`` or ``errors`` (share of samples with any) after ``evaluate``;
            ``mean:<facet>``, ``share:<tag>``.
        by: facets that conditions may look at; by default all but names, numbers of the evaluation and lineage.
        where: only the samples of this filter.
        worst: the bad end of a mean or share: ``high`` (default) or ``low``.
        limit: most slices.
        save_views: save each as a view of FiftyOne, ``slice 1: ...``.

    Raises:
        FilterError, InputError: unknown facet or metric, or not evaluated.
    """
    dataset = opened(dataset)
    if limit < 1:
        raise InputError(f"limit must be at least 1, not {limit}.")
    problems, table = odd_labels_of(dataset, metric, where), store.table(dataset)
    if where is not None:
        table = _rows(table, store.asked(dataset, where))
    facets = list(by) if by is not None else searched_facets(table)
    if by_labels(table, metric, facets):
        table = samples_by_class(dataset, table, metric)
    discovery = Discovery(
        metric, search(table, score(table, metric, worst=worst), facets, limit=limit), tuple(problems)
    )
    if save_views:
        _save(dataset, discovery)
    return discovery


def searched_facets(table: Table) -> list[str]:
    """Facets that are searched by default."""
    return [
        name
        for name in table.columns
        if name not in LEFT_OUT and name not in CYCLIC and not name.startswith(LEFT_OUT_PREFIXES)
    ]


def _rows(table: Table, condition: Filter) -> Table:
    return table.taken(table.mask(condition).nonzero()[0])


def _save(dataset: Dataset, discovery: Discovery) -> None:
    for rank, part in enumerate(discovery, 1):
        store.save_view(dataset, f"slice {rank}: {discovery.metric}", part.filter, description=part.words)
