"""One frame of BasicWriter: boxes, 3D boxes, instance masks, depth and camera, joined by prim path.

Both matrices are stored for row vectors: ``cameraViewTransform`` takes the world to the (OpenGL) camera, a 3D box's
``transform`` takes its own frame to the world. Far edges of 2D boxes are the last pixel, so one is added.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.replicator.masks import InstanceMap
from workbench.adapters.formats.replicator.shot import Shot, annotation_files
from workbench.adapters.formats.toolkit.arrays import read_npy
from workbench.adapters.formats.toolkit.boxes import Frame
from workbench.adapters.formats.toolkit.depth import MM, depth_map
from workbench.adapters.formats.toolkit.json_files import read_list, read_object
from workbench.adapters.formats.toolkit.names import class_of
from workbench.adapters.formats.toolkit.partial_labels import BOX_FROM, PartialLabel, labels_of
from workbench.adapters.formats.toolkit.pictures import Header
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.space import (
    FLIP_YZ,
    Floats,
    inverse,
    is_rotation,
    matrix_of,
    rigid,
    without_scale,
)
from workbench.adapters.formats.toolkit.tree import Tree
from workbench.base.plurals import counted
from workbench.core.schema.fields import DEPTH, INSTANCES
from workbench.core.schema.labels import Attribute, Camera, Record

_EDGES = ("x_min", "y_min", "x_max", "y_max")
_BOXES_2D = frozenset({"semanticId", *_EDGES})
_BOXES_3D = frozenset({"semanticId", "transform", *(f"{a}_{end}" for a in "xyz" for end in ("min", "max"))})
_PINHOLE = "pinhole"
Poses = dict[str, tuple[Floats, tuple[float, float, float]]]  # T_cam_obj and size_m by prim path


@dataclass(frozen=True, slots=True)
class _View:
    """Where the camera is; ``camera`` is ``None`` when its model is not known."""

    camera: Camera | None
    T_cam_world: Floats  # of stage units
    metres_per_unit: float


@dataclass(slots=True)
class _Rows:
    """The rows of one box file with their classes and prim paths."""

    file: str
    values: NDArray[Any]
    classes: list[tuple[str, dict[str, Attribute]] | None]
    prims: list[str]  # "" where they are not given


def record(source: Source, shot: Shot, header: Header, split: str | None) -> Record:
    """The record of one image."""
    tree, problems = source.tree, source.problems
    if not annotation_files(tree, shot):
        problems.count("missing_annotation_file", shot.origin)
    view = _view(tree, shot, header, problems)
    masks = InstanceMap(tree, shot, header, problems)
    camera = None if view is None else view.camera
    parts = _partial_labels(tree, shot, view, masks, problems)
    depth = _depth(source, shot, camera, header)
    maps = {DEPTH: depth, INSTANCES: masks.plain_path}
    return Record(
        image_path=shot.image_path,
        origin=shot.origin,
        width=header.width,
        height=header.height,
        labels=labels_of(parts, camera, Frame(header.width, header.height, problems)),
        split=split,
        scene_id=_scene(tree, shot),
        camera=camera,
        maps={name: path for name, path in maps.items() if path is not None},
    )


def _scene(tree: Tree, shot: Shot) -> str:
    """Images of the same moment: those of all render products of one writer."""
    base = shot.base.rpartition("/")[0] if shot.folder != shot.base and not shot.prefix else shot.base
    return f"{'/'.join(part for part in (tree.root.name, base) if part)}:{shot.number}"


def _view(tree: Tree, shot: Shot, header: Header, problems: Problems) -> _View | None:
    file = shot.file(tree, "camera_params", "json")
    content = None if file is None else read_object(tree.path(file), file, problems)
    if content is None or file is None:
        return None
    view, projection = (
        matrix_of(content.get("cameraViewTransform"), 4, 4),
        matrix_of(content.get("cameraProjection"), 4, 4),
    )
    scale = matrix_of([content.get("metersPerSceneUnit", 1.0)], 1)
    T_cam_world = None if view is None else FLIP_YZ @ view.T
    if T_cam_world is None or scale is None or scale[0] <= 0 or not is_rotation(T_cam_world[:3, :3]):
        message = "cameraViewTransform (16 numbers) or metersPerSceneUnit is missing or invalid; camera left out."
        problems.add("broken_annotation", file, message)
        return None
    camera = None
    if content.get("cameraModel", _PINHOLE) != _PINHOLE:
        problems.count("unsupported_camera", f"{file}: {content['cameraModel']!s:.40}")
    elif projection is None or min(projection[0, 0], projection[1, 1]) <= 0:
        message = "cameraProjection is not 16 numbers with positive focal lengths; camera left out."
        problems.add("broken_annotation", file, message)
    else:
        camera = pinhole(projection, T_cam_world, float(scale[0]), header)
    if matrix_of(content.get("renderProductResolution"), 2) is not None:
        _check_size(content["renderProductResolution"], header, file, problems)
    return _View(camera, T_cam_world, float(scale[0]))


def pinhole(projection: Floats, T_cam_world: Floats, metres_per_unit: float, header: Header) -> Camera:
    """The camera of a row-vector OpenGL projection; its image's centre is at W/2, pixel centres at +0.5."""
    width, height = header.width, header.height
    T_world_cam = inverse(T_cam_world)
    T_world_cam[:3, 3] *= metres_per_unit
    return Camera(
        width=width,
        height=height,
        fx=float(projection[0, 0] * width / 2),
        fy=float(projection[1, 1] * height / 2),
        cx=float((1 - projection[2, 0]) * width / 2 - 0.5),
        cy=float((1 + projection[2, 1]) * height / 2 - 0.5),
        T_world_cam=T_world_cam,
    )


