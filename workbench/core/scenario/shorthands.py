"""Several parameters written as one: ``key.direction: {shell: ...}``. A shorthand is one function and one line.

Each expands one entry of the document to a document value per parameter, so that everything
downstream knows single parameters only.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.base.errors import one_of
from workbench.core import assets as library

Expanded = dict[str, Any]
LIBRARY = "library"


def expand(path: str, value: Any) -> Expanded:
    """Document values by parameter path, for a shorthand path.

    Raises:
        ValueError: the value does not have the form of the shorthand.

    >>> expand("sensor.camera.resolution", [64, 48])
    {'sensor.camera.resolution.width': 64, 'sensor.camera.resolution.height': 48}
    """
    return {f"{path.removesuffix('.pose') if part.startswith('target') else path}.{part}": drawn
            for part, drawn in SHORTHANDS[path](value).items()}  # fmt: skip


def _shell(value: Any) -> Expanded:
    fields = _fields(value, "shell", required=("azimuth", "elevation", "radius"), optional=("density",))
    return _shell_parts(fields)


def _shell_look_at(value: Any) -> Expanded:
    fields = _fields(
        value, "shell_look_at", required=("azimuth", "elevation", "radius"), optional=("density", "roll", "target")
    )
    parts = _shell_parts(fields)
    if "roll" in fields:
        parts["roll"] = _pair(fields["roll"], "uniform")
    if "target" in fields:
        parts |= {f"target.{axis}": drawn for axis, drawn in _box(fields["target"]).items()}
    return parts


def _shell_parts(fields: Mapping[str, Any]) -> Expanded:
    """Directions spread evenly over the sphere; distances evenly, or evenly over the volume (``density: cubic``)."""
    density = fields.get("density", "linear")
    if density not in ("linear", "cubic"):
        raise ValueError(f"density must be linear or cubic, not {density!r}.")
    return {
        "azimuth": _pair(fields["azimuth"], "uniform"),
        "elevation": _pair(fields["elevation"], "uniform_sine"),
        "radius": _pair(fields["radius"], "uniform" if density == "linear" else "uniform_volume"),
    }


def _box(value: Any) -> Expanded:
    """A fixed point ``[x, y, z]``, or ``{box: {min: [..], max: [..]}}``."""
    if isinstance(value, list):
        return dict(zip("xyz", _listed(value, 3), strict=True))
    fields = _fields(value, "box", required=("min", "max"))
    low, high = _listed(fields["min"], 3), _listed(fields["max"], 3)
    return {axis: {"uniform": [a, b]} for axis, a, b in zip("xyz", low, high, strict=True)}


def _hsv(value: Any) -> Expanded:
    fields = _fields(value, "hsv", required=("h", "s", "v"))
    return {name: _pair(fields[name[0]], "uniform") for name in ("hue", "saturation", "value")}


def _brown_conrady(value: Any) -> Expanded:
    fields = _fields(value, "brown_conrady", required=(), optional=("k1", "k2", "p1", "p2"))
    return {name: _pair(fields[name], "uniform") for name in fields}


def _shot_read(value: Any) -> Expanded:
    fields = _fields(value, "shot_read", required=("gain", "read_e"), optional=("full_well_e",))
    return {name: _pair(fields[name], "uniform") for name in fields}


def _resolution(value: Any) -> Expanded:
    return dict(zip(("width", "height"), _listed(value, 2), strict=True))


def _intrinsics(value: Any) -> Expanded:
    return dict(_fields({"pinhole": value}, "pinhole", required=("fx", "fy", "cx", "cy")))


def _assets(value: Any) -> Expanded:
    """``{labels: [...], count: ...}`` from the library, a folder of the user's own meshes, or a table of them."""
    allowed = {"labels", "count", "from", "unit"}
    if not isinstance(value, dict) or not {"labels", "count", "from"} & set(value) or set(value) - allowed:
        raise ValueError(
            "Write {labels: [...], count: ..., from: library, a folder or {class: mesh file}, unit: m or mm}, "
            f"not {value!r}."
        )
    source, unit = value.get("from", LIBRARY), value.get("unit", "m")
    if unit not in ("m", "mm"):
        raise ValueError(f"unit must be m or mm, not {unit!r}.")
    parts = {name: drawn for name, drawn in value.items() if name in ("labels", "count")}
    if source != LIBRARY:
        parts["labels"] = {"choice": own_meshes(source, value.get("labels", ["*"]), unit)}
    return parts


