"""Write what Isaac Sim's BasicWriter writes, so that its tools read it. Conventions: see ``replicator_frame``."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from workbench.adapters.formats.toolkit import fidelity as losses
from workbench.adapters.formats.toolkit.boxes import has_fractions, whole_pixels
from workbench.adapters.formats.toolkit.contract import NamedRecord, everything, survey
from workbench.adapters.formats.toolkit.masks import png, whole_mask
from workbench.adapters.formats.toolkit.space import FLIP_YZ, inverse
from workbench.adapters.formats.toolkit.tree import stem_of
from workbench.base.files import write_bytes
from workbench.core.schema.fields import DEPTH
from workbench.core.schema.labels import Attribute, Camera, Label, Record

name = "replicator"
numbered, embeds = True, False
holds = everything
tolerance_px = 1.0  # boxes are whole pixels
takes: frozenset[str] | None = frozenset({".png", ".jpg", ".jpeg"})

_MM = 1000.0
_DIGITS = 6  # of a hidden share
_FIRST_ID = 2  # 0 is the background, 1 what has no label
_NEAR = 0.01
_FLAT = [
    ("semanticId", "<u4"),
    *((edge, "<i4") for edge in ("x_min", "y_min", "x_max", "y_max")),
    ("occlusionRatio", "<f4"),
]
_SOLID = [
    ("semanticId", "<u4"),
    *((f"{axis}_{end}", "<f4") for end in ("min", "max") for axis in "xyz"),
    ("transform", "<f4", (4, 4)),
    ("occlusionRatio", "<f4"),
]
_METADATA = {"name": "BasicWriter", "version": "0.0.2", "replicator_global_seed:": 0}  # the colon is the format's


def picture_path(split: str, name: str) -> str:
    """Where an image belongs.

    >>> picture_path("train", "000012.png")
    'train/rgb_0012.png'
    """
    return f"{split}/rgb_{int(stem_of(name)):04d}.{name.rpartition('.')[2]}"


def lost(records: Sequence[Record]) -> list[str]:
    """BasicWriter holds boxes, 3D boxes, masks that do not overlap, depth and pinhole cameras."""
    labels = losses.AllLabels(records)
    cameras = [record.camera for record in records if record.camera is not None]
    counts = {
        "fractions of pixels of {n} boxes": sum(has_fractions(label.xyxy) for label in labels),
        "3D boxes of {n} labels (without a size or a camera)": sum(
            label.T_cam_obj is not None and not _is_solid(label, record)
            for record in records
            for label in record.labels
        ),
        "masks of {n} labels (partly behind others, or empty)": sum(map(_hidden_masks, records)),
        "confidence of {n} labels": sum(label.confidence is not None for label in labels),
        "lens distortion of {n} cameras": sum(any(camera.distortion) for camera in cameras),
    }
    boxes = [text for text in losses.of_boxes(labels, _keeps) if not text.startswith("masks")]
    return boxes + losses.sentences(counts) + losses.of_samples(records, cameras=True, maps=(DEPTH,), solids=True)


def _keeps(label: Label, key: str, value: Attribute) -> bool:
    """The hidden share."""
    return key == "occlusion" and isinstance(value, int | float) and _occlusion(label) == round(value, _DIGITS) == value


def _hidden_masks(record: Record) -> int:
    """Masks that do not come back whole: one map shows one object in each pixel, the later one."""
    masked = [label for label in record.labels if label.mask is not None]
    if not masked:
        return 0
    pixels = np.zeros((record.height, record.width), np.int32)
    for at, label in enumerate(masked, 1):
        pixels[whole_mask(label, pixels.shape)] = at
    whole = [int(label.mask.sum()) for label in masked if label.mask is not None]
    shown = np.bincount(pixels.ravel(), minlength=len(masked) + 1)[1:].tolist()
    return sum(n == 0 or n != seen for n, seen in zip(whole, shown, strict=True))


def write(folder: Path, items: Sequence[NamedRecord]) -> None:
    """Write the annotators' files of every frame; see ``contract.Writer.write``."""
    for split in survey(items).by_split:
        (folder / split).mkdir(parents=True, exist_ok=True)
        write_bytes(folder / split / "metadata.txt", json.dumps(_METADATA).encode())
    for item in items:
        home, number = folder / str(item.record.split), f"{int(stem_of(item.name)):04d}"
        for file, data in _files(item.record).items():
            stem, _, suffix = file.rpartition(".")
            write_bytes(home / f"{stem}_{number}.{suffix}", data)


