"""Write COCO: ``annotations/instances_<split>.json`` and ``images/<split>/``, as pycocotools users expect.

What COCO has no place for goes into further keys of the image or annotation, which readers keep.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.files import write_bytes
from workbench.formats import losses
from workbench.formats.boxes import ROUNDING_PX
from workbench.formats.coco_entries import annotation_entry, image_entry
from workbench.formats.contract import Placed
from workbench.schema.labels import Label, Record

name = "coco"
numbered = embeds = False
tolerance_px = ROUNDING_PX


def picture_path(split: str, name: str) -> str:
    """Where a picture belongs.

    >>> picture_path("train", "a.jpg")
    'images/train/a.jpg'
    """
    return f"images/{split}/{name}"


def holds(label: Label) -> bool:
    """Every label has a box, and that is enough."""
    return True


def lost(records: Sequence[Record]) -> list[str]:
    """COCO keeps all but the per-pixel maps and the point clouds."""
    return losses.of_files(records)


def write(folder: Path, placed: Sequence[Placed]) -> None:
    """Write one file per split; see ``contract.Writer.write``."""
    names = sorted({label.name for item in placed for label in item.record.labels})
    ids = {name: at for at, name in enumerate(names, 1)}
    points = _keypoint_names(placed)
    categories = [
        {"id": at, "name": name, "supercategory": "", **({"keypoints": list(points[name])} if name in points else {})}
        for name, at in ids.items()
    ]
    (folder / "annotations").mkdir(exist_ok=True)
    image_id = annotation_id = 0
    for split in sorted({str(item.record.split) for item in placed}):
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for item in placed:
            if item.record.split == split:
                image_id += 1
                images.append(image_entry(item, image_id))
                for label in item.record.labels:
                    annotation_id += 1
                    shape = (item.record.height, item.record.width)
                    ids_of = {"id": annotation_id, "image_id": image_id, "category_id": ids[label.name]}
                    annotations.append(annotation_entry(label, shape, points.get(label.name, ())) | ids_of)
        content = {"info": {}, "licenses": [], "images": images, "annotations": annotations, "categories": categories}
        text = json.dumps(content, ensure_ascii=False)  # no indent: ten times faster with many labels
        write_bytes(folder / "annotations" / f"instances_{split}.json", f"{text}\n".encode())


def _keypoint_names(placed: Sequence[Placed]) -> dict[str, tuple[str, ...]]:
    """Names of keypoints by class: those of its first label that has any."""
    found: dict[str, tuple[str, ...]] = {}
    for item in placed:
        for label in item.record.labels:
            if label.keypoints is not None and label.keypoint_names:
                found.setdefault(label.name, label.keypoint_names)
    return found
