"""Replicator: BasicWriter in all its folders, made after its source; PoseWriter's own golden files."""

from __future__ import annotations

import json
import pickle
import shutil
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.space import corners, project, seen_box

W, H = 64, 48
BOX = [("semanticId", "<u4"), ("x_min", "<i4"), ("y_min", "<i4"), ("x_max", "<i4"), ("y_max", "<i4")]
BOX_2D = [*BOX, ("occlusionRatio", "<f4")]
BOX_3D = [
    ("semanticId", "<u4"),
    *((f"{axis}_{end}", "<f4") for end in ("min", "max") for axis in "xyz"),
    ("transform", "<f4", (4, 4)),
    ("occlusionRatio", "<f4"),
]
LABELS = {"0": {"class": "cone"}, "1": {"class": "crate", "colour": "red"}}
PRIMS = ["/World/Cone", "/World/Crate"]
VIEW = [0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, -10, 1]  # 10 units above the origin, looking down
TURN = [[0.0, 2.0, 0, 0], [-2.0, 0, 0, 0], [0, 0, 2.0, 0], [0.5, 0.25, 0, 1]]  # a quarter turn, twice the size
CAMERA = {
    "cameraModel": "pinhole",
    "cameraViewTransform": VIEW,
    "cameraProjection": [2.0, 0, 0, 0, 0, 2.0 * W / H, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0],
    "metersPerSceneUnit": 0.01,
    "renderProductResolution": [W, H],
}
LAYOUTS = {
    "flat": "{a}{part}_{n}.{ext}",
    "products": "rp0/{a}/{a}{part}_{n}.{ext}",
    "products, one folder each": "rp0/{a}{part}_{n}.{ext}",
    "common": "{a}/rp0_{a}{part}_{n}.{ext}",
}


def kinds(problems):
    return Counter(problem.kind for problem in problems)


@pytest.fixture
def writer(tmp_path):
    """Writes frames like BasicWriter; give arrays, objects or pictures by annotator and part."""

    def write(number="0000", layout="flat", metadata=True, **files):
        if metadata:
            (tmp_path / "metadata.txt").write_text('{"name": "BasicWriter", "version": "0.0.2"}')
        files.setdefault("rgb", Image.new("RGBA", (W, H), (90, 80, 70, 255)))
        for key, content in files.items():
            annotator, _, part = key.partition("__")
            ext = {np.ndarray: "npy", Image.Image: "png", bytes: "npy"}.get(type(content), "json")
            where = {"a": annotator, "part": f"_{part}" if part else "", "n": number, "ext": ext}
            path = tmp_path / LAYOUTS[layout].format(**where)
            path.parent.mkdir(parents=True, exist_ok=True)
            if ext == "png":
                content.save(path)
            elif ext == "json":
                path.write_text(json.dumps(content))
            else:
                np.save(path, content) if isinstance(content, np.ndarray) else path.write_bytes(content)
        return tmp_path

    return write


def boxes_2d(*rows):
    return np.array(list(rows), dtype=BOX_2D)


def boxes_3d(*rows):
    return np.array(list(rows), dtype=BOX_3D)


