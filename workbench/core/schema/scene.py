"""A scene to render: solids, lights, environment and camera, in metres, world z up, right-handed.

A ``Scene`` holds arrays only. ``scenario`` builds it from a resolved frame, ``render`` draws it;
labels come from the same scene by ray casting, so they do not depend on the backend.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.core.schema.labels import Camera

Rgb = tuple[float, float, float]
Xyz = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle mesh.

    Attributes:
        vertices_m: ``(V, 3)`` metres, object frame; the origin is the centre of the resting footprint, z up.
        faces: ``(F, 3)`` int32, counter-clockwise from outside.
        normals: ``(V, 3)`` unit vectors; sharp edges have doubled vertices.
        uv: ``(V, 2)`` texture coordinates in metres (divide by a texture's size to repeat it).
    """

    vertices_m: NDArray[np.float64]
    faces: NDArray[np.int32]
    normals: NDArray[np.float64]
    uv: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Material:
    """Metal-rough surface.

    Attributes:
        kind: word of ``SURFACE_WORDS``.
        base_color: linear RGB 0..1; multiplies the texture.
        metallic, roughness, reflectance, clearcoat: 0..1.
        albedo_srgb: ``(H, W, 3)`` uint8 texture, or ``None``.
        roughness_map: ``(H, W)`` uint8, multiplies ``roughness``, or ``None``.
        normal_map: ``(H, W, 3)`` uint8 tangent-space normals, or ``None``.
        texture_size_m: edge length that one tile of the textures covers.
        transmission: share of the light that goes through, 0..1; glass.
    """

    kind: str
    base_color: Rgb
    metallic: float
    roughness: float
    reflectance: float = 0.5
    clearcoat: float = 0.0
    albedo_srgb: NDArray[np.uint8] | None = None
    roughness_map: NDArray[np.uint8] | None = None
    normal_map: NDArray[np.uint8] | None = None
    texture_size_m: float = 0.3
    transmission: float = 0.0


@dataclass(frozen=True, eq=False)
class Solid:
    """A mesh with a material at a place.

    Attributes:
        asset: id in the library, e.g. ``"part/bracket"``.
        name: class name, or ``None`` for what is not labelled (floor, tray, distractor).
        instance_id: 1, 2, ... for labelled solids, 0 for all others.
        T_world_obj: 4x4, rigid with uniform scale.
    """

    asset: str
    name: str | None
    instance_id: int
    mesh: Mesh
    material: Material
    T_world_obj: NDArray[np.float64]


@dataclass(frozen=True)
class Light:
    """One key light.

    Attributes:
        kind: ``point``, ``spot``, ``directional`` or ``area`` (a square of ``size_m``).
        position_m: world; ignored for ``directional``.
        direction: unit vector in which the light travels; ignored for ``point``.
        color: linear RGB with luminance 1.
        illuminance_lux: at the world origin with nothing in the way, so kinds can be swapped.
        cone_deg: full outer angle of a spot.
        size_m: edge of an area light; larger is softer.
        shadow: casts shadows.
    """

    kind: Literal["point", "spot", "directional", "area"]
    position_m: Xyz
    direction: Xyz
    color: Rgb
    illuminance_lux: float
    cone_deg: float = 50.0
    size_m: float = 0.3
    shadow: bool = True


@dataclass(frozen=True)
class Environment:
    """Light from all around.

    Attributes:
        name: id in the library, e.g. ``"env/workshop"``.
        illuminance_lux: on an unshadowed horizontal plane at the origin.
        rotation_deg: about world z.
    """

    name: str
    illuminance_lux: float
    rotation_deg: float = 0.0


@dataclass(frozen=True, eq=False)
class Scene:
    """All that a renderer needs for one picture; the camera's ``T_world_cam`` is set.

    Attributes:
        exposure_lux: illuminance that puts a white matte surface facing the light at linear 1.0.
    """

    solids: tuple[Solid, ...]
    lights: tuple[Light, ...]
    environment: Environment
    camera: Camera
    exposure_lux: float = 1000.0


@dataclass(frozen=True, eq=False)
class Annotations:
    """Exact ground truth of a scene, by ray casting through the camera with its distortion.

    Attributes:
        instances: ``(H, W)`` uint16, 0 where nothing labelled is seen.
        depth_m: ``(H, W)`` float32, z in the camera frame, ``inf`` where nothing is hit.
        normals: ``(H, W, 3)`` float32, world frame, 0 where nothing is hit.
        objects: one per labelled solid that lies at least partly in the picture.
    """

    instances: NDArray[np.uint16]
    depth_m: NDArray[np.float32]
    normals: NDArray[np.float32]
    objects: tuple[ObjectTruth, ...] = field(default=())


@dataclass(frozen=True, eq=False)
class ObjectTruth:
    """Ground truth of one labelled solid.

    Attributes:
        instance_id, name, asset: as in ``Solid``.
        surface: ``Material.kind`` of the solid.
        xyxy: edges of the visible pixels; ``None`` when fully hidden.
        xyxy_loose: edges of the whole silhouette inside the picture, hidden parts too.
        visible_px: visible pixels.
        silhouette_px: pixels of the whole silhouette inside the picture.
        T_cam_obj: 4x4 pose in the camera frame.
        size_m: extents of the mesh along its own axes, scale applied.
        T_cam_box: 4x4, rigid: the centre of that box with the object's axes, in the camera frame.
    """

    instance_id: int
    name: str
    asset: str
    surface: str
    xyxy: tuple[float, float, float, float] | None
    xyxy_loose: tuple[float, float, float, float]
    visible_px: int
    silhouette_px: int
    T_cam_obj: NDArray[np.float64]
    size_m: Xyz
    T_cam_box: NDArray[np.float64]

    @property
    def visible_fraction(self) -> float:
        """Visible share of the silhouette, 0..1."""
        return self.visible_px / self.silhouette_px if self.silhouette_px else 0.0