def own_meshes(source: Any, patterns: Any = ("*",), unit: str = "m") -> list[str]:
    """Words of the user's own meshes whose class matches a pattern.

    Args:
        source: a folder, or a table from class to mesh file, folder of mesh files, or a list of these.
        patterns: of class names.
        unit: of the files, ``m`` or ``mm``; one whose path ends with ``#mm`` is in millimetres.

    Raises:
        ValueError: it is neither, or it has no such class.
        InputError: a file or folder is missing or holds no mesh.
    """
    if not isinstance(patterns, list | tuple) or not all(isinstance(pattern, str) for pattern in patterns):
        raise ValueError(f"labels must be a list of class names of the meshes, not {patterns!r}.")
    if isinstance(source, str | Path):
        words = library.own_words(*_place(source, unit))
    elif isinstance(source, Mapping) and source:
        rows = [(name, path) for name, given in source.items() for path in _paths(name, given)]
        words = [word for name, path in rows for word in library.class_words(name, *_place(path, unit))]
    else:
        raise ValueError(f"from must be library, a folder, or a table {{class: mesh file}}, not {source!r}.")
    classes = sorted({library.target_class(word) for word in words})
    for pattern in patterns:
        if not fnmatch.filter(classes, pattern):
            where = "The table of meshes" if isinstance(source, Mapping) else source
            raise ValueError(f"{where} has no class {pattern!r}. {one_of(pattern, classes)}")
    return [w for w in words if any(fnmatch.fnmatchcase(library.target_class(w), pattern) for pattern in patterns)]


def _paths(name: Any, given: Any) -> list[Any]:
    """The mesh files of a class."""
    paths = given if isinstance(given, list | tuple) else [given]
    if not isinstance(name, str) or not paths or not all(isinstance(path, str | Path) for path in paths):
        raise ValueError(f"Write {{class: mesh file}} or {{class: [mesh file, ...]}}, not {{{name!r}: {given!r}}}.")
    return [*paths]


def _place(path: str | Path, unit: str) -> tuple[Path, bool]:
    """Where meshes are, and whether they are in millimetres."""
    text = str(path)
    return Path(text.removesuffix(library.MM)).expanduser(), unit == "mm" or text.endswith(library.MM)


SHORTHANDS: dict[str, Callable[[Any], Expanded]] = {
    "assets.targets": _assets,
    "assets.distractors": _assets,
    "scene.surface.color": _hsv,
    "scene.objects.color": _hsv,
    "lighting.key.direction": _shell,
    "sensor.camera.resolution": _resolution,
    "sensor.camera.intrinsics": _intrinsics,
    "sensor.camera.pose": _shell_look_at,
    "sensor.camera.target": _box,
    "sensor.lens.distortion": _brown_conrady,
    "sensor.noise": _shot_read,
}


def _fields(value: Any, name: str, *, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    if not isinstance(value, dict) or list(value) != [name] or not isinstance(value[name], dict):
        raise ValueError(f"Write {{{name}: {{...}}}}, not {value!r}.")
    fields: dict[str, Any] = value[name]
    missing = [field for field in required if field not in fields]
    unknown = [str(field) for field in fields if field not in (*required, *optional)]
    if missing or unknown:
        accepted = ", ".join((*required, *(f"{field} (optional)" for field in optional)))
        raise ValueError(f"{name} takes {accepted}, not {', '.join(map(str, fields)) or 'nothing'}.")
    return fields


def _listed(value: Any, length: int) -> list[Any]:
    if not isinstance(value, list) or len(value) != length:
        raise ValueError(f"{value!r} is not a list of {length} numbers.")
    return value


def _pair(value: Any, distribution: str) -> Any:
    """A pair is the interval of the usual distribution; anything else is unchanged."""
    return {distribution: value} if isinstance(value, list) else value
