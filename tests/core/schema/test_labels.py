"""Labels by column say the same as label by label, and hold no more columns than needed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from workbench.core.schema.labels import Label, Labels, Record

BOX = (1.0, 2.0, 3.5, 4.0)
FIELDS = {
    "polygons": (np.zeros((3, 2)),),
    "mask": np.ones((2, 3), bool),
    "attributes": {"occlusion": 0.25},
    "confidence": 0.0,
    "instance_id": 0,
    "keypoints": np.zeros((1, 3)),
    "T_cam_obj": np.eye(4),
    "size_m": (0.1, 0.2, 0.3),
    "xyxy_loose": (0.0, 0.0, 9.0, 9.0),
}


def test_every_further_field_of_a_label_is_known():
    others = {"name", "xyxy", "keypoint_names"}
    assert {field.name for field in dataclasses.fields(Label)} - others == FIELDS.keys()


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_a_field_of_one_label_is_a_column_of_all(name):
    labels = Labels.of([Label("cup", BOX), Label("box", BOX, **{name: FIELDS[name]})])
    assert list(labels.columns) == [name]
    plain, other = labels
    assert plain == Label("cup", BOX)
    np.testing.assert_equal(getattr(other, name), FIELDS[name])
    again = Labels.unpacked(labels.packed())
    assert (again.names, again.xyxy.tolist()) == (("cup", "box"), [list(BOX), list(BOX)])
    np.testing.assert_equal(getattr(again[1], name), FIELDS[name])


def test_names_of_keypoints_are_kept_with_them():
    points = Label("hand", BOX, keypoints=np.zeros((1, 3)), keypoint_names=("thumb",))
    assert Labels.of([points])[0].keypoint_names == ("thumb",)


def test_plain_labels_have_no_columns():
    labels = Labels.of(Label("cup", BOX) for _ in range(3))
    assert (labels.columns, len(labels), list(labels.boxes())) == ({}, 3, [BOX] * 3)
    first, second = labels[:2]
    assert first.attributes is not second.attributes


def test_a_record_takes_any_labels_and_holds_columns():
    record = Record(Path("a.jpg"), "a.jpg", 4, 3, [Label("cup", BOX)])
    assert isinstance(record.labels, Labels) and record.labels == (Label("cup", BOX),)
    assert Record(Path("a.jpg"), "a.jpg", 4, 3).labels == ()
    assert dataclasses.replace(record, labels=record.labels).labels is record.labels


def test_an_array_is_copied():
    edges = np.array([BOX])
    labels = Labels(("cup",), edges)
    edges[:] = 0
    assert labels[0].xyxy == BOX
    with pytest.raises(ValueError, match="read-only"):
        labels.xyxy[0] = 0