def _files(record: Record) -> dict[str, bytes]:
    """Bytes by file name without the frame's number."""
    labels, camera = record.labels, record.camera
    names = {name: at for at, name in enumerate(sorted({label.name for label in labels}))}
    classes = {str(at): {"class": name} for name, at in names.items()}
    prims = [f"/World/Objects/object_{at:03d}" for at in range(len(labels))]
    solid = [(label, prim) for label, prim in zip(labels, prims, strict=True) if _is_solid(label, record)]
    files = {
        "bounding_box_2d_tight.npy": _npy([_flat(label, names[label.name]) for label in labels], _FLAT),
        "bounding_box_2d_tight_labels.json": _json(classes),
        "bounding_box_2d_tight_prim_paths.json": _json(prims),
    }
    if camera is not None:
        files["camera_params.json"] = _json(_camera(camera))
        rows = [_solid(label, names[label.name], camera) for label, _ in solid]
        files["bounding_box_3d.npy"] = _npy(rows, _SOLID)
        files["bounding_box_3d_labels.json"] = _json(classes)
        files["bounding_box_3d_prim_paths.json"] = _json([prim for _, prim in solid])
    if any(label.mask is not None for label in labels):
        files |= _instances(record, prims)
    if DEPTH in record.maps:
        files["distance_to_image_plane.npy"] = _depth(record.maps[DEPTH])
    return files


def _is_solid(label: Label, record: Record) -> bool:
    return label.T_cam_obj is not None and label.size_m is not None and record.camera is not None


def _flat(label: Label, number: int) -> tuple[Any, ...]:
    """The far edge is the last pixel; a hidden share that is not known is -1."""
    left, top, right, bottom = whole_pixels(label.xyxy)
    return number, left, top, right - 1, bottom - 1, _occlusion(label)


def _occlusion(label: Label) -> float:
    given = label.attributes.get("occlusion", -1.0)
    return float(given) if isinstance(given, int | float) and 0 <= given <= 1 else -1.0


def _solid(label: Label, number: int, camera: Camera) -> tuple[Any, ...]:
    """Half extents about the centre, and the transform to the world for row vectors."""
    assert label.T_cam_obj is not None and label.size_m is not None
    half = np.asarray(label.size_m) / 2
    T_world_obj = _pose(camera) @ label.T_cam_obj
    return number, *(-half), *half, T_world_obj.T, _occlusion(label)


def _pose(camera: Camera) -> NDArray[np.float64]:
    return np.eye(4) if camera.T_world_cam is None else camera.T_world_cam


def _camera(camera: Camera) -> dict[str, Any]:
    """A pinhole camera with a reversed, infinite depth range, as the golden files have it."""
    width, height = camera.width, camera.height
    projection = np.zeros((4, 4))
    projection[0, 0], projection[1, 1] = 2 * camera.fx / width, 2 * camera.fy / height
    projection[2, 0], projection[2, 1] = 1 - (camera.cx + 0.5) * 2 / width, (camera.cy + 0.5) * 2 / height - 1
    projection[2, 3], projection[3, 2] = -1.0, _NEAR
    return {
        "cameraModel": "pinhole",
        "cameraViewTransform": (FLIP_YZ @ inverse(_pose(camera))).T.ravel().tolist(),
        "cameraProjection": projection.ravel().tolist(),
        "cameraNearFar": [_NEAR, 1e6],
        "metersPerSceneUnit": 1.0,
        "renderProductResolution": [width, height],
    }


def _instances(record: Record, prims: Sequence[str]) -> dict[str, bytes]:
    """One number per object; where masks overlap, the later label is in front."""
    pixels = np.zeros((record.height, record.width), np.uint16)
    mapped: dict[str, tuple[str, dict[str, str]]] = {
        "0": ("BACKGROUND", {"class": "BACKGROUND"}),
        "1": ("UNLABELLED", {"class": "UNLABELLED"}),
    }
    for at, (label, prim) in enumerate(zip(record.labels, prims, strict=True), _FIRST_ID):
        if label.mask is not None:
            pixels[whole_mask(label, pixels.shape)] = at
            mapped[str(at)] = (prim, {"class": label.name})
    return {
        "instance_segmentation.png": png(Image.fromarray(pixels)),
        "instance_segmentation_mapping.json": _json({key: prim for key, (prim, _) in mapped.items()}),
        "instance_segmentation_semantics_mapping.json": _json({key: named for key, (_, named) in mapped.items()}),
    }


def _depth(path: Path) -> bytes:
    """Metres, infinite where nothing was hit."""
    with Image.open(path) as opened:
        metres = np.asarray(opened).astype(np.float32) / np.float32(_MM)
    metres[metres == 0] = np.inf
    return _npy(metres, None)


def _npy(values: Any, dtype: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(values, dtype=dtype), allow_pickle=False)
    return stream.getvalue()


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
