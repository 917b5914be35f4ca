"""Metrics per slice of a dataset, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd

from workbench.adapters import store
from workbench.adapters.store import Dataset, opened
from workbench.adapters.store import predictions as stored
from workbench.adapters.store.matches import match
from workbench.base.errors import FilterError
from workbench.base.progress import Progress
from workbench.core.metrics import registry
from workbench.core.metrics.average_precision import class_results, estimate
from workbench.core.metrics.per_slice import cells
from workbench.core.metrics.registry import EVALUATION, Estimator
from workbench.core.schema.boxes import Boxes
from workbench.core.tables import Filter, Table, as_filter


def slices(
    dataset: Dataset | str, by: str | Sequence[str], *, metric: str = "count", where: str | Filter | None = None
) -> pd.DataFrame:
    """A metric for every combination of words of one or two facets, empty ones included.

    Args:
        dataset: the dataset.
        by: facets, e.g. ``["lighting", "surface"]``; numbers are cut into quartiles.
        metric: ``count``, ``mean:<facet>``, ``share:<tag>``, and after ``evaluate`` also ``recall``, ``precision``,
            ``errors`` (share of samples with a miss or a wrong prediction) and ``ap50``.
        where: only the samples of this filter.

    Returns:
        Columns: the facets, ``samples``, ``labels``, ``value``, and ``low`` and ``high`` of the 95 %
        interval (normal for a mean, Wilson for a share, recall and precision, bootstrap over samples for AP).

    Raises:
        FilterError, InputError: unknown facet or metric, or not one or two facets.
    """
    dataset = opened(dataset)
    names = [by] if isinstance(by, str) else list(by)
    table = store.table(dataset)
    rows = None if where is None else table.mask(as_filter(where))
    estimates = cells(table, names, metric=estimator(dataset, table, metric), rows=rows)
    numbers = ["samples", "labels", "value", "low", "high"]
    # a facet named like a number ("labels") wins: it says which cell this is
    shown = [{**{name: getattr(cell, name) for name in numbers}, **cell.words} for cell in estimates]
    return pd.DataFrame(shown, columns=[*names, *(name for name in numbers if name not in names)])


def estimator(dataset: Dataset, table: Table, metric: str) -> Estimator:
    """What computes a metric from rows of a dataset's table.

    Raises:
        FilterError: a facet that it needs is not there, has no numbers, or nothing was evaluated.
        InputError: no such metric.
    """
    definition, _ = registry.find(metric)
    return _average_precision(dataset, table) if definition.ranked else registry.estimator(table, metric)


def _average_precision(dataset: Dataset, table: Table) -> Estimator:
    """Average precision of the predictions that were evaluated last."""
    evaluation = store.note(dataset, EVALUATION)
    if evaluation is None:
        fix = "Evaluate first: wb.evaluate(ds, 'predictions')."
        raise FilterError("The dataset has not been evaluated.", at="metric", fix=fix)
    nothing = Boxes("", (), ())
    samples = list(stored.boxes(dataset, evaluation["field"]))
    with Progress("matching", total=len(samples), unit="sample") as progress:
        truth_of, _ = match(dataset, evaluation["field"], samples, iou=0.5, progress=progress)
    boxes_of = {boxes.sample_id: boxes for boxes in samples}
    return partial(estimate, class_results([boxes_of.get(i, nothing) for i in table.ids.tolist()], truth_of))
