"""From tagged samples to a scenario: what is taken over, what is refused, and that pictures come closer."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from workbench.actions.generate import generate
from workbench.actions.measure import measure
from workbench.actions.recreate import recreate, rendered
from workbench.actions.recreate.samples import samples_of
from workbench.actions.tag import tag
from workbench.adapters import store
from workbench.base.errors import Cancelled, FilterError, InputError
from workbench.base.progress import Cancel, Progress, Work, silent
from workbench.core.scenario import Scenario, Unplaceable

pytestmark = pytest.mark.timeout(1200)
FITTING = importlib.import_module("workbench.actions.recreate.fitting")
Write = Callable[..., Path]
SIZE = {"sensor.camera.resolution": [160, 120]}
DARK = SIZE | {"sensor.exposure.ev": {"uniform": [-3.2, -2.6]}, "scene.surface.label": "metal"}
NORMAL = SIZE | {"sensor.exposure.ev": {"uniform": [-0.2, 0.4]}, "scene.surface.label": "wood"}
FAILURE = "failure:dark_metal"


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Frames that stand for photos: 24 normal ones on wood, and 12 dark ones on metal that are tagged.

    By the quickest renderer, as the fits below: what a fit does is the same with each.
    """
    name = f"recreate-{tmp_path_factory.mktemp('name').name}"
    dataset = store.open_dataset(name)
    base = Scenario.load("bright_tray")
    for label, changes, n in (("normal", NORMAL, 24), ("dark", DARK, 12)):
        made = base.replace(changes, name=label, seed=5)
        ids = (
            generate(made, into=dataset, n=n, workers=2, backend="flat", folder=tmp_path_factory.mktemp(label))
            .result()
            .sample_ids
        )
        word = {"surface": "metal" if label == "dark" else "wood", "source": "real"}
        store.set_values(dataset, dict.fromkeys(ids, word))
    measure(dataset)
    tag(dataset, FAILURE, ids=ids)
    yield dataset
    store.delete_dataset(name)


