"""The content ``plates``: rendered parts in the user's own photos, labelled by ray casting and by the photo."""

from __future__ import annotations

import dataclasses
import math
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from workbench.actions.generate import rendered
from workbench.actions.generate.donors import Supply
from workbench.actions.generate.photo import Developed, Light, visible_of
from workbench.actions.generate.rendered import HEIGHT, WIDTH, Rendered
from workbench.actions.generate.shot import Shot
from workbench.adapters import render
from workbench.core.assets import target, target_class
from workbench.core.photos import elevation_of, moved_camera, plated, uncovered
from workbench.core.photos.grabcut import Mask
from workbench.core.scenario import Accept, ResolvedFrame, build
from workbench.core.scenario.camera import camera_of
from workbench.core.schema.label_json import labels_to_json
from workbench.core.schema.labels import Camera, Label, Labels
from workbench.core.schema.scene import Material, Scene
from workbench.core.sensor import Picture
from workbench.core.sensor.color import LUMINANCE, linear_from_srgb

GT_METHOD = (
    "ray casting of the parts; labels of the photo, moved with it; without what the parts cover; "
    "they are sharp: before blur and noise"
)
SUPPORT, ELEVATION, RADIUS = "scene.support", "sensor.camera.pose.elevation", "sensor.camera.pose.radius"
PLANE = "table"  # a support without walls; it is not seen
INTRINSICS = "sensor.camera.intrinsics."
NEAREST_M, FARTHEST_M = 0.05, 10.0
MOST_ON_OBJECTS = 0.1  # share of a part that may be seen before an object of the photo
NO_PLACE = "free place in the photo"
LEAST_REFLECTANCE = 0.02
LOWEST_DEG = 5.0  # of a camera whose pose is known, above the plane


@dataclass(frozen=True, eq=False)
class Plated:
    """A draw of parts in a photo.

    Attributes:
        ground: the photo.
        parts: the parts as the photo's camera sees them.
        view: where that camera comes from: ``photo``, ``labels`` or ``scenario``.
        own: labels of the photo that are still seen, with their shares.
        covered: labels of the photo that are left out because too little of them is seen.
        left_out: parts that would have lain on objects of the photo, whose height is not known.
    """

    ground: Developed
    parts: Rendered
    view: str
    own: tuple[Label, ...]
    covered: int
    left_out: int

    @classmethod
    def of(cls, resolved: ResolvedFrame, refusals: Counter[str], supply: Supply) -> Plated:
        """Lay the parts that were drawn into the photo that was drawn."""
        return cls.on(Developed.of(resolved, refusals, supply))

    @classmethod
    def on(cls, ground: Developed) -> Plated:
        """Lay parts into a photo."""
        values, camera, view = _view(ground)
        scene = dataclasses.replace(build(dataclasses.replace(ground.resolved, values=values)), camera=camera)
        parts = Rendered(ground.resolved, scene, render.annotate(scene), ground.refusals)
        if there := _on_objects(parts, ground.labels):
            scene = dataclasses.replace(scene, solids=tuple(s for s in scene.solids if s.instance_id not in there))
            parts = Rendered(ground.resolved, scene, render.annotate(scene), ground.refusals)
        hidden, own = _objects_of(parts), []
        for label, before in ground.seen:
            left, share = uncovered(label, hidden)
            if left is not None and share * before >= values["photo.least_visible"]:
                own.append(left if share == 1.0 else _with(left, visible_fraction=round(share * before, 4)))
        return cls(ground, parts, view, tuple(own), len(ground.seen) - len(own), len(there))

    @property
    def resolved(self) -> ResolvedFrame:
        """The constants."""
        return self.ground.resolved

    @property
    def refusals(self) -> Counter[str]:
        """Earlier draws of the same frame, by the predicate that refused them."""
        return self.ground.refusals

    @cached_property
    def labels(self) -> Labels:
        """The photo's own labels, then those of the parts."""
        last = max((label.instance_id or 0 for label in self.own), default=0)
        parts = [dataclasses.replace(label, instance_id=last + (label.instance_id or 0)) for label in self.parts.labels]
        return Labels.of([*self.own, *(_with(label, plated=True) for label in parts)])

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.ground.size_px

    def refusal(self, accept: Accept) -> str | None:
        """The predicate that refuses the draw."""
        if self.left_out and not self.parts.labels:
            return NO_PLACE
        return accept.refusal([*map(visible_of, self.own), *self.parts.truth.objects])

    def scaled(self, factor: float) -> Plated:
        """The same draw at another resolution."""
        ground = self.ground.scaled(factor)
        return self if ground is self.ground else self.on(ground)

    def shoot(self, backend: str) -> Shot:
        """Render the parts onto the light of the photo, and develop it."""
        renderer = render.renderer(backend)
        started_s = time.perf_counter()
        with rendered.ONE_AT_A_TIME:
            images = [renderer.render(scene) for scene in (self.parts.scene, _without_parts(self.parts.scene))]
        render_ms = (time.perf_counter() - started_s) * 1000.0
        hidden = _objects_of(self.parts)
        plane = np.isfinite(self.parts.truth.depth_m) & ~hidden
        reflectance = _reflectance(_without_parts(self.parts.scene).solids[0].material)

        def changed(light: Light) -> Light:
            return plated(light, images[0], images[1], hidden, plane, reflectance=reflectance)

        shot = self.ground.developed(self, changed, renderer.name)
        return dataclasses.replace(shot, backend_version=renderer.version, render_ms=shot.render_ms + render_ms)

    def lineage(self) -> Mapping[str, Any]:
        """Donor and assets, where the camera comes from, and what was left out."""
        return {
            **self.ground.lineage(),
            "assets": self.parts.lineage()["assets"],
            "gt_method": GT_METHOD,
            "labels_covered": self.covered,
            "parts_left_out": self.left_out,
            "view": self.view,
        }

    def files(self, picture: Picture) -> Mapping[str, bytes]:
        """None: all of it is in the document."""
        return {}

    def outcome(self) -> Mapping[str, Any]:
        """Size, labels, camera."""
        camera = self.parts.scene.camera.to_dict()
        return {**self.ground.outcome(), "labels": labels_to_json(self.labels), "camera": camera}


