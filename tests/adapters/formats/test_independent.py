"""The real sets, read by hand in a few lines or by pycocotools, beside what our readers give: every box and mask."""

from __future__ import annotations

import csv
import json
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.source import Source

Boxes = dict[str, list[tuple[str, tuple[float, ...]]]]  # class and rounded edges by image


def ours(folder: Path, name: str | None = None) -> Boxes:
    records = choose(Source(folder), name=name)[1].read()
    return {
        record.image_path.name: sorted((label.name, rounded(label.xyxy)) for label in record.labels)
        for record in records
    }


def rounded(edges) -> tuple[float, ...]:
    return tuple(round(float(edge), 3) for edge in edges)


def clipped(edges, size) -> tuple[float, ...]:
    left, top, right, bottom = edges
    return max(left, 0), max(top, 0), min(right, size[0]), min(bottom, size[1])


def upright_size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return ImageOps.exif_transpose(picture).size


def by_elementtree(folder: Path, images: str) -> Boxes:
    """The devkit's counting: pixels from 1, the far edge included."""
    boxes: Boxes = {}
    files = sorted(folder.rglob("*.xml"))
    for file in files:
        root = ET.parse(file).getroot()
        name = next(
            path for path in folder.rglob(f"{file.stem}.*") if path.suffix != ".xml" and images in path.as_posix()
        )
        size = upright_size(name)
        edges = [
            (node.findtext("name"), [float(node.findtext(f"bndbox/{key}")) for key in ("xmin", "ymin", "xmax", "ymax")])
            for node in root.iter("object")
        ]
        boxes[name.name] = sorted(
            (word, rounded(clipped((x1 - 1, y1 - 1, x2, y2), size))) for word, (x1, y1, x2, y2) in edges
        )
    return boxes


@pytest.mark.parametrize(("name", "images", "labels"), [("voc_bccd", "JPEGImages", 4888), ("voc_cards", "images", 670)])
def test_boxes_of_voc(shared_data, name, images, labels):
    expected = by_elementtree(shared_data / name, images)
    assert ours(shared_data / name) == expected
    assert sum(map(len, expected.values())) == labels


def test_boxes_of_the_tables_beside_voc(shared_data):
    """TensorFlow's CSV of the same cards: the same classes, boxes counted from 0 there."""
    for split in ("train", "test"):
        file = shared_data / "voc_cards" / "images" / f"{split}_labels.csv"
        with file.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        expected = Counter((row["filename"], row["class"]) for row in rows)
        read = ours(file, "csv")
        assert Counter((image, name) for image, labels in read.items() for name, _ in labels) == expected


def test_boxes_of_yolo(shared_data):
    folder, expected = shared_data / "yolo_cones", {}
    for file in sorted(folder.rglob("labels/*.txt")):
        picture = next((file.parents[1] / "images").glob(f"{file.stem}.*"))
        width, height = upright_size(picture)
        rows = [line.split() for line in file.read_text().splitlines() if line.strip()]
        edges = []
        for number, *shares in rows:
            x, y, w, h = map(float, shares[:4])
            box = ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
            edges.append((("cone", "cube")[int(number)], rounded(clipped(box, (width, height)))))
        expected[picture.name] = sorted(edges)
    assert ours(folder) == expected
    assert sum(map(len, expected.values())) == 435


def test_masks_of_coco(shared_data):
    """pycocotools rasterizes the outlines; ours agree to the pixels on their edges."""
    coco = pytest.importorskip("pycocotools.coco")
    file = shared_data / "coco_nuts" / "data" / "trainval.json"
    reference = coco.COCO(str(file))
    records = {record.image_path.name: record for record in choose(Source(shared_data / "coco_nuts"))[1].read()}
    n = 0
    for image in reference.loadImgs(reference.getImgIds()):
        record = records[Path(image["file_name"]).name]
        annotations = reference.loadAnns(reference.getAnnIds(imgIds=[image["id"]]))
        assert len(annotations) == len(record.labels)
        for annotation, label in zip(annotations, record.labels, strict=True):
            x, y, w, h = annotation["bbox"]
            assert label.xyxy == pytest.approx((x, y, x + w, y + h), abs=1e-3)
            assert label.name == reference.cats[annotation["category_id"]]["name"]
            theirs = reference.annToMask(annotation).astype(bool)
            canvas = Image.new("1", (record.width, record.height))
            for polygon in label.polygons:
                ImageDraw.Draw(canvas).polygon([tuple(point) for point in polygon], fill=1)
            mine = np.asarray(canvas)
            assert (theirs & mine).sum() > 0.93 * (theirs | mine).sum()
            n += 1
    assert n == 165


def test_boxes_of_solo(shared_data):
    folder = shared_data / "solo_unity" / "tests" / "data" / "solo"
    expected: Boxes = {}
    for file in sorted(folder.rglob("step*.frame_data.json")):
        for capture in json.loads(file.read_text())["captures"]:
            values = next(a["values"] for a in capture["annotations"] if a["@type"].endswith("BoundingBox2DAnnotation"))
            edges = [(v["labelName"], *v["origin"], *v["dimension"]) for v in values]
            expected[f"{file.parent.name}/{capture['filename']}"] = sorted(
                (name, rounded((x, y, x + w, y + h))) for name, x, y, w, h in edges
            )
    records = choose(Source(folder))[1].read()
    found = {r.origin: sorted((label.name, rounded(label.xyxy)) for label in r.labels) for r in records}
    assert found == expected
