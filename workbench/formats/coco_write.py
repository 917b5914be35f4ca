"""Write COCO: ``annotations/instances_<split>.json`` and ``images/<split>/``, as pycocotools users expect.

What COCO has no place for goes into further keys of the image or annotation, which readers keep.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TextIO

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
    number = count(1)
    image_id = 0
    for split in sorted({str(item.record.split) for item in placed}):
        own = [item for item in placed if item.record.split == split]
        with (folder / "annotations" / f"instances_{split}.json").open("w", encoding="utf-8") as stream:
            stream.write('{"info": {}, "licenses": [], "images": [')
            _stream(stream, (_json(image_entry(item, at)) for at, item in enumerate(own, image_id + 1)))
            stream.write('], "annotations": [')
            _stream(stream, (_annotations(item, at, ids, points, number) for at, item in enumerate(own, image_id + 1)))
            stream.write(f'], "categories": {_json(categories)}}}\n')
        image_id += len(own)


def _stream(stream: TextIO, pieces: Iterable[str]) -> None:
    """Write the items of a list as they are made: all of them at once would take much memory."""
    first = True
    for piece in filter(None, pieces):
        stream.write(piece if first else f", {piece}")
        first = False


def _annotations(
    item: Placed, image_id: int, ids: Mapping[str, int], points: Mapping[str, tuple[str, ...]], number: Iterator[int]
) -> str:
    """The annotations of one picture, without the brackets around them."""
    shape = (item.record.height, item.record.width)
    entries = [
        annotation_entry(label, shape, points.get(label.name, ()))
        | {"id": next(number), "image_id": image_id, "category_id": ids[label.name]}
        for label in item.record.labels
    ]
    return _json(entries)[1:-1]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)  # no indent: ten times faster with many labels


def _keypoint_names(placed: Sequence[Placed]) -> dict[str, tuple[str, ...]]:
    """Names of keypoints by class: those of its first label that has any."""
    found: dict[str, tuple[str, ...]] = {}
    for item in placed:
        for label in item.record.labels:
            if label.keypoints is not None and label.keypoint_names:
                found.setdefault(label.name, label.keypoint_names)
    return found
