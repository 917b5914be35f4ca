"""Values of any type and name: FiftyOne can read them, none is lost, and what was turned into text is named."""

from __future__ import annotations

import datetime
import subprocess
import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import read_by_fiftyone, record
from tests.sizes import LONG
from workbench.adapters import store
from workbench.adapters.store.field_types import as_text
from workbench.base.errors import DatasetError
from workbench.core.schema.labels import Label, Record

Write = Callable[..., Path]
BEYOND = 1 << 63
DAY = datetime.date(2024, 5, 1)


def with_attributes(path: Path, at: int, values: Mapping[str, Any]) -> Record:
    """The same attributes on a sample and on its label."""
    label = Label("nut", (1.0, 2.0, 9.0, 9.0), attributes=values)
    return record(path, origin=f"{at}.png", attributes=values, labels=(label,), content_sha256="0")


def stored_values(dataset: Any) -> list[dict[str, Any]]:
    """The attributes of each sample; those of its label are the same."""
    records = [stored.record for stored in store.read(dataset)]
    for each in records:
        assert each.labels[0].attributes == each.attributes
    return [dict(each.attributes) for each in records]


@pytest.mark.parametrize(
    ("first", "second", "kept", "mixed"),
    [
        ([7, 2.5], [3], [7, 2.5, 3], []),
        ([True], [False], [True, False], []),
        ([7, "n/a"], [8], ["7", "n/a", "8"], [("x", "x", 1), ("x", "x", 1)]),
        ([True, 1, 0.5], [], ["true", "1", "0.5"], [("x", "x", 3)]),
        ([0, "2024-05-01"], [], ["0", "2024-05-01"], [("x", "x", 1)]),
        ([BEYOND, 3], [], [str(BEYOND), "3"], [("x", "x", 1)]),
        ([DAY, np.int64(3)], [], ["2024-05-01", "3"], [("x", "x", 1)]),
        ([b"ab", [1, "a"], {"b": 1}], [], [None, '[1,"a"]', '{"b":1}'], []),
        ([None, 3], [], [None, 3], []),
        (["a\ud800", "a\0b"], [], ["a\\ud800", "a\0b"], []),
    ],
)  # fmt: skip
def test_the_type_of_a_new_field(
    dataset: Any, picture: Write, first: list[Any], second: list[Any], kept: list[Any], mixed: list[Any]
) -> None:
    path, said = picture(), []
    for start, values in ((0, first), (len(first), second)):
        records = [with_attributes(path, start + at, {"x": value}) for at, value in enumerate(values)]
        said += [(m.path, m.kept_in, m.values) for m in store.add(dataset, records, source="real").mixed]
    assert [values.get("x") for values in stored_values(dataset)] == kept
    assert [part for part in said if part[0] == "x"] == mixed
    assert read_by_fiftyone(dataset.name) == len(kept)


@pytest.mark.parametrize(
    ("first", "second", "holds"),
    [(7, "n/a", "numbers"), (7, True, "numbers"), (True, 1, "flags"), (False, "no", "flags"), (0.5, BEYOND, "numbers")],
)
def test_a_field_keeps_its_type_in_a_second_load(
    dataset: Any, picture: Write, first: Any, second: Any, holds: str
) -> None:
    path = picture()
    store.add(dataset, [with_attributes(path, 0, {"x": first})], source="real")
    for at in (1, 2):
        mixed = store.add(dataset, [with_attributes(path, at, {"x": second})], source="real").mixed
        assert str(mixed[0]) == (
            f"'x' holds {holds} in this dataset; 1 value turned into text, in 'x_text' (first: {at}.png)."
        )
    text = as_text(second)
    assert stored_values(dataset) == [{"x": first}, {"x_text": text}, {"x_text": text}]
    assert read_by_fiftyone(dataset.name) == 3


def test_the_field_beside_another_is_of_no_other_data(dataset: Any, picture: Write) -> None:
    path = picture()
    store.add(dataset, [with_attributes(path, 0, {"x": 1, "x_text": 2})], source="real")
    store.add(dataset, [with_attributes(path, 1, {"x": "a", "x_text_2": "b"})], source="real")
    assert stored_values(dataset)[1] == {"x_text_3": "a", "x_text_2": "b"}
    assert read_by_fiftyone(dataset.name) == 2


def test_attributes_whose_names_become_the_same_are_all_kept(dataset: Any, picture: Write) -> None:
    store.add(dataset, [with_attributes(picture(), 0, {"a b": 1, "a.b": 2, "a_b": 3, "": 4, "_": 5})], source="real")
    assert sorted(stored_values(dataset)[0].values()) == [1, 2, 3, 4, 5]
    assert stored_values(dataset)[0]["a_b"] == 3


