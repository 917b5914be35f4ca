"""Write COCO: ``annotations/instances_<split>.json`` and ``images/<split>/``, as pycocotools users expect.

What COCO has no place for goes into further keys of the image or annotation, which readers keep.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, TextIO

from workbench.adapters.formats.coco.entries import annotation_entry, box_entries, image_entry
from workbench.adapters.formats.toolkit import fidelity as losses
from workbench.adapters.formats.toolkit.boxes import ROUNDING_PX
from workbench.adapters.formats.toolkit.contract import NamedRecord, everything, survey
from workbench.core.schema.classes import ClassFacts
from workbench.core.schema.labels import Record

name = "coco"
numbered = embeds = False
holds = everything
tolerance_px = ROUNDING_PX
takes: frozenset[str] | None = None


def picture_path(split: str, name: str) -> str:
    """Where an image belongs.

    >>> picture_path("train", "a.jpg")
    'images/train/a.jpg'
    """
    return f"images/{split}/{name}"


def lost(records: Sequence[Record]) -> list[str]:
    """COCO keeps all but the per-pixel maps and the point clouds."""
    return losses.of_files(records)


def write(folder: Path, items: Sequence[NamedRecord]) -> None:
    """Write one file per split; see ``contract.Writer.write``."""
    overview = survey(items)
    facts = overview.facts
    points = {name: own.keypoints for name, own in facts.items() if own.keypoints}
    points = {**overview.keypoints, **points}
    ids = {name: at for at, name in enumerate(overview.names, 1)}
    categories = [_category(name, at, facts.get(name, ClassFacts()), points.get(name, ())) for name, at in ids.items()]
    (folder / "annotations").mkdir(exist_ok=True)
    number = count(1)
    first = 1
    for split, own in overview.by_split.items():
        with (folder / "annotations" / f"instances_{split}.json").open("w", encoding="utf-8") as stream:
            licenses: dict[Any, dict[str, Any]] = {}
            stream.write('{"info": {}, "images": [')
            _stream(stream, (_json(_noting(image_entry(item, at), licenses)) for at, item in enumerate(own, first)))
            stream.write(f'], "licenses": {_json(list(licenses.values()))}, "annotations": [')
            _stream(stream, (_annotations(item, at, ids, points, number) for at, item in enumerate(own, first)))
            stream.write(f'], "categories": {_json(categories)}}}\n')
        first += len(own)


def _noting(image: dict[str, Any], licenses: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    """An entry of ``images``, its license noted for the list of licenses."""
    number = image.get("license")
    named = {key: image[f"license_{key}"] for key in ("name", "url") if f"license_{key}" in image}
    if isinstance(number, int | float | str) and named:
        whole = int(number) if isinstance(number, float) and number.is_integer() else number
        licenses.setdefault(whole, {"id": whole, **named})
    return image


def _category(name: str, id: int, facts: ClassFacts, points: tuple[str, ...]) -> dict[str, Any]:
    """A class as an entry of ``categories``; the skeleton counts from 1."""
    entry: dict[str, Any] = {**facts.attributes, "id": id, "name": name, "supercategory": facts.supercategory or ""}
    if points:
        entry["keypoints"] = list(points)
    if facts.skeleton:
        entry["skeleton"] = [[first + 1, second + 1] for first, second in facts.skeleton]
    return entry


_json = json.JSONEncoder(ensure_ascii=False).encode  # no indent: ten times faster with many labels


def _stream(stream: TextIO, pieces: Iterable[str]) -> None:
    """Write the items of a list as they are made: all of them at once would take much memory."""
    first = True
    for piece in filter(None, pieces):
        stream.write(piece if first else f", {piece}")
        first = False


def _annotations(
    item: NamedRecord,
    image_id: int,
    ids: Mapping[str, int],
    points: Mapping[str, tuple[str, ...]],
    number: Iterator[int],
) -> str:
    """The annotations of one image, without the brackets around them."""
    labels, shape = item.record.labels, (item.record.height, item.record.width)
    if not labels.columns:
        entries = box_entries(labels)
    else:
        entries = [_json(annotation_entry(label, shape, points.get(label.name, ())))[1:-1] for label in labels]
    return ", ".join(
        f'{{{entry}, "id": {next(number)}, "image_id": {image_id}, "category_id": {ids[name]}}}'
        for entry, name in zip(entries, labels.names, strict=True)
    )
