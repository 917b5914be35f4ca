"""A filter with a word that no sample has warns, whatever function takes it; a result of nothing is never silent."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.builders import record
from workbench.adapters import store
from workbench.base.errors import FilterWarning, WorkbenchError
from workbench.core.schema.labels import Label
from workbench.core.tables import as_filter
from workbench.core.tables.absent import absent

TYPO, EMPTY, USUAL = "lighting == 'dimm'", "lighting == 'dim' and surface == 'wood'", "lighting == 'dim'"
SAID = "No sample has lighting 'dimm'; there are bright and dim. Did you mean 'dim'?"
FILTERS = [
    USUAL, TYPO, EMPTY, "lighting in ['dim', 'dimm']", "lighting != 'dimm'", "labels == 7", "labels == 1",
    "truncated == 'yes'", "truncated == True", "truncated == False", "class == 'mugg'", "count == 9", "count == 'x'",
    "'failure:x' in tags", "tags == 'seen'", "scene_id == None", "count > 50", "True",
]  # fmt: skip


@pytest.fixture
def samples(dataset: Any, picture: Callable[..., Path]) -> Any:
    records = [
        record(
            picture(f"{i}.png", seed=i),
            attributes={"lighting": "dim" if i < 3 else "bright", "surface": "metal", "truncated": True, "count": i}
            | ({"surface": "wood"} if i > 3 else {}),
            labels=(Label("mug", (1, 2, 30, 40)),),
            tags=("seen",),
        )
        for i in range(6)
    ]
    store.add(dataset, records, source="real")
    return dataset


def said(call: Callable[[], object]) -> list[str]:
    """What a call warns of, and that it points to here; its errors are no matter."""
    with warnings.catch_warnings(record=True) as caught, contextlib.suppress(WorkbenchError):
        warnings.simplefilter("always")
        call()
    own = [warning for warning in caught if warning.category is FilterWarning]
    assert all(Path(warning.filename).name == Path(__file__).name for warning in own)
    return [str(warning.message) for warning in own]


CALLS: dict[str, Callable[[Any, str, Path], object]] = {
    "tag": lambda ds, where, _: wb.tag(ds, "failure:x", where=where),
    "untag": lambda ds, where, _: wb.untag(ds, "failure:x", where=where),
    "evaluate": lambda ds, where, _: wb.evaluate(ds, "ground_truth", where=where),
    "slices": lambda ds, where, _: wb.slices(ds, "source", where=where),
    "heatmap": lambda ds, where, _: wb.heatmap(ds, "source", where=where),
    "discover": lambda ds, where, _: wb.discover(ds, metric="mean:measures.noise", where=where),
    "gap": lambda ds, where, _: wb.gap(ds, where=where, against="lighting == 'bright'"),
    "recreate": lambda ds, where, _: wb.recreate(ds, where=where, probes=False),
    "export": lambda ds, where, out: wb.export(ds, out / "out", where=where),
    "embed": lambda ds, where, _: wb.embed(ds, where=where),
    "duplicates": lambda ds, where, _: wb.duplicates(ds, where=where),
    "board": lambda ds, where, _: setattr(wb.Board(ds), "filter", where),
    "selection": lambda ds, where, _: wb.Selection(ds).pin(where),
}


@pytest.mark.parametrize("name", CALLS)
def test_every_function_says_it(samples: Any, name: str, tmp_path: Path) -> None:
    wb.measure(samples)
    assert said(lambda: CALLS[name](samples, TYPO, tmp_path)) == [SAID]
    assert said(lambda: CALLS[name](samples, TYPO, tmp_path)) == [SAID], "in a cell that runs again, too"
    (note,) = said(lambda: CALLS[name](samples, EMPTY, tmp_path))
    assert note.startswith("No sample matches the filter ")
    assert said(lambda: CALLS[name](samples, USUAL, tmp_path)) == []


@pytest.mark.parametrize("where", FILTERS)
def test_database_and_table_say_the_same(samples: Any, where: str) -> None:
    table = store.table(samples)
    assert said(lambda: store.asked(samples, where)) == absent(as_filter(where), table)
    assert len(store.select(samples, where)) == table.mask(as_filter(where)).sum()


def test_an_empty_dataset(dataset: Any) -> None:
    assert said(lambda: wb.tag(dataset, "failure:x", where=TYPO)) == [
        "No sample has lighting 'dimm'; no sample has any lighting."
    ]
