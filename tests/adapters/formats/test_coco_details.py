"""COCO in the wild: ids of any size and kind, several files, JSON apart from the pictures."""

from __future__ import annotations

import json
import uuid

import pytest

from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.source import Source

BIG = 2**127 + 11


def document(image_id, name="a.jpg", *, category=1, box_id=1, **further):
    box = {"id": box_id, "image_id": image_id, "category_id": category, "bbox": [1, 2, 3, 4], **further}
    return {
        "images": [{"id": image_id, "file_name": name}],
        "annotations": [box],
        "categories": [{"id": category, "name": "cat"}],
    }


@pytest.mark.parametrize(
    ("image_id", "category", "box_id"),
    [
        (BIG, BIG + 1, BIG + 2),
        (-BIG, 0, -1),
        (str(uuid.UUID(int=BIG)), "cats", str(uuid.UUID(int=7))),
        (2**53 + 1, 2**53, 2**64),
    ],
)
def test_ids_of_any_size_and_kind_meet(tmp_path, reading, picture, image_id, category, box_id):
    picture(tmp_path / "a.jpg")
    picture(tmp_path / "b.jpg")
    content = document(image_id, category=category, box_id=box_id, track=BIG, instance_id=BIG)
    near = image_id + 1 if isinstance(image_id, int) else f"{image_id}0"  # equal as a float, not as an id
    content["images"].append({"id": near, "file_name": "b.jpg"})
    (tmp_path / "labels.json").write_text(json.dumps(content))
    records, problems = reading("coco", tmp_path)
    assert [len(record.labels) for record in records] == [1, 0]
    assert records[0].labels[0].attributes == {"track": str(BIG)}  # no database number holds it
    assert records[0].labels[0].instance_id is None
    assert [(p.kind, "instance_id" in p.message) for p in problems] == [("broken_annotation", True)]


def test_several_files_far_from_their_pictures(tmp_path, reading, picture):
    for split in ("train", "val"):
        picture(tmp_path / "photos" / f"{split}2017" / "1.jpg")
        (tmp_path / "boxes" / "json").mkdir(parents=True, exist_ok=True)
        content = document(1, "1.jpg")
        (tmp_path / "boxes" / "json" / f"instances_{split}2017.json").write_text(json.dumps(content))
    assert choose(Source(tmp_path))[0] == "coco"
    records, problems = reading("coco", tmp_path)
    found = {(record.origin, record.split, len(record.labels)) for record in records}
    assert found == {("photos/train2017/1.jpg", "train", 1), ("photos/val2017/1.jpg", "val", 1)}
    assert len(problems) == 0
