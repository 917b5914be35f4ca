"""The user's own meshes: GLB, OBJ, PLY and STL files with a class name, checked at their first use.

In scenarios such a mesh is one word: ``class@path``, with ``#mm`` at the end when the file's unit is the millimetre.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from workbench.base.errors import InputError
from workbench.base.files import inside
from workbench.core.assets._shape import Shape, finish
from workbench.core.schema.scene import Mesh

SUFFIXES = (".glb", ".gltf", ".obj", ".ply", ".stl")
Y_UP = (".glb", ".gltf")  # as the format demands; all others are taken for z up
SMALLEST_M, LARGEST_M = 0.002, 5.0
MOST_FACES = 300_000
MOST_BYTES = 1_000_000_000  # of a file that a mesh refers to
MM = "#mm"


@dataclass(frozen=True)
class OwnMesh:
    """The parts of a word.

    Attributes:
        name: class name.
        path: of the file.
        metres: length of the file's unit.
    """

    name: str
    path: Path
    metres: float


def own_word(name: str, path: Path, *, millimetre: bool = False) -> str:
    """The word of a mesh file.

    >>> own_word("widget", Path("/parts/w.stl"), millimetre=True)
    'widget@/parts/w.stl#mm'

    Raises:
        InputError: the class name holds an ``@``.
    """
    if "@" in name:
        raise InputError(f"The class name {name!r} holds an @.", at=str(path), fix="Rename it: @ ends a class name.")
    return f"{name}@{path}{MM if millimetre else ''}"


def is_own(word: str) -> bool:
    """Whether a word names a mesh file."""
    return "@" in word


def parse_own(word: str) -> OwnMesh:
    """Class, path and unit of a word; see the module."""
    name, _, path = word.partition("@")
    return OwnMesh(name, Path(path.removesuffix(MM)), 0.001 if path.endswith(MM) else 1.0)


def own_words(folder: Path, millimetre: bool = False) -> list[str]:
    """Words of all mesh files of a folder, sorted; the class is the subfolder's name, or else the file's.

    Raises:
        InputError: there is no such folder, or no mesh file in it.
    """
    files = _mesh_files(folder)
    names = [path.stem if path.parent == folder else path.relative_to(folder).parts[0] for path in files]
    return [own_word(name, path.resolve(), millimetre=millimetre) for name, path in zip(names, files, strict=True)]


def class_words(name: str, path: Path, millimetre: bool = False) -> list[str]:
    """Words of a mesh file of a class, or of all mesh files of a folder.

    Raises:
        InputError: it does not exist, or is no mesh file.
    """
    if not path.exists():
        raise InputError(f"The mesh of class {name!r} does not exist.", at=str(path))
    if path.is_file() and path.suffix.lower() not in SUFFIXES:
        fix = f"Give a file that ends with {', '.join(SUFFIXES)}."
        raise InputError(f"The file of class {name!r} is no mesh.", at=str(path), fix=fix)
    files = [path] if path.is_file() else _mesh_files(path)
    return [own_word(name, file.resolve(), millimetre=millimetre) for file in files]


def _mesh_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        problem = (
            "This is a file, not a folder of meshes." if folder.exists() else "The folder of meshes does not exist."
        )
        raise InputError(problem, at=str(folder))
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not files:
        fix = f"Put files in it that end with {', '.join(SUFFIXES)}."
        raise InputError("The folder holds no mesh files.", at=str(folder), fix=fix)
    return files


@cache
def own_mesh(word: str) -> Mesh:
    """The mesh of a word in metres, z up, resting on z = 0.

    Raises:
        InputError: no such file, or it holds no mesh that can be used; the message names the file and what is wrong.
    """
    own = parse_own(word)
    shape = _read(own.path)
    if not len(shape.faces):
        raise _refused(own.path, "The mesh has no faces.", "Export it as a triangle mesh, not as points.")
    if not np.isfinite(shape.vertices_m).all():
        bad = int((~np.isfinite(shape.vertices_m)).any(axis=1).sum())
        problem = f"{bad:,} of {len(shape.vertices_m):,} vertices are NaN or infinite."
        raise _refused(own.path, problem, "Repair the mesh.")
    if len(shape.faces) > MOST_FACES:
        fix = f"Simplify it to {MOST_FACES:,} or fewer."
        raise _refused(own.path, f"The mesh has {len(shape.faces):,} faces.", fix)
    vertices = shape.vertices_m * own.metres
    if own.path.suffix.lower() in Y_UP:
        vertices = vertices @ np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])  # y up to z up
    longest = float(np.ptp(vertices[np.unique(shape.faces)], axis=0).max())
    if not SMALLEST_M <= longest <= LARGEST_M:
        fix = "Set its unit: {from: FOLDER, unit: mm}." if longest > LARGEST_M else "Set unit: m, or scale it."
        problem = f"The mesh is {longest:g} m long; valid are {SMALLEST_M:g} m to {LARGEST_M:g} m."
        raise _refused(own.path, problem, fix)
    return _finished(own.path, Shape(vertices, shape.faces))


def _finished(path: Path, shape: Shape) -> Mesh:
    a, b, c = (shape.vertices_m[shape.faces[:, i]] for i in range(3))
    crosses = np.cross(b - a, c - a)
    if not (np.linalg.norm(crosses, axis=1) > 1e-12).any():
        raise _refused(path, "No face of the mesh has an area.", "Export it again.")
    inside_out = float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum()) < 0
    return finish(Shape(shape.vertices_m, shape.faces[:, ::-1].copy()) if inside_out else shape)


def _read(path: Path) -> Shape:
    if not path.is_file():
        raise InputError("The mesh file does not exist.", at=str(path), fix="Restore it or change the scenario.")
    import trimesh  # deferred: 0.3 s, and most scenarios need none

    beside = _Beside(path)
    try:
        mesh = trimesh.load(path, force="mesh", process=False, resolver=beside)
    except Exception as cause:  # its readers raise whatever went wrong inside
        if beside.refused:
            problem = f"The mesh refers to {beside.refused[0]!r:.120}, which is no file in the folder of the mesh."
            raise _refused(
                path, problem, "Put all its files into one folder, or export it as one .glb file."
            ) from cause
        problem = f"The mesh cannot be read ({f'{type(cause).__name__}: {cause}'[:120]})."
        raise _refused(path, problem, "Open and export it again.") from cause
    faces = np.asarray(getattr(mesh, "faces", np.zeros((0, 3))), dtype=np.int32).reshape(-1, 3)
    vertices = np.asarray(getattr(mesh, "vertices", np.zeros((0, 3))), dtype=np.float64).reshape(-1, 3)
    if len(faces) and (faces.min() < 0 or faces.max() >= len(vertices)):
        raise _refused(path, "Faces refer to vertices that the mesh does not have.", "Export it again.")
    return Shape(vertices, faces)


class _Beside(Mapping[str, bytes]):
    """The files that a mesh file may refer to: those in its folder, of reasonable size; a stranger wrote the names.

    Attributes:
        refused: names that were asked for and are none of these.
    """

    def __init__(self, path: Path) -> None:
        self._folder = path.resolve().parent
        self.refused: list[str] = []

    def __getitem__(self, name: str) -> bytes:
        file = self._folder / unquote(str(name).strip())
        try:
            if not inside(self._folder, file) or not file.is_file() or file.stat().st_size > MOST_BYTES:
                raise KeyError(name)
            return file.read_bytes()
        except (KeyError, OSError, ValueError, RuntimeError) as cause:
            self.refused.append(str(name))
            raise KeyError(name) from cause

    def __iter__(self) -> Iterator[str]:
        return (path.name for path in self._folder.iterdir() if path.is_file())

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _refused(path: Path, problem: str, fix: str) -> InputError:
    return InputError(problem, at=str(path), fix=fix)
