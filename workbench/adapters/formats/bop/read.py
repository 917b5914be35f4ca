"""BOP: scenes (``<split>/000000/rgb/000000.png`` with ``scene_gt.json``), also BlenderProc's, and single images.

Lengths are millimetres on disk and metres here. Boxes of ``scene_gt_info`` are one pixel short (far minus near
pixel), so one is added. Format: ``docs/bop_datasets_format.md`` of the BOP toolkit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.bop.imagewise import Shot, contents_of, decoded, run_length_masks, shots_in
from workbench.adapters.formats.toolkit.arrays import read_map
from workbench.adapters.formats.toolkit.boxes import Frame, Xyxy
from workbench.adapters.formats.toolkit.contract import Found
from workbench.adapters.formats.toolkit.depth import depth_map
from workbench.adapters.formats.toolkit.json_files import read_object
from workbench.adapters.formats.toolkit.names import split_in
from workbench.adapters.formats.toolkit.partial_labels import PartialLabel, labels_of
from workbench.adapters.formats.toolkit.pictures import Draft, Header, Records
from workbench.adapters.formats.toolkit.problems import Kind, Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.space import Floats, inverse, is_rotation, matrix_of, rigid
from workbench.adapters.formats.toolkit.tree import Tree, folder_of, stem_of
from workbench.core.schema.fields import DEPTH
from workbench.core.schema.labels import Attribute, Camera, Record

name = "bop"
looks_for = "scene_gt.json or scene_camera.json, or KEY.rgb.jpg with KEY.gt.json"
single_files = False

_MM = 1000.0
_PICTURES = ("rgb", "gray")
_PICTURE_ENDS = (".rgb", ".gray")
# of one sensor of several: scene_gt_cam1.json, rgb_cam1, depth_cam1 (IPD, XYZ-IBD)
_MARK = re.compile(r"scene_(?:gt|camera)((?!_info|_coco)_\w+)?\.json")
Mask = str | Mapping[str, Any]  # a file, or run lengths
_CLOSING: Mapping[Kind, str] = {
    "hidden_object": "{n} objects without a visible pixel ({first}); not labelled.",
    "missing_annotation_file": "No poses for {n} images ({first}); loaded without labels.",
    "missing_map": "No mask for {n} objects ({first}); loaded without masks.",
}


@dataclass(frozen=True, slots=True)
class Model:
    """What ``models_info.json`` says of one object, metres; the name is what the workbench adds."""

    name: str
    size_m: tuple[float, float, float] | None
    centre_m: Floats


@dataclass(frozen=True, slots=True)
class _Scene:
    """The files of one scene; each maps image numbers as text to entries."""

    scene_id: str
    files: Mapping[str, str]
    cameras: Mapping[str, Any]
    poses: Mapping[str, Any]
    infos: Mapping[str, Any]
    models: Mapping[str, Model]


@dataclass(frozen=True, slots=True)
class _Entry(Draft):
    scene: _Scene
    number: str
    depth: str | None = None
    masks: Mapping[int, Mask] = field(default_factory=dict)
    shot: Shot | None = None  # files of a single image, read when its turn comes


@dataclass(frozen=True, slots=True)
class _Layout:
    """What of a tree is BOP.

    Attributes:
        scenes: folder and sensor of each; the sensor is empty, or the end of its names: ``_cam1``.
        shots: single images.
    """

    scenes: Sequence[tuple[str, str]]
    shots: Sequence[Shot]


def _layout(tree: Tree) -> _Layout:
    marks = ((folder_of(file), _MARK.fullmatch(file.rpartition("/")[2])) for file in tree.files)
    return _Layout(sorted({(folder, mark[1] or "") for folder, mark in marks if mark}), shots_in(tree))


def detect(source: Source) -> Found | None:
    """Look for the files of a scene or of single images."""
    layout = _layout(source.tree)
    shot = next((shot for shot in layout.shots if shot.picture is not None), None)
    if layout.scenes:
        why = f"{layout.scenes[0][0]}/ is a BOP scene".lstrip("/")
    elif shot is not None:
        why = f"{shot.picture} has BOP files beside it"
    else:
        return None
    return Found(1.0, why, partial(_records, source, layout))


def read(source: Source) -> Iterator[Record]:
    """Read every image of every scene; see ``contract.Format.read``."""
    return _records(source, _layout(source.tree))


def _records(source: Source, layout: _Layout) -> Iterator[Record]:
    tree, problems = source.tree, source.problems
    tree.name_junk(problems)
    models = _models(tree, problems)
    entries: list[_Entry] = []
    for folder, sensor in layout.scenes:
        entries += _entries(tree, folder, sensor, _scene(tree, folder, sensor, models, problems), problems)
    entries += _single_images(tree, layout.shots, models, problems)
    return Records(entries, partial(_record, source), source, closing=_CLOSING)


def _models(tree: Tree, problems: Problems) -> dict[str, Model]:
    """Extents of the models by object id, of the models' folder that comes first."""
    files = [file for file in tree.files if file.rpartition("/")[2] == "models_info.json"]
    content = read_object(tree.path(files[0]), files[0], problems) if files else None
    models: dict[str, Model] = {}
    for key, model in (content or {}).items():
        given = model if isinstance(model, dict) else {}
        low = matrix_of([given.get(f"min_{axis}") for axis in "xyz"], 3)
        size = matrix_of([given.get(f"size_{axis}") for axis in "xyz"], 3)
        named = given["name"] if isinstance(given.get("name"), str) and given["name"] else f"obj_{key:0>6.20}"
        if set(given) == {"name"}:
            models[key] = Model(named, None, np.zeros(3))
        elif low is None or size is None or (size <= 0).any():
            message = (
                "min_x, min_y, min_z and size_x, size_y, size_z of the model are missing or invalid; size left out."
            )
            problems.add("broken_annotation", f"{files[0]}, {key}", message)
        else:
            x, y, z = (float(edge) for edge in size / _MM)
            models[key] = Model(named, (x, y, z), (low + size / 2) / _MM)
    return models