def everything():
    ids = np.zeros((H, W), np.uint16)
    ids[10:20, 5:15], ids[30:40, 20:30] = 3, 4
    unit = (-0.5, -0.5, -0.5, 0.5, 0.5, 0.5)
    return {
        "bounding_box_2d_tight": boxes_2d((0, 5, 10, 14, 19, 0.25), (1, 20, 30, 29, 39, -1)),
        "bounding_box_2d_tight__labels": LABELS,
        "bounding_box_2d_tight__prim_paths": PRIMS,
        "bounding_box_2d_loose": boxes_2d((1, 20, 30, 29, 45, -1), (0, 5, 10, 16, 19, 0.25), (0, 0, 0, 5, 5, 1)),
        "bounding_box_2d_loose__labels": LABELS,
        "bounding_box_2d_loose__prim_paths": [*PRIMS[::-1], "/World/Hidden"],
        "bounding_box_3d": boxes_3d((1, *unit, TURN, 0), (0, *unit, np.eye(4), 0)),
        "bounding_box_3d__labels": LABELS,
        "bounding_box_3d__prim_paths": PRIMS[::-1],
        "instance_segmentation": Image.fromarray(ids),
        "instance_segmentation__mapping": {"3": "/World/Cone", "4": "/World/Crate/mesh", "0": "BACKGROUND"},
        "distance_to_image_plane": np.full((H, W), 1.5, np.float32),
        "camera_params": CAMERA,
    }


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
@pytest.mark.parametrize("number", ["0000", "3_0012", "123456"])
def test_every_folder_form_gives_the_same(writer, reading, layout, number):
    folder = writer(number, layout, **everything())
    name, found = choose(Source(folder))
    assert (name, found.why) == ("replicator", "metadata.txt names BasicWriter")
    (record,), problems = reading("replicator", folder)
    assert kinds(problems) == {"hidden_object": 1}
    assert set(record.maps) == {"depth", "instances"}
    cone, crate = record.labels
    assert (cone.name, cone.xyxy, cone.instance_id) == ("cone", (5, 10, 15, 20), 3)  # the far pixel belongs to it
    assert cone.attributes == {"occlusion": 0.25, "prim_path": "/World/Cone"}
    assert crate.attributes == {"colour": "red", "prim_path": "/World/Crate"}
    assert crate.mask.shape == (10, 10)
    assert crate.mask.all()
    assert crate.size_m == pytest.approx((0.02, 0.02, 0.02))
    assert crate.T_cam_obj[:3, 3] == pytest.approx([0.0025, 0.005, 0.1])  # x and y swapped by the view, y down
    assert np.linalg.det(crate.T_cam_obj[:3, :3]) == pytest.approx(1)
    assert record.camera.T_world_cam[:3, 3] == pytest.approx([0, 0, 0.1])
    assert (record.camera.fx, record.camera.cx, record.camera.cy) == (W, (W - 1) / 2, (H - 1) / 2)
    assert np.asarray(Image.open(record.maps["depth"])).tolist() == [[1500] * W] * H


def test_frames_are_sorted_by_number_and_scenes_span_render_products(writer, reading):
    for number in ("9999", "10000"):
        folder = writer(number, "products", **everything())
    shutil.copytree(folder / "rp0", folder / "rp1")
    records, _ = reading("replicator", folder)
    assert [record.origin for record in records] == [
        f"rp{at}/rgb/rgb_{number}.png" for at in (0, 1) for number in ("9999", "10000")
    ]
    assert len({record.scene_id for record in records}) == 2


def test_without_prim_paths_of_the_first_writer_rows_are_objects(writer, reading):
    content = {k: v for k, v in everything().items() if not k.endswith("prim_paths")}
    (record,), problems = reading("replicator", writer(**content))
    assert [(label.name, label.xyxy) for label in record.labels] == [
        ("cone", (5, 10, 15, 20)),
        ("crate", (20, 30, 30, 40)),
    ]
    assert all(label.mask is None and label.T_cam_obj is None for label in record.labels)
    assert len(problems) == 0


def test_parts_of_an_object_are_the_object(writer, reading):
    rows = boxes_2d((1, 2, 2, 9, 9, 0), (1, 2, 2, 5, 5, 0), (0, 3, 3, 4, 4, np.nan))
    prims = ["/World/Crate", "/World/Crate/lid", "/World/Crate/cone"]
    folder = writer(
        bounding_box_2d_tight=rows, bounding_box_2d_tight__labels=LABELS, bounding_box_2d_tight__prim_paths=prims
    )
    (record,), problems = reading("replicator", folder)
    assert [label.name for label in record.labels] == ["crate", "cone"]
    assert "occlusion" not in record.labels[1].attributes
    assert kinds(problems) == {"duplicate_label": 1}


