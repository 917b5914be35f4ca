"""The user's own meshes: every format gives the same object, in metres, upright, with a class name."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
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


def test_a_class_has_a_file_or_a_folder_of_its_own(wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    (tmp_path / "clamps").mkdir()
    for name in ("clamps/left.stl", "clamps/right.stl", "hook.obj"):
        wedge.export(tmp_path / name)
    (tmp_path / "readme.txt").write_text("not a mesh")
    assert library.class_words("clamp", tmp_path / "clamps") == [
        f"clamp@{tmp_path}/clamps/left.stl",
        f"clamp@{tmp_path}/clamps/right.stl",
    ]
    assert library.class_words("cone", tmp_path / "hook.obj", True) == [f"cone@{tmp_path}/hook.obj#mm"]
    for name, path, message in (
        ("cone", "gone.obj", "The mesh of class 'cone' does not exist"),
        ("cone", "readme.txt", "The file of class 'cone' is no mesh"),
        ("c@ne", "hook.obj", "The class name 'c@ne' holds an @"),
    ):
        with pytest.raises(InputError, match=message):
            library.class_words(name, tmp_path / path)
    wedge.export(tmp_path / "a@2x.obj")
    with pytest.raises(InputError, match="holds an @"):
        library.own_words(tmp_path)


def test_a_file_that_went_away_is_named(wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"/nowhere/w.stl: The mesh file does not exist"):
        library.target("w@/nowhere/w.stl")


def test_a_mesh_of_too_many_faces_is_refused(tmp_path: Path) -> None:
    points = np.random.default_rng(0).uniform(size=(3000, 3)).round(4)
    faces = np.random.default_rng(1).integers(0, 3000, (MOST_FACES + 1, 3))
    trimesh.Trimesh(points, faces, process=False).export(tmp_path / "big.ply")
    with pytest.raises(InputError, match="Simplify it to 300,000"):
        library.target(own_word("big", tmp_path / "big.ply"))


OUTSIDE = [
    "/etc/passwd",
    "/dev/zero",
    "../secret.bin",
    "link.bin",
    "%2e%2e/secret.bin",
    "file:///etc/passwd",
    "pipe",
    "",
]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """All files opened meanwhile, by whomever."""
    seen: list[str] = []
    watching = [True]

    def hook(event: str, args: tuple[object, ...]) -> None:
        if watching[0] and event == "open" and isinstance(args[0], str):
            seen.append(args[0])

    sys.addaudithook(hook)
    yield seen
    watching[0] = False


def traps(folder: Path) -> Path:
    inner = folder / "mesh"
    inner.mkdir()
    (folder / "secret.bin").write_bytes(bytes(10_000))
    (inner / "link.bin").symlink_to(folder / "secret.bin")
    os.mkfifo(inner / "pipe")
    return inner


def none_outside(opened: list[str], folder: Path) -> None:
    inside = {str(path) for path in folder.iterdir()} - {str(folder / name) for name in ("link.bin", "pipe")}
    forbidden = [path for path in opened if path in ("/etc/passwd", "/dev/zero") or "secret" in path]
    others = [path for path in opened if path.startswith(str(folder)) and path not in inside]
    assert not forbidden and not others


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_mesh_never_opens_what_lies_elsewhere(tmp_path: Path, opened: list[str], name: str) -> None:
    """Geometry that lies elsewhere is refused by name; textures, which nobody needs, are not looked at."""
    folder = traps(tmp_path)
    opened.clear()
    document = {
        "asset": {"version": "2.0"},
        "buffers": [{"uri": name, "byteLength": 100}],
        "images": [{"uri": name}],
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "nodes": [{"mesh": 0}],
        "scenes": [{"nodes": [0]}],
        "scene": 0,
    }
    (folder / "w.gltf").write_text(json.dumps(document))
    with pytest.raises(InputError) as caught:
        library.target(own_word("w", folder / "w.gltf"))
    assert "no file in the folder of the mesh" in str(caught.value)
    shape = "v 0 0 0\nv 0.05 0 0\nv 0 0.05 0\nv 0 0 0.05\nvt 0 0\n"
    faces = "usemtl a\nf 1/1 2/1 3/1\nf 1/1 2/1 4/1\nf 1/1 3/1 4/1\nf 2/1 3/1 4/1\n"
    (folder / "w.obj").write_text(f"mtllib {name}\n{shape}{faces}")
    assert len(library.target(own_word("w", folder / "w.obj")).faces) == 4
    (folder / "w.mtl").write_text(f"newmtl a\nmap_Kd {name}\n")
    (folder / "v.obj").write_text(f"mtllib w.mtl\n{shape}{faces}")
    assert len(library.target(own_word("v", folder / "v.obj")).faces) == 4
    ply = f"ply\nformat ascii 1.0\ncomment TextureFile {name}\nelement vertex 3\nproperty float x\nproperty float y\n"
    ply += "property float z\nelement face 1\nproperty list uchar int vertex_indices\nend_header\n"
    (folder / "w.ply").write_text(f"{ply}0 0 0\n0.05 0 0\n0 0.05 0\n3 0 1 2\n")
    assert len(library.target(own_word("w", folder / "w.ply")).faces) == 1
    none_outside(opened, folder)


def test_a_mesh_of_several_files_in_its_folder_is_read(wedge: trimesh.Trimesh, tmp_path: Path) -> None:
    files = trimesh.exchange.gltf.export_gltf(trimesh.Scene(wedge))
    document = json.loads(files.pop("model.gltf"))
    for entry in document["buffers"]:
        (tmp_path / entry["uri"]).write_bytes(files[entry["uri"]])
    (tmp_path / "w.gltf").write_text(json.dumps(document))
    assert len(library.target(own_word("w", tmp_path / "w.gltf")).faces) == len(wedge.faces)
