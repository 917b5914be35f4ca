"""Tags on single boxes: the same journal, undo and facets as tags on samples."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import record
from workbench.actions.tag import history, redo, tag, undo, untag
from workbench.adapters import store
from workbench.base.errors import DatasetError, InputError
from workbench.core.schema.labels import Label

HIDDEN = "failure:hidden"


@pytest.fixture
def labels(dataset: Any, picture: Callable[..., Path]) -> list[str]:
    """Ids of six boxes in two samples."""
    boxes = tuple(Label("nut", (i, 1, i + 4, 9)) for i in range(3))
    store.add(dataset, [record(picture(f"{i}.png", seed=i), labels=boxes) for i in range(2)], source="real")
    found: list[str] = dataset.values("ground_truth.detections.id", unwind=True)
    return found


def tagged(dataset: Any) -> list[str]:
    dataset.reload()
    rows = zip(*dataset.values(["ground_truth.detections.id", "ground_truth.detections.tags"]), strict=True)
    return [one for ids, tags in rows for one, own in zip(ids, tags, strict=True) if HIDDEN in own]


def test_tag_undo_redo_untag(dataset: Any, labels: list[str]) -> None:
    first = tag(dataset, HIDDEN, labels=labels[1:4])
    assert (first.changed, first.already, first.kind) == (3, 0, "labels")
    assert tagged(dataset) == labels[1:4]
    second = tag(dataset, HIDDEN, labels=labels)
    assert (second.changed, second.already) == (3, 3)
    assert undo(dataset).changed == 3
    assert tagged(dataset) == labels[1:4]
    assert redo(dataset).kind == "labels"
    assert tagged(dataset) == labels
    assert untag(dataset, HIDDEN, labels=[labels[0], labels[0]]).changed == 1
    assert tagged(dataset) == labels[1:]


def test_tags_in_the_app_count_as_there_already(dataset: Any, labels: list[str]) -> None:
    dataset.select_labels(ids=labels[:2]).tag_labels(HIDDEN)
    assert tag(dataset, HIDDEN, labels=labels).changed == 4
    undo(dataset)
    assert tagged(dataset) == labels[:2]


def test_predictions_too(dataset: Any, labels: list[str]) -> None:
    import fiftyone as fo

    sample = dataset.first()
    sample["predictions"] = fo.Detections(detections=[fo.Detection(label="nut", bounding_box=[0, 0, 0.5, 0.5])])
    sample.save()
    wrong = sample.predictions.detections[0].id
    assert tag(dataset, HIDDEN, labels=[wrong, labels[5]]).changed == 2
    dataset.reload()
    assert dataset.first().predictions.detections[0].tags == [HIDDEN]


def test_a_facet_of_their_own(dataset: Any, labels: list[str]) -> None:
    assert "label_tags" not in store.facets(dataset)
    snapshot = store.Snapshot(dataset)
    tag(dataset, HIDDEN, labels=labels[:1])
    snapshot.refresh()
    ids = store.select(dataset, f"{HIDDEN!r} in label_tags")
    assert ids == [dataset.first().id]
    assert store.select(dataset, "label_tags == None") == [dataset.last().id]
    for table in (snapshot.table, store.table(dataset)):
        column = table.column("label_tags")
        assert column.mask_of([HIDDEN]).tolist() == [True, False]
        assert column.missing().tolist() == [False, True]


@pytest.mark.parametrize(("labels_asked", "error"), [(["0" * 24], DatasetError), (["no id"], DatasetError)])
def test_unknown_labels_are_refused(dataset: Any, labels: list[str], labels_asked: list[str], error: type) -> None:
    with pytest.raises(error, match=r"There is no label with id|is not an id"):
        tag(dataset, HIDDEN, labels=[*labels, *labels_asked])
    assert history(dataset).empty


def test_labels_and_a_filter_are_one_too_many(dataset: Any, labels: list[str]) -> None:
    with pytest.raises(InputError, match="where and labels cannot be given together"):
        tag(dataset, HIDDEN, where="True", labels=labels)
