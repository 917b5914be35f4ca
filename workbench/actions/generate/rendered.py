"""The content ``rendered``: parts on a support, drawn by a renderer, labelled by ray casting."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.actions.generate import products
from workbench.actions.generate.donors import NO_SUPPLY, Supply
from workbench.actions.generate.shot import CAMERA, Shot
from workbench.adapters import render
from workbench.base.errors import OutputError
from workbench.core.assets import asset_sha256
from workbench.core.scenario import (
    Accept,
    ResolvedFrame,
    build,
    lighting_category,
    noise_rng,
    sensor_category,
    sensor_settings,
)
from workbench.core.scenario.build import assets_of
from workbench.core.schema import fields
from workbench.core.schema.labels import Camera, Label, Labels
from workbench.core.schema.scene import Annotations, ObjectTruth, Scene
from workbench.core.sensor import Picture, form_image

GT_METHOD = "ray casting, exact; labels are sharp: before blur and noise"
WIDTH, HEIGHT = "sensor.camera.resolution.width", "sensor.camera.resolution.height"
IN_PIXELS = ("sensor.lens.blur_px", "sensor.motion.blur_px")
PNG_FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1]  # 6 ms instead of 80; maps are mostly flat and stay small
_OBJECT = {
    "instance_id": int, "name": str, "asset": str, "surface": str, "visible_px": int, "silhouette_px": int,
    "xyxy": ([float, 4], None), "xyxy_loose": [float, 4], "size_m": [float, 3], "T_cam_box": [[float, 4], 4],
    "corners_px?": [[float, 3], 8],
}  # fmt: skip
OUTCOME = {"objects": [_OBJECT], "camera": CAMERA, **dict.fromkeys(fields.ATTRIBUTES, str)}
MM = 1000.0
MAX_DEPTH_MM = 65_535
REQUESTS = {"semantic_segmentation": "semantic", "normals": "normals", "point_cloud": "clouds"}  # annotator -> kind
ONE_AT_A_TIME = threading.Lock()  # renderers are not made for threads, which a Dask worker may have several of


@dataclass(frozen=True, eq=False)
class Rendered:
    """A draw of a scene.

    Attributes:
        resolved: the constants.
        scene: what they make.
        truth: ground truth of the scene.
        refusals: earlier draws of the same frame, by the predicate that refused them.
    """

    resolved: ResolvedFrame
    scene: Scene
    truth: Annotations
    refusals: Counter[str]

    @cached_property
    def labels(self) -> Labels:
        """Labels of what is seen."""
        return labels_of(self.truth)

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.scene.camera.width, self.scene.camera.height

    def refusal(self, accept: Accept) -> str | None:
        """The predicate that refuses the draw."""
        return accept.refusal(self.truth.objects)

    def scaled(self, factor: float) -> Rendered:
        """The same draw at another resolution."""
        return draft(scaled(self.resolved, factor), self.refusals) if factor < 1.0 else self

    def shoot(self, backend: str) -> Shot:
        """Render the scene and send its light through the sensor."""
        renderer = render.renderer(backend)
        started_s = time.perf_counter()
        with ONE_AT_A_TIME:
            linear = renderer.render(self.scene)
        render_ms = (time.perf_counter() - started_s) * 1000.0
        picture = form_image(linear, sensor_settings(self.resolved), rng=noise_rng(self.resolved))
        return Shot(self, picture, renderer.name, renderer.version, render_ms)

    def lineage(self) -> Mapping[str, Any]:
        """Assets with their identity, and how labels came to be."""
        asked = self.resolved.scenario.annotators
        assets = {asset: asset_sha256(asset) for asset in sorted(set(assets_of(self.resolved.values)))}
        classes = {"semantic_classes": products.classes_seen(self.truth.objects)}
        return {"assets": assets, "gt_method": GT_METHOD, **(classes if "semantic_segmentation" in asked else {})}

    def files(self, picture: Picture) -> Mapping[str, bytes]:
        """Maps, and the cloud when it was asked for."""
        asked, camera = self.resolved.scenario.annotators, self.scene.camera
        files = {"instances": _png(self.truth.instances), "depth": _png(depth_mm(self.truth))}
        if "semantic_segmentation" in asked:
            files["semantic"] = _png(products.semantic_map(self.truth))
        if "normals" in asked:
            files["normals"] = _png(products.normals_map(self.truth, camera)[..., ::-1])
        if "point_cloud" in asked:
            files["clouds"] = products.cloud_pcd(self.truth, picture.srgb, camera)
        return files

    def outcome(self) -> Mapping[str, Any]:
        """Objects, camera and attributes."""
        objects = [_object_document(thing) for thing in self.truth.objects]
        if "keypoints" in self.resolved.scenario.annotators:
            for document, thing in zip(objects, self.truth.objects, strict=True):
                document["corners_px"] = products.corners_px(thing, self.truth, self.scene.camera)
        values = self.resolved.values
        attributes = (lighting_category(values), values["scene.surface.label"], sensor_category(values))
        return {
            "objects": objects,
            "camera": self.scene.camera.to_dict(),
            **dict(zip(fields.ATTRIBUTES, attributes, strict=True)),
        }


def draft(resolved: ResolvedFrame, refusals: Counter[str], supply: Supply = NO_SUPPLY) -> Rendered:
    """Build the scene of a draw and look at it."""
    scene = build(resolved)
    return Rendered(resolved, scene, render.annotate(scene), refusals)


def read_back(outcome: Mapping[str, Any], paths: Mapping[str, Path]) -> dict[str, Any]:
    """The fields of the record of a finished frame, from its document and the paths of its files by kind."""
    kinds = {
        fields.DEPTH: "depth",
        fields.INSTANCES: "instances",
        fields.SEMANTIC: "semantic",
        fields.NORMALS: "normals",
    }
    camera = Camera.from_dict(outcome["camera"])
    cloud = paths.get("clouds")
    return {
        "width": camera.width,
        "height": camera.height,
        "camera": camera,
        "labels": _labels(outcome["objects"], read_map(paths["instances"])),
        "attributes": {name: outcome[name] for name in fields.ATTRIBUTES},
        "maps": {field: paths[kind] for field, kind in kinds.items() if kind in paths},
        "cloud": cloud,
        "T_cam_cloud": np.eye(4) if cloud else None,
    }


def scaled(frame: ResolvedFrame, factor: float) -> ResolvedFrame:
    """The same frame at another resolution: intrinsics and blur in pixels follow."""
    values = dict(frame.values)
    for path in (WIDTH, HEIGHT):
        values[path] = max(1, round(values[path] * factor))
    for name in ("fx", "fy"):
        values[f"sensor.camera.intrinsics.{name}"] *= factor
    for name in ("cx", "cy"):  # pixel centres are whole numbers, edges lie half a pixel before
        path = f"sensor.camera.intrinsics.{name}"
        values[path] = (values[path] + 0.5) * factor - 0.5
    for path in IN_PIXELS:
        values[path] *= factor
    return dataclasses.replace(frame, values=values)


def depth_mm(truth: Annotations) -> NDArray[np.uint16]:
    """Depth along the optical axis in whole millimetres; 0 where nothing is hit or farther than 65.535 m."""
    mm = np.rint(np.nan_to_num(truth.depth_m * MM, posinf=0.0))
    return np.where(mm <= MAX_DEPTH_MM, mm, 0).astype(np.uint16)


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
