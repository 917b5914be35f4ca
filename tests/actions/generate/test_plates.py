"""Rendered parts in the user's own photos: labels, light, camera, lineage, what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.builders import made_wedge
from workbench.actions.generate import generate, reproduce
from workbench.actions.generate.donors import supply_for
from workbench.actions.generate.frame import accepted_draw
from workbench.adapters import store
from workbench.base.errors import InputError, ScenarioError
from workbench.core.scenario import Scenario
from workbench.core.scenario.camera import look_at
from workbench.core.schema.labels import Camera, Label, Record

SIZE = (160, 120)
SCENARIO = {
    "scenario": 1,
    "name": "plates",
    "content": "plates",
    "assets": {"targets.count": 3},
    "photo": {"crop": 1},
    "sensor": {"camera.pose": {"shell_look_at": {"target": [0, 0, 0], "azimuth": [0, 360], "elevation": [60, 70],
                                                 "radius": [0.5, 0.6]}}},
}  # fmt: skip


@pytest.fixture
def desk(dataset: Any, tmp_path: Path) -> Any:
    """Six photos of a grey desk with labelled stones on it, two of them in test."""
    records = []
    for i in range(6):
        rng = np.random.default_rng(i)
        pixels = 120 + rng.normal(0, 3, (SIZE[1], SIZE[0], 3))
        boxes = [(float(x), 10.0 + 15 * k, float(x + 12), 22.0 + 15 * k) for k, x in enumerate(rng.integers(5, 140, 3))]
        for left, top, right, bottom in boxes:
            pixels[int(top) : int(bottom), int(left) : int(right)] = (60, 40, 30)
        path = tmp_path / f"{i}.png"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
        labels = tuple(Label("stone", box) for box in boxes)
        records.append(Record(path, path.name, *SIZE, labels=labels, split="test" if i < 2 else "train"))
    store.add(dataset, records, source="real")
    return dataset


def _scenario(dataset: Any, **more: Any) -> Scenario:
    return Scenario.load({**SCENARIO, "donors": {"dataset": dataset.name}, **more})


def test_parts_lie_in_photos_with_the_labels_of_both(desk: Any, tmp_path: Path) -> None:
    scenario = _scenario(desk)
    result = generate(scenario, into=desk, n=4, backend="flat", folder=tmp_path / "out", workers=0).result()
    assert (result.generated, result.failed) == (4, 0)
    of_train = set(store.select(desk, "split == 'train'"))
    for stored in store.read(desk, result.sample_ids):
        record, generation = stored.record, stored.record.generation
        assert (generation["content"], generation["backend"], stored.source) == ("plates", "flat", "synthetic")
        assert set(generation["donors"]) == {generation["params"]["photo.donor"]} <= of_train
        assert len(generation["assets"]) >= 1 and generation["view"] == "scenario"
        own = [label for label in record.labels if label.name == "stone"]
        parts = [label for label in record.labels if label.attributes.get("plated")]
        assert len(own) + len(parts) == len(record.labels) and len(own) + generation["labels_covered"] == 3
        assert parts and all(part.mask is not None and part.T_cam_obj is not None for part in parts)
        assert record.camera is not None and (record.camera.width, record.camera.height) == SIZE
    made = reproduce(desk, result.sample_ids[0])
    assert made.identical and made.image_identical
    again = generate(scenario, into=desk, n=4, backend="flat", folder=tmp_path / "out", workers=0).result()
    assert (again.generated, again.already_there) == (0, 4)


@pytest.mark.parametrize("backend", ["flat", pytest.param("open3d", marks=pytest.mark.slow)])
def test_the_photo_changes_where_labels_say_and_in_shadows_alone(desk: Any, tmp_path: Path, backend: str) -> None:
    """The picture against the same photo developed alike without parts."""
    scenario = _scenario(desk, lighting={"key.intensity": 800, "key.direction.elevation": 50})
    supply = supply_for(scenario, tmp_path)
    for frame in range(4):
        draft = accepted_draw(scenario, frame, supply)
        made, plain = (shot.picture.srgb.astype(int) for shot in (draft.shoot(backend), draft.ground.shoot(backend)))  # type: ignore[attr-defined]
        changed = np.abs(made - plain).max(axis=2) > 6
        parts = np.zeros(changed.shape, np.uint8)
        for label in draft.labels:
            if label.attributes.get("plated"):
                left, top = int(label.xyxy[0]), int(label.xyxy[1])
                assert label.mask is not None
                parts[top : top + label.mask.shape[0], left : left + label.mask.shape[1]] |= label.mask
        inside, near = cv2.erode(parts, np.ones((3, 3))), cv2.dilate(parts, np.ones((7, 7)))
        assert changed[inside > 0].mean() > 0.8
        brighter = made.sum(axis=2) > plain.sum(axis=2) + 12
        assert not (brighter & (near == 0)).mean() > 0.02  # reflections
        if backend == "flat":
            assert not (changed & (near == 0)).any()


def test_the_camera_is_the_photos_own_where_it_is_known(desk: Any, tmp_path: Path) -> None:
    """By its pose; else by the widths of its labels; else as drawn."""
    pose = look_at(azimuth_deg=30, elevation_deg=40, radius_m=0.7, roll_deg=0, target_m=(0.4, -0.2, 0.0))
    camera = Camera(*SIZE, 150.0, 150.0, 79.5, 59.5, T_world_cam=pose)
    columns = [
        tuple(float(v) for v in (5 + 30 * k, w, 5 + 30 * k + w / 2, 10 + w)) for k, w in enumerate((20, 30, 40, 50))
    ]
    records = []
    for name, given, labels in (
        ("posed", camera, ()),
        ("below", Camera(*SIZE, 150.0, 150.0, 79.5, 59.5, T_world_cam=-np.eye(4)), ()),
        ("wide", None, tuple(Label("stone", box) for box in columns)),
    ):
        path = tmp_path / f"{name}.png"
        Image.fromarray(np.full((SIZE[1], SIZE[0], 3), 120, np.uint8)).save(path)
        records.append(Record(path, path.name, *SIZE, camera=given, labels=labels, split="train"))
    store.add(desk, records, source="real")
    ids = {stored.record.origin: stored.id for stored in store.read(desk)}
    found = {}
    for name in ("posed", "below", "wide"):
        scenario = _scenario(desk, donors={"dataset": desk.name, "ids": [ids[f"{name}.png"]]})
        draft = accepted_draw(scenario, 0, supply_for(scenario, tmp_path / name))
        found[name] = draft
    views = {name: draft.lineage()["view"] for name, draft in found.items()}
    assert views == {"posed": "photo", "below": "scenario", "wide": "labels"}
    seen = Camera.from_dict(dict(found["posed"].outcome()["camera"]))
    assert (seen.fx, seen.cx) == (150.0, 79.5) and seen.T_world_cam is not None
    np.testing.assert_allclose(seen.T_world_cam[:3, :3], pose[:3, :3], atol=1e-9)
    np.testing.assert_allclose(seen.T_world_cam[:3, 3], 0.7 * -pose[:3, 2], atol=1e-9)  # it looks at the parts


def test_parts_are_as_large_as_the_photos_own_of_their_class(desk: Any, tmp_path: Path) -> None:
    made_wedge().export(tmp_path / "stone.stl")
    meshes = {"targets": {"from": {"stone": str(tmp_path / "stone.stl")}, "count": 2}}
    scenario = _scenario(desk, assets=meshes)
    supply = supply_for(scenario, tmp_path / "supply")
    widths = []
    for frame in range(8):
        labels = accepted_draw(scenario, frame, supply).labels
        widths += [b.xyxy[2] - b.xyxy[0] for b in labels if b.attributes.get("plated")]
    assert 8 < np.median(widths) < 18  # 12 in the photos


@pytest.mark.parametrize(
    ("more", "error", "message"),
    [
        ({"donors": {}}, InputError, "no dataset is named"),
        ({"donors": {"dataset": "DS", "where": "split == 'test'"}}, InputError, "2 of them belong to test"),
        ({"assets": {"targets": {"from": {"stone": "nowhere.stl"}, "count": 1}}}, InputError, "does not exist"),
        ({"paste": {"scale": 2}}, ScenarioError, "paste"),
    ],
)
def test_wrong_wishes_are_told_before_the_first_frame(
    desk: Any, tmp_path: Path, more: dict[str, Any], error: type[Exception], message: str
) -> None:
    if more.get("donors"):
        more = {"donors": {**more["donors"], "dataset": desk.name}}
    with pytest.raises(error, match=message):
        supply_for(_scenario(desk, **more), tmp_path)
