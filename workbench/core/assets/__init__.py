"""The built-in library: parts, distractors, surfaces, supports and environments, made by pure arithmetic.

Everything is deterministic, in metres, and free of downloads and licences. One dict per kind of thing; a new entry
is one function and one line.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import numpy as np

from workbench.base.errors import InputError, one_of
from workbench.core.assets import _distractors, _parts, _supports, _surfaces
from workbench.core.assets._environments import ENVIRONMENTS, environment_radiance
from workbench.core.assets._meshes import MM, class_words, is_own, own_mesh, own_words, parse_own
from workbench.core.assets._shape import Shape, finish
from workbench.core.schema.scene import Material, Mesh, Rgb, Solid

Entry = TypeVar("Entry")

PARTS: dict[str, Callable[[], Shape]] = {
    "bearing": _parts.bearing,
    "bolt": _parts.bolt,
    "bottle": _parts.bottle,
    "box": _parts.carton,
    "bracket": _parts.bracket,
    "can": _parts.can,
    "gear": _parts.gear,
    "mug": _parts.mug,
    "nut": _parts.nut,
    "pipe_elbow": _parts.pipe_elbow,
    "valve": _parts.valve,
}
PART_COLORS_SRGB: dict[str, tuple[Rgb, ...]] = {
    "bearing": ((0.8, 0.81, 0.82),),
    "bolt": ((0.74, 0.74, 0.72), (0.72, 0.68, 0.55)),
    "bottle": ((0.85, 0.86, 0.87), (0.13, 0.36, 0.62), (0.2, 0.45, 0.26)),
    "box": ((0.72, 0.56, 0.39), (0.76, 0.62, 0.46), (0.88, 0.87, 0.84)),
    "bracket": ((0.72, 0.73, 0.74), (0.2, 0.21, 0.22), (0.85, 0.55, 0.1)),
    "can": ((0.78, 0.12, 0.12), (0.1, 0.32, 0.62), (0.82, 0.83, 0.84)),
    "gear": ((0.66, 0.65, 0.62), (0.76, 0.62, 0.34)),
    "mug": ((0.72, 0.1, 0.09), (0.9, 0.89, 0.86), (0.1, 0.28, 0.5)),
    "nut": ((0.76, 0.75, 0.7), (0.72, 0.6, 0.34)),
    "pipe_elbow": ((0.55, 0.56, 0.57), (0.72, 0.43, 0.27)),
    "valve": ((0.76, 0.6, 0.3), (0.7, 0.12, 0.1), (0.14, 0.34, 0.6)),
}
DISTRACTORS: dict[str, Callable[[], Shape]] = {
    "block": _distractors.block,
    "cable": _distractors.cable,
    "rag": _distractors.rag,
    "screwdriver": _distractors.screwdriver,
    "tape_roll": _distractors.tape_roll,
    "washer": _distractors.washer,
}
ROUND = frozenset({"bearing", "bottle", "can", "mug", "tape_roll"})  # their texture runs around
PART_NAMES: tuple[str, ...] = tuple(PARTS)
DISTRACTOR_NAMES: tuple[str, ...] = tuple(DISTRACTORS)
SURFACE_KINDS: tuple[str, ...] = tuple(_surfaces.KINDS)
SUPPORT_NAMES: tuple[str, ...] = tuple(_supports.SUPPORTS)
SUPPORT_REGION_M: dict[str, tuple[float, float]] = _supports.REGIONS_M
SUPPORT_WALLS_M: dict[str, tuple[float, float, float]] = _supports.WALLS_M
ENVIRONMENT_NAMES: tuple[str, ...] = tuple(ENVIRONMENTS)

__all__ = [
    "DISTRACTOR_NAMES",
    "ENVIRONMENT_NAMES",
    "MM",
    "PART_NAMES",
    "SUPPORT_NAMES",
    "SUPPORT_REGION_M",
    "SUPPORT_WALLS_M",
    "SURFACE_KINDS",
    "asset_sha256",
    "class_words",
    "distractor",
    "distractor_mesh",
    "environment_radiance",
    "is_own",
    "own_mesh",
    "own_words",
    "part_material",
    "part_mesh",
    "support",
    "surface_material",
    "target",
    "target_class",
]


@cache
def part_mesh(name: str) -> Mesh:
    """Mesh of a labelled part at its real size, resting on z = 0; the same arrays at every call.

    Raises:
        InputError: no such part.

    >>> part_mesh("nut").vertices_m[:, 2].min()
    np.float64(0.0)
    """
    return finish(_entry(PARTS, name, "part")(), wrap=name in ROUND)


@cache
def distractor_mesh(name: str) -> Mesh:
    """Mesh of an unlabelled distractor at its real size, resting on z = 0.

    Raises:
        InputError: no such distractor.
    """
    return finish(_entry(DISTRACTORS, name, "distractor")(), wrap=name in ROUND)


def target(word: str) -> Mesh:
    """Mesh of a labelled object: a part of the library, or the user's own (``class@path``).

    Raises:
        InputError: no such part or file, or a mesh that cannot be used.
    """
    return own_mesh(word) if is_own(word) else part_mesh(word)


def target_class(word: str) -> str:
    """Class name of a labelled object.

    >>> target_class("bolt"), target_class("widget@/parts/w.stl")
    ('bolt', 'widget')
    """
    return parse_own(word).name if is_own(word) else word


def distractor(word: str) -> Mesh:
    """Mesh of an unlabelled object: a distractor of the library, or the user's own.

    Raises:
        InputError: no such distractor or file, or a mesh that cannot be used.
    """
    return own_mesh(word) if is_own(word) else distractor_mesh(word)


def surface_material(
    kind: str,
    *,
    color_srgb: Rgb | None = None,
    roughness: float | None = None,
    metallic: float | None = None,
    rng: np.random.Generator,
) -> Material:
    """A material of a surface kind; what is ``None`` is drawn from what is usual for the kind.

    Always takes the same number of draws from ``rng``, so pinning one value leaves the others as they were.

    Raises:
        InputError: no such kind.
    """
    return _surfaces.make(kind, color_srgb=color_srgb, roughness=roughness, metallic=metallic, rng=rng)


def part_material(
    name: str,
    kind: str,
    *,
    color_srgb: Rgb | None = None,
    roughness: float | None = None,
    metallic: float | None = None,
    rng: np.random.Generator,
) -> Material:
    """A material for a part: its usual colours when the kind takes paint, the kind's own for wood and the like.

    Raises:
        InputError: no such part or kind.
    """
    if is_own(name):
        return surface_material(kind, color_srgb=color_srgb, roughness=roughness, metallic=metallic, rng=rng)
    _entry(PARTS, name, "part")
    usual = PART_COLORS_SRGB[name]
    color = usual[int(rng.integers(len(usual)))]
    own_color = kind in ("mirror", "wood", "glass") or (kind == "cardboard" and name != "box")
    if color_srgb is None and not own_color:
        color_srgb = color
    return surface_material(kind, color_srgb=color_srgb, roughness=roughness, metallic=metallic, rng=rng)


def support(
    name: str,
    kind: str,
    *,
    color_srgb: Rgb | None = None,
    roughness: float | None = None,
    metallic: float | None = None,
    rng: np.random.Generator,
) -> tuple[Solid, ...]:
    """The working surface, its top at z = 0 about the origin, and the work cell around it; nothing of it is labelled.

    Raises:
        InputError: no such support or kind.
    """
    _entry(_supports.SUPPORTS, name, "support")
    top = surface_material(kind, color_srgb=color_srgb, roughness=roughness, metallic=metallic, rng=rng)
    return _supports.build(name, top, rng)


def asset_sha256(asset: str) -> str:
    """Fingerprint of a library mesh, for lineage: SHA-256 over its vertices (to the nanometre) and faces.

    Args:
        asset: ``part/<name>``, ``distractor/<name>`` or ``mesh/<word>``.

    Raises:
        InputError: no such asset.
    """
    kind, _, name = asset.partition("/")
    meshes = {"part": part_mesh, "distractor": distractor_mesh, "mesh": own_mesh}
    mesh = _entry(meshes, kind, "asset folder")(name)
    digest = hashlib.sha256(np.round(mesh.vertices_m * 1e9).astype("<i8").tobytes())
    digest.update(mesh.faces.astype("<i4").tobytes())
    return digest.hexdigest()


def _entry(registry: dict[str, Entry], name: str, kind: str) -> Entry:
    if name not in registry:
        raise InputError(f"Unknown {kind} {name!r}.", fix=one_of(name, registry))
    return registry[name]