@pytest.mark.parametrize("color", [False, True])
def test_without_boxes_the_instance_map_gives_them(writer, reading, color):
    content = {k: v for k, v in everything().items() if "2d" not in k}
    content["instance_segmentation__semantics_mapping"] = {"3": LABELS["0"], "4": LABELS["1"], "0": "BACKGROUND"}
    if color:
        ids = np.asarray(content["instance_segmentation"])
        content["instance_segmentation"] = Image.fromarray(
            np.stack([ids % 9, ids * 40, ids, ids * 0 + 255], -1).astype("u1")
        )
        for part in ("mapping", "semantics_mapping"):
            said = content[f"instance_segmentation__{part}"]
            content[f"instance_segmentation__{part}"] = {
                f"({int(k)}, {int(k) * 40}, {k}, 255)": v for k, v in said.items()
            }
    (record,), problems = reading("replicator", writer(**content))
    assert (record.labels[0].name, record.labels[0].xyxy) == ("cone", (5, 10, 15, 20))
    assert record.labels[0].attributes["box_from"] == "mask"
    assert record.labels[0].T_cam_obj is not None
    assert ("instances" in record.maps) == (not color)
    assert len(problems) == 0


def test_without_boxes_and_masks_3d_boxes_are_projected(writer, reading):
    content = {k: v for k, v in everything().items() if k.startswith(("bounding_box_3d", "camera"))}
    (record,), _ = reading("replicator", writer(**content))
    for label in record.labels:
        assert label.attributes["box_from"] == "3d box"
        assert label.xyxy == pytest.approx(seen_box(record.camera, label.T_cam_obj, label.size_m))


def test_distance_to_the_camera_becomes_depth(writer, reading):
    x, y = (np.arange(W) - (W - 1) / 2) / W, (np.arange(H) - (H - 1) / 2) / W
    ray = 2.0 * np.sqrt(1 + x[None] ** 2 + y[:, None] ** 2)
    ray[0, 0] = np.inf
    folder = writer(distance_to_camera=ray.astype(np.float32), camera_params=CAMERA)
    (record,), _ = reading("replicator", folder)
    depth = np.asarray(Image.open(record.maps["depth"]))
    assert depth[0, 0] == 0
    assert set(np.unique(depth)) == {0, 2000}


@pytest.mark.parametrize(
    ("changed", "kind", "labels"),
    [
        pytest.param({"camera_params": {**CAMERA, "cameraModel": "fisheye"}}, "unsupported_camera", 2, id="eye"),
        pytest.param({"camera_params": {**CAMERA, "cameraViewTransform": [1]}}, "broken_annotation", 2, id="view"),
        pytest.param({"camera_params": {**CAMERA, "renderProductResolution": [9, 9]}}, "size_mismatch", 2, id="size"),
        pytest.param({"bounding_box_2d_tight": pickle.dumps({"a": 1})}, "unreadable_map", 2, id="pickle"),
        pytest.param({"bounding_box_2d_tight": np.zeros(3)}, "broken_annotation", 2, id="plain array"),
        pytest.param({"bounding_box_2d_tight__labels": {"0": {"class": "cone"}}}, "unknown_category", 1, id="class"),
        pytest.param({"bounding_box_2d_tight__labels": []}, "broken_annotation", 0, id="labels"),
        pytest.param({"bounding_box_2d_tight__prim_paths": ["/a"]}, "broken_annotation", 2, id="prim paths"),
        pytest.param({"distance_to_image_plane": np.zeros((2, 2), np.float32)}, "unreadable_map", 2, id="depth"),
        pytest.param({"distance_to_image_plane": b"\x93NUMPY\x01\x00"}, "unreadable_map", 2, id="cut npy"),
        pytest.param({"instance_segmentation": Image.new("L", (3, 3))}, "unreadable_map", 2, id="map size"),
        pytest.param({"normals": Image.new("RGB", (W, H))}, "unsupported_annotation", 2, id="normals"),
        pytest.param({"extra": Image.new("RGB", (W, H))}, "unlisted_image", 2, id="picture"),
        pytest.param({"bounding_box_3d": boxes_3d((0, *[0] * 6, np.eye(4), 0), (1, *[0] * 6, np.eye(4), 0))},
                     "broken_annotation", 2, id="flat 3D box"),
    ],
)  # fmt: skip
def test_problems_of_a_frame_are_named(writer, reading, changed, kind, labels):
    (record,), problems = reading("replicator", writer(**{**everything(), **changed}))
    assert kind in kinds(problems)
    assert len(record.labels) == labels


