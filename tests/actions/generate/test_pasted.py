"""Pictures of the user's own objects on the user's own photos: jobs, lineage, what may give pixels, what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from workbench.actions.generate import generate, preview, reproduce
from workbench.actions.generate.job import Cancelled
from workbench.adapters import store
from workbench.base.errors import InputError, ScenarioError
from workbench.base.progress import Cancel, Tick, Work
from workbench.core.scenario import Scenario
from workbench.core.schema.labels import Label, Record

SCENARIO = {"scenario": 1, "name": "clutter", "content": "pasted", "assets": {"targets.count": 3}}
HIDDEN = (250, 0, 250)  # the colour of objects in test


def _photo(path: Path, seed: int, colour: tuple[int, int, int]) -> tuple[Path, np.ndarray]:
    """A photo with an ellipse, and its mask."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(60, 180, (5, 6, 3)).astype(np.float32)
    pixels = cv2.resize(coarse, (96, 72), interpolation=cv2.INTER_CUBIC) + rng.normal(0, 2, (72, 96, 3))
    y, x = np.mgrid[:72, :96] + 0.5
    cx, cy = rng.uniform(30, 66), rng.uniform(25, 47)
    mask = ((x - cx) / 14) ** 2 + ((y - cy) / 10) ** 2 <= 1
    pixels[mask] = colour
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return path, mask


def _label(name: str, mask: np.ndarray, kind: str) -> Label:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top, right, bottom = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    box = (float(left), float(top), float(right), float(bottom))
    if kind == "box":
        return Label(name, box)
    if kind == "outline":
        contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        return Label(name, box, polygons=(contours[0][:, 0].astype(float) + 0.5,))
    return Label(name, box, mask=mask[top:bottom, left:right])


@pytest.fixture
def eggs(dataset: Any, tmp_path: Path) -> Any:
    """Twelve photos with an object each, by box, outline or mask; four in test, one of train from a scene of these."""
    records = []
    for i in range(12):
        hidden = i < 5
        path, mask = _photo(tmp_path / f"{i:02}.png", i, HIDDEN if hidden else (20 + 15 * i, 220, 30))
        label = _label("hidden" if i < 5 else "egg" if i % 2 else "stone", mask, ("box", "outline", "mask")[i % 3])
        split, scene = "test" if i < 4 else "train", "hall" if i in (0, 4) else None
        records.append(Record(path, path.name, 96, 72, labels=(label,), split=split, scene_id=scene))
    store.add(dataset, records, source="real")
    return dataset


def _scenario(dataset: Any, **more: Any) -> Scenario:
    return Scenario.load({**SCENARIO, "donors": {"dataset": dataset.name}, **more})


def _by_origin(dataset: Any) -> dict[str, str]:
    return {stored.record.origin: stored.id for stored in store.read(dataset)}


def test_objects_are_pasted_with_their_labels_and_nothing_of_test(eggs: Any, tmp_path: Path) -> None:
    ids = _by_origin(eggs)
    partner = ids["07.png"]
    scenario = _scenario(eggs, photo={"tone.partner": partner, "tone.strength": 0.3})
    result = generate(scenario, into=eggs, n=10, folder=tmp_path / "out", workers=0).result()
    assert (result.generated, result.rejected, result.failed) == (10, 0, 0)
    allowed = {ids[f"{i:02}.png"] for i in range(5, 12)}
    for stored in store.read(eggs, result.sample_ids):
        record, generation = stored.record, stored.record.generation
        params = generation["params"]
        objects = [name.rpartition("/")[0] for name in params["paste.object"]]
        assert stored.source == "synthetic" and generation["content"] == "pasted" and len(objects) == 3
        assert set(generation["donors"]) == {params["photo.donor"], partner, *objects} <= allowed
        assert [piece["object"] for piece in generation["pasted"]] == params["paste.object"]
        lost = generation["labels_cut"] + generation["labels_covered"] + generation["objects_hidden"]
        assert len(record.labels) + lost == 4
        for label in record.labels:
            assert label.name in ("egg", "stone")
            if label.attributes.get("pasted"):
                assert label.attributes["donor"] in objects and label.mask is not None
                assert 0.25 <= label.attributes["visible_fraction"] <= 1.0
        pixels = np.asarray(Image.open(record.medium).convert("RGB"), int)
        assert np.abs(pixels - HIDDEN).max(axis=2).min() > 40
    again = generate(scenario, into=eggs, n=10, folder=tmp_path / "out", workers=0).result()
    assert (again.generated, again.already_there) == (0, 10)


