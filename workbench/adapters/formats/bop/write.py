"""Write BOP: ``<split>/000000/rgb/000000.jpg`` with poses, masks and depth. See ``bop`` for the conventions.

BOP is about poses: labels without one have no place in it. Classes become numbers; their names stand beside the
extents in ``models_info.json``, where the toolkit passes over them.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workbench.adapters.formats.toolkit import fidelity as losses
from workbench.adapters.formats.toolkit.boxes import has_fractions, whole_pixels
from workbench.adapters.formats.toolkit.contract import NamedRecord
from workbench.adapters.formats.toolkit.masks import png, whole_mask
from workbench.adapters.formats.toolkit.space import Floats, inverse, seen_box
from workbench.adapters.formats.toolkit.tree import stem_of
from workbench.base.files import write_bytes, write_json
from workbench.core.schema.fields import DEPTH
from workbench.core.schema.labels import Attribute, Label, Record

name = "bop"
numbered, embeds = True, False
tolerance_px = 1.0  # boxes are whole pixels
takes: frozenset[str] | None = frozenset({".png", ".jpg"})

_MM = 1000.0
_PER_SCENE = 1000
_DIGITS = 6  # of a visible share
_MOST_PX = 1 << 53
Sizes = Mapping[str, tuple[float, float, float] | None]


def picture_path(split: str, name: str) -> str:
    """Where an image belongs: a thousand in each scene.

    >>> picture_path("test", "001002.png")
    'test/000001/rgb/000002.png'
    """
    number, suffix = int(stem_of(name)), name.rpartition(".")[2]
    return f"{split}/{number // _PER_SCENE:06d}/rgb/{number % _PER_SCENE:06d}.{suffix}"


def holds(label: Label) -> bool:
    """Labels that have a pose."""
    return label.T_cam_obj is not None


def lost(records: Sequence[Record]) -> list[str]:
    """BOP holds poses with a mask and a visible share, depth and the camera."""
    labels = losses.AllLabels(records)
    posed = [label for label in labels if holds(label)]
    sizes = _sizes(records)
    cameras = [record.camera for record in records if record.camera is not None]
    counts = {
        "{n} labels without a pose": sum(not holds(label) for label in labels),
        "fractions of pixels of {n} boxes": sum(has_fractions(label.xyxy) for label in posed),
        "sizes of {n} labels unlike those of others of their class": sum(
            label.size_m != sizes[label.name] for label in posed
        ),
        "{n} samples without a camera, which BOP wants": len(records) - len(cameras),
        "confidence of {n} labels": sum(label.confidence is not None for label in posed),
        "lens distortion of {n} cameras": sum(any(camera.distortion) for camera in cameras),
    }
    boxes = [text for text in losses.of_boxes(posed, _keeps) if not text.startswith("masks")]
    return losses.sentences(counts) + boxes + losses.of_samples(records, cameras=True, maps=(DEPTH,), solids=True)


def _keeps(label: Label, key: str, value: Attribute) -> bool:
    """A visible share, and a number of pixels, which is that of the mask where there is one."""
    if key == "visible_px":
        px = _visible_px(label)
        return px == value and px is not None
    is_share = isinstance(value, int | float) and 0 <= value <= 1 and round(value, _DIGITS) == value
    return key == "visible_fraction" and is_share


def _visible_px(label: Label) -> int | None:
    """Visible pixels, where they are known; 0 would be an object that is not seen."""
    given = label.attributes.get("visible_px")
    px = int(label.mask.sum()) if label.mask is not None else given if type(given) is int else 0
    return px if 0 < px < _MOST_PX else None


def write(folder: Path, items: Sequence[NamedRecord]) -> None:
    """Write the three files of each scene, masks, depth and the models' extents; see ``contract.Writer.write``."""
    sizes = _sizes([item.record for item in items])
    numbers = {name: at for at, name in enumerate(sorted(sizes), 1)}
    scenes: defaultdict[Path, list[tuple[int, Record]]] = defaultdict(list)
    for item in items:
        picture = folder / picture_path(str(item.record.split), item.name)
        scenes[picture.parent.parent].append((int(picture.stem), item.record))
    for scene, shots in scenes.items():
        scene.mkdir(parents=True, exist_ok=True)
        write_json(scene / "scene_camera.json", {str(n): _camera(record) for n, record in shots if record.camera})
        write_json(scene / "scene_gt.json", {str(n): [_pose(x, numbers) for x in _posed(r)] for n, r in shots})
        write_json(scene / "scene_gt_info.json", {str(n): [_info(label, r) for label in _posed(r)] for n, r in shots})
        for n, record in shots:
            _write_pixels(scene, n, record)
    (folder / "models").mkdir(exist_ok=True)
    models = {str(numbers[name]): _model(name, size_m) for name, size_m in sizes.items()}
    write_json(folder / "models" / "models_info.json", models)