def _check_size(resolution: Any, header: Header, file: str, problems: Problems) -> None:
    if [round(float(value)) for value in resolution] != [header.width, header.height]:
        size, file_size = f"{resolution[0]} x {resolution[1]}", f"{header.width} x {header.height}"
        message = f"The file says {size}, the image is {file_size}; loaded as {file_size}."
        problems.add("size_mismatch", file, message)


def _partial_labels(
    tree: Tree, shot: Shot, view: _View | None, masks: InstanceMap, problems: Problems
) -> list[PartialLabel]:
    tight = _rows(tree, shot, "bounding_box_2d_tight", _BOXES_2D, problems)
    loose = _rows(tree, shot, "bounding_box_2d_loose", _BOXES_2D, problems)
    solid = _rows(tree, shot, "bounding_box_3d", _BOXES_3D, problems)
    poses = _poses(solid, view, problems)
    flat = tight if tight is not None else loose
    if flat is None:
        return _without_boxes(solid, poses, masks)
    labels = [_partial_label(flat, at, poses, masks, is_loose=tight is None) for at in _objects(flat, problems)]
    if tight is not None and loose is not None:
        _add_loose([part for part in labels if part is not None], loose, problems)
    seen = {prim for prim in flat.prims if prim}
    if seen:
        labels += _of_masks_alone(flat, seen, poses, masks, problems)
    for other in (loose, solid) if tight is not None else (solid,):
        for at in _objects(other, Problems()) if other is not None and seen else ():
            if other is not None and other.prims[at] and other.prims[at] not in seen:
                seen.add(other.prims[at])
                problems.count("hidden_object", f"{other.file}, {other.prims[at]}")
    return [part for part in labels if part is not None]


def _add_loose(labels: list[PartialLabel], loose: _Rows, problems: Problems) -> None:
    """Add the boxes of whole objects, hidden parts too, to the objects of the same prim path."""
    row_of = {prim: at for at, prim in enumerate(loose.prims) if prim}
    for part in labels:
        at = row_of.get(str(part.attributes.get("prim_path")))
        if at is None:
            continue
        _same_class(part, loose.classes[at], f"{loose.file}, row {at}", problems)
        left, top, right, bottom = (float(loose.values[at][edge]) for edge in _EDGES)
        if np.isfinite([left, top, right, bottom]).all():
            part.xyxy_loose = (left, top, right + 1, bottom + 1)