NAMES = st.one_of(
    st.sampled_from(["x", "y", "x_text", "a b", "a.b", "$x", "", "_", "_id", "_cls", "id", "filepath", "group", "1"]),
    st.sampled_from([name for name in {*dir(fo.Sample), *dir(fo.Detection)} if not name.startswith("__")]),
    st.text(max_size=6),
)
TEXTS = st.text(st.characters(exclude_categories=()), max_size=8)
PLAIN = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(-3, 3), st.floats(), TEXTS, st.binary(max_size=4), st.dates()
)
VALUES = st.one_of(
    PLAIN,
    st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)),
)


@settings(max_examples=40 if LONG else 12)
@given(st.lists(st.lists(st.dictionaries(NAMES, VALUES, max_size=4), min_size=1, max_size=3), min_size=1, max_size=3))
def test_whatever_is_stored_can_be_read(varied_picture: Path, loads: list[list[dict[str, Any]]]) -> None:
    name = f"types-{uuid.uuid4().hex[:12]}"
    dataset = store.open_dataset(name)
    try:
        at = 0
        for load in loads:
            records = []
            for values in load:
                records.append(with_attributes(varied_picture, at, values))
                plain = {name: value for name, value in values.items() if isinstance(value, int | float | str)}
                records[-1].generation = {**plain, "params": plain, "seed": at}
                at += 1
            store.add(dataset, records, source="synthetic")
        assert read_by_fiftyone(name) == at
        for values, back in zip((values for load in loads for values in load), store.read(dataset), strict=True):
            given_text = {value for value in values.values() if isinstance(value, str) and value.isascii() and value}
            assert given_text <= {*back.record.labels[0].attributes.values()}
        store.table(dataset)
    finally:
        store.delete_dataset(name)


@pytest.fixture(scope="module")
def varied_picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from PIL import Image

    path = tmp_path_factory.mktemp("types") / "a.png"
    Image.new("RGB", (64, 48)).save(path)
    return path


def test_many_names_are_declared_at_once(dataset: Any, picture: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    reload = type(dataset).reload
    monkeypatch.setattr(type(dataset), "reload", lambda self: (calls.append(1), reload(self)))
    store.add(dataset, [with_attributes(picture(), 0, {"first": 1})], source="real")
    before = len(calls)
    monkeypatch.setattr(type(dataset), "add_sample_field", None)  # each call takes longer, the more fields there are
    many = {f"n{at}": at for at in range(1_500 if LONG else 200)}
    store.add(dataset, [with_attributes(picture(), 1, many)], source="real")
    assert len(calls) - before <= before
    assert stored_values(dataset)[1] == many
    assert read_by_fiftyone(dataset.name) == 2


OTHER_PROCESS = """
import sys
from pathlib import Path
from workbench.adapters import store
from workbench.core.schema.labels import Record
value = {"number": 7, "text": "n/a", "flag": True}[sys.argv[3]]
dataset = store.open_dataset(sys.argv[1])
for at in range(5):
    attributes = {f"x{at}": value, "x": value}
    store.add(dataset, [Record(Path(sys.argv[2]), f"{sys.argv[3]} {at}", 64, 48, attributes=attributes)], source="real")
"""


def test_processes_agree_on_the_types(dataset: Any, picture: Write) -> None:
    path = picture()
    running = [
        subprocess.Popen([sys.executable, "-c", OTHER_PROCESS, dataset.name, str(path), kind])
        for kind in ("number", "text", "flag")
    ]
    assert [process.wait() for process in running] == [0, 0, 0]
    assert read_by_fiftyone(dataset.name) == 15
    values = [dict(stored.record.attributes) for stored in store.read(dataset)]
    assert all(len(given) >= 2 for given in values)


@pytest.mark.parametrize(
    ("name", "cls"), [("split", fo.IntField), ("lighting", fo.Classification), ("ground_truth", fo.StringField)]
)
def test_a_field_of_the_workbench_that_holds_something_else_is_named(picture: Write, name: str, cls: Any) -> None:
    foreign = fo.Dataset(f"foreign-{uuid.uuid4().hex[:12]}", persistent=True)
    if issubclass(cls, fo.Label):
        foreign.add_sample_field(name, fo.EmbeddedDocumentField, embedded_doc_type=cls)
    else:
        foreign.add_sample_field(name, cls)
    dataset = store.open_dataset(foreign.name)
    with pytest.raises(DatasetError, match=f"The field '{name}' of this dataset holds"):
        store.add(dataset, [record(picture())], source="real")
    assert len(dataset) == 0
    store.delete_dataset(foreign.name)


def test_a_value_that_is_set_must_fit(dataset: Any, picture: Write) -> None:
    (sample_id,) = store.add(dataset, [with_attributes(picture(), 0, {"x": 1})], source="real").ids
    with pytest.raises(DatasetError, match="The field 'x' of this dataset holds numbers"):
        store.set_values(dataset, {sample_id: {"x": "text"}})
    store.set_values(dataset, {sample_id: {"x": 2, "fresh.number": 1.5, "fresh.text": "a"}})
    assert read_by_fiftyone(dataset.name) == 1
