"""Pictures made of the user's own photos: jobs, lineage, what may give pixels, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workbench.actions.export import export
from workbench.actions.generate import develop, generate, preview, reproduce
from workbench.adapters import store
from workbench.base.errors import InputError, ScenarioError
from workbench.core.photos.file import coding_of
from workbench.core.scenario import Scenario
from workbench.core.schema.labels import Label, Record

SCENARIO = {"scenario": 1, "name": "dim cones", "content": "photos", "sensor": {"exposure.ev": -2}}


def _photo(path: Path, seed: int, *, size: tuple[int, int] = (64, 48)) -> Path:
    coarse = np.random.default_rng(seed).integers(60, 250, (6, 8, 3), np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    image.save(path, quality=85)
    return path


@pytest.fixture
def cones(dataset: Any, tmp_path: Path) -> Any:
    """Twelve photos of classes that no library has: four in test, and one of train from the scene of one of these."""
    records = []
    for i in range(12):
        split = "test" if i < 4 else "train"
        mask = np.ones((20, 16), bool)
        mask[:5, :4] = False
        label = Label("cone", (20.0, 10.0, 36.0, 30.0), mask=mask, attributes={"upright": True})
        crowd = Label("crowd of cubes", (2.0, 3.0, 12.0, 9.0), attributes={"iscrowd": True})
        path = _photo(tmp_path / f"{i:02}.jpg", i, size=(64, 48) if i % 2 else (80, 60))
        width, height = (64, 48) if i % 2 else (80, 60)
        scene = "hall" if i in (0, 4) else None
        records.append(Record(path, path.name, width, height, labels=(label, crowd), split=split, scene_id=scene))
    store.add(dataset, records, source="real")
    return dataset


def _scenario(dataset: Any, **more: Any) -> Scenario:
    return Scenario.load({**SCENARIO, "donors": {"dataset": dataset.name}, **more})


def _by_origin(dataset: Any) -> dict[str, str]:
    return {stored.record.origin: stored.id for stored in store.read(dataset)}


def test_photos_are_developed_with_their_labels(cones: Any, tmp_path: Path) -> None:
    scenario = _scenario(cones)
    result = generate(scenario, into=cones, n=12, folder=tmp_path / "out", workers=0).result()
    assert (result.generated, result.rejected, result.failed) == (12, 0, 0)
    donors, ids = {stored.id: stored for stored in store.read(cones)}, _by_origin(cones)
    for stored in store.read(cones, result.sample_ids):
        record, generation = stored.record, stored.record.generation
        (donor,) = generation["donors"]
        assert stored.source == "synthetic" and generation["content"] == "photos"
        assert donors[donor].record.split == "train" and donor != ids["04.jpg"]  # that shares a scene with a test photo
        assert 0.84 <= record.width / donors[donor].record.width <= 1 and record.height <= donors[donor].record.height
        with Image.open(record.medium) as picture:
            assert picture.size == (record.width, record.height)
            dark = np.asarray(picture).mean()
        assert dark < 0.6 * np.asarray(Image.open(donors[donor].record.medium)).mean()
        assert set(record.labels.names) <= {"cone", "crowd of cubes"}
        for label in record.labels:
            assert label.mask is None or label.mask.shape == _shape(label.xyxy)
            assert label.attributes.get("upright" if label.name == "cone" else "iscrowd") is True
        coding = coding_of(record.medium.read_bytes())
        assert coding is not None and coding.quality() == 85  # as the photos' own files
    again = generate(scenario, into=cones, n=12, folder=tmp_path / "out", workers=0).result()
    assert (again.generated, again.already_there) == (0, 12)


def _shape(xyxy: Any) -> tuple[int, int]:
    left, top, right, bottom = xyxy
    return int(np.ceil(bottom - 1e-9) - np.floor(top + 1e-9)), int(np.ceil(right - 1e-9) - np.floor(left + 1e-9))


def test_a_picture_is_made_again_from_its_record(cones: Any, tmp_path: Path) -> None:
    partner = _by_origin(cones)["07.jpg"]
    scenario = _scenario(cones, photo={"rotation": {"uniform": [-9, 9]}, "mirror": True, "tone.partner": partner})
    scenario = scenario.replace({"sensor.noise.gain": 8, "sensor.noise.grain_px": 0.5, "sensor.jpeg.quality": 70})
    result = generate(scenario, into=cones, n=3, folder=tmp_path / "out", workers=0).result()
    for sample_id in result.sample_ids:
        made = reproduce(cones, sample_id)
        assert made.identical and made.image_identical and made.max_pixel_difference == 0
        assert store.require_sample(cones, sample_id).record.generation["tone_partner"] == partner


def test_adding_donors_leaves_most_draws_as_they_were(cones: Any) -> None:
    scenario, ids = _scenario(cones), [f"{i:024x}" for i in range(50)]
    before = [scenario.resolve(i, donor_ids=ids[:49]).values["photo.donor"] for i in range(300)]
    after = [scenario.resolve(i, donor_ids=ids[::-1]).values["photo.donor"] for i in range(300)]
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert set(changed) <= {ids[49]} and 0 < len(changed) < 25 and len(set(before)) > 40


def test_a_png_stays_one_and_a_grey_photo_grey(dataset: Any, tmp_path: Path) -> None:
    path = tmp_path / "grey.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (30, 40), np.uint8)).save(path)
    store.add(dataset, [Record(path, "grey.png", 40, 30, labels=(Label("a", (1, 1, 9, 9)),))], source="real")
    scenario = _scenario(dataset).replace({"sensor.noise.gain": 30})
    result = generate(scenario, into=dataset, n=1, folder=tmp_path / "out", workers=0).result()
    made = store.require_sample(dataset, result.sample_ids[0]).record.medium
    with Image.open(made) as picture:
        assert (made.suffix, picture.format, picture.mode) == (".png", "PNG", "L")


def test_splits_keep_children_with_their_donors(cones: Any, tmp_path: Path) -> None:
    generate(_scenario(cones), into=cones, n=20, folder=tmp_path / "out", workers=0).result()
    export(cones, tmp_path / "data", format="coco", splits={"train": 0.6, "val": 0.2, "test": 0.2})
    split_of, by_id = {}, {stored.id: stored for stored in store.read(cones)}
    for part in ("train", "val", "test"):
        file = next((tmp_path / "data").rglob(f"*{part}*.json"))
        for image in json.loads(file.read_text())["images"]:
            split_of[image["file_name"].rpartition("/")[2]] = part
    names = {stored.record.medium.name: stored for stored in by_id.values()}
    pairs = [(name, names[name]) for name in split_of if name in names]
    for name, stored in pairs:
        for donor in stored.record.generation.get("donors") or ():
            assert split_of.get(by_id[donor].record.medium.name, split_of[name]) == split_of[name]
    assert any(stored.record.generation.get("donors") for _, stored in pairs)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"donors": None}, InputError, "no dataset is named"),
        ({"donors": {"dataset": "DS", "where": "split == 'test'"}}, InputError, "4 of them belong to test"),
        ({"donors": {"dataset": "DS", "ids": ["0" * 24]}}, InputError, "No sample can be a donor; 1 sample"),
        ({"donors": {"dataset": "DS", "other": 1}}, ScenarioError, "Unknown key 'other'"),
        ({"donors": {"dataset": "DS", "where": "a", "ids": ["b"]}}, ScenarioError, "Both where and ids"),
        ({"donors": {"dataset": 3}}, ScenarioError, "Text is needed here"),
        ({"donors": ["a"]}, ScenarioError, "not a mapping"),
        ({"donors": {"dataset": "DS", "ids": [3]}}, ScenarioError, "not a list of sample ids"),
        ({"content": "paintings"}, ScenarioError, "Unknown content 'paintings'"),
        ({"content": "rendered"}, ScenarioError, "made of meshes, without donors"),
        ({"lighting": {"key.intensity": 3}}, ScenarioError, "means nothing with content: photos"),
        ({"photo": {"crop": 1.5}}, ScenarioError, "1.5 is not a number from 0.05 to 1"),
        ({"photo": {"donor": {"donor": "best"}}}, ScenarioError, "Write {donor: any}"),
        ({"photo": {"donor": 7}}, ScenarioError, "7 is not the id of a sample"),
        ({"photo": {"tone.partner": "TEST"}}, InputError, "belongs to test"),
    ],
)
def test_bad_wishes_are_refused_before_the_first_frame(
    cones: Any, tmp_path: Path, changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    text = json.dumps({**SCENARIO, "donors": {"dataset": "DS"}, **changes})
    text = text.replace('"DS"', json.dumps(cones.name)).replace("TEST", _by_origin(cones)["01.jpg"])
    with pytest.raises(error, match=message):
        generate(json.loads(text), into=cones, n=2, folder=tmp_path / "out", workers=0)
    assert not list((tmp_path / "out").rglob("*.jpg"))


def test_a_donor_that_has_changed_or_gone_is_named(cones: Any, tmp_path: Path) -> None:
    ids = _by_origin(cones)
    only = _scenario(cones, donors={"dataset": cones.name, "ids": [ids["06.jpg"]]})
    _photo(tmp_path / "06.jpg", 99)
    with pytest.raises(InputError, match=r"donor has changed since it was loaded"):
        generate(only, into=cones, n=1, folder=tmp_path / "a", workers=0).result()
    (tmp_path / "06.jpg").unlink()
    with pytest.raises(InputError, match="1 have no image file"):
        generate(only, into=cones, n=1, folder=tmp_path / "b", workers=0).result()


def test_a_preview_is_the_same_picture_smaller(cones: Any, tmp_path: Path) -> None:
    scenario = _scenario(cones)
    (small,) = preview(scenario, 1, width_px=32, boxes=False)
    result = generate(scenario, into=cones, n=1, folder=tmp_path / "out", workers=0).result()
    with Image.open(store.require_sample(cones, result.sample_ids[0]).record.medium) as picture:
        full = np.asarray(picture.resize(small.shape[1::-1], Image.Resampling.BOX), float)
    assert small.shape[1] in (32, 33) and np.abs(small - full).mean() < 12


def test_two_processes_make_what_one_makes(cones: Any, tmp_path: Path) -> None:
    scenario = _scenario(cones).replace({"sensor.noise.gain": 20, "sensor.lens.blur_px": 0.8})
    for name, workers in (("one", 0), ("two", 2)):
        generate(scenario, into=f"{cones.name}-{name}", n=4, folder=tmp_path / name, workers=workers).result()
        store.delete_dataset(f"{cones.name}-{name}")
    one, two = (sorted((tmp_path / name / "images").iterdir()) for name in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two] and len(one) == 4


def test_develop_puts_each_photo_through_the_camera_once(cones: Any, tmp_path: Path) -> None:
    job = develop(cones, "split == 'train'", {"sensor.exposure.ev": -1}, workers=0, folder=tmp_path / "out")
    result = job.result()
    pairs = [(stored, stored.record.generation["donors"][0]) for stored in store.read(cones, result.sample_ids)]
    donors = {stored.id: stored for stored in store.read(cones)}
    assert len({donor for _, donor in pairs}) == len(pairs) == 7  # eight of train, one of them from a scene of test
    for stored, donor in pairs:
        given = donors[donor].record
        assert stored.record.labels.names == given.labels.names
        assert np.allclose(stored.record.labels.xyxy, given.labels.xyxy) and stored.record.width == given.width
        before, after = (np.asarray(Image.open(one.medium), float) for one in (given, stored.record))
        assert np.median((after + 1) / (before + 1)) == pytest.approx(2 ** (-1 / 2.2), abs=0.06)
    with pytest.raises(InputError, match="No photos to develop"):
        develop(cones, "source == 'synthetic'", workers=0)
    with pytest.raises(ScenarioError, match="means nothing with content: photos"):
        develop(cones, None, {"lighting.key.intensity": 3}, workers=0)
