"""Metrics per slice of a dataset, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd

from workbench.adapters import store
from workbench.adapters.store import Dataset, opened
from workbench.adapters.store import predictions as stored
from workbench.adapters.store.matches import match
from workbench.base.errors import FilterError, LabelWarning
from workbench.base.progress import Progress
from workbench.core.metrics import registry
from workbench.core.metrics.average_precision import class_results, estimate
from workbench.core.metrics.per_class import CLASS, by_class
from workbench.core.metrics.per_slice import Basis, cells
from workbench.core.schema import fields
from workbench.core.schema.boxes import Boxes
from workbench.core.schema.report import Problem
from workbench.core.tables import CategoryColumn, Filter, Table
from workbench.core.tables.filter import resolve


def slices(
    dataset: Dataset | str, by: str | Sequence[str], *, metric: str = "count", where: str | Filter | None = None
) -> pd.DataFrame:
    """A metric for every combination of words of one or two facets, empty ones included.

    Args:
        dataset: the dataset.
        by: facets, e.g. ``["lighting", "surface"]``; numbers are cut into quartiles.
        metric: ``count``, ``mean:<facet>``, ``share:<tag>``, and after ``evaluate`` also ``recall``, ``precision``,
            ``errors`` (share of samples with a miss or a wrong prediction) and ``ap50``. By ``class`` these count the
            labels of the class alone, not all labels of the samples that show it.
        where: only the samples of this filter.

    Returns:
        Columns: the facets, ``samples`` and ``labels`` (of a metric of an evaluation those evaluated), ``value``, and
        ``low`` and ``high`` of the 95 % interval (normal for a mean, Wilson for a share, recall and precision,
        bootstrap over samples for AP).

    Raises:
        FilterError, InputError: unknown facet or metric, or not one or two facets.

    Warns:
        LabelWarning: labels that cannot be used are left out.
    """
    dataset = opened(dataset)
    frame, problems = sliced(dataset, [by] if isinstance(by, str) else list(by), metric, where)
    store.warn(map(str, problems), LabelWarning)
    return frame


def sliced(
    dataset: Dataset, names: Sequence[str], metric: str, where: str | Filter | None
) -> tuple[pd.DataFrame, list[Problem]]:
    """What ``slices`` gives, and labels that could not be used; parameters as there."""
    problems, table = odd_labels_of(dataset, metric, where), store.table(dataset)
    rows = None if where is None else table.mask(store.asked(dataset, where))
    estimates = cells(table, names, metric=basis(dataset, table, metric, names), rows=rows)
    numbers = ["samples", "labels", "value", "low", "high"]
    # a facet named like a number ("labels") wins: it says which cell this is
    shown = [{**{name: getattr(cell, name) for name in numbers}, **cell.words} for cell in estimates]
    frame = pd.DataFrame(shown, columns=[*names, *(name for name in numbers if name not in names)])
    return frame, problems


def odd_labels_of(dataset: Dataset, metric: str, where: str | Filter | None) -> list[Problem]:
    """What there is to say of labels that a metric does not count."""
    evaluated = store.evaluation(dataset) if registry.find(metric)[0].needs_evaluation else None
    looked_at = [fields.GROUND_TRUTH, *([evaluated["field"]] if evaluated else [])]
    return store.odd_label_problems(dataset, looked_at, where=where)


def basis(dataset: Dataset, table: Table, metric: str, by: Sequence[str]) -> Basis:
    """What a metric by some facets is computed from; by class a row for each class in each sample.

    Raises:
        FilterError: a facet that it needs is not there, has no numbers, or nothing was evaluated.
        InputError: no such metric.
    """
    definition, _ = registry.find(metric)
    is_by_class = by_labels(table, metric, by)
    if definition.ranked:
        return _average_precision(dataset, table, metric, is_by_class=is_by_class)
    return Basis.of(samples_by_class(dataset, table, metric) if is_by_class else table, metric)


def by_labels(table: Table, metric: str, by: Sequence[str]) -> bool:
    """Whether a metric by some facets counts labels of a class, and not all labels of the samples that show it."""
    definition, _ = registry.find(metric)
    if not definition.needs_evaluation or definition.of == "samples" or registry.HITS not in table.columns:
        return False
    return CLASS in {resolve(name, table.columns) for name in by}


def samples_by_class(dataset: Dataset, table: Table, metric: str) -> Table:
    """The evaluated samples with a row for each class in each; of predictions too, where the metric counts them."""
    evaluation = _evaluation(dataset)
    field = None if registry.find(metric)[0].of == "labels" else evaluation["field"]
    evaluated = set(table.ids[~table.columns[registry.HITS].missing()].tolist())
    return by_class(table, (one for one in stored.label_outcomes(dataset, field) if one.sample_id in evaluated))


def _evaluation(dataset: Dataset) -> dict[str, Any]:
    evaluation: dict[str, Any] | None = store.evaluation(dataset)
    if evaluation is None:
        fix = "Evaluate first: wb.evaluate(ds, 'predictions'), or workbench evaluate DATASET --predictions FILE."
        raise FilterError("The dataset has not been evaluated.", at="metric", fix=fix)
    return evaluation


def _average_precision(dataset: Dataset, table: Table, metric: str, *, is_by_class: bool) -> Basis:
    """Average precision of the predictions that were evaluated last, of the samples that were."""
    field = _evaluation(dataset)["field"]
    evaluated = table.column(registry.HITS).missing()
    known = set(table.ids[~evaluated].tolist())
    samples = [boxes for boxes in stored.boxes(dataset, field) if boxes.sample_id in known]
    with Progress("matching", total=len(samples), unit="sample") as progress:
        truth_of, _ = match(dataset, field, samples, iou=0.5, progress=progress)
    fine = samples_by_class(dataset, table, metric) if is_by_class else table
    names = _words(fine) if is_by_class else [None] * len(fine)
    boxes_of = {boxes.sample_id: boxes for boxes in samples}
    nothing = Boxes("", (), ())
    rows = [_of_class(boxes_of.get(i, nothing), name) for i, name in zip(fine.ids.tolist(), names, strict=True)]
    return Basis.of(fine, metric, partial(estimate, class_results(rows, truth_of)))


def _words(table: Table) -> list[str | None]:
    column = table.columns[CLASS]
    assert isinstance(column, CategoryColumn)
    return [column.names[code] if code >= 0 else None for code in column.codes.tolist()]


def _of_class(boxes: Boxes, name: str | None) -> Boxes:
    if name is None:
        return boxes
    truth, predicted = (tuple(box for box in side if box.name == name) for side in (boxes.truth, boxes.predicted))
    return Boxes(boxes.sample_id, truth, predicted)