def _on_objects(parts: Rendered, own: Labels) -> set[int]:
    """Instance ids of the parts that would lie on objects of the photo."""
    instances, taken = parts.truth.instances, np.zeros(parts.truth.instances.shape, np.bool_)
    for left, top, right, bottom in own.xyxy.round().astype(int).tolist():
        taken[max(top, 0) : bottom, max(left, 0) : right] = True
    seen, on = (np.bincount(instances[mask].ravel(), minlength=1) for mask in (instances > 0, taken))
    on = np.pad(on, (0, max(0, len(seen) - len(on))))[: len(seen)]
    return {int(i) for i in np.flatnonzero(on > MOST_ON_OBJECTS * np.maximum(seen, 1)) if i > 0}


def _objects_of(parts: Rendered) -> Mask:
    """``(H, W)`` where parts are seen, also those without a label."""
    empty = render.annotate(_without_parts(parts.scene)).depth_m
    return np.asarray(parts.truth.depth_m < empty - 1e-6)


def _without_parts(scene: Scene) -> Scene:
    plane = tuple(solid for solid in scene.solids if solid.asset.startswith("support/"))
    return dataclasses.replace(scene, solids=plane)


def _reflectance(material: Material) -> float:
    """Mean share of the light that a surface sends back."""
    texture = 1.0 if material.albedo_srgb is None else linear_from_srgb(material.albedo_srgb / 255).mean(axis=(0, 1))
    return max(float(np.dot(np.array(material.base_color) * texture, LUMINANCE)), LEAST_REFLECTANCE)


def _view(ground: Developed) -> tuple[dict[str, Any], Camera, str]:
    """Values and camera with which the parts are rendered, and where the camera comes from.

    A photo whose pose is known has it; else the plane is told from the photo's own labels, or drawn.
    """
    values = {**ground.resolved.values, SUPPORT: PLANE}
    width, height = ground.size_px
    camera = moved_camera(ground.donor.camera, ground.move)
    if camera is None:
        fx, fy = (values[f"{INTRINSICS}{name}"] * width / values[WIDTH] for name in ("fx", "fy"))
        cx, cy = (width - 1) / 2, (height - 1) / 2
    else:
        fx, fy, cx, cy = camera.fx, camera.fy, camera.cx, camera.cy
    values |= {WIDTH: width, HEIGHT: height}
    values |= {f"{INTRINSICS}{name}": value for name, value in (("fx", fx), ("fy", fy), ("cx", cx), ("cy", cy))}
    if camera is not None and (pose := _above_the_plane(camera)) is not None:
        return values, dataclasses.replace(camera, T_world_cam=pose), "photo"
    labels, view = ground.labels, "scenario"
    if (degrees := elevation_of(labels.names, labels.xyxy, fy_px=fy, cy_px=cy)) is not None:
        values[ELEVATION], view = degrees, "labels"
    if (distance_m := _distance_m(labels, values, fx)) is not None:
        values[RADIUS], view = distance_m, "labels"
    drawn = camera_of(values)
    return values, drawn if camera is None else dataclasses.replace(drawn, distortion=camera.distortion), view


def _above_the_plane(camera: Camera) -> np.ndarray | None:
    """The pose of a camera that looks down on the plane z = 0, moved sideways so that it looks at the origin."""
    if camera.T_world_cam is None:
        return None
    pose = np.array(camera.T_world_cam, float)
    down = -pose[2, 2]
    if pose[2, 3] <= 0 or down < math.sin(math.radians(LOWEST_DEG)):
        return None
    reach_m = pose[2, 3] / down
    if not NEAREST_M <= reach_m <= FARTHEST_M:
        return None
    pose[:2, 3] -= (pose[:3, 3] + reach_m * pose[:3, 2])[:2]
    return pose


def _distance_m(labels: Labels, values: Mapping[str, Any], fx: float) -> float | None:
    """How far away parts must be to be as wide as the photo's own objects of their classes."""
    widths_m: dict[str, float] = {}
    for word, scale in zip(values["assets.targets.labels"], values["scene.objects.scale"], strict=False):
        extent = np.ptp(target(word).vertices_m, axis=0)
        widths_m[target_class(word)] = scale * float(extent[:2].mean())
    distances = [
        fx * widths_m[name] / (right - left)
        for name, (left, _, right, _) in zip(labels.names, labels.xyxy.tolist(), strict=True)
        if name in widths_m and right > left
    ]
    return float(np.clip(np.median(distances), NEAREST_M, FARTHEST_M)) if distances else None


def _with(label: Label, **attributes: Any) -> Label:
    return dataclasses.replace(label, attributes={**label.attributes, **attributes})