def test_object_arrays_are_never_unpickled(writer, reading, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    folder = writer(bounding_box_2d_tight=np.array([Bomb()], dtype=object))
    assert not (tmp_path / "exploded").exists()
    _, problems = reading("replicator", folder)
    assert "never unpickled" in next(p.message for p in problems if p.kind == "unreadable_map")
    assert not (tmp_path / "exploded").exists()


def test_frames_without_a_picture_are_named_once(writer, reading):
    folder = writer(layout="products", **everything())
    (folder / "rp0" / "rgb" / "rgb_0000.png").unlink()
    records, problems = reading("replicator", folder)
    assert records == []
    assert problems.records_lost == 1


def test_golden_pictures_are_pointers_and_named(shared_data, reading):
    records, problems = reading("replicator", shared_data / "isaac_golden")
    assert records == []
    assert kinds(problems)["lfs_pointer"] == problems.records_lost == 20


def golden(shared_data, tmp_path, model):
    """A golden PoseWriter folder with pictures in place of the pointers."""
    name = f"_out_test_pose_writer_{model}"
    (source,) = shared_data.glob(f"isaac_golden/**/{name}")
    for file in source.rglob("*.json"):
        target = tmp_path / file.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes())
        Image.new("RGB", (512, 512)).save(target.with_suffix(".png"))
    return tmp_path


@pytest.mark.parametrize("model", ["pinhole", "generalizedProjection"])
def test_golden_poses_are_made_again_and_reproject(shared_data, tmp_path, reading, model):
    folder = golden(shared_data, tmp_path, model)
    assert choose(Source(folder))[0] == "replicator"
    records, problems = reading("replicator", folder)
    assert len(records) == 2
    assert len(problems) == 0
    for record in records:
        said = json.loads(record.image_path.with_suffix(".json").read_text())
        assert [label.name for label in record.labels] == ["cube", "cube_rotated", "cube_scaled"]
        for label, thing in zip(record.labels, said["objects"], strict=True):
            ours = project(record.camera, corners(label.T_cam_obj, label.size_m))
            theirs = np.array(thing["cuboid_keypoints_projected"][1:])
            worst = max(np.abs(theirs - point).max(axis=1).min() for point in ours)
            assert worst < 0.5  # they are rounded to whole pixels
    scaled = next(r for r in records if "rp1" in r.origin).labels[2]
    assert scaled.T_cam_obj[:3, 3] == pytest.approx([1, 1, 10], abs=1e-5)  # the file says [-1.346, 10.659, -1.094]
    assert scaled.size_m == pytest.approx((1.5, 0.5, 1.0), abs=1e-6)


@pytest.mark.parametrize("model", ["pinholeOpenCV", "fisheyePolynomial"])
def test_golden_cameras_that_bend_are_named(shared_data, tmp_path, reading, model):
    records, problems = reading("replicator", golden(shared_data, tmp_path, model))
    assert kinds(problems)["unsupported_camera"] == 1
    assert all(record.camera is None for record in records)
    assert all(label.T_cam_obj is not None for record in records for label in record.labels)


def test_golden_depth_is_read(shared_data, tmp_path, reading):
    (source,) = shared_data.glob("isaac_golden/**/_out_behaviors_sdg")
    depth = np.load(source / "distance_to_image_plane_0000.npy")
    shutil.copy(source / "metadata.txt", tmp_path)
    shutil.copy(source / "distance_to_image_plane_0000.npy", tmp_path)
    Image.new("RGB", depth.shape[::-1]).save(tmp_path / "rgb_0000.png")
    (record,), problems = reading("replicator", tmp_path)
    assert len(problems) == 0
    ours = np.asarray(Image.open(record.maps["depth"])).astype(float)
    near = np.isfinite(depth) & (depth < 65)
    assert near.any()
    assert np.abs(ours[near] - depth[near] * 1000).max() <= 0.5
