"""The user's own meshes: every format gives the same object, in metres, upright, with a class name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from tests.builders import made_wedge
from workbench.base.errors import InputError
from workbench.core import assets as library
from workbench.core.assets._meshes import MOST_FACES, own_word


@pytest.fixture
def wedge() -> trimesh.Trimesh:
    return made_wedge()


@pytest.mark.parametrize("suffix", [".stl", ".obj", ".ply", ".glb"])
@pytest.mark.parametrize("millimetre", [False, True])
def test_formats_agree(wedge: trimesh.Trimesh, suffix: str, millimetre: bool, tmp_path: Path) -> None:
    shown = wedge.copy()
    if suffix == ".glb":  # the format is y up
        shown.apply_transform(np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1.0]]))
    if millimetre:
        shown.apply_scale(1000.0)
    shown.export(tmp_path / f"wedge{suffix}")
    mesh = library.target(own_word("wedge", tmp_path / f"wedge{suffix}", millimetre=millimetre))
    assert np.ptp(mesh.vertices_m, axis=0) == pytest.approx([0.06, 0.04, 0.03], abs=1e-6)
    assert mesh.vertices_m[:, 2].min() == pytest.approx(0, abs=1e-6)
    a, b, c = (mesh.vertices_m[mesh.faces[:, i]] for i in range(3))
    assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6 == pytest.approx(0.06 * 0.04 * 0.03 / 2, rel=1e-3)


def test_faces_inside_out_are_turned(wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    wedge.invert()
    wedge.export(tmp_path / "wedge.ply")
    mesh = library.target(own_word("wedge", tmp_path / "wedge.ply"))
    a, b, c = (mesh.vertices_m[mesh.faces[:, i]] for i in range(3))
    assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() > 0


def test_classes_come_from_folders_or_names(wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    (tmp_path / "clamp").mkdir()
    for name in ("clamp/left.stl", "clamp/right.stl", "hook.obj"):
        wedge.export(tmp_path / name)
    (tmp_path / "readme.txt").write_text("not a mesh")
    words = library.own_words(tmp_path)
    assert [library.target_class(word) for word in words] == ["clamp", "clamp", "hook"]


def test_a_file_that_went_away_is_named(wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"/nowhere/w.stl: The mesh file does not exist"):
        library.target("w@/nowhere/w.stl")


def test_a_mesh_of_too_many_faces_is_refused(tmp_path: Path) -> None:
    points = np.random.default_rng(0).uniform(size=(3000, 3)).round(4)
    faces = np.random.default_rng(1).integers(0, 3000, (MOST_FACES + 1, 3))
    trimesh.Trimesh(points, faces, process=False).export(tmp_path / "big.ply")
    with pytest.raises(InputError, match="Simplify it to 300,000"):
        library.target(own_word("big", tmp_path / "big.ply"))