def test_a_picture_is_made_again_from_its_record(eggs: Any, tmp_path: Path) -> None:
    look = {"rotation": {"uniform": [-90, 90]}, "mirror": {"choice": [True, False]}, "shadow": 0.5, "match": 1}
    scenario = _scenario(eggs, paste=look, photo={"rotation": 4}).replace({"sensor.noise.gain": 8})
    result = generate(scenario, into=eggs, n=3, folder=tmp_path / "out", workers=0).result()
    for sample_id in result.sample_ids:
        made = reproduce(eggs, sample_id)
        assert made.identical and made.image_identical and made.max_pixel_difference == 0


def test_a_cancelled_job_goes_on_as_if_it_had_not_stopped(eggs: Any, tmp_path: Path) -> None:
    scenario, cancel = _scenario(eggs), Cancel()

    def listener(tick: Tick) -> None:
        if tick.done >= 2:
            cancel.set()

    name = f"{eggs.name}-whole"
    whole = generate(scenario, into=name, n=6, folder=tmp_path / "whole", workers=2).result()
    assert whole.generated == 6
    store.delete_dataset(name)
    with pytest.raises(Cancelled):
        generate(
            scenario, into=eggs, n=6, folder=tmp_path / "out", workers=0, work=Work(listener=listener, cancel=cancel)
        ).result()
    rest = generate(scenario, into=eggs, n=6, folder=tmp_path / "out", workers=0).result()
    assert rest.already_there >= 2 and rest.generated + rest.already_there == 6
    one, two = (sorted((tmp_path / folder / "images").iterdir()) for folder in ("whole", "out"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two] and len(one) == 6


def test_a_preview_is_the_same_picture_smaller(eggs: Any, tmp_path: Path) -> None:
    (small,) = preview(_scenario(eggs), 1, width_px=48, boxes=False)
    result = generate(_scenario(eggs), into=eggs, n=1, folder=tmp_path / "out", workers=0).result()
    with Image.open(store.require_sample(eggs, result.sample_ids[0]).record.medium) as picture:
        full = np.asarray(picture.convert("RGB").resize(small.shape[1::-1], Image.Resampling.BOX), float)
    assert np.corrcoef(small.ravel(), full.ravel())[0, 1] > 0.8 and np.abs(small - full).mean() < 16


def test_classes_that_are_asked_for_are_the_only_ones(eggs: Any, tmp_path: Path) -> None:
    scenario = _scenario(eggs, paste={"object": {"object": {"classes": ["stone"]}}})
    result = generate(scenario, into=eggs, n=4, folder=tmp_path / "out", workers=0).result()
    for stored in store.read(eggs, result.sample_ids):
        assert {label.name for label in stored.record.labels if label.attributes.get("pasted")} <= {"stone"}


class Objects:
    """Objects of which every third has no sure outline."""

    def __init__(self, n: int) -> None:
        self.names = [f"{i:024x}/{i % 3}" for i in range(n)]
        self.classes = [("cup", "box")[i % 2] for i in range(n)]

    def confidence(self, name: str) -> float:
        return 0.2 if name.endswith("/0") else 0.9


def test_adding_objects_leaves_most_draws_as_they_were() -> None:
    scenario = Scenario.load({**SCENARIO, "photo": {"donor": "a"}})
    few, many = Objects(49), Objects(50)

    def drawn(objects: Objects) -> list[str]:
        return [n for i in range(100) for n in scenario.resolve(i, objects=objects).values["paste.object"]]

    before, after = drawn(few), drawn(many)
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert set(changed) <= {many.names[49]} and len(changed) < 30 and len(set(before)) > 25
    assert not any(name.endswith("/0") for name in before)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"donors": None}, InputError, "no dataset is named"),
        ({"donors": {"dataset": "DS", "where": "split == 'test'"}}, InputError, "4 of them belong to test"),
        (
            {"paste": {"object": {"object": {"classes": ["egg", "cup"]}}}},
            InputError,
            "No donor has an object of class cup",
        ),
        (
            {"paste": {"object": {"object": {"classes": ["hidden"]}}}},
            InputError,
            "No donor has an object of class hidden",
        ),
        ({"paste": {"object": {"object": "best"}}}, ScenarioError, "Write {object: any}"),
        ({"paste": {"object": {"object": {"classes": []}}}}, ScenarioError, "at least one entry"),
        ({"paste": {"object": {"donor": "any"}}}, ScenarioError, "A donor is the id of a sample"),
        ({"photo": {"donor": {"object": "any"}}}, ScenarioError, "A labelled object means nothing here"),
        ({"paste": {"object": "NINE/7"}}, InputError, "There is no labelled object .*/7: its sample has 1 label"),
        ({"paste": {"object": "TEST/0"}}, InputError, "its sample is no donor"),
        ({"paste": {"object": "nine"}}, ScenarioError, "'nine' is not an object"),
        ({"content": "photos"}, ScenarioError, "means nothing with content: photos"),
        ({"paste": {"scale": 0}}, ScenarioError, "0 is not a number from 0.05 to 20"),
    ],
)
def test_bad_wishes_are_refused_before_the_first_frame(
    eggs: Any, tmp_path: Path, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    ids = _by_origin(eggs)
    text = json.dumps({**SCENARIO, "donors": {"dataset": "DS"}, **changes}).replace('"DS"', json.dumps(eggs.name))
    text = text.replace("TEST", ids["01.png"]).replace("NINE", ids["09.png"])
    with pytest.raises(error, match=message):
        generate(json.loads(text), into=eggs, n=2, folder=tmp_path / "out", workers=0)
    assert not list((tmp_path / "out").rglob("*.png"))


def test_objects_that_cannot_be_cut_out_are_counted_and_refused(dataset: Any, tmp_path: Path) -> None:
    path, _ = _photo(tmp_path / "a.png", 1, (20, 200, 30))
    labels = [Label("a", (0.0, 5.0, 30.0, 30.0)), Label("a", (40.0, 40.0, 44.0, 60.0))]
    store.add(dataset, [Record(path, "a.png", 96, 72, labels=labels)], source="real")
    message = "No labelled object of the donors can be cut out: 1 at the photo's edge, 1 too small"
    with pytest.raises(InputError, match=message):
        generate(_scenario(dataset), into=dataset, n=1, folder=tmp_path / "out", workers=0)


def test_outlines_that_are_not_sure_are_counted_and_refused(eggs: Any, tmp_path: Path) -> None:
    path = tmp_path / "plain.png"
    Image.fromarray(np.random.default_rng(0).integers(100, 110, (72, 96, 3), np.uint8)).save(path)
    plain = Record(path, "plain.png", 96, 72, labels=(Label("nothing", (20.0, 20.0, 60.0, 50.0)),), split="train")
    store.add(eggs, [plain], source="real")
    result = generate(_scenario(eggs), into=eggs, n=30, folder=tmp_path / "out", workers=0).result()
    assert any("1 of " in note and "confidence below 0.8" in note for note in result.notes), result.notes
    only = _scenario(eggs, paste={"object": {"object": {"classes": ["nothing"]}}})
    with pytest.raises(InputError, match="No outline of 1 labelled object is sure enough"):
        generate(only, into=eggs, n=1, folder=tmp_path / "b", workers=0)
