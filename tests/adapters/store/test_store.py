"""The dataset in the real database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from tests.builders import record
from tests.strategies import filters
from workbench.adapters import store
from workbench.base.errors import DatasetError
from workbench.core.schema.labels import Camera, Label, Record
from workbench.core.tables import Filter
from workbench.core.tables.filter import resolve

Write = Callable[..., Path]


def full_record(path: Path) -> Record:
    cloud = path.with_suffix(".bin")
    np.arange(8, dtype="<f4").tofile(cloud)
    label = Label(
        "mug",
        (1.0, 2.0, 31.5, 40.25),
        polygons=(np.array([[1.0, 2.0], [31.5, 2.0], [10.0, 40.25]]),),
        mask=np.eye(39, 31, dtype=bool),
        attributes={"surface": "metal", "visible_fraction": 0.5, "iscrowd": False},
        instance_id=3,
        keypoints=np.array([[1.0, 2.0, 2.0], [30.0, 40.0, 1.0]]),
        keypoint_names=("handle", "rim"),
        T_cam_obj=np.diag([1.0, -1.0, -1.0, 1.0]),
        size_m=(0.1, 0.2, 0.3),
    )
    return record(
        path,
        labels=(label,),
        classification="tray",
        split="train",
        scene_id="s1",
        attributes={"lighting": "dim", "weather": "ok", "n": 3, "outdoor": True},
        camera=Camera(64, 48, 60.0, 61.0, 31.5, 23.5, (0.1, 0.0, 0.0, 0.0), np.eye(4)),
        maps={"depth": path, "instances": path},
        generation={"seed": 1, "params": {"scene.surface.roughness": 0.25}, "assets": {"part/mug": "ab"}},
        tags=("failure:glare",),
        cloud=cloud,
        T_cam_cloud=np.eye(4) * 2,
    )


def test_a_record_comes_back_as_it_was(dataset: Any, picture: Write) -> None:
    given = full_record(picture())
    ids = store.add(dataset, [given], source="synthetic").ids
    stored = next(iter(store.read(dataset, ids)))
    back = stored.record
    assert (stored.source, stored.tags, stored.attributes_from) == ("synthetic", ("failure:glare",), "data")
    for name in ("origin", "classification", "split", "scene_id", "attributes", "maps", "generation", "tags"):
        assert getattr(back, name) == getattr(given, name), name
    label, before = back.labels[0], given.labels[0]
    assert np.allclose(label.xyxy, before.xyxy) and np.array_equal(label.mask, before.mask)
    assert np.allclose(label.polygons[0], before.polygons[0])
    assert (label.name, label.attributes, label.instance_id) == ("mug", before.attributes, 3)
    assert np.allclose(label.keypoints, before.keypoints) and label.keypoint_names == ("handle", "rim")
    assert np.array_equal(label.T_cam_obj, before.T_cam_obj) and label.size_m == (0.1, 0.2, 0.3)
    assert back.cloud == given.cloud and np.array_equal(back.T_cam_cloud, np.eye(4) * 2)
    assert back.camera is not None and np.array_equal(back.camera.T_world_cam, np.eye(4))
    assert back.camera.distortion == (0.1, 0.0, 0.0, 0.0)
    assert store.lineage(dataset, ids[0]) == given.generation


def test_fiftyone_reads_what_was_stored(dataset: Any, picture: Write) -> None:
    store.add(dataset, [full_record(picture())], source="real")
    sample = dataset.first()
    detection = sample.ground_truth.detections[0]
    assert (sample.source, sample.weather, sample.n, sample.media_type) == ("real", "ok", 3, "image")
    assert (detection.label, detection.surface, detection.index) == ("mug", "metal", 3)
    assert detection.mask.shape == (39, 31)
    assert sample.generation_params.scene_surface_roughness == 0.25
    assert sample.metadata.width == 64
    sample["note"] = "written by FiftyOne"
    sample.save()
    assert dataset.count_values("ground_truth.detections.label") == {"mug": 1}


def test_adding_again_changes_nothing(dataset: Any, picture: Write) -> None:
    records = [record(picture(f"{i}.png", seed=i)) for i in range(3)]
    first = store.add(dataset, [*records, records[0]], source="real")
    assert first.new == [True, True, True, False]
    assert first.ids[3] == first.ids[0]
    again = store.add(dataset, records, source="real")
    assert again.new == [False] * 3 and again.ids == first.ids[:3]
    assert len(dataset) == 3


@pytest.mark.parametrize("name", ["id", "filepath", "tags", "metadata", "_id", "1st", "a b", "größe", "$where", "a.b"])
def test_any_column_name_finds_a_field(dataset: Any, picture: Write, name: str) -> None:
    store.add(dataset, [record(picture(), attributes={name: "x"})], source="real")
    assert "x" in next(iter(store.read(dataset))).record.attributes.values()
    assert dataset.first().filepath.endswith("a.png")


def test_unknown_names_list_the_valid_ones(dataset: Any) -> None:
    with pytest.raises(DatasetError, match=dataset.name):
        store.require_dataset(dataset.name[:-1])
    with pytest.raises(DatasetError, match="24 hexadecimal"):
        store.require_sample(dataset, "../etc/passwd")
    with pytest.raises(DatasetError, match="There is no sample with id"):
        store.require_sample(dataset, "0" * 24)
    with pytest.raises(DatasetError, match="cannot be the name of a dataset"):
        store.open_dataset("")


def test_an_empty_dataset_has_everything_but_samples(dataset: Any) -> None:
    table = store.table(dataset)
    assert len(table) == 0 and "lighting" in table.columns
    assert store.select(dataset, "lighting == 'dim'") == []
    assert store.info(dataset)["samples"] == 0


@pytest.fixture(scope="module")
def varied(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from PIL import Image

    folder = tmp_path_factory.mktemp("varied")
    records = []
    for i in range(24):
        path = folder / f"{i}.png"
        Image.new("RGB", (8, 8), (i, 0, 0)).save(path)
        words: dict[str, Any] = {"lighting": ["dim", "bright", None][i % 3], "n": i % 5}
        attributes = {k: v for k, v in words.items() if v is not None}
        labels = tuple(Label(name, (0, 0, 4, 4)) for name in ["mug", "x"][: i % 3])
        tags = (("dim",), (), ("x", "bright"))[i % 3 if i % 2 else 1]
        records.append(Record(path, path.name, 8, 8, labels=labels, attributes=attributes, tags=tags))
    dataset = store.open_dataset(f"varied-{folder.name}")
    store.add(dataset, records, source="real")
    yield dataset
    store.delete_dataset(dataset.name)


@given(filters)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_table_database_and_view_select_the_same(varied: Any, condition: Filter) -> None:
    table = store.table(varied)
    assert all(resolve(name, table.columns) for name in condition.facets)
    expected = table.ids[table.mask(condition)].tolist()
    assert store.select(varied, condition) == expected, str(condition)
    assert sorted(store.view(varied, condition).values("id")) == sorted(expected)


def test_set_values_stamps_and_declares(varied: Any) -> None:
    ids = store.select(varied, "n == 1")
    before = varied.max("last_modified_at")
    store.set_values(varied, {i: {"measures.blur_px": 2.5} for i in ids})
    assert store.select(varied, "blur_px > 2") == ids
    assert varied.max("last_modified_at") >= before


def test_a_lock_file_left_over_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    import fiftyone as fo

    from workbench.adapters.store import embedded

    monkeypatch.setattr(fo.config, "database_dir", str(tmp_path))
    assert embedded.lock_holder() is None
    for text in ("", "\n", "999999999\n", f"{os.getpid()}\n"):  # empty, gone, and a process that is no mongod
        (tmp_path / "mongod.lock").write_text(text)
        assert embedded.lock_holder() is None, text


def test_no_attribute_takes_a_name_of_fiftyone() -> None:
    import fiftyone as fo
    from fiftyone.core.odm.sample import DatasetSampleDocument

    from workbench.adapters.documents import LABEL_KEYS, METHODS
    from workbench.adapters.store.documents import SAMPLE_KEYS

    def public(*classes: Any) -> set[str]:
        return {name for cls in classes for name in dir(cls) if not name.startswith("_")}

    assert set(fo.Detection._fields) <= LABEL_KEYS
    assert public(fo.Detection, fo.DynamicEmbeddedDocument) <= LABEL_KEYS | METHODS
    assert public(fo.Sample, DatasetSampleDocument) <= SAMPLE_KEYS | METHODS
