"""Recreating classes that no library has, of real photos, with a failure planted by another camera."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.builders import made_wedge
from workbench.actions.export import export
from workbench.actions.generate import generate
from workbench.actions.load import load
from workbench.actions.measure import measure
from workbench.actions.recreate import recreate
from workbench.actions.tag import tag
from workbench.adapters import store
from workbench.base.errors import InputError
from workbench.core.photos.file import read_photo
from workbench.core.scenario import Scenario, Unplaceable
from workbench.core.schema.labels import Record
from workbench.core.sensor.color import srgb_from_linear

pytestmark = pytest.mark.timeout(900)
FITTING = importlib.import_module("workbench.actions.recreate.fitting")
REFINE = importlib.import_module("workbench.actions.recreate.refine")
FAILURE = "failure:dim"


def _dimmed(data: bytes, rng: np.random.Generator) -> Image.Image:
    """Two and a half stops less, and noise in linear light: not by the workbench's own chain."""
    light = read_photo(data).light * 2.0 ** rng.uniform(-2.7, -2.3)
    light = (
        light + rng.normal(0, 0.004, light.shape) + rng.normal(0, 1, light.shape) * np.sqrt(np.maximum(light, 0) / 2500)
    )
    return Image.fromarray(np.rint(srgb_from_linear(np.clip(light, 0, 1)) * 255).astype(np.uint8))


