"""The library: every entry is whole, deterministic, of real size, and refuses unknown names."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.base.errors import InputError
from workbench.core import assets as library
from workbench.core.assets._environments import sphere
from workbench.core.assets._shape import box, circle, extrude, finish, revolve, rounded_rectangle, sweep
from workbench.core.assets._triangulate import triangulate
from workbench.core.schema.fields import SURFACE_WORDS
from workbench.core.schema.scene import Mesh

ALL_MESHES = [("part", n) for n in library.PART_NAMES] + [("distractor", n) for n in library.DISTRACTOR_NAMES]
REAL_SIZE_MM = [  # name, longest edge at least, at most
    ("bracket", 55, 65),
    ("gear", 50, 56),
    ("mug", 95, 110),
    ("bottle", 180, 200),
    ("can", 110, 120),
    ("bolt", 50, 65),
    ("nut", 22, 30),
    ("box", 115, 125),
]


def mesh_of(kind: str, name: str) -> Mesh:
    return library.part_mesh(name) if kind == "part" else library.distractor_mesh(name)


def volume_m3(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices_m[mesh.faces[:, i]] for i in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


@pytest.mark.parametrize(("kind", "name"), ALL_MESHES)
def test_mesh_is_whole(kind: str, name: str) -> None:
    mesh = mesh_of(kind, name)
    assert mesh.faces.dtype == np.int32 and mesh.faces.min() == 0 and mesh.faces.max() == len(mesh.vertices_m) - 1
    assert mesh.normals.shape == mesh.vertices_m.shape and mesh.uv.shape == (len(mesh.vertices_m), 2)
    assert np.isfinite(mesh.vertices_m).all() and np.isfinite(mesh.uv).all()
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(("kind", "name"), ALL_MESHES)
def test_mesh_rests_on_its_footprint(kind: str, name: str) -> None:
    low, high = mesh_of(kind, name).vertices_m.min(axis=0), mesh_of(kind, name).vertices_m.max(axis=0)
    assert low[2] == pytest.approx(0, abs=1e-7)
    np.testing.assert_allclose((low + high)[:2], 0, atol=1e-7)


@pytest.mark.parametrize(("kind", "name"), ALL_MESHES)
def test_faces_look_outwards(kind: str, name: str) -> None:
    mesh = mesh_of(kind, name)
    assert volume_m3(mesh) > 0
    a, b, c = (mesh.vertices_m[mesh.faces[:, i]] for i in range(3))
    facing = np.einsum("ij,ij->i", np.cross(b - a, c - a), mesh.normals[mesh.faces[:, 0]])
    assert (facing > 0).all()


@pytest.mark.parametrize(("kind", "name"), ALL_MESHES)
def test_every_part_of_a_mesh_is_closed_or_hidden(kind: str, name: str) -> None:
    """Each edge is shared by as many faces one way as the other, but for rims buried in another piece."""
    mesh = mesh_of(kind, name)
    _, place = np.unique(mesh.vertices_m.round(6), axis=0, return_inverse=True)
    faces = place.reshape(-1)[mesh.faces].astype(np.int64)
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = edges[edges[:, 0] != edges[:, 1]]
    there, count = np.unique(edges[:, 0] * 10**7 + edges[:, 1], return_counts=True)
    back, count_back = np.unique(edges[:, 1] * 10**7 + edges[:, 0], return_counts=True)
    balance = dict(zip(there.tolist(), count.tolist(), strict=True))
    for key, n in zip(back.tolist(), count_back.tolist(), strict=True):
        balance[key] = balance.get(key, 0) - n
    open_share = sum(1 for n in balance.values() if n) / len(edges)
    assert open_share < 0.05


@pytest.mark.parametrize(("name", "low_mm", "high_mm"), REAL_SIZE_MM)
def test_parts_have_their_real_size(name: str, low_mm: float, high_mm: float) -> None:
    longest = np.ptp(library.part_mesh(name).vertices_m, axis=0).max() * 1000
    assert low_mm <= longest <= high_mm


def test_the_required_names_are_there() -> None:
    wanted = {"bracket", "gear", "pipe_elbow", "bolt", "mug", "bottle", "box", "can"}
    assert wanted <= set(library.PART_NAMES)
    assert set(library.SURFACE_KINDS) == set(SURFACE_WORDS) - {"unknown"}
    assert {"table", "tray", "bin"} <= set(library.SUPPORT_NAMES) == set(library.SUPPORT_REGION_M)
    assert not set(library.PART_NAMES) & set(library.DISTRACTOR_NAMES)


@pytest.mark.parametrize("kind", library.SURFACE_KINDS)
def test_material_is_reproducible_and_varied(kind: str) -> None:
    first, again = (library.surface_material(kind, rng=np.random.default_rng(3)) for _ in range(2))
    assert first.base_color == again.base_color and first.roughness == again.roughness
    assert first.albedo_srgb is again.albedo_srgb
    others = [library.surface_material(kind, rng=np.random.default_rng(seed)) for seed in range(8)]
    assert len({m.roughness for m in others}) == 8
    assert len({id(m.albedo_srgb) for m in others}) > 1
    assert all(0 <= v <= 1 for m in others for v in (*m.base_color, m.roughness, m.metallic))


def test_pinned_values_are_kept_and_leave_the_other_draws_alone() -> None:
    free = library.surface_material("metal", rng=np.random.default_rng(1))
    pinned = library.surface_material("metal", roughness=0.77, metallic=0.5, rng=np.random.default_rng(1))
    assert (pinned.roughness, pinned.metallic) == (0.77, 0.5)
    assert pinned.base_color == free.base_color and pinned.texture_size_m == free.texture_size_m


def test_a_grey_surface_keeps_its_mean_colour() -> None:
    material = library.surface_material("matte", color_srgb=(0.5, 0.5, 0.5), rng=np.random.default_rng(0))
    assert material.albedo_srgb is not None
    encoded = material.albedo_srgb / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    assert (linear * material.base_color).mean() == pytest.approx(0.2140, rel=0.05)


@pytest.mark.parametrize("kind", library.SURFACE_KINDS)
def test_textures_tile(kind: str) -> None:
    """The step over the tile's edge is no larger than steps inside it."""
    texture = library.surface_material(kind, rng=np.random.default_rng(0)).albedo_srgb
    assert texture is not None
    values = texture.astype(float)
    inside = np.abs(np.diff(values, axis=0)).mean(axis=(1, 2)).max()
    assert np.abs(values[0] - values[-1]).mean() <= 1.5 * inside + 1


