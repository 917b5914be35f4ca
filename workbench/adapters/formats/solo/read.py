"""Unity Perception's SOLO: ``sequence.0/step0.frame_data.json`` with its captures.

Unity's axes are left-handed (x right, y up, z forward) and its quaternions are ``x y z w``; 3D boxes are in the
sensor's frame. Points become ours by turning y over, the world by swapping y and z, which makes z up and the
frame right-handed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from workbench.adapters.formats.solo import labels as solo_labels
from workbench.adapters.formats.solo.labels import Definitions
from workbench.adapters.formats.toolkit.boxes import Frame
from workbench.adapters.formats.toolkit.contract import Found
from workbench.adapters.formats.toolkit.json_files import dicts_in, read_object
from workbench.adapters.formats.toolkit.names import attributes_of, split_of_path
from workbench.adapters.formats.toolkit.partial_labels import labels_of
from workbench.adapters.formats.toolkit.pictures import Draft, Header, Records
from workbench.adapters.formats.toolkit.problems import Kind, Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.space import matrix_of, rigid, rotation_of
from workbench.adapters.formats.toolkit.text_files import head_of
from workbench.adapters.formats.toolkit.tree import Tree, folder_of, plain_parts
from workbench.core.schema.labels import Attribute, Camera, Record

name = "solo"
looks_for = "step0.frame_data.json of Unity Perception"
single_files = False

_FRAME = re.compile(r"step[.\d]*\.frame(_data)?\.json")
_HEAD_BYTES = 4096
_SETTINGS = frozenset({"metadata.json", "metric_definitions.json", "sensor_definitions.json"})  # of a simulation
_TRIED = 20
_CAMERA = "RGBCamera"
_WORLD_FROM_UNITY = np.array([[1.0, 0, 0], [0, 0, 1], [0, 1, 0]])
_UNITY_FROM_OPENCV = np.diag([1.0, -1.0, 1.0])
_CLOSING: Mapping[Kind, str] = {
    "hidden_object": "{n} objects not visible in the image ({first}); not labelled.",
    "unsupported_annotation": "{n} annotations other than boxes, instance masks and keypoints ({first}); left out.",
    "unsupported_camera": "{n} cameras other than perspective ({first}); loaded without intrinsics.",
    "missing_annotation_file": "No annotations in {n} captures ({first}); loaded without labels.",
}


@dataclass(frozen=True, slots=True)
class _Capture(Draft):
    where: str
    entry: Mapping[str, Any]
    metrics: list[dict[str, Any]]
    definitions: Definitions
    scene_id: str


def detect(source: Source) -> Found | None:
    """Look for frames with captures."""
    files = _frames(source.tree)
    for file in files[:_TRIED]:
        if '"captures"' in head_of(source.tree.peek(file), _HEAD_BYTES):
            return Found(0.95, f"{file} holds captures", partial(_records, source, files))
    return None


def _frames(tree: Tree) -> list[str]:
    frames = [file for file in tree.files if _FRAME.fullmatch(file.rpartition("/")[2])]
    return sorted(
        frames, key=lambda file: [int(word) if word.isdecimal() else word for word in re.split(r"(\d+)", file)]
    )


def read(source: Source) -> Iterator[Record]:
    """Read every capture of every frame; see ``contract.Format.read``."""
    return _records(source, _frames(source.tree))


def _records(source: Source, files: Sequence[str]) -> Iterator[Record]:
    tree, problems = source.tree, source.problems
    tree.name_junk(problems)
    definitions: dict[str, Definitions] = {}
    tree.mark_opened(tree.named(*_SETTINGS))
    captures: list[_Capture] = []
    for file in files:
        home = folder_of(folder_of(file))
        if home not in definitions:
            definitions[home] = solo_labels.definitions(tree, home, problems)
        captures += _captures(tree, file, definitions[home], problems)
    return Records(captures, lambda capture, header: _record(tree, capture, header, problems), source, closing=_CLOSING)


def _captures(tree: Tree, file: str, definitions: Definitions, problems: Problems) -> Iterator[_Capture]:
    content = read_object(tree.path(file), file, problems)
    if content is None or not isinstance(content.get("captures"), list):
        message = "The file holds no list of captures; sample left out."
        problems.add("missing_image", file, message, loses_record=True)
        return
    scene_id = f"{tree.root.name}, {folder_of(file) or file}"
    for at, capture in enumerate(content["captures"]):
        where = f"{file}, capture {at}"
        kind = str(capture.get("@type", _CAMERA)).rpartition(".")[2] if isinstance(capture, dict) else "no object"
        file_name = capture.get("filename") if isinstance(capture, dict) else None
        if kind != _CAMERA:
            message = f"The capture is '{kind:.60}', only {_CAMERA} is supported; capture left out."
            problems.add("unsupported_annotation", where, message)
        elif (picture := _picture(tree, file, file_name, where, problems)) is not None:
            metrics = dicts_in(content.get("metrics"))
            yield _Capture(tree.path(picture), picture, where, capture, metrics, definitions, scene_id)


def _picture(tree: Tree, file: str, file_name: Any, where: str, problems: Problems) -> str | None:
    beside = tree.find(file_name, near=[folder_of(file)]) if isinstance(file_name, str) else []
    leaves = isinstance(file_name, str) and plain_parts(file_name)[1]
    files = [picture for picture in beside if folder_of(picture) == folder_of(file)]
    if len(files) == 1 and not leaves:
        return files[0]
    kind: Kind = "path_outside_folder" if leaves else "missing_image"
    message = f"There is no image '{file_name!s:.100}' beside the file; sample left out."
    problems.add(kind, where, message, loses_record=True)
    return None


def _record(tree: Tree, capture: _Capture, header: Header, problems: Problems) -> Record:
    size = matrix_of(capture.entry.get("dimension"), 2)
    if size is not None and [round(float(edge)) for edge in size] != [header.width, header.height]:
        says, file_size = f"{size[0]:g} x {size[1]:g}", f"{header.width} x {header.height}"
        message = f"The file says {says}, the image is {file_size}; loaded as {file_size}."
        problems.add("size_mismatch", capture.where, message)
    if not dicts_in(capture.entry.get("annotations")):
        problems.count("missing_annotation_file", capture.where)
    camera = _camera(capture.entry, header, capture.where, problems)
    parts = solo_labels.partial_labels(
        tree,
        folder_of(capture.origin),
        capture.entry,
        capture.metrics,
        capture.definitions,
        header,
        capture.where,
        problems,
    )
    return Record(
        image_path=capture.image_path,
        origin=capture.origin,
        width=header.width,
        height=header.height,
        labels=labels_of(parts, camera, Frame(header.width, header.height, problems)),
        split=split_of_path(capture.origin.split("/")[:-1]),
        scene_id=capture.scene_id,
        attributes=_facts(capture.metrics),
        camera=camera,
    )


def _facts(metrics: list[dict[str, Any]]) -> dict[str, Attribute]:
    """Metrics of the whole frame that are one value, such as the seed."""
    plain = {str(m.get("id")): m.get("value") for m in metrics if isinstance(m.get("value"), (int, float, str, bool))}
    return attributes_of(plain, known=frozenset())


def _camera(entry: Mapping[str, Any], header: Header, where: str, problems: Problems) -> Camera | None:
    """Intrinsics of the 3x3 of an OpenGL projection; pose of the capture."""
    projection = str(entry.get("projection", "Perspective"))
    if projection.lower() != "perspective":
        problems.count("unsupported_camera", f"{where}: {projection:.40}")
        return None
    matrix = matrix_of(entry.get("matrix"), 3, 3)
    if matrix is None or min(matrix[0, 0], matrix[1, 1]) <= 0:
        if "matrix" in entry:
            message = "matrix is not 9 numbers of a perspective projection; camera left out."
            problems.add("broken_annotation", where, message)
        return None
    position, turn = matrix_of(entry.get("position"), 3), matrix_of(entry.get("rotation"), 4)
    rotation = None if turn is None else rotation_of(turn)
    T_world_cam = None
    if position is not None and rotation is not None:
        T_world_cam = rigid(_WORLD_FROM_UNITY @ rotation @ _UNITY_FROM_OPENCV, _WORLD_FROM_UNITY @ position)
    return Camera(
        width=header.width,
        height=header.height,
        fx=float(matrix[0, 0] * header.width / 2),
        fy=float(matrix[1, 1] * header.height / 2),
        cx=float((1 - matrix[0, 2]) * header.width / 2 - 0.5),
        cy=float((1 + matrix[1, 2]) * header.height / 2 - 0.5),
        T_world_cam=T_world_cam,
    )
