"""The real data sets give exactly what is known of them."""

from __future__ import annotations

from collections import Counter

import pytest

from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import InputError

NUTS = {"date": 71, "hazelnut": 53, "fig": 41}
CONES = {"cone": 274, "cube": 161}


def classes(records):
    return Counter(label.name for record in records for label in record.labels)


def kinds(problems):
    return Counter(problem.kind for problem in problems)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("voc_bccd", "voc"),
        ("voc_bccd/BCCD", "voc"),
        ("coco_nuts", "coco"),
        ("coco_nuts/data/trainval.json", "coco"),
        ("yolo_cones", "yolo"),
        ("yolo_cones/data.yaml", "yolo"),
        ("yolo_cones/valid", "yolo"),
        ("yolo_cones/test/images", "folder"),
        ("isaac_golden", "replicator"),
        ("solo_unity", "solo"),
        ("pcd_pcl", "cloud"),
    ],
)
def test_format_is_found_from_content(shared_data, path, name):
    chosen, found = choose(Source(shared_data / path))
    assert chosen == name
    assert found.why


def test_what_no_format_knows_is_said_with_what_was_looked_for(shared_data):
    with pytest.raises(InputError, match=r"recognized by: .*coco: .*folder: .*voc: .*yolo: "):
        choose(Source(shared_data / "lerobot_g1"))


def test_voc_bccd(shared_data, reading):
    records, problems = reading("voc", shared_data / "voc_bccd")
    assert len(records) == 364
    assert classes(records) == {"RBC": 4155, "WBC": 372, "Platelets": 361}
    assert {(record.width, record.height) for record in records} == {(640, 480)}
    assert Counter(record.split for record in records) == {"train": 205, "val": 87, "test": 72}
    assert kinds(problems) == {"zero_area_box": 2, "unread_file": 1}
    assert ["00338" in p.where or "00343" in p.where for p in problems] == [True, True, False]


def test_voc_bccd_boxes_are_edges_in_the_devkit_dialect(shared_data, reading):
    records, _ = reading("voc", shared_data / "voc_bccd")
    boxes = [label.xyxy for record in records for label in record.labels]
    assert min(box[0] for box in boxes) == 0
    assert min(box[1] for box in boxes) == 0
    assert max(box[2] for box in boxes) == 640
    assert max(box[3] for box in boxes) == 480
    degenerate = [box for box in boxes if box[2] - box[0] == 1 and box[3] - box[1] == 1]
    assert sorted(degenerate) == [(180, 328, 181, 329), (503, 336, 504, 337)]


def test_coco_nuts(shared_data, reading):
    for path in ("coco_nuts", "coco_nuts/data/trainval.json"):
        records, problems = reading("coco", shared_data / path)
        assert len(records) == 18
        assert classes(records) == NUTS
        assert {(record.width, record.height) for record in records} == {(800, 600)}
        assert all(len(label.polygons) == 1 for record in records for label in record.labels)
        assert len(problems) == 0


def test_yolo_cones(shared_data, reading):
    records, problems = reading("yolo", shared_data / "yolo_cones")
    by_split = {split: [r for r in records if r.split == split] for split in ("val", "test")}
    assert len(records) == 187
    assert len(by_split["val"]) == 124
    assert classes(by_split["val"]) == {"cone": 189, "cube": 111}
    assert len(by_split["test"]) == 63
    assert classes(by_split["test"]) == {"cone": 85, "cube": 50}
    assert kinds(problems) == {"path_outside_folder": 2, "missing_split": 1}
    assert [p.where for p in problems if p.kind == "missing_split"] == ["data.yaml, train"]


def test_isaac_golden_pictures_are_named_as_lfs_pointers(shared_data, reading):
    records, problems = reading("folder", shared_data / "isaac_golden")
    assert records == []
    assert kinds(problems)["lfs_pointer"] == problems.records_lost == 48