@pytest.fixture(scope="module")
def cones(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Photos of cones and cubes; every third one dim and tagged; the last ten are test."""
    name = f"cones-{tmp_path_factory.mktemp('name').name}"
    given, dataset = store.open_dataset(f"{name}-given"), store.open_dataset(name)
    load(given, shared_data / "yolo_cones", source="real")
    folder, rng, records = tmp_path_factory.mktemp("photos"), np.random.default_rng(0), []
    for i, stored in enumerate(list(store.read(given))[:100]):
        data = stored.record.medium.read_bytes()
        dim = i % 3 == 0
        image = _dimmed(data, rng) if dim else Image.open(stored.record.medium).convert("RGB")
        path = folder / f"{'dim' if dim else 'usual'}-{i:03}.jpg"
        image.save(path, quality=90)
        record = stored.record
        split = "test" if i >= 90 else "train"
        records.append(Record(path, path.name, record.width, record.height, labels=record.labels, split=split))
    store.add(dataset, records, source="real")
    measure(dataset)
    ids = [stored.id for stored in store.read(dataset) if stored.record.origin.startswith("dim")]
    tag(dataset, FAILURE, ids=ids)
    yield dataset
    for each in (given, dataset):
        store.delete_dataset(each.name)


def test_classes_that_no_library_has_are_recreated_of_photos(
    cones: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("STEPS", 1), ("ROUNDS", (60, 30)), ("JUDGED", 40)):
        monkeypatch.setattr(FITTING, name, value)
    monkeypatch.setattr(REFINE, "PICTURES", 12)  # enough to see that it works; `make proof` shows how well
    found = recreate(cones, f"'{FAILURE}' in tags and split == 'train'", seconds=600, content="photos")
    assert found.content == "photos" and found.scenario.content == "photos"
    assert "content: photos (your own photos, developed anew)" in str(found)
    assert 0.4 <= found.aucs["photos"] <= 1.0
    scenario = Scenario.load(found.scenario.document())
    assert scenario == found.scenario
    result = generate(scenario, into=cones, n=12, folder=tmp_path / "out").result()
    test = set(store.select(cones, "split == 'test'"))
    classes = set()
    for stored in store.read(cones, result.sample_ids):
        generation = stored.record.generation
        assert not test & {*generation["donors"], generation["tone_partner"], *generation["parent_sample_ids"]}
        classes |= set(stored.record.labels.names)
    assert classes == {"cone", "cube"}
    measure(cones)
    exposure = store.table(cones).to_frame()["measures.exposure_ev"]
    dim, usual = (
        exposure[store.select(cones, where)]
        for where in (f"'{FAILURE}' in tags", f"source == 'real' and not '{FAILURE}' in tags")
    )
    assert abs(exposure[result.sample_ids].mean() - dim.mean()) < 0.35 * abs(usual.mean() - dim.mean())


def test_what_cannot_be_shown_is_refused_with_the_ways_out(cones: Any) -> None:
    where = f"'{FAILURE}' in tags and split == 'train'"
    with pytest.raises(InputError) as caught:
        recreate(cones, where, content="rendered")
    assert "cone, cube are not in the asset library" in caught.value.problem
    assert caught.value.fix is not None
    assert "content: photos" in caught.value.fix and "assets.targets.from" in caught.value.fix
    with pytest.raises(InputError, match="all are among those to recreate"):
        recreate(cones, "source == 'real'", content="photos")
    with pytest.raises(InputError, match="Unknown content 'oil'"):
        recreate(cones, where, content="oil")


def test_meshes_of_the_classes_are_rendered(cones: Any, tmp_path: Path) -> None:
    where = f"'{FAILURE}' in tags and split == 'train'"
    for name in ("cone.stl", "other.obj"):
        made_wedge().export(tmp_path / name)
    given = {"content": "rendered", "probes": False}
    found = recreate(cones, where, meshes={"cone": tmp_path / "cone.stl"}, **given)
    assert found.scenario.resolve(0).values["assets.targets.labels"][0] == f"cone@{tmp_path}/cone.stl"
    (row,) = [row for row in found.parameters if row.path == "assets.targets.labels"]
    assert "cone" in row.why
    parts = {"cone": [tmp_path / "cone.stl", tmp_path / "other.obj"], "cube": tmp_path / "other.obj"}
    both = recreate(cones, where, meshes=parts, **given).scenario
    drawn = set()
    for frame in range(30):
        with contextlib.suppress(Unplaceable):
            drawn |= set(both.resolve(frame).values["assets.targets.labels"])
    assert drawn == {f"{name}@{path}" for name, paths in (("cone", parts["cone"]), ("cube", [parts["cube"]]))
                     for path in paths}  # fmt: skip
    in_photos = recreate(cones, where, meshes=parts, content="plates", probes=False).scenario
    assert (in_photos.content, in_photos.donors.dataset) == ("plates", cones.name)
    made = generate(in_photos, into=cones, n=3, backend="flat", workers=0, folder=tmp_path / "media").result()
    for stored in store.read(cones, made.sample_ids):
        rendered = {label.name for label in stored.record.labels if label.attributes.get("plated")}
        assert rendered <= {"cone", "cube"}
    with pytest.raises(InputError, match="cone, cube are not in the asset library"):
        recreate(cones, where, content="plates")
    with pytest.raises(InputError, match=r"cone, cube are not among the meshes, which are of cone\.stl"):
        recreate(cones, where, meshes={"cone.stl": tmp_path / "cone.stl"}, **given)
    with pytest.raises(InputError, match="mesh file"):
        recreate(cones, where, meshes={"cone": 3}, **given)  # type: ignore[dict-item]


def test_one_photo_is_enough(cones: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, n in (("CHECKS", 3), ("ROUNDS", (24,)), ("FIRST_LEAST", 24), ("STEPS", 0)):
        monkeypatch.setattr(FITTING, name, n)
    one = store.select(cones, f"'{FAILURE}' in tags and split == 'train'")[:1]
    found = recreate(cones, ids=one, seconds=5)
    assert (found.samples, found.content, found.aucs) == (1, "photos", {})
    assert {row.confidence for row in found.parameters} <= {"low", "unknown", "high"}


def test_without_trial_pictures(cones: Any) -> None:
    found = recreate(cones, f"'{FAILURE}' in tags and split == 'train'", probes=False)
    assert "cone, cube are not in the asset library" in found.refused["rendered"]
    assert "not rendered: cone, cube are not in the asset library" in str(found)
    assert found.content in ("photos", "pasted") and found.gap_before is None
    assert found.scenario.resolve(0, donor_ids=found.scenario.donors.ids).values["photo.tone.partner"]


def test_what_is_made_of_photos_of_drawn_splits_is_exported(cones: Any, tmp_path: Path) -> None:
    """An export draws splits that no sample carries: its test and val give no pixels, so nothing is left out later."""
    name, where = f"{cones.name}-drawn", f"'{FAILURE}' in tags"
    drawn, splits = store.open_dataset(name), {"train": 0.6, "val": 0.2, "test": 0.2}
    try:
        photos = store.read(cones, store.select(cones, "source == 'real'"))
        records = [dataclasses.replace(stored.record, split=None) for stored in photos]
        store.add(drawn, records, source="real")
        measure(drawn)
        tag(drawn, FAILURE, ids=[stored.id for stored in store.read(drawn) if stored.record.origin.startswith("dim")])
        assert "has no splits yet" in str(recreate(drawn, where, content="photos", probes=False))
        export(drawn, tmp_path / "before", format="coco", splits=splits)
        assert len(store.held_back(drawn)) == len(records) // 5 and store.has_splits(drawn)
        found = recreate(drawn, where, content="photos", probes=False)
        (note,) = found.notes
        assert note.startswith("Left out of the fit, as they belong to test:")
        assert not store.held_back(drawn, ("test", "val")) & set(found.scenario.donors.ids)
        made = generate(found.scenario, into=drawn, n=12, folder=tmp_path / "out", workers=0).result()
        partners = {s.record.generation["tone_partner"] for s in store.read(drawn, made.sample_ids)}
        assert len(partners) > 1
        report = export(drawn, tmp_path / "after", format="coco", splits=splits)
        assert [left.reason for left in report.left_out if left.id in made.sample_ids] == []
    finally:
        store.delete_dataset(name)