def _posed(record: Record) -> list[Label]:
    return [label for label in record.labels if holds(label)]


def _sizes(records: Sequence[Record]) -> dict[str, tuple[float, float, float] | None]:
    """Size by class: that of its first label which has one."""
    sizes: dict[str, tuple[float, float, float] | None] = {}
    for label in (label for record in records for label in _posed(record)):
        if sizes.get(label.name) is None:
            sizes[label.name] = label.size_m
    return sizes


def _camera(record: Record) -> dict[str, Any]:
    camera = record.camera
    assert camera is not None
    entry: dict[str, Any] = {"cam_K": camera.matrix.ravel().tolist(), "depth_scale": 1.0}
    if camera.T_world_cam is not None:
        entry |= _transform(inverse(camera.T_world_cam), "w2c")
    return entry


def _transform(T: Floats, which: str) -> dict[str, Any]:
    return {f"cam_R_{which}": T[:3, :3].ravel().tolist(), f"cam_t_{which}": (T[:3, 3] * _MM).tolist()}


def _pose(label: Label, numbers: Mapping[str, int]) -> dict[str, Any]:
    assert label.T_cam_obj is not None
    return {**_transform(label.T_cam_obj, "m2c"), "obj_id": numbers[label.name]}


def _info(label: Label, record: Record) -> dict[str, Any]:
    visible = _short(whole_pixels(label.xyxy))
    whole = None
    if record.camera is not None and label.T_cam_obj is not None and label.size_m is not None:
        whole = seen_box(record.camera, label.T_cam_obj, label.size_m)
    entry: dict[str, Any] = {
        "bbox_visib": visible,
        "bbox_obj": visible if whole is None else _short(whole_pixels(whole)),
    }
    if (px := _visible_px(label)) is not None:
        entry["px_count_visib"] = px
    if (share := label.attributes.get("visible_fraction")) is not None and _keeps(label, "visible_fraction", share):
        entry["visib_fract"] = share
    return entry


def _short(box: tuple[int, int, int, int]) -> list[int]:
    """Near pixel, and far minus near pixel: one less than the width."""
    left, top, right, bottom = box
    return [left, top, right - left - 1, bottom - top - 1]


def _model(name: str, size_m: tuple[float, float, float] | None) -> dict[str, Any]:
    if size_m is None:
        return {"name": name}
    size = np.asarray(size_m) * _MM
    edges = {f"min_{axis}": -float(v) / 2 for axis, v in zip("xyz", size, strict=True)}
    edges |= {f"size_{axis}": float(v) for axis, v in zip("xyz", size, strict=True)}
    return {"name": name, "diameter": float(np.linalg.norm(size)), **edges}


def _write_pixels(scene: Path, number: int, record: Record) -> None:
    """Masks as PNG of 0 and 255, and the depth map, whose unit is BOP's already."""
    for at, label in enumerate(_posed(record)):
        if label.mask is not None:
            (scene / "mask_visib").mkdir(exist_ok=True)
            pixels = whole_mask(label, (record.height, record.width)).astype(np.uint8) * 255
            write_bytes(scene / "mask_visib" / f"{number:06d}_{at:06d}.png", png(Image.fromarray(pixels)))
    if DEPTH in record.maps and record.camera is not None:
        (scene / "depth").mkdir(exist_ok=True)
        shutil.copyfile(record.maps[DEPTH], scene / "depth" / f"{number:06d}.png")
