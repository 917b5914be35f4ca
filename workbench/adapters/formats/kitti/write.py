"""Write KITTI object detection: ``image_2``, ``label_2`` and ``calib`` below each split. See ``kitti`` for the rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from workbench.adapters.formats.kitti.labels import is_plain_class
from workbench.adapters.formats.toolkit import fidelity as losses
from workbench.adapters.formats.toolkit.boxes import ROUNDING_PX
from workbench.adapters.formats.toolkit.contract import NamedRecord, everything, survey
from workbench.adapters.formats.toolkit.tree import stem_of
from workbench.base.files import write_bytes, write_json
from workbench.core.schema.labels import Attribute, Camera, Label, Record

name = "kitti"
numbered, embeds = True, False
holds = everything
tolerance_px = ROUNDING_PX
takes: frozenset[str] | None = frozenset({".png", ".jpg", ".jpeg"})

_UNKNOWN_OCCLUSION = 3
_LEAST_ANGLE = -9.5  # -10 stands for none
_DIGITS = 6
_NO_3D = "-1 -1 -1 -1000 -1000 -1000 -10"
_LEVEL = 1e-4  # how far from upright a box may stand and still be KITTI's


def picture_path(split: str, name: str) -> str:
    """Where an image belongs.

    >>> picture_path("val", "000012.png")
    'val/image_2/000012.png'
    """
    return f"{split}/image_2/{name}"


def lost(records: Sequence[Record]) -> list[str]:
    """KITTI holds boxes, and 3D boxes that stand upright before their camera."""
    labels = losses.AllLabels(records)
    cameras = [record.camera for record in records if record.camera is not None]
    counts = {
        "plain names of {n} labels (of several words; quoted, as Replicator does)": sum(
            not is_plain_class(label.name) for label in labels
        ),
        "3D boxes of {n} labels (tilted, or without a size)": sum(
            label.T_cam_obj is not None and not _is_upright(label) for label in labels
        ),
        "lens distortion of {n} cameras": sum(any(camera.distortion) for camera in cameras),
        "poses of {n} cameras": sum(camera.T_world_cam is not None for camera in cameras),
    }
    return (
        losses.of_boxes(labels, _keeps)
        + losses.sentences(counts)
        + losses.of_samples(records, cameras=True, solids=True)
    )


def _keeps(label: Label, key: str, value: Attribute) -> bool:
    """The three columns hold numbers that mean something to KITTI."""
    if not isinstance(value, int | float) or round(value, _DIGITS) != value:
        return False
    ranges = {"truncated": 0 <= value <= 1, "occluded": value in (0, 1, 2), "alpha": _LEAST_ANGLE < value < math.inf}
    return ranges.get(key, False)


def write(folder: Path, items: Sequence[NamedRecord]) -> None:
    """Write rows and calibration per image, and one list of classes; see ``contract.Writer.write``."""
    overview = survey(items)
    for split in overview.by_split:
        for part in ("label_2", "calib"):
            (folder / split / part).mkdir(parents=True, exist_ok=True)
    meta = {"label_map": {str(at): name for at, name in enumerate(overview.names)}}
    write_json(folder / "dataset_meta.json", meta)  # where datumaro looks for classes
    for item in items:
        record, stem = item.record, stem_of(item.name)
        home = folder / str(record.split)
        rows = "".join(f"{_row(label)}\n" for label in record.labels)
        write_bytes(home / "label_2" / f"{stem}.txt", rows.encode())
        if record.camera is not None:
            write_bytes(home / "calib" / f"{stem}.txt", _calibration(record.camera).encode())


def _row(label: Label) -> str:
    given = label.attributes
    truncated, alpha = _number(given.get("truncated"), 0.0), _number(given.get("alpha"), -10.0)
    occluded = given.get("occluded", _UNKNOWN_OCCLUSION)
    edges = " ".join(_text(value) for value in label.xyxy)
    head = (
        f"{_class(label.name)} {_text(truncated)} {int(_number(occluded, _UNKNOWN_OCCLUSION))} {_text(alpha)} {edges}"
    )
    score = "" if label.confidence is None else f" {label.confidence!r}"
    return f"{head} {_solid(label)}{score}"


def _class(name: str) -> str:
    """A class of one word as it is, any other as Replicator's KittiWriter has it: a quoted dictionary."""
    return name if is_plain_class(name) else '"' + repr({"class": name}).replace('"', '""') + '"'


def _number(value: object, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else otherwise


def _solid(label: Label) -> str:
    """Height, width, length, bottom centre and turn about the camera's y axis."""
    if not _is_upright(label):
        return _NO_3D
    pose, size = label.T_cam_obj, label.size_m
    assert pose is not None and size is not None
    length, height, width = size
    x, y, z = (float(value) for value in pose[:3, 3])
    turn = math.atan2(pose[0, 2], pose[0, 0])
    return " ".join(_text(value) for value in (height, width, length, x, y + height / 2, z, turn))


def _is_upright(label: Label) -> bool:
    """Whether the box's own y axis is the camera's."""
    pose = label.T_cam_obj
    return pose is not None and label.size_m is not None and bool(np.allclose(pose[:3, 1], (0, 1, 0), atol=_LEVEL))


def _calibration(camera: Camera) -> str:
    """Four cameras in one place; the laser scanner is not known and stands there too."""
    P = " ".join(_text(float(v)) for v in np.column_stack([camera.matrix, np.zeros(3)]).ravel())
    rows = [f"P{at}: {P}" for at in range(4)] + ["R0_rect: 1 0 0 0 1 0 0 0 1"]
    return "".join(f"{row}\n" for row in rows)


def _text(value: float) -> str:
    text = f"{value:.{_DIGITS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