def _scene(tree: Tree, folder: str, sensor: str, models: Mapping[str, Model], problems: Problems) -> _Scene:
    files = {name: f"{folder}/scene_{name}{sensor}.json".lstrip("/") for name in ("camera", "gt", "gt_info")}
    content = {
        name: (read_object(tree.path(file), file, problems) or {}) if file in tree.known else {}
        for name, file in files.items()
    }
    return _Scene(folder, files, content["camera"], content["gt"], content["gt_info"], models)


def _single_images(
    tree: Tree, shots: Sequence[Shot], models: Mapping[str, Model], problems: Problems
) -> Iterator[_Entry]:
    """Images with JSON files of their own; what these say is read later, for masks are large."""
    used = set()
    for shot in shots:
        if shot.picture is None:
            message = f"There is no image '{shot.key}.rgb.jpg'; sample left out."
            problems.add("missing_image", shot.files["gt"], message, loses_record=True)
            continue
        used.add(shot.picture)
        scene = _Scene(shot.scene_id, shot.files, {}, {}, {}, models)
        yield _Entry(tree.path(shot.picture), shot.picture, scene, shot.key, shot.depth, shot=shot)
    for picture in tree.pictures if used else ():
        if picture not in used and stem_of(picture).endswith(_PICTURE_ENDS):
            problems.count("unlisted_image", picture)
    problems.close("unlisted_image", "{n} images without camera and poses ({first}); not loaded.")


def _opened(tree: Tree, entry: _Entry, shot: Shot, problems: Problems) -> _Entry:
    """A single image with what its own files say."""
    contents = contents_of(tree, shot, problems)
    camera, poses, infos = (
        {shot.key: contents[part]} if part in contents else {} for part in ("camera", "gt", "gt_info")
    )
    scene = replace(entry.scene, cameras=camera, poses=poses, infos=infos)
    return replace(entry, scene=scene, masks=run_length_masks(contents.get("masks")), shot=None)