def _of_masks_alone(
    flat: _Rows, seen: set[str], poses: Poses, masks: InstanceMap, problems: Problems
) -> list[PartialLabel]:
    """Objects that the instance map shows and the boxes lack: a writer may filter each annotator by other classes."""
    named = {prim: flat.classes[at] for at, prim in enumerate(flat.prims) if prim}
    alone = []
    for part in _without_boxes(None, poses, masks):
        prim = str(part.attributes["prim_path"])
        if prim in seen:
            _same_class(part, named[prim], flat.file, problems)
            continue
        related = any(prim.startswith(f"{other}/") or other.startswith(f"{prim}/") for other in seen)
        if not related and part.mask is not None and part.mask.any():
            alone.append(part)
    seen |= {str(part.attributes["prim_path"]) for part in alone}
    return alone


def _same_class(
    part: PartialLabel, other: tuple[str, dict[str, Attribute]] | None, where: str, problems: Problems
) -> None:
    if other is not None and other[0] != part.name:
        message = f"The object is '{other[0]:.60}' here and '{part.name:.60}' in {part.where}; "
        problems.add("annotation_conflict", where, f"{message}the class of the box is kept.")


def _partial_label(rows: _Rows, at: int, poses: Poses, masks: InstanceMap, *, is_loose: bool) -> PartialLabel | None:
    named, row, prim = rows.classes[at], rows.values[at], rows.prims[at]
    if named is None:
        return None
    left, top, right, bottom = (float(row[edge]) for edge in _EDGES)
    mask, instance_id = masks.of(prim)
    pose, size_m = poses.get(prim, (None, None)) if prim else (None, None)
    attributes = {**named[1], **_occlusion(row), **({"prim_path": prim} if prim else {})}
    is_hidden = is_loose and attributes.get("occlusion") == 1
    if is_loose:
        attributes[BOX_FROM] = "loose box"  # of the whole object, hidden parts too
    if is_hidden:
        pose = None
    return PartialLabel(
        where=f"{rows.file}, row {at}",
        name=named[0],
        xyxy=None if is_hidden else (left, top, right + 1, bottom + 1),
        mask=None if is_hidden else mask,
        attributes=attributes,
        instance_id=instance_id,
        T_cam_obj=pose,
        size_m=size_m,
    )


def _without_boxes(solid: _Rows | None, poses: Poses, masks: InstanceMap) -> list[PartialLabel]:
    """Objects of the instance map, else those of the 3D boxes that the camera sees."""
    labels = []
    for prim, named in masks.classes.items():
        mask, instance_id = masks.of(prim)
        pose, size_m = poses.get(prim, (None, None))
        attributes = {**named[1], "prim_path": prim}
        labels.append(
            PartialLabel(masks.file, named[0], None, mask, attributes, instance_id, T_cam_obj=pose, size_m=size_m)
        )
    if labels or solid is None:
        return labels
    for at, given in enumerate(solid.classes):
        prim = solid.prims[at] or f"row {at}"
        if given is not None and prim in poses:
            pose, size_m = poses[prim]
            attributes = {**given[1], **_occlusion(solid.values[at])}
            where = f"{solid.file}, row {at}"
            labels.append(PartialLabel(where, given[0], attributes=attributes, T_cam_obj=pose, size_m=size_m))
    return labels


def _occlusion(row: Any) -> dict[str, Attribute]:
    """0 seen .. 1 hidden; the writer gives -1 or NaN where it does not know."""
    ratio = float(row["occlusionRatio"]) if "occlusionRatio" in (row.dtype.names or ()) else -1.0
    return {"occlusion": round(ratio, 6)} if 0 <= ratio <= 1 else {}


def _rows(tree: Tree, shot: Shot, annotator: str, needed: frozenset[str], problems: Problems) -> _Rows | None:
    file = shot.file(tree, annotator, "npy")
    values = None if file is None else read_npy(tree.path(file), file, problems)
    if values is None or file is None:
        return None
    if values.ndim != 1 or not needed <= set(values.dtype.names or ()):
        columns = ", ".join(sorted(needed))
        message = f"The array of {values.dtype!s:.80} lacks one of the columns {columns}; boxes left out."
        problems.add("broken_annotation", file, message)
        return None
    if not all(values.dtype[key].base.kind in "iuf" for key in needed):
        problems.add("broken_annotation", file, "A column holds something other than numbers; boxes left out.")
        return None
    return _Rows(file, values, _classes(tree, shot, annotator, values, file, problems),
                 _prims(tree, shot, annotator, len(values), problems))  # fmt: skip