@pytest.mark.parametrize("name", library.SUPPORT_NAMES)
def test_support_is_flat_where_parts_may_lie_and_unlabelled(name: str) -> None:
    solids = library.support(name, "wood", rng=np.random.default_rng(0))
    assert all(s.instance_id == 0 and s.name is None for s in solids)
    assert solids[0].material.kind == "wood"
    half_x, half_y = library.SUPPORT_REGION_M[name]
    vertices = np.concatenate([s.mesh.vertices_m for s in solids])
    above = (np.abs(vertices[:, 0]) < half_x) & (np.abs(vertices[:, 1]) < half_y) & (vertices[:, 2] > 1e-6)
    assert not above.any()
    top = solids[0].mesh.vertices_m[:, 2]
    assert np.isclose(top, 0, atol=1e-9).any()


@pytest.mark.parametrize("name", library.ENVIRONMENT_NAMES)
def test_environment_gives_one_lux_per_lux(name: str) -> None:
    radiance = library.environment_radiance(name)
    towards, solid_angle = sphere()
    luminance = radiance @ np.array([0.2126, 0.7152, 0.0722])
    assert np.sum(luminance * towards[..., 2].clip(0) * solid_angle) == pytest.approx(1, rel=1e-4)
    assert radiance.min() > 0


def test_fingerprint_is_stable_and_differs() -> None:
    prints = [library.asset_sha256(f"part/{n}") for n in library.PART_NAMES]
    assert len(set(prints)) == len(prints) and all(len(p) == 64 for p in prints)
    assert library.asset_sha256("distractor/cable") == library.asset_sha256("distractor/cable")


@pytest.mark.parametrize(
    "call",
    [
        lambda rng: library.part_mesh("braket"),
        lambda rng: library.distractor_mesh("cabel"),
        lambda rng: library.surface_material("mettal", rng=rng),
        lambda rng: library.part_material("mugg", "metal", rng=rng),
        lambda rng: library.support("tabel", "wood", rng=rng),
        lambda rng: library.environment_radiance("env/workshp"),
        lambda rng: library.asset_sha256("parts/nut"),
    ],
)
def test_unknown_names_list_the_valid_ones(call) -> None:
    with pytest.raises(InputError, match=r"Did you mean '.+'\? Valid: .+"):
        call(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("outline", "holes", "area"),
    [
        (rounded_rectangle(2, 1, 0.1, 4), (), None),
        (
            np.array([[0, 0], [4, 0], [4, 4], [0, 4.0]]),
            (circle(0.5, 12, x=1, y=1)[::-1], circle(0.5, 12, x=3, y=3)[::-1]),
            None,
        ),
        (np.array([[0, 0], [4, 0], [4, 1], [1, 1], [1, 4], [0, 4.0]]), (), 7.0),
    ],
)
def test_triangulation_covers_the_polygon_once(outline, holes, area) -> None:
    points = np.concatenate([outline, *holes])
    triangles = points[triangulate(outline, holes)]
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    signed = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    assert (signed > -1e-12).all()
    assert signed.sum() == pytest.approx(area if area else shoelace(outline) + sum(shoelace(h) for h in holes))


def shoelace(ring) -> float:
    x, y = ring.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)


@pytest.mark.parametrize(
    ("mesh", "volume"),
    [
        (finish(box(1, 2, 3)), 6.0),
        (finish(revolve([(0, 0), (1, 0), (1, 2), (0, 2)], 200)), 2 * np.pi),
        (finish(extrude(circle(1, 200), 2, holes=(circle(0.5, 200),))), 1.5 * np.pi),
        (finish(sweep([(0, 0, 0), (0, 0, 3)], circle(0.5, 200))), 0.75 * np.pi),
    ],
)
def test_primitives_have_the_volume_of_the_formula(mesh: Mesh, volume: float) -> None:
    assert volume_m3(mesh) == pytest.approx(volume, rel=2e-3)


def test_creases_stay_sharp_and_curves_smooth() -> None:
    cylinder = finish(revolve([(0, 0), (1, 0), (1, 2), (0, 2)], 64))
    rim = np.isclose(cylinder.vertices_m[:, 2], 2) & np.isclose(np.hypot(*cylinder.vertices_m[:, :2].T), 1)
    steep = np.abs(cylinder.normals[rim][:, 2])
    assert set(steep.round(6)) == {0.0, 1.0}
    side = rim & (np.abs(cylinder.normals[:, 2]) < 0.5)
    radial = cylinder.vertices_m[side][:, :2] / np.linalg.norm(cylinder.vertices_m[side][:, :2], axis=1, keepdims=True)
    np.testing.assert_allclose(cylinder.normals[side][:, :2], radial, atol=0.03)