def _entries(tree: Tree, folder: str, sensor: str, scene: _Scene, problems: Problems) -> Iterator[_Entry]:
    below = f"{folder}/" if folder else ""
    kinds = [f"{kind}{sensor}" for kind in _PICTURES]
    kind = next((kind for kind in kinds if tree.below(f"{below}{kind}")), kinds[0])
    masks: dict[int, dict[int, Mask]] = {}
    for file in tree.below(f"{below}mask_visib{sensor}"):
        image, _, at = stem_of(file).partition("_")
        if image.isdecimal() and at.isdecimal():
            masks.setdefault(int(image), {})[int(at)] = file
    seen: set[str] = set()
    for picture in tree.below(f"{below}{kind}"):
        stem = stem_of(picture)
        if not stem.isdecimal():
            problems.add("unlisted_image", picture, "The file name is not a number; not loaded.")
            continue
        number = str(int(stem))
        seen.add(number)
        depth = _depth_file(tree, f"{below}depth{sensor}/{stem}")
        yield _Entry(tree.path(picture), picture, scene, number, depth, masks.get(int(stem), {}))
    for number in [key for key in scene.poses if key not in seen]:
        message = f"There is no image {number:.40} in '{below}{kind}'; sample left out."
        problems.add("missing_image", f"{scene.files['gt']}, {number:.40}", message, loses_record=True)


def _depth_file(tree: Tree, stem: str) -> str | None:
    files = [f"{stem}{suffix}" for suffix in (".png", ".tif", ".tiff")]
    return next((file for file in files if file in tree.known), None)


def _record(source: Source, entry: _Entry, header: Header) -> Record:
    tree, problems = source.tree, source.problems
    if entry.shot is not None:
        entry = _opened(tree, entry, entry.shot, problems)
    scene, number = entry.scene, entry.number
    where = f"{scene.files['camera']}, {number}"
    camera_entry = scene.cameras.get(number)
    camera = _camera(camera_entry, header, where, problems)
    if number not in scene.poses:
        problems.count("missing_annotation_file", entry.origin)
    parts = _partial_labels(tree, entry, header, problems)
    depth = _depth(source, entry, camera_entry, header)
    return Record(
        image_path=entry.image_path,
        origin=entry.origin,
        width=header.width,
        height=header.height,
        labels=labels_of(parts, camera, Frame(header.width, header.height, problems)),
        split=next((split for part in entry.origin.split("/")[:-1] if (split := split_in(part))), None),
        scene_id="/".join(part for part in (tree.root.name, scene.scene_id) if part),
        camera=camera,
        maps={} if depth is None else {DEPTH: depth},
    )


def _camera(content: Any, header: Header, where: str, problems: Problems) -> Camera | None:
    if content is None:
        return None
    entry = content if isinstance(content, dict) else {}
    K = matrix_of(entry.get("cam_K"), 3, 3)
    if K is None or min(K[0, 0], K[1, 1]) <= 0:
        problems.add(
            "broken_annotation",
            where,
            "cam_K is not a camera matrix of 9 numbers with positive focal lengths; camera left out.",
        )
        return None
    T_cam_world = _pose(entry.get("cam_R_w2c"), entry.get("cam_t_w2c"))
    fx, fy, cx, cy = (float(value) for value in (K[0, 0], K[1, 1], K[0, 2], K[1, 2]))
    pose = None if T_cam_world is None else inverse(T_cam_world)
    return Camera(header.width, header.height, fx, fy, cx, cy, T_world_cam=pose)


def _pose(rotation: Any, translation_mm: Any) -> Floats | None:
    turn, shift = matrix_of(rotation, 3, 3), matrix_of(translation_mm, 3)
    return None if turn is None or shift is None or not is_rotation(turn) else rigid(turn, shift / _MM)