def _classes(
    tree: Tree, shot: Shot, annotator: str, values: NDArray[Any], where: str, problems: Problems
) -> list[tuple[str, dict[str, Attribute]] | None]:
    file = shot.file(tree, annotator, "json", "_labels")
    names = {} if file is None else read_object(tree.path(file), file, problems) or {}
    classes = []
    for at, row in enumerate(values):
        named = class_of(names.get(str(row["semanticId"])))
        if named is None:
            declared = f"declared are {', '.join(list(names)[:5])}" if names else "there is no labels file"
            message = f"No class has the semanticId {row['semanticId']} ({declared}); label left out."
            problems.add("unknown_category", f"{where}, row {at}", message)
        classes.append(named)
    return classes


def _prims(tree: Tree, shot: Shot, annotator: str, count: int, problems: Problems) -> list[str]:
    file = shot.file(tree, annotator, "json", "_prim_paths")
    prims = None if file is None else read_list(tree.path(file), file, problems)
    if prims is None or file is None:
        return [""] * count
    if len(prims) != count or not all(isinstance(prim, str) for prim in prims):
        message = f"The file has {counted(len(prims), 'prim path')} for {counted(count, 'row')}; not used."
        problems.add("broken_annotation", file, message)
        return [""] * count
    return prims


def _objects(rows: _Rows, problems: Problems) -> list[int]:
    """Rows of whole objects: a part below an object of the same class is the same object again."""
    classes: dict[str, set[str]] = {}
    for prim, named in zip(rows.prims, rows.classes, strict=True):
        if prim and named:
            classes.setdefault(prim, set()).add(named[0])
    kept = []
    for at, (prim, named) in enumerate(zip(rows.prims, rows.classes, strict=True)):
        above = prim.rpartition("/")[0]
        while above and not (named and named[0] in classes.get(above, ())):
            above = above.rpartition("/")[0]
        if above:
            problems.count("duplicate_label", f"{rows.file}, {prim}")
        else:
            kept.append(at)
    return kept


def _poses(solid: _Rows | None, view: _View | None, problems: Problems) -> Poses:
    """Pose and size in metres by prim path, or by ``row n`` where paths are not given."""
    poses: Poses = {}
    if solid is not None and view is None:
        problems.count("unsupported_annotation", solid.file)
    for at, row in enumerate(solid.values if solid is not None and view is not None else ()):
        assert solid is not None
        assert view is not None
        pose = _pose(row, view)
        if pose is None:
            message = "The 3D box has no extent, or its transform is no rotation with a scale; 3D box left out."
            problems.add("broken_annotation", f"{solid.file}, row {at}", message)
        else:
            poses[solid.prims[at] or f"row {at}"] = pose
    return poses


def _pose(row: Any, view: _View) -> tuple[Floats, tuple[float, float, float]] | None:
    transform = np.asarray(row["transform"], dtype=np.float64)
    low, high = (np.array([float(row[f"{axis}_{end}"]) for axis in "xyz"]) for end in ("min", "max"))
    parts = without_scale(transform.T) if transform.shape == (4, 4) else None
    if parts is None or not np.isfinite([low, high]).all() or (high <= low).any():
        return None
    T_world_obj, scale = parts
    centre = transform.T @ np.append((low + high) / 2, 1.0)
    T_cam_obj = view.T_cam_world @ rigid(T_world_obj[:3, :3], centre[:3])
    T_cam_obj[:3, 3] *= view.metres_per_unit
    x, y, z = (float(edge) for edge in (high - low) * scale * view.metres_per_unit)
    return T_cam_obj, (x, y, z)


def _depth(source: Source, shot: Shot, camera: Camera | None, header: Header) -> Any:
    tree, shape = source.tree, (header.height, header.width)
    plane = shot.file(tree, "distance_to_image_plane", "npy")
    if plane is not None:
        return depth_map(source, plane, mm_per_unit=MM, shape=shape)
    ray = shot.file(tree, "distance_to_camera", "npy")
    if ray is None:
        return None
    if camera is None:
        message = "There is no pinhole camera to convert distances into depth; map left out."
        source.problems.add("unreadable_map", ray, message)
        return None
    return depth_map(source, ray, mm_per_unit=MM, distance_from=camera, shape=shape)
