"""Write YOLO as Ultralytics loads it: ``data.yaml``, ``images/<split>/`` and ``labels/<split>/``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from workbench.adapters.formats.toolkit import fidelity as losses
from workbench.adapters.formats.toolkit.boxes import ROUNDING_PX, hull
from workbench.adapters.formats.toolkit.contract import NamedRecord, everything, record_of, survey
from workbench.adapters.formats.toolkit.names import in_order
from workbench.adapters.formats.toolkit.tree import stem_of
from workbench.base.files import write_bytes
from workbench.base.spool import Viewed
from workbench.core.schema.labels import Label, Record

name = "yolo"
numbered = embeds = False
holds = everything
tolerance_px = ROUNDING_PX
# of Ultralytics' those that need no add-on
takes: frozenset[str] | None = frozenset({".bmp", ".jpg", ".jpeg", ".mpo", ".png", ".tif", ".tiff", ".webp"})

_DIGITS = 10  # decimals of a share; 1e-6 px in an image of 10,000 px
_SAME_BOX_PX = 0.5


def picture_path(split: str, name: str) -> str:
    """Where an image belongs.

    >>> picture_path("val", "a.jpg")
    'images/val/a.jpg'
    """
    return f"images/{split}/{name}"


def lost(records: Sequence[Record]) -> list[str]:
    """YOLO holds classes and boxes, boxes with keypoints, or outlines (also of oriented boxes); nothing else."""
    labels = losses.AllLabels(records)
    points, outlines = _keypoint_count(records), _all_outlines(records)
    counts = {
        "keypoints of {n} labels": 0 if points else sum(label.keypoints is not None for label in labels),
        "outlines of {n} labels (written as boxes)": 0 if outlines else sum(bool(label.polygons) for label in labels),
        "boxes of {n} labels (written as outlines, whose boxes differ)": sum(map(_loses_box, labels))
        if outlines
        else 0,
        "masks of {n} labels (written as boxes)": sum(label.mask is not None for label in labels),
        "attributes of {n} labels": sum(bool(label.attributes) for label in labels),
        "confidence of {n} labels": sum(label.confidence is not None for label in labels),
        "boxes of whole objects of {n} labels": sum(label.xyxy_loose is not None for label in labels),
        "instance ids of {n} labels": sum(label.instance_id is not None for label in labels),
    }
    return losses.sentences(counts) + losses.of_samples(records)


def write(folder: Path, items: Sequence[NamedRecord]) -> None:
    """Write the yaml and one text file per image with labels; see ``contract.Writer.write``."""
    overview = survey(items)
    records = Viewed(items, record_of)
    numbers = {name: at for at, name in enumerate(overview.names)}
    points, outlines = _keypoint_count(records), _all_outlines(records)
    splits = in_order(overview.by_split)
    for split in splits:
        (folder / "labels" / split).mkdir(parents=True, exist_ok=True)
    for item in items:
        record = item.record
        rows = [_row(label, record, numbers, outlines=outlines, points=points) for label in record.labels]
        if rows:
            text = "".join(f"{row}\n" for row in rows)
            write_bytes(folder / "labels" / str(record.split) / f"{stem_of(item.name)}.txt", text.encode())
    content: dict[str, Any] = {
        **{split: f"images/{split}" for split in splits},
        "names": dict(enumerate(overview.names)),
    }
    if points:
        content["kpt_shape"] = [points, 3]
        if overview.keypoints:
            content["kpt_names"] = {
                numbers[name]: list(overview.keypoints[name]) for name in sorted(overview.keypoints)
            }
    write_bytes(folder / "data.yaml", yaml.safe_dump(content, sort_keys=False, allow_unicode=True).encode())


def _keypoint_count(records: Sequence[Record]) -> int:
    """Number of keypoints when every label has as many, which Ultralytics demands; else 0."""
    counts = {0 if label.keypoints is None else len(label.keypoints) for record in records for label in record.labels}
    return counts.pop() if len(counts) == 1 else 0


def _all_outlines(records: Sequence[Record]) -> bool:
    """Whether outlines can be written: Ultralytics drops them all when a single label has none."""
    if _keypoint_count(records):
        return False
    are_outlines = {len(label.polygons) == 1 and label.mask is None for record in records for label in record.labels}
    return are_outlines == {True}


def _loses_box(label: Label) -> bool:
    return not np.allclose(hull(label.polygons), label.xyxy, rtol=0, atol=_SAME_BOX_PX)


def _row(label: Label, record: Record, numbers: Mapping[str, int], *, outlines: bool, points: int) -> str:
    width, height = record.width, record.height
    if outlines:
        shares = (label.polygons[0] / (width, height)).ravel().tolist()
    else:
        left, top, right, bottom = label.xyxy
        shares = [
            (left + right) / 2 / width,
            (top + bottom) / 2 / height,
            (right - left) / width,
            (bottom - top) / height,
        ]
    if points and label.keypoints is not None:
        scaled = label.keypoints / (width, height, 1)
        return " ".join([str(numbers[label.name]), *map(_text, shares), *(_point(*point) for point in scaled)])
    return " ".join([str(numbers[label.name]), *(_text(share) for share in shares)])


def _point(x: float, y: float, visibility: float) -> str:
    """A point as shares; one outside the image cannot be written, and 0 0 0 is what stands for none."""
    inside = visibility > 0 and 0 <= x <= 1 and 0 <= y <= 1
    return f"{_text(x)} {_text(y)} {int(visibility)}" if inside else "0 0 0"


def _text(share: float) -> str:
    return f"{min(max(share, 0.0), 1.0):.{_DIGITS}f}".rstrip("0").rstrip(".")