def _partial_labels(tree: Tree, entry: _Entry, header: Header, problems: Problems) -> list[PartialLabel]:
    scene = entry.scene
    file = scene.files["gt"]
    infos = scene.infos.get(entry.number)
    labels = []
    given = scene.poses.get(entry.number, [])
    for at, pose in enumerate(given if isinstance(given, list) else [given]):
        where = f"{file}, image {entry.number}, object {at}"
        info = infos[at] if isinstance(infos, list) and at < len(infos) and isinstance(infos[at], dict) else {}
        label = _partial_label(pose, info, scene.models, where, problems)
        if label is not None:
            label.mask = _mask(tree, entry.masks.get(at), header, where, problems)
            if _is_hidden(info):
                label.xyxy = label.mask = label.T_cam_obj = None
            labels.append(label)
    return labels


def _partial_label(
    entry: Any, info: Mapping[str, Any], models: Mapping[str, Model], where: str, problems: Problems
) -> PartialLabel | None:
    number = entry.get("obj_id") if isinstance(entry, dict) else None
    if type(number) is not int:
        problems.add(
            "broken_annotation", where, f"obj_id is missing or not a whole number ({entry!r:.80}); label left out."
        )
        return None
    model = models.get(str(number))
    pose = _pose(entry.get("cam_R_m2c"), entry.get("cam_t_m2c"))
    if pose is None:
        message = "cam_R_m2c (9 numbers, a rotation) or cam_t_m2c (3 numbers) is missing or invalid; pose left out."
        problems.add("broken_annotation", where, message)
    elif model is not None:
        pose = pose @ rigid(np.eye(3), model.centre_m)
    return PartialLabel(
        where=where,
        name=f"obj_{number:06d}" if model is None else model.name,
        xyxy=_box(info),
        attributes=_attributes(info),
        T_cam_obj=pose,
        size_m=None if model is None else model.size_m,
    )


def _is_hidden(info: Mapping[str, Any]) -> bool:
    return info.get("px_count_visib") == 0 or info.get("bbox_visib") == [-1, -1, -1, -1]


def _box(info: Mapping[str, Any]) -> Xyxy | None:
    numbers = matrix_of(info.get("bbox_visib"), 4)
    if numbers is None:
        return None
    left, top, width, height = (float(value) for value in numbers)
    return left, top, left + width + 1, top + height + 1


def _attributes(info: Mapping[str, Any]) -> dict[str, Attribute]:
    share, count = info.get("visib_fract"), info.get("px_count_visib")
    attributes: dict[str, Attribute] = {}
    if isinstance(share, (int, float)) and 0 <= share <= 1:
        attributes["visible_fraction"] = round(float(share), 6)
    if type(count) is int and 0 <= count < 1 << 53:
        attributes["visible_px"] = count
    return attributes


def _mask(tree: Tree, file: Mask | None, header: Header, where: str, problems: Problems) -> NDArray[np.bool_] | None:
    if file is None:
        problems.count("missing_map", where)
        return None
    if not isinstance(file, str):
        return decoded(file, (header.height, header.width), where, problems)
    pixels = read_map(tree.path(file), file, problems)
    if pixels is None:
        return None
    if pixels.shape != (header.height, header.width):
        size = " x ".join(map(str, pixels.shape[::-1]))
        message = f"The mask has {size} pixels, the image {header.width} x {header.height}; mask left out."
        problems.add("unreadable_map", file, message)
        return None
    return pixels > 0


def _depth(source: Source, entry: _Entry, camera_entry: Any, header: Header) -> Path | None:
    file = entry.depth
    scale = matrix_of([camera_entry.get("depth_scale", 1.0)], 1) if isinstance(camera_entry, dict) else None
    if file is None:
        return None
    if scale is None or scale[0] <= 0:
        message = "The camera has no positive depth_scale; depth map left out."
        source.problems.add("unreadable_map", file, message)
        return None
    return depth_map(source, file, mm_per_unit=float(scale[0]), shape=(header.height, header.width))
