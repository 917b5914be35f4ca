"""Render a ``Scene`` with one of the backends, and get its exact ground truth by ray casting.

The labels come from the scene, not from the backend, so every backend shares them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import InputError, one_of
from workbench.core.schema.scene import Annotations, Scene

__all__ = ["BACKENDS", "Renderer", "annotate", "check", "renderer"]


class Renderer(Protocol):
    """A rendering backend.

    Attributes:
        name: key in ``BACKENDS``.
        version: what made the image, for lineage, e.g. ``open3d-filament 0.19.0 / llvmpipe``.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def render(self, scene: Scene) -> NDArray[np.float32]:
        """Linear RGB ``(H, W, 3)``: a white matte surface facing ``scene.exposure_lux`` is 1.0; highlights may pass 1.

        The lens distortion of the camera is applied. The same scene gives the same pixels, whatever was drawn before.

        Raises:
            RenderError: the backend could not draw; the message says what to do.
            InputError: the scene asks for what does not exist.
        """
        ...


def _open3d() -> Renderer:
    from workbench.adapters.render._open3d import Open3dRenderer

    return Open3dRenderer()


def _mitsuba() -> Renderer:
    from workbench.adapters.render._mitsuba import MitsubaRenderer

    return MitsubaRenderer()


def _flat() -> Renderer:
    from workbench.adapters.render._flat import FlatRenderer

    return FlatRenderer()


BACKENDS: dict[str, Callable[[], Renderer]] = {"open3d": _open3d, "mitsuba": _mitsuba, "flat": _flat}


@cache
def renderer(name: str) -> Renderer:
    """The backend of that name, started once per process.

    Raises:
        InputError: no such backend.
        RenderError: it cannot start on this machine; the message says what to install.
        MissingExtra: the optional package behind it is absent.
    """
    if name not in BACKENDS:
        raise InputError(f"Unknown rendering backend '{name}'.", fix=one_of(name, BACKENDS))
    return BACKENDS[name]()


def annotate(scene: Scene) -> Annotations:
    """Exact ground truth of what the camera sees, with its lens distortion: one ray through each pixel's centre.

    Raises:
        InputError: the camera has no pose, or its distortion cannot be inverted over the image.
    """
    from workbench.adapters.render._annotate import annotate as cast

    return cast(scene)


def check() -> str:
    """Render one tiny frame with Open3D and return the backend's version.

    Raises:
        RenderError: Open3D cannot draw here; the message says what to install.
    """
    from workbench.adapters.render._probe import tiny_scene

    backend = renderer("open3d")
    backend.render(tiny_scene())
    return backend.version
