"""Random labels through write and read of every writable format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.formats.reading import through
from tests.strategies import HEIGHT, POINTS, WIDTH, boxes, keypoints, records
from workbench.adapters.formats.registry import WRITERS
from workbench.adapters.formats.toolkit import rle
from workbench.adapters.formats.toolkit.boxes import hull
from workbench.adapters.formats.toolkit.contract import NamedRecord
from workbench.core.schema.labels import Label, Record

TOLERANCE_PX = 1e-4


@pytest.mark.parametrize("name", sorted(WRITERS))
@settings(max_examples=60, deadline=None)
@given(given_records=st.lists(records, min_size=1, max_size=4))
def test_labels_come_back(name, given_records):
    found, problems, written = through(name, given_records)
    writer = WRITERS[name]
    # one pixel wide, or twice in a place: named and kept; BOP wants masks and cameras, and says so
    kept = {"zero_area_box", "duplicate_box", *({"missing_map"} if name == "bop" else ())}
    assert [p for p in problems if p.kind not in kept] == []
    assert len(found) == len(given_records)
    outlines = all(len(label.polygons) == 1 for record in given_records for label in record.labels)
    for at, wanted in enumerate(given_records):
        record = found[f"{at}.png"]
        assert record.split == wanted.split
        meant = [label for label in wanted.labels if writer.holds(label)]
        assert [label.name for label in record.labels] == [label.name for label in meant]
        for before, after in zip(meant, record.labels, strict=True):
            expected = hull(before.polygons) if name == "yolo" and outlines else before.xyxy
            assert after.xyxy == pytest.approx(expected, abs=1.0 if writer.tolerance_px == 1 else TOLERANCE_PX)
    assert through(name, given_records)[2] == written


@pytest.mark.parametrize("name", ["coco", "fiftyone", "parquet", "webdataset"])
@settings(max_examples=60, deadline=None)
@given(given_records=st.lists(records, min_size=1, max_size=3))
def test_these_keep_everything(name, given_records):
    found, _, _ = through(name, given_records)
    for at, wanted in enumerate(given_records):
        record = found[f"{at}.png"]
        for key in ("classification", "scene_id", "attributes", "generation", "tags"):
            assert getattr(record, key) == getattr(wanted, key), key
        if wanted.camera is None:
            assert record.camera is None
        else:
            assert record.camera is not None
            assert (record.camera.matrix == wanted.camera.matrix).all()
        for before, after in zip(wanted.labels, record.labels, strict=True):
            assert after.attributes == before.attributes
            assert after.confidence == before.confidence
            assert after.instance_id == before.instance_id
            assert len(after.polygons) == len(before.polygons)
            for one, two in zip(before.polygons, after.polygons, strict=True):
                assert two == pytest.approx(one, abs=TOLERANCE_PX)
            assert after.keypoint_names == before.keypoint_names
            for key in ("keypoints", "T_cam_obj", "size_m"):
                assert (getattr(after, key) is None) == (getattr(before, key) is None), key
                if getattr(before, key) is not None:
                    assert np.asarray(getattr(after, key)) == pytest.approx(np.asarray(getattr(before, key)), abs=1e-5)
            assert (after.mask is None) == (before.mask is None)
            if before.mask is not None:
                assert (after.mask == before.mask).all()
    assert WRITERS[name].lost(given_records) == []


@settings(max_examples=60, deadline=None)
@given(
    points=st.lists(keypoints(count=2), min_size=1, max_size=4),
    boxes=st.lists(boxes(), min_size=4, max_size=4),
    named=st.booleans(),
)
def test_yolo_pose_comes_back(points, boxes, named):
    told = POINTS[:2] if named else ()
    made = tuple(
        Label("cat", box, keypoints=point, keypoint_names=told) for point, box in zip(points, boxes, strict=False)
    )
    record = Record(Path("x"), "x", WIDTH, HEIGHT, made, split="val")
    assert WRITERS["yolo"].lost([record]) == []
    found, problems, _ = through("yolo", [record])
    assert {problem.kind for problem in problems} <= {"duplicate_box"}
    for before, after in zip(made, found["0.png"].labels, strict=True):
        assert after.keypoints == pytest.approx(before.keypoints, abs=TOLERANCE_PX)
        assert after.keypoint_names == told
        assert after.xyxy == pytest.approx(before.xyxy, abs=TOLERANCE_PX)


def test_keypoints_that_yolo_cannot_hold_are_told():
    box, point = (0.0, 0.0, 4.0, 4.0), np.array([[1.0, 1.0, 2.0]])
    record = Record(Path("x"), "x", 64, 48, (Label("a", box, keypoints=point), Label("a", box, T_cam_obj=np.eye(4))))
    lost = " | ".join(WRITERS["yolo"].lost([record]))
    assert "keypoints of 1" in lost
    assert "3D boxes of 1" in lost


@given(st.lists(st.booleans(), min_size=1, max_size=200), st.integers(1, 20))
def test_run_lengths_come_back(bits, height):
    width = -(-len(bits) // height)
    mask = np.zeros(height * width, bool)
    mask[: len(bits)] = bits
    mask = mask.reshape(height, width)
    counts = rle.encode(mask)
    assert (rle.decode(counts, height, width) == mask).all()
    assert rle.unpack(packed(counts)) == counts


def packed(counts: list[int]) -> str:
    """The compressed form, written from its description; the oracle for ``rle.unpack``."""
    text = ""
    for at, count in enumerate(counts):
        value = count - counts[at - 2] if at > 2 else count
        more = True
        while more:
            bits, value = value & 0x1F, value >> 5
            more = value != (-1 if bits & 0x10 else 0)
            text += chr(48 + (bits | (0x20 if more else 0)))
    return text


def test_what_yolo_cannot_hold_is_told():
    box, mask = (0.0, 0.0, 4.0, 4.0), np.ones((4, 4), bool)
    label = Label("a", box, mask=mask, attributes={"occlusion": 0.5}, confidence=0.5, instance_id=3)
    record = Record(Path("x"), "x", 64, 48, (label,), scene_id="s", attributes={"lighting": "dim"}, tags=("t",))
    lost = " | ".join(WRITERS["yolo"].lost([record]))
    for word in ("masks of 1", "attributes of 1 label", "confidence of 1", "instance ids of 1", "scene ids", "tags"):
        assert word in lost
    assert WRITERS["yolo"].lost([Record(Path("x"), "x", 64, 48, (Label("a", box),))]) == []


def test_yolo_writes_what_ultralytics_loads(tmp_path):
    """The checks of its loader: 5 columns or an outline, classes below nc, values from 0 to 1."""
    import yaml

    rows = (Label("b", (0, 0, WIDTH, HEIGHT)), Label("a", (1.3, 2.7, 9.1, 40)))
    record = Record(tmp_path / "x.png", "x", WIDTH, HEIGHT, rows, split="val")
    (tmp_path / "images" / "val").mkdir(parents=True)
    WRITERS["yolo"].write(tmp_path, [NamedRecord(record, "x.png")])
    content = yaml.safe_load((tmp_path / "data.yaml").read_text())
    assert content == {"val": "images/val", "names": {0: "a", 1: "b"}}
    table = np.loadtxt(tmp_path / "labels" / "val" / "x.txt")
    assert table.shape == (2, 5)
    assert set(table[:, 0]) == {0, 1}
    assert table[:, 1:].min() >= 0
    assert table[:, 1:].max() <= 1
