"""BOP scenes and BlenderProc's containers, made from their descriptions."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from tests.adapters.formats.seeds import H, W, blenderproc, bop, png, text
from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.space import seen_box
from workbench.base.errors import InputError, MissingExtra, OutputError

SCENE = "train_pbr/000000"


def kinds(problems):
    return Counter(problem.kind for problem in problems)


@pytest.fixture
def scene(tmp_path, picture):
    """A BOP data set with some files changed; ``None`` leaves one out."""

    def make(changed=(), home=SCENE, kind="rgb", suffix="png"):
        picture(tmp_path / home / kind / f"000003.{suffix}")
        for file, data in {**bop(), **dict(changed)}.items():
            if data is not None:
                path = tmp_path / file.replace(SCENE, home)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        return tmp_path

    return make


@pytest.mark.parametrize(("kind", "suffix"), [("rgb", "png"), ("rgb", "jpg"), ("gray", "png")])
def test_everything_of_a_scene_is_read(scene, reading, kind, suffix):
    folder = scene(kind=kind, suffix=suffix)
    assert choose(Source(folder))[0] == "bop"
    (record,), problems = reading("bop", folder)
    assert len(problems) == 0
    assert record.split == "train"
    (label,) = record.labels
    assert (label.name, label.xyxy) == ("obj_000001", (3, 4, 9, 10))  # their boxes are one pixel short
    assert label.mask.all()
    assert label.mask.shape == (6, 6)
    assert label.attributes == {"visible_fraction": 0.75, "visible_px": 36}
    assert label.T_cam_obj[:3, 3] == pytest.approx([-0.025, -0.018, 0.4])
    assert label.size_m == (0.04, 0.04, 0.04)
    assert record.camera.T_world_cam[:3, 3] == pytest.approx([0, 0, -0.009])
    assert (record.camera.fx, record.camera.cx) == (60, 31.5)
    assert set(np.unique(np.asarray(Image.open(record.maps["depth"])))) == {400}  # 4000 x 0.1 mm


def test_a_scene_without_pictures_loses_its_records(scene, reading):
    folder = scene()
    (folder / SCENE / "rgb" / "000003.png").rename(folder / SCENE / "rgb" / "000003.txt")
    records, problems = reading("bop", folder)
    assert records == []
    assert kinds(problems) == {"missing_image": 1, "unread_file": 1, "unlisted_image": 2}  # its masks


def test_splits_and_chunks_are_scenes(scene, reading):
    for home in ("train_pbr/000000", "train_pbr/000001", "test/000001", "val/000000"):
        folder = scene(home=home)
    records, _ = reading("bop", folder)
    assert Counter(record.split for record in records) == {"train": 2, "test": 1, "val": 1}
    assert len({record.scene_id for record in records}) == 4


def test_a_model_off_its_centre_is_moved(scene, reading):
    model = {"min_x": 0, "min_y": -20, "min_z": -20, "size_x": 40, "size_y": 40, "size_z": 40}
    (record,), _ = reading("bop", scene({"models/models_info.json": text({"1": model})}))
    assert record.labels[0].T_cam_obj[:3, 3] == pytest.approx([-0.005, -0.018, 0.4])


def test_without_info_and_masks_the_pose_gives_the_box(scene, reading):
    less = {f"{SCENE}/scene_gt_info.json": None, f"{SCENE}/mask_visib/000003_000000.png": None}
    (record,), problems = reading("bop", scene(less))
    (label,) = record.labels
    assert label.attributes == {"box_from": "3d box"}
    assert label.xyxy == seen_box(record.camera, label.T_cam_obj, label.size_m)
    assert kinds(problems) == {"missing_map": 1}


@pytest.mark.parametrize(
    ("file", "data", "kind", "labels"),
    [
        ("scene_gt.json", text({"3": [{"obj_id": "x"}]}), "broken_annotation", 0),
        ("scene_gt.json", text({"3": [{"obj_id": 1, "cam_R_m2c": [0] * 9, "cam_t_m2c": [0, 0, 1]}]}),
         "broken_annotation", 1),
        ("scene_gt.json", text({"4": [], "3": []}), "missing_image", 0),
        ("scene_gt.json", text({}), "missing_annotation_file", 0),
        ("scene_gt.json", b"[" * 100_000, "broken_annotation", 0),
        ("scene_gt_info.json", text({"3": [{"bbox_visib": [-1] * 4, "px_count_visib": 0}]}), "hidden_object", 0),
        ("scene_gt_info.json", text({"3": [{"bbox_visib": [60, 4, 50, 5]}]}), "box_outside_image", 1),
        ("scene_camera.json", text({"3": {"cam_K": [1]}}), "broken_annotation", 1),
        ("scene_camera.json", text({"3": {"cam_K": [60, 0, 31.5, 0, 60, 23.5, 0, 0, 1], "depth_scale": 0}}),
         "unreadable_map", 1),
        ("depth/000003.png", b"no depth", "unreadable_map", 1),
        ("depth/000003.png", png(np.zeros((3, 3), np.uint16)), "unreadable_map", 1),
        ("mask_visib/000003_000000.png", png(np.zeros((3, 3), np.uint8)), "unreadable_map", 1),
        ("mask_visib/000003_000000.png", None, "missing_map", 1),
        ("rgb/first.png", png(np.zeros((3, 3), np.uint8)), "unlisted_image", 1),
    ],
)  # fmt: skip
def test_problems_of_a_scene_are_named(scene, reading, file, data, kind, labels):
    (record,), problems = reading("bop", scene({f"{SCENE}/{file}": data}))
    assert kind in kinds(problems)
    assert len(record.labels) == labels


def test_blenderprocs_coco_names_jpg_where_png_lies(scene, reading):
    coco = {
        "images": [{"id": 3, "file_name": "rgb/000003.jpg", "width": W, "height": H}],
        "categories": [{"id": 1, "name": "1"}],
        "annotations": [{"id": 1, "image_id": 3, "category_id": 1, "bbox": [3, 4, 6, 6]}],
    }
    folder = scene({f"{SCENE}/scene_gt_coco.json": text(coco)})
    assert choose(Source(folder))[0] == "bop"  # the poses say more
    (record,), problems = reading("coco", folder / SCENE)
    assert record.labels[0].xyxy == (3, 4, 9, 10)
    assert kinds(problems)["content_mismatch"] == 1


@pytest.fixture
def container(tmp_path):
    def make(name="0.hdf5", **changed):
        (tmp_path / name).write_bytes(blenderproc(**changed))
        return tmp_path

    return make


def test_everything_of_a_container_is_read(container, reading):
    folder = container()
    assert choose(Source(folder))[0] == "blenderproc"
    (record,), problems = reading("blenderproc", folder)
    assert len(problems) == 0
    assert (record.width, record.height, record.origin) == (W, H, "0.hdf5/colors.png")
    (label,) = record.labels  # category 0 is the background
    assert (label.name, label.xyxy, label.instance_id) == ("category_5", (3, 4, 9, 10), 2)
    assert label.attributes == {"object": "Cube", "box_from": "mask"}
    assert np.asarray(Image.open(record.maps["depth"])).max() == 1250
    assert np.asarray(Image.open(record.maps["instances"])).max() == 2
    assert np.asarray(Image.open(record.image_path))[0, 0].tolist() == [90, 90, 90]
    assert folder not in record.image_path.parents
    again, _ = reading("blenderproc", folder / "0.hdf5")
    assert again[0].image_path == record.image_path


def test_a_home_that_refuses_is_one_clear_error(container, reading, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="Cannot write to this path: a file is where a folder is needed"):
        reading("blenderproc", container())


@pytest.mark.parametrize("form", ["axis", "suffix"])
def test_stereo_gives_two_pictures(container, reading, form):
    colors = np.stack([np.full((H, W, 3), shade, np.uint8) for shade in (10, 200)])
    given = {"colors": colors} if form == "axis" else {"colors": None, "colors_0": colors[0], "colors_1": colors[1]}
    records, _ = reading("blenderproc", container(**given))
    assert [int(np.asarray(Image.open(record.image_path)).max()) for record in records] == [10, 200]
    assert len({record.scene_id for record in records}) == 1


@pytest.mark.parametrize(
    ("changed", "kind", "records", "labels"),
    [
        ({"colors": None}, "missing_image", 0, 0),
        ({"colors": np.zeros((H, W, 3), np.float32)}, "unreadable_image", 0, 0),
        ({"colors": np.zeros((H, W, 7), np.uint8)}, "unreadable_image", 0, 0),
        ({"depth": np.zeros((2, 2), np.float32)}, "unreadable_map", 1, 1),
        ({"instance_segmaps": None}, "missing_annotation_file", 1, 0),
        ({"instance_attribute_maps": np.bytes_(b"[")}, "broken_annotation", 1, 0),
        ({"normals": np.zeros((H, W, 3), np.float32)}, "unsupported_annotation", 1, 1),
    ],
)
def test_problems_of_containers_are_named(container, reading, changed, kind, records, labels):
    found, problems = reading("blenderproc", container(**changed))
    assert kind in kinds(problems)
    assert len(found) == records == 1 - problems.records_lost
    assert sum(len(record.labels) for record in found) == labels


def test_damaged_containers_are_named_and_the_rest_loads(container, reading):
    folder = container("10.hdf5")
    container("2.hdf5")
    (folder / "3.hdf5").write_bytes(blenderproc()[:900])
    records, problems = reading("blenderproc", folder)
    assert [record.origin for record in records] == ["2.hdf5/colors.png", "10.hdf5/colors.png"]
    assert kinds(problems) == {"unreadable_image": 1}
    empty = folder / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=r"no HDF5 files.*in this folder"):
        reading("blenderproc", empty)


def test_links_out_of_a_container_are_not_followed(container, reading, tmp_path):
    import h5py

    folder = container()
    with h5py.File(tmp_path / "1.hdf5", "w") as file:
        file["colors"] = h5py.ExternalLink(str(tmp_path / "0.hdf5"), "colors")
    records, problems = reading("blenderproc", folder)
    assert len(records) == 1
    assert problems.records_lost == 1


def test_without_h5py_the_extra_is_named(container, reading, monkeypatch):
    folder = container()
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(MissingExtra, match=r"physical-ai-workbench\[hdf5\]"):
        reading("blenderproc", folder)
