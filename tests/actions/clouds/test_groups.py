"""Datasets with clouds: grouped for FiftyOne, and as flat as ever for the rest of the workbench."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.actions.clouds.street import THINGS, write_street
from workbench.actions.export.export import export
from workbench.actions.load import load
from workbench.actions.measure import measure
from workbench.actions.tag import tag, undo
from workbench.adapters import store
from workbench.adapters.store import samples
from workbench.base.errors import DatasetError, InputError
from workbench.core.schema.labels import Label, Record
from workbench.ui.board.thumbnails import full_picture, thumbnails

Write = Callable[..., Path]


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """Three frames of KITTI, the last without its cloud."""
    for number in range(3):
        write_street(tmp_path / "street", f"{number:06d}", seed=number)
    (tmp_path / "street/velodyne/000002.bin").unlink()
    return tmp_path / "street"


@pytest.fixture
def clouds(tmp_path: Path) -> Path:
    """Two clouds without pictures."""
    folder = tmp_path / "scans"
    folder.mkdir()
    rng = np.random.default_rng(0)
    rng.normal(size=(50, 4)).astype("<f4").tofile(folder / "a.bin")
    np.savetxt(folder / "b.xyz", rng.normal(size=(50, 3)))
    return folder


def plain(path: Path, **changes: Any) -> Record:
    label = Label("mug", (1.0, 2.0, 30.0, 40.0))
    return Record(**{"image_path": path, "origin": path.name, "width": 64, "height": 48, "labels": (label,), **changes})


def documents(dataset: Any) -> list[dict[str, Any]]:
    return list(dataset._sample_collection.find({}).sort("_id", 1))


def timeless(found: list[dict[str, Any]]) -> list[str]:
    """Documents without what differs between two runs: ids of labels, times, random keys."""

    def cleaned(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            skipped = {"_id", "_dataset_id", "_rand", "created_at", "last_modified_at"}
            return {k: cleaned(v, k) for k, v in value.items() if k not in skipped}
        return [cleaned(v) for v in value] if isinstance(value, list) else str(value)

    return sorted(json.dumps(cleaned(document), sort_keys=True) for document in found)


def test_pictures_and_clouds_make_groups(dataset: Any, street: Path) -> None:
    report = load(dataset, street, source="real")
    assert (report.format, report.samples, report.labels) == ("kitti", 3, 6)
    assert (dataset.media_type, dataset.group_media_types) == ("group", {"image": "image", "cloud": "3d"})
    assert (dataset.default_group_slice, len(documents(dataset))) == ("image", 5)
    first = dataset.first()
    group = dataset.get_group(first.group.id)
    assert set(group) == {"image", "cloud"}
    cloud = group["cloud"]
    assert (cloud.media_type, cloud.source, cloud.origin) == ("3d", "real", "image_2/000000.png")
    assert (cloud.source_key, cloud.ground_truth, cloud.tags) == (None, None, [])
    assert cloud.point_cloud == str(street / "velodyne/000000.bin")
    boxes = {box.label: box for box in cloud.boxes_3d.detections}
    for kind, centre, size, yaw in THINGS:
        assert boxes[kind].location == pytest.approx([*centre[:2], centre[2] + size[2] / 2], abs=1e-4)
        assert boxes[kind].dimensions == pytest.approx(size)
        assert boxes[kind].rotation == pytest.approx([0, 0, yaw], abs=1e-5)
    flat = {label.label: label.instance.id for label in first.ground_truth.detections}
    assert {name: box.instance.id for name, box in boxes.items()} == flat
    assert set(dataset.get_group(dataset.last().group.id)) == {"image"}


def test_companions_are_never_counted(dataset: Any, street: Path, picture: Write, tmp_path: Path) -> None:
    store.add(dataset, [plain(picture("plain.png"))], source="real")
    load(dataset, street, source="real")
    ids = store.select(dataset)
    assert len(documents(dataset)) == 6
    assert len(ids) == len(store.table(dataset)) == len(store.view(dataset)) == len(list(store.read(dataset))) == 4
    info = store.info(dataset)
    assert (info["samples"], info["per_source"]) == (4, {"real": 4})
    assert info["labels_per_class"] == {"Car": 3, "Pedestrian": 3, "mug": 1}
    assert sorted(store.view(dataset, "'Car' in class").values("id")) == sorted(store.select(dataset, "'Car' in class"))
    entry = tag(dataset, "failure:x", where="source == 'real'")
    assert (entry.changed, entry.already, store.info(dataset)["tags"]) == (4, 0, {"failure:x": 4})
    assert sum("failure:x" in document["tags"] for document in documents(dataset)) == 4
    assert undo(dataset).changed == 4
    assert (measure(dataset).measured, measure(dataset).skipped) == (4, 4)
    done = export(dataset, tmp_path / "out", splits={"train": 1.0})
    assert done.splits["train"]["samples"] == 4
    assert [text for text in done.lost if "cloud" in text] == ["point clouds of 2 samples"]
    companion = next(document for document in documents(dataset) if document["_media_type"] == "3d")
    with pytest.raises(DatasetError, match="There is no sample with id"):
        store.require_sample(dataset, str(companion["_id"]))
    assert tag(dataset, "y", ids=[str(companion["_id"])]).changed == 0


def test_a_record_comes_back_with_its_cloud(dataset: Any, street: Path) -> None:
    load(dataset, street, source="real")
    stored = next(iter(store.read(dataset)))
    assert stored.record.image_path == street / "image_2/000000.png"
    assert stored.record.cloud == street / "velodyne/000000.bin"
    assert stored.record.T_cam_cloud is not None and stored.record.labels[0].size_m == (4.2, 1.5, 1.8)


def test_a_flat_dataset_becomes_grouped_and_keeps_its_samples(dataset: Any, street: Path, picture: Write) -> None:
    before = store.add(dataset, [plain(picture(f"{i}.png", seed=i)) for i in range(30)], source="real").ids
    flat = {document["_id"]: document for document in documents(dataset)}
    load(dataset, street, source="real")
    assert store.select(dataset)[:30] == before
    for document in documents(dataset):
        if document["_id"] in flat:
            group = document.pop("group")
            assert document == flat[document["_id"]]
            assert group == {"_id": document["_id"], "_cls": "Group", "name": "image"}
    assert dataset.count() == 33
    assert len({sample.group.id for sample in dataset}) == 33
    assert dataset.get_field("metadata").document_type.__name__ == "Metadata"
    indexes = set(dataset._sample_collection.index_information())
    assert {"group._id_1", "group.name_1"} <= indexes


def test_loading_again_adds_nothing(dataset: Any, street: Path) -> None:
    load(dataset, street, source="real")
    before = documents(dataset)
    report = load(dataset, street, source="real")
    assert (report.samples, report.already_there) == (0, 3)
    assert documents(dataset) == before


def cut_before_samples(monkeypatch: pytest.MonkeyPatch, dataset: Any) -> None:
    monkeypatch.setattr(samples, "_insert", None)


def cut_before_the_samples_groups(monkeypatch: pytest.MonkeyPatch, dataset: Any) -> None:
    monkeypatch.setattr("workbench.adapters.store.groups._assign_groups", None)


def cut_before_the_dataset_says_so(monkeypatch: pytest.MonkeyPatch, dataset: Any) -> None:
    monkeypatch.setattr(type(dataset), "save", None)


def cut_before_the_first_slice(monkeypatch: pytest.MonkeyPatch, dataset: Any) -> None:
    monkeypatch.setattr(type(dataset), "add_group_slice", None)


def cut_before_companions(monkeypatch: pytest.MonkeyPatch, dataset: Any) -> None:
    monkeypatch.setattr("workbench.adapters.store.groups.ReplaceOne", None)


CUTS = [
    cut_before_the_samples_groups,
    cut_before_the_dataset_says_so,
    cut_before_the_first_slice,
    cut_before_companions,
    cut_before_samples,
]


@pytest.mark.parametrize("cut", CUTS)
def test_a_load_that_was_killed_is_made_whole(
    dataset: Any, street: Path, picture: Write, monkeypatch: pytest.MonkeyPatch, cut: Callable[..., None]
) -> None:
    given = plain(picture("plain.png"))
    store.add(dataset, [given], source="real")
    with monkeypatch.context() as patched:
        cut(patched, dataset)
        with pytest.raises(TypeError):  # at the call of what is not there
            load(dataset, street, source="real")
    again = store.open_dataset(dataset.name)
    again.reload()
    assert [sample.origin for sample in again] == ["plain.png"]  # FiftyOne reads what was left
    assert store.info(again)["samples"] == len(store.select(again)) == 1
    load(again, street, source="real")
    whole = store.open_dataset(f"{dataset.name}-whole")
    try:
        store.add(whole, [given], source="real")
        load(whole, street, source="real")
        assert timeless(documents(again)) == timeless(documents(whole))
        states = ("media_type", "group_field", "group_media_types", "default_group_slice")
        assert [again._doc[name] for name in states] == [whole._doc[name] for name in states]
        assert again.get_field_schema(flat=True).keys() == whole.get_field_schema(flat=True).keys()
    finally:
        store.delete_dataset(whole.name)


ELSEWHERE = """
import json, sys
from pathlib import Path
from workbench.adapters import store
from workbench.actions.load import load
ds = store.require_dataset(sys.argv[1])
if len(sys.argv) > 2:
    load(ds, sys.argv[2], source="real")