def test_what_they_have_in_common_becomes_a_scenario(
    cell: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks: list[Any] = []
    found = recreate(
        cell, f"'{FAILURE}' in tags", content="rendered", backend="flat", seconds=30, work=Work(ticks.append)
    )
    rows = {row.path: row for row in found.parameters}
    assert found.samples == 12 and found.scenario.name == "dark_metal"
    assert rows["sensor.exposure.ev"].mode == "jitter" and rows["scene.surface.label"].measured == {"metal": 1.0}
    assert rows["assets.targets.labels"].mode == "free"  # both kinds draw all classes
    assert found.gap_before is not None and found.gap_after is not None
    assert found.gap_after < found.gap_before
    assert (ticks[-1].done, ticks[-1].finished) == (ticks[-1].total, True)
    text = found.scenario.dump(tmp_path / "dark.yaml")
    again = Scenario.load(tmp_path / "dark.yaml")
    assert again == found.scenario and FAILURE in text
    made = generate(again, into=cell, n=8, backend="flat", folder=tmp_path / "media").result()
    new = list(store.read(cell, made.sample_ids))
    parents = {one.record.generation["parent_sample_id"] for one in new}
    assert parents <= set(store.select(cell, f"'{FAILURE}' in tags and source == 'real'"))
    assert {one.record.generation["params"]["scene.surface.label"] for one in new} == {"metal"}
    assert [one.record.width for one in new] == [160] * 8
    measure(cell)
    exposure = store.table(cell).to_frame()["measures.exposure_ev"]
    dark, normal = (exposure[store.select(cell, f"source == 'real' and surface == '{w}'")] for w in ("metal", "wood"))
    assert abs(exposure[made.sample_ids].mean() - dark.mean()) < 0.3 * abs(normal.mean() - dark.mean())


@pytest.fixture()
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few pictures: enough to see what a fit says of what it cannot know, not to fit well."""
    monkeypatch.setattr(FITTING, "CHECKS", 3)
    monkeypatch.setattr(FITTING, "ROUNDS", (24, 24))
    monkeypatch.setattr(FITTING, "JUDGED", 24)


def _exposures(scenario: Scenario) -> np.ndarray:
    found = []
    for frame in range(100):
        with contextlib.suppress(Unplaceable):
            found.append(scenario.resolve(frame).values["sensor.exposure.ev"])
    return np.array(found)


@pytest.mark.parametrize(("n", "confidence", "title"), [(1, "low", "from 1 sample;"), (3, "low", "from 3 samples;")])
def test_few_samples_give_a_wide_scenario(cell: Any, quick: None, n: int, confidence: str, title: str) -> None:
    found = recreate(
        cell,
        ids=store.select(cell, f"'{FAILURE}' in tags and source == 'real'")[:n],
        name="few",
        content="rendered",
        backend="flat",
    )
    assert title in str(found).splitlines()[0] and f"What {title[5:-1]} of" in found.scenario.description
    assert {row.confidence for row in found.parameters} <= {confidence, "unknown"}
    assert np.ptp(_exposures(found.scenario)) > 2  # stops; the twelve differ by 0.6


def test_mixed_samples_give_a_scenario_of_both(cell: Any, quick: None, tmp_path: Path) -> None:
    rest = Scenario.load("bright_tray").replace(DARK, name="rest")  # what they are compared with: metal as well
    generate(rest, into=cell, n=8, backend="flat", folder=tmp_path).result()
    measure(cell)
    found = recreate(cell, "source == 'real'", content="rendered", backend="flat")
    assert found.scenario.name == "recreated" and found.samples == 36 and found.synthetic == 0
    assert np.ptp(_exposures(found.scenario)) > 2  # the dark ones lie three stops below the normal ones
    assert {row.mode for row in found.parameters if row.path == "scene.surface.label"} == {"free"}


def test_synthetic_samples_are_told_of(cell: Any, tmp_path: Path) -> None:
    made = generate(
        Scenario.load("bright_tray").replace(SIZE), into=cell, n=2, backend="flat", folder=tmp_path
    ).result()
    measure(cell)
    found = recreate(cell, ids=made.sample_ids, probes=False)
    assert (found.samples, found.synthetic) == (2, 2) and "2 of them are synthetic" in str(found)
    assert set(found.scenario.anchor.sample_ids) == set(made.sample_ids)


def test_a_cancelled_fit_leaves_everything_as_it_was(cell: Any, tmp_path: Path) -> None:
    cancel, before, ticks = Cancel(), store.info(cell), []

    def listen(tick: Any) -> None:
        ticks.append(tick)
        if tick.done == 3:
            cancel.set()

    with pytest.raises(Cancelled):
        recreate(cell, f"'{FAILURE}' in tags and source == 'real'", backend="flat", work=Work(listen, cancel))
    assert ticks[-1].finished and ticks[-1].done < 10
    assert store.info(cell) == before and not list(tmp_path.iterdir())
    assert not [
        one for one in psutil.Process().children() if "workbench.base.processes.child" in " ".join(one.cmdline())
    ]


def test_a_fit_without_time_makes_what_it_needs(cell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FITTING, "LEAST_CHECKS", 3)
    monkeypatch.setattr(FITTING, "FIRST_LEAST", 21)
    ticks: list[Any] = []
    given = {"content": "rendered", "backend": "flat", "work": Work(ticks.append)}
    found = recreate(cell, f"'{FAILURE}' in tags and source == 'real'", seconds=0.1, **given)
    assert found.probes == 21 and (ticks[-1].done, ticks[-1].total) == (27, 27)


def test_another_content_is_not_begun_without_time(cell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FITTING, "LEAST_CHECKS", 3)
    monkeypatch.setattr(FITTING, "FIRST_LEAST", 21)
    found = recreate(cell, f"'{FAILURE}' in tags and source == 'real'", seconds=0.1, backend="flat")
    assert found.content == "photos" and found.probes == 21
    assert set(found.refused) == {"rendered", "pasted"}
    assert "not rendered: the time was too short to try it; allow more seconds." in str(found)


@pytest.mark.parametrize("refined", [False, True])
@pytest.mark.parametrize(("per_s", "slower"), [(1.2, 1.0), (3.0, 1.0), (3.0, 0.5), (30.0, 1.0), (100.0, 0.5)])
def test_a_fit_keeps_to_its_time(
    cell: Any, monkeypatch: pytest.MonkeyPatch, refined: bool, per_s: float, slower: float
) -> None:
    """By a clock of the test: each image takes a second's part, the later half of them longer where others work too."""
    now_s, rng, seconds = [100.0], np.random.default_rng(0), 90.0

    def probed(pool: Any, scenarios: Any, names: Any, backend: str, progress: Progress, *_: Any, **__: Any) -> Any:
        for _scenario in scenarios:
            now_s[0] += 1 / per_s / (slower if now_s[0] > 100 + seconds / 2 else 1.0)
            progress.advance()
        return rng.normal(size=(len(scenarios), len(names)))

    monkeypatch.setattr(FITTING, "probed", probed)
    monkeypatch.setattr("time.monotonic", lambda: now_s[0])
    samples = samples_of(cell, f"'{FAILURE}' in tags and source == 'real'", None)
    candidate = dataclasses.replace(rendered.candidate(samples, "x", ""), refined=refined)
    left: list[float] = []
    progress = Progress("fitting", total=FITTING.pictures_of(candidate), unit="picture", work=Work(silent), limit_s=90)
    monkeypatch.setattr(progress, "_listener", lambda tick: left.append(tick.seconds_left + now_s[0] - 100))
    fitted = FITTING.fitted(candidate, samples, None, seconds=seconds, backend="flat", progress=progress)
    assert now_s[0] - 100 <= seconds * (1.1 if slower == 1 else 1.35) and fitted.auc is not None
    assert max(left) <= seconds * 1.35  # what was said of the end


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"where": "lighting == 'nothing of the kind'"}, InputError, "nothing of the kind.*: No samples to recreate"),
        ({"where": "nonsense == 3"}, FilterError, "nonsense"),
        ({}, InputError, "Neither where nor ids was given"),
        ({"ids": ["0" * 24]}, InputError, "The dataset has no sample '0{24}'"),
    ],
)
def test_mistakes(cell: Any, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        recreate(cell, **options)


def test_without_a_common_class_those_of_the_data_are_drawn(dataset: Any, picture: Write) -> None:
    from workbench.core.schema.labels import Label, Record

    parts = ["gear", "bolt", "a class of their own"]
    store.add(
        dataset,
        [
            Record(picture(f"{i}.png", seed=i), f"{i}.png", 64, 48, labels=(Label(parts[i % 3], (1, 1, 9, 9)),))
            for i in range(6)
        ],
        source="real",
    )
    measure(dataset)
    half = [one.id for one in store.read(dataset) if one.record.origin < "3"]
    found = recreate(dataset, ids=half, probes=False)
    row = next(one for one in found.parameters if one.path == "assets.targets.labels")
    assert row.mode == "free" and row.why.endswith("drawn from the classes of the data: bolt, gear")
    drawn = [label for i in range(8) for label in found.scenario.resolve(i).values["assets.targets.labels"]]
    assert set(drawn) == {"bolt", "gear"}


def test_not_measured(dataset: Any, picture: Write) -> None:
    from workbench.core.schema.labels import Record

    store.add(dataset, [Record(picture(), "a.png", 64, 48)], source="real")
    with pytest.raises(InputError, match="Measure first"):
        recreate(dataset, "source == 'real'")


def test_the_command(cell: Any, tmp_path: Path) -> None:
    target = tmp_path / "scenario.yaml"
    command = [sys.executable, "-m", "workbench.ui.cli", "recreate", cell.name, "--where", f"'{FAILURE}' in tags"]
    done = subprocess.run(
        [*command, "-o", str(target), "--no-probes", "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert {"path", "mode", "measured", "confidence"} <= found["parameters"][0].keys()
    assert Scenario.load(target).anchor.dataset == cell.name
    assert np.isfinite(found["samples"])
