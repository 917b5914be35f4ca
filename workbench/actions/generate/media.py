"""Frames on disk: image, instance map, depth map and, last, the resolved frame that says all are whole.

::

    images/000042.jpg  instances/000042.png  depth/000042.png  frames/000042.scenario.json

and on request ``semantic/000042.png  normals/000042.png  clouds/000042.pcd``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.actions.generate import products
from workbench.actions.generate.record import RECORD, scene_id, source_key
from workbench.actions.generate.shot import Accepted
from workbench.base.errors import OutputError
from workbench.base.files import json_bytes, refused, write_bytes
from workbench.base.shapes import fault
from workbench.core.scenario import Scenario, lighting_category, sensor_category
from workbench.core.schema import fields
from workbench.core.schema.labels import Camera, Label, Labels, Record
from workbench.core.schema.scene import Annotations, ObjectTruth
from workbench.core.sensor import Picture

MEDIA = {"images": "jpg", "instances": "png", "depth": "png", "frames": "scenario.json"}
ON_REQUEST = {"semantic": "png", "normals": "png", "clouds": "pcd"}
REQUESTS = {"semantic_segmentation": "semantic", "normals": "normals", "point_cloud": "clouds"}  # annotator -> folder
PNG_FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1]  # 6 ms instead of 80; maps are mostly flat and stay small
_OBJECT = {
    "instance_id": int, "name": str, "asset": str, "surface": str, "visible_px": int, "silhouette_px": int,
    "xyxy": ([float, 4], None), "xyxy_loose": [float, 4], "size_m": [float, 3], "T_cam_box": [[float, 4], 4],
    "corners_px?": [[float, 3], 8],
}  # fmt: skip
_CAMERA = {
    "width": int, "height": int, "fx": float, "fy": float, "cx": float, "cy": float, "distortion": [float, 4],
    "T_world_cam?": [[float, 4], 4],
}  # fmt: skip
_COMMIT = {
    "name": str,
    "seed": int,
    "annotators?": [str],
    "outcome": {
        "generation": {**RECORD, "parent_sample_ids": [str], "parent_tags": [str]},
        "objects": [_OBJECT],
        "camera": _CAMERA,
        **dict.fromkeys(fields.ATTRIBUTES, str),
    },
}
MM = 1000.0
MAX_DEPTH_MM = 65_535


def default_folder(dataset_name: str, scenario: Scenario, backend: str) -> Path:
    """Where the media of a scenario go when nobody says: below ``$WORKBENCH_HOME`` or ``~/.workbench``."""
    home = Path(os.environ.get("WORKBENCH_HOME") or Path.home() / ".workbench")
    renderer = "" if backend == "open3d" else f"-{backend}"
    folder = f"{_safe(scenario.name)}-{scenario.sha256[:8]}-s{scenario.seed}{renderer}"
    return home / "generated" / _safe(dataset_name) / folder


def path_of(folder: Path, kind: str, frame: int) -> Path:
    """Path of one file of a frame.

    >>> path_of(Path("out"), "depth", 42).as_posix()
    'out/depth/000042.png'
    """
    return folder / kind / f"{frame:06d}.{(MEDIA | ON_REQUEST)[kind]}"


def prepare(folder: Path, annotators: Sequence[str] = ()) -> None:
    """Make the folders, also those of what is asked for.

    Raises:
        OutputError: the place refuses.
    """
    try:
        for kind in (*MEDIA, *(REQUESTS[name] for name in annotators if name in REQUESTS)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise refused(folder, cause) from cause


def write_frame(folder: Path, accepted: Accepted, picture: Picture, generation: dict[str, Any]) -> None:
    """Write a frame, each file whole, the resolved frame last; see ``files.sync``."""
    frame, truth = accepted.resolved.mark.frame, accepted.truth
    _write(path_of(folder, "images", frame), picture.jpeg)
    _write(path_of(folder, "instances", frame), _png(truth.instances))
    _write(path_of(folder, "depth", frame), _png(depth_mm(truth)))
    asked, camera = accepted.resolved.scenario.annotators, accepted.scene.camera
    if "semantic_segmentation" in asked:
        _write(path_of(folder, "semantic", frame), _png(products.semantic_map(truth)))
    if "normals" in asked:
        _write(path_of(folder, "normals", frame), _png(products.normals_map(truth, camera)[..., ::-1]))
    if "point_cloud" in asked:
        _write(path_of(folder, "clouds", frame), products.cloud_pcd(truth, picture.srgb, camera))
    objects = [_object_document(thing) for thing in truth.objects]
    if "keypoints" in asked:
        for document, thing in zip(objects, truth.objects, strict=True):
            document["corners_px"] = products.corners_px(thing, truth, camera)
    outcome = {
        "generation": generation,
        "objects": objects,
        "camera": camera.to_dict(),
        "lighting": lighting_category(accepted.resolved.values),
        "surface": accepted.resolved.values["scene.surface.label"],
        "sensor": sensor_category(accepted.resolved.values),
    }
    _write(path_of(folder, "frames", frame), json_bytes(accepted.resolved.document() | {"outcome": outcome}))


def _write(path: Path, data: bytes) -> None:
    """Write one file; the job waits for the disk, once for many frames."""
    write_bytes(path, data, durable=False)


def depth_mm(truth: Annotations) -> NDArray[np.uint16]:
    """Depth along the optical axis in whole millimetres; 0 where nothing is hit or farther than 65.535 m."""
    mm = np.rint(np.nan_to_num(truth.depth_m * MM, posinf=0.0))
    return np.where(mm <= MAX_DEPTH_MM, mm, 0).astype(np.uint16)


def is_finished(folder: Path, scenario: Scenario, frame: int, backend: str) -> bool:
    """Whether the folder holds this frame, whole.

    Raises:
        OutputError: it holds that frame of another scenario, seed or backend.
    """
    path = path_of(folder, "frames", frame)
    if not path.exists():
        return False
    generation = _read_commit(path)["outcome"]["generation"]
    identity = (generation["scenario_sha256"], generation["seed"], generation["backend"])
    if identity != (scenario.sha256, scenario.seed, backend):
        text = f"frame {frame} of {generation['scenario_name']}, seed {identity[1]}, {identity[2]}"
        problem = f"The folder holds frames of another scenario, seed or renderer: {text}."
        raise OutputError(problem, at=str(folder), fix="Choose another folder.")
    return True


def read_record(folder: Path, frame: int) -> Record:
    """The record of a finished frame, from its files alone."""
    document = _read_commit(path_of(folder, "frames", frame))
    outcome, generation = document["outcome"], document["outcome"]["generation"]
    camera, image = Camera.from_dict(outcome["camera"]), path_of(folder, "images", frame)
    asked = document.get("annotators") or ()
    kinds = [fields.DEPTH, fields.INSTANCES, *(k for k in (fields.SEMANTIC, fields.NORMALS) if _asked(k, asked))]
    cloud = path_of(folder, "clouds", frame).resolve() if "point_cloud" in asked else None
    return Record(
        image_path=image.resolve(),
        origin=f"{folder.name}/images/{image.name}",
        width=camera.width,
        height=camera.height,
        labels=_labels(outcome["objects"], read_map(path_of(folder, "instances", frame))),
        scene_id=scene_id(document["name"], document["seed"], frame),
        attributes={name: outcome[name] for name in fields.ATTRIBUTES},
        camera=camera,
        maps={kind: path_of(folder, kind, frame).resolve() for kind in kinds},
        generation=generation,
        source_key=source_key(generation["scenario_sha256"], generation["seed"], frame, generation["backend"]),
        cloud=cloud,
        T_cam_cloud=np.eye(4) if cloud else None,
    )


def _asked(kind: str, annotators: Sequence[str]) -> bool:
    return any(REQUESTS.get(name) == kind for name in annotators)


def _read_commit(path: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        problem = fault(document, _COMMIT)
    except (OSError, ValueError, RecursionError) as cause:
        problem = repr(cause)[:100]
    if problem:
        fix = "Delete that file, so that the frame is drawn again."
        raise OutputError(f"The frame's file is damaged ({problem}).", at=str(path), fix=fix)
    return document


def read_map(path: Path) -> NDArray[np.uint16]:
    """A 16-bit map as written.

    Raises:
        OutputError: the file was damaged after it was written.
    """
    values = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise OutputError("The map is missing or damaged.", at=str(path), fix="Generate the frame again.")
    return np.asarray(values, dtype=np.uint16)


def labels_of(truth: Annotations) -> Labels:
    """Labels of all visible objects: tight boxes, masks, what is seen of each and its surface."""
    return _labels([_object_document(thing) for thing in truth.objects], truth.instances)


def _labels(objects: list[dict[str, Any]], instances: NDArray[np.uint16]) -> Labels:
    return Labels.of(_label(thing, instances) for thing in objects if thing["xyxy"])


def _label(thing: dict[str, Any], instances: NDArray[np.uint16]) -> Label:
    left, top, right, bottom = thing["xyxy"]
    visible = thing["visible_px"] / max(thing["silhouette_px"], 1)
    corners = thing.get("corners_px")
    rows, columns = slice(int(top), int(np.ceil(bottom))), slice(int(left), int(np.ceil(right)))
    return Label(
        name=thing["name"],
        xyxy=(left, top, right, bottom),
        mask=instances[rows, columns] == thing["instance_id"],
        attributes={
            "surface": thing["surface"],
            "visible_fraction": round(visible, 4),
            "occlusion": round(1.0 - visible, 4),
            "asset": thing["asset"],
        },
        instance_id=thing["instance_id"],
        keypoints=None if corners is None else np.array(corners),
        keypoint_names=() if corners is None else products.CORNERS,
        T_cam_obj=np.array(thing["T_cam_box"]),
        size_m=tuple(thing["size_m"]),
        xyxy_loose=tuple(thing["xyxy_loose"]),
    )


def _object_document(thing: ObjectTruth) -> dict[str, Any]:
    return {
        "instance_id": int(thing.instance_id),
        "name": thing.name,
        "asset": thing.asset,
        "surface": thing.surface,
        "xyxy": None if thing.xyxy is None else [float(edge) for edge in thing.xyxy],
        "xyxy_loose": [float(edge) for edge in thing.xyxy_loose],
        "visible_px": int(thing.visible_px),
        "silhouette_px": int(thing.silhouette_px),
        "T_cam_obj": np.asarray(thing.T_cam_obj).tolist(),
        "size_m": [float(edge) for edge in thing.size_m],
        "T_cam_box": np.asarray(thing.T_cam_box).tolist(),
    }


def _png(values: NDArray[np.uint16] | NDArray[np.uint8]) -> bytes:
    done, data = cv2.imencode(".png", values, PNG_FAST)
    assert done, "such a map always fits PNG"
    return bytes(data)


def _safe(name: str) -> str:
    """A name that is one folder on every system."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name).lstrip(".")[:80] or "unnamed"