group = ds.get_group(ds.match({"origin": "image_2/000000.png"}).first().group.id)
print(json.dumps({
    "slices": ds.group_slices, "count": ds.count(), "samples": store.info(ds)["samples"],
    "cloud": group["cloud"].media_type, "boxes": len(group["cloud"].boxes_3d.detections),
    "paths": [Path(group["cloud"].filepath).is_file(), Path(group["cloud"].point_cloud).is_file()],
}))
"""


def elsewhere(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", ELSEWHERE, *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_another_process_finds_the_same_and_may_have_made_the_groups(
    dataset: Any, street: Path, picture: Write
) -> None:
    store.add(dataset, [plain(picture("before.png"))], source="real")
    found = elsewhere(dataset.name, str(street))  # this process still thinks the dataset flat
    assert found == {
        "slices": ["image", "cloud"], "count": 4, "samples": 4, "cloud": "3d", "boxes": 2, "paths": [True, True]
    }  # fmt: skip
    assert dataset.media_type == "image"
    store.add(dataset, [plain(picture("after.png", seed=1))], source="real")
    assert (dataset.media_type, dataset.count(), store.info(dataset)["samples"]) == ("group", 5, 5)
    assert elsewhere(dataset.name)["count"] == 5


def test_fiftyone_works_on_it(dataset: Any, street: Path) -> None:
    load(dataset, street, source="real")
    assert dataset.group_slices == ["image", "cloud"]
    assert dataset.select_group_slices("cloud").count() == 2
    assert dataset.select_group_slices(media_type="3d").values("origin") == ["image_2/000000.png", "image_2/000001.png"]
    assert [set(group) for group in dataset.iter_groups()] == [{"image", "cloud"}, {"image", "cloud"}, {"image"}]
    for sample in dataset.iter_samples(autosave=True):
        sample["seen"] = True
    assert dataset.count_values("seen") == {True: 3}
    view = dataset.view()
    view.group_slice = "cloud"
    for sample in view.iter_samples(autosave=True):
        assert len(sample.boxes_3d.detections) == 2
        sample["points_seen"] = 1.0
    with view.save_context() as context:
        for sample in view:
            sample["points_seen"] = 2.0
            context.save(sample)
    assert view.count_values("points_seen") == {2.0: 2}
    assert view.count_values("boxes_3d.detections.label") == {"Car": 2, "Pedestrian": 2}
    dataset.compute_metadata(overwrite=True)
    assert dataset.first().metadata.width == 640
    view.compute_metadata(overwrite=True)
    metadata = view.first().metadata
    assert (metadata.asset_counts, type(metadata).__name__) == ({"pcd": 1}, "SceneMetadata")
    copy = dataset.clone(f"{dataset.name}-copy", persistent=True)
    try:
        assert (store.info(copy)["samples"], len(store.table(copy))) == (3, 3)
    finally:
        store.delete_dataset(copy.name)
    assert store.info(dataset)["samples"] == 3


def test_clouds_without_pictures_are_samples(dataset: Any, clouds: Path, tmp_path: Path) -> None:
    report = load(dataset, clouds, source="real")
    assert (report.format, report.samples, dataset.default_group_slice) == ("cloud", 2, "cloud")
    assert store.info(dataset)["samples"] == len(store.select(dataset)) == len(store.table(dataset)) == 2
    assert load(dataset, clouds, source="real").already_there == 2
    found = list(store.read(dataset))
    assert [(s.record.image_path, s.record.cloud) for s in found] == [
        (None, clouds / "a.bin"),
        (None, clouds / "b.xyz"),
    ]
    measured = measure(dataset)
    assert (measured.measured, measured.skipped, measured.without_picture, measured.problems) == (0, 2, 2, [])
    small = thumbnails(found)
    assert all(data.startswith(b"\xff\xd8") for data in small) and small[0] != small[1]
    assert full_picture(found[0]).startswith(b"\xff\xd8")
    (clouds / "a.bin").write_bytes(bytes(3))
    with pytest.raises(OSError, match="multiple"):
        full_picture(found[0])
    with pytest.raises(InputError, match="only 2 point clouds without an image"):
        export(dataset, tmp_path / "out")


def test_pictures_and_clouds_alone_live_together(
    dataset: Any, clouds: Path, street: Path, picture: Write, tmp_path: Path
) -> None:
    load(dataset, clouds, source="real")
    load(dataset, street, source="real")
    assert (dataset.default_group_slice, dataset.count()) == ("image", 3)
    assert store.info(dataset)["samples"] == len(store.view(dataset)) == len(store.select(dataset)) == 5
    assert sorted(store.view(dataset).values("id")) == sorted(store.select(dataset))
    alone, seen = store.view(dataset, "origin == 'a.bin'"), store.view(dataset, "origin == 'image_2/000000.png'")
    assert (alone.media_type, alone.group_slice, alone.values("origin")) == ("group", "cloud", ["a.bin"])
    assert (seen.media_type, seen.group_slice, len(seen)) == ("group", "image", 1)
    assert tag(dataset, "x", where="source == 'real'").changed == 5
    assert store.info(dataset)["tags"] == {"x": 5}
    dataset.default_group_slice = "cloud"  # a user's wish for the App changes no count
    assert store.info(dataset)["samples"] == len(store.select(dataset)) == 5
    done = export(dataset, tmp_path / "out", splits={"train": 1.0})
    assert done.splits["train"]["samples"] == 3
    assert "2 point clouds without an image" in done.lost


def test_clouds_of_every_type_are_shown(dataset: Any, shared_data: Path) -> None:
    report = load(dataset, shared_data / "pcd_pcl", source="real")
    kinds = sorted(p.kind for p in report.problems if p.kind != "ignored_junk")
    assert (report.samples, kinds) == (11, ["empty_cloud", "empty_cloud", "not_a_cloud"])
    for sample in dataset:
        scene = json.loads(Path(sample.filepath).read_text())
        assert Path(scene["children"][0]["pcdPath"]).is_file()
    assert all(thumbnails(list(store.read(dataset))))


@pytest.fixture
def own() -> Iterator[Any]:
    """A grouped dataset as a user of FiftyOne makes it."""
    import fiftyone as fo

    store.list_datasets()  # connects
    made = fo.Dataset(f"own-{uuid.uuid4().hex[:12]}", persistent=True)
    group = fo.Group()
    sides = ("left", "right")
    made.add_samples([fo.Sample(f"/x/{side}.png", group=group.element(side)) for side in sides], progress=False)
    yield made
    store.delete_dataset(made.name)


def test_in_a_grouped_dataset_of_a_user_the_default_slice_counts(own: Any, street: Path) -> None:
    dataset = store.require_dataset(own.name)
    assert store.info(dataset)["samples"] == len(store.select(dataset)) == len(store.table(dataset)) == 1
    load(dataset, street, source="real")
    assert dataset.group_media_types == {"left": "image", "right": "image", "cloud": "3d"}
    assert store.info(dataset)["samples"] == len(store.select(dataset)) == 4
    assert set(dataset.get_group(store.view(dataset, "'Car' in class").first().group.id)) == {"left", "cloud"}


def test_a_cloud_beside_its_picture_is_shown_without_boxes_where_its_place_is_unknown(
    dataset: Any, picture: Write, tmp_path: Path
) -> None:
    picture("pairs/a.png")
    picture("pairs/b.png", seed=1)
    (tmp_path / "pairs/a.xyz").write_text("1 2 3\n")
    with zipfile.ZipFile(tmp_path / "pairs.zip", "w") as archive:
        for path in sorted((tmp_path / "pairs").iterdir()):
            archive.write(path, path.name)
    assert load(dataset, tmp_path / "pairs.zip", source="real").samples == 2
    (group,) = [group for group in dataset.iter_groups() if len(group) == 2]
    assert (group["image"].origin, group["cloud"].boxes_3d.detections) == ("a.png", [])
    assert json.loads(Path(group["cloud"].filepath).read_text())["camera"]["up"] == "Z"


def test_two_processes_load_the_same_clouds_at_once(dataset: Any, street: Path) -> None:
    command = [sys.executable, "-c", ELSEWHERE, dataset.name, str(street)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in started:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err[-3000:]
        assert json.loads(out.splitlines()[-1])["boxes"] == 2
    dataset.reload()
    assert (store.info(dataset)["samples"], len(documents(dataset))) == (3, 5)
    for group in dataset.iter_groups():
        flat = [d.instance.id for d in group["image"].ground_truth.detections if d.has_field("instance")]
        assert flat == ([box.instance.id for box in group["cloud"].boxes_3d.detections] if "cloud" in group else [])


def test_a_dataset_of_other_media_refuses_clouds(dataset: Any, clouds: Path) -> None:
    dataset.media_type = "video"
    with pytest.raises(DatasetError, match="media type 'video'"):
        load(dataset, clouds, source="real")


def test_a_field_of_the_data_may_be_called_group(dataset: Any, street: Path, picture: Write) -> None:
    store.add(dataset, [plain(picture(), attributes={"group": "a"})], source="real")
    dataset.add_sample_field("group", type(dataset.get_field("source")))  # of a user of FiftyOne
    dataset.set_values("group", ["mine"])
    load(dataset, street, source="real")
    assert (dataset.group_field, store.info(dataset)["samples"]) == ("media_group", 4)
    assert store.view(dataset, "data_group == 'a'").values("group") == ["mine"]
