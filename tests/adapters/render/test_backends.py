"""The contract that every backend keeps: form, units of light, edges where the labels have them, determinism."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.adapters.render.render_scenes import DARK, bench, camera_above, looking, paint, slab, sun, white_floor
from workbench.adapters.render import BACKENDS, annotate, check, renderer
from workbench.adapters.render._mitsuba import MitsubaRenderer
from workbench.base.errors import InputError, RenderError
from workbench.core.schema.scene import Environment, Light, Scene

NAMES = ["flat", "open3d", "mitsuba"]


def backend(name: str):
    return MitsubaRenderer(samples_per_pixel=32) if name == "mitsuba" else renderer(name)


def centre(picture) -> float:
    h, w = picture.shape[:2]
    return float(picture[h // 2 - 4 : h // 2 + 4, w // 2 - 4 : w // 2 + 4].mean())


@pytest.mark.parametrize("name", NAMES)
def test_picture_is_linear_float_of_the_camera_size(name: str) -> None:
    picture = backend(name).render(bench(0))
    assert picture.shape == (72, 96, 3) and picture.dtype == np.float32
    assert np.isfinite(picture).all() and picture.min() >= 0
    assert 0.02 < picture.mean() < 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "light",
    [
        sun(500),
        Light("spot", (0.3, 0.0, 0.8), (-0.3511, 0.0, -0.9363), (1.0, 1.0, 1.0), 500.0),
        Light("point", (0.0, 0.0, 0.9), (0.0, 0.0, -1.0), (1.0, 1.0, 1.0), 500.0),
        Light("area", (0.0, 0.0, 0.9), (0.0, 0.0, -1.0), (1.0, 1.0, 1.0), 500.0, size_m=0.2),
    ],
    ids=lambda light: light.kind,
)
def test_illuminance_means_lux(name: str, light: Light) -> None:
    """A white plane under 500 lux at an exposure of 1000 lux is half as bright as white, times the cosine."""
    camera = looking((0.02, -0.6, 0.3), target=(0.0, 0.0, 0.0))
    picture = backend(name).render(Scene((white_floor(),), (light,), DARK, camera, 1000.0))
    cosine = -light.direction[2]
    assert centre(picture) == pytest.approx(0.5 * cosine, rel=0.1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("environment", ["env/workshop", "env/window", "env/night"])
def test_environment_illuminance_means_lux(name: str, environment: str) -> None:
    scene = Scene((white_floor(),), (), Environment(environment, 400.0, 70.0), camera_above(), 1000.0)
    assert centre(backend(name).render(scene)) == pytest.approx(0.4, rel=0.12)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rotation_deg", [0.0, 90.0, 200.0])
def test_environment_turns_about_the_vertical_as_told(name: str, rotation_deg: float) -> None:
    """The windows lie at azimuth 94 degrees: the side of a block that faces them is the brightest."""
    brightness = {}
    for azimuth in (0, 90, 180, 270):
        eye = (0.6 * np.cos(np.radians(azimuth)), 0.6 * np.sin(np.radians(azimuth)), 0.05)
        cube = slab(0.2, 0.2, 0.1, paint(0.8))
        scene = Scene((cube,), (), Environment("env/window", 500.0, rotation_deg), looking(eye, target=(0, 0, 0.05)))
        brightness[azimuth] = centre(backend(name).render(scene))
    towards_window = min((0, 90, 180, 270), key=lambda a: abs((a - 94 - rotation_deg + 180) % 360 - 180))
    assert max(brightness, key=brightness.get) == towards_window


@pytest.mark.parametrize("name", NAMES)
def test_more_light_is_brighter_and_exposure_scales(name: str) -> None:
    dim, bright = (backend(name).render(bench(0, lux=lux)) for lux in (200.0, 900.0))
    assert bright.mean() > 1.2 * dim.mean()
    scene = bench(0, lux=300.0)
    doubled = backend(name).render(dataclasses.replace(scene, exposure_lux=scene.exposure_lux * 2))
    assert doubled.mean() == pytest.approx(backend(name).render(scene).mean() / 2, rel=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_light_and_surface_colours_keep_their_channels(name: str) -> None:
    light = dataclasses.replace(sun(600), color=(1.2, 1.0, 0.5))
    red, green, blue = backend(name).render(Scene((white_floor(0.5),), (light,), DARK, camera_above()))[36, 48]
    assert (red, green, blue) == pytest.approx((0.36, 0.3, 0.15), rel=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_texture_multiplies_in_linear_light(name: str) -> None:
    grey = dataclasses.replace(paint(0.8), albedo_srgb=np.full((8, 8, 3), 128, np.uint8))
    scene = Scene((slab(4, 4, 0.01, grey, at=(0, 0, -0.01)),), (sun(1000),), DARK, camera_above())
    assert centre(backend(name).render(scene)) == pytest.approx(0.8 * 0.2159, rel=0.1)


CAMERAS = [
    ("centred", {}),
    ("off-centre", {"cx": 30.2, "cy": 50.7}),
    ("oblong pixels", {"fx": 80.0, "fy": 97.0, "cx": 55.0, "cy": 30.0}),
    ("barrel", {"distortion": (-0.2, 0.03, 0.002, -0.003), "cx": 41.0}),
    ("pincushion", {"distortion": (0.15, 0.0, 0.0, 0.004), "cy": 40.0}),
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("changes", [c for _, c in CAMERAS], ids=[n for n, _ in CAMERAS])
def test_edges_of_picture_and_labels_agree_within_a_pixel(name: str, changes: dict) -> None:
    white = slab(0.16, 0.12, 0.03, paint(0.9), at=(0.01, 0.02, 0.0), instance_id=1, name="slab")
    scene = Scene((white_floor(0.0), white), (), Environment("env/overcast", 900.0), camera_above(**changes))
    picture = backend(name).render(scene).mean(axis=2)
    label = annotate(scene).instances == 1
    seen = picture > 0.5 * np.median(picture[label])
    square = cv2.getStructuringElement(cv2.MORPH_RECT, (3, 3))
    outer = cv2.dilate(label.astype(np.uint8), square).astype(bool)
    inner = cv2.erode(label.astype(np.uint8), square).astype(bool)
    assert 200 < label.sum() < label.size * 0.6
    assert not (seen & ~outer).any() and not (inner & ~seen).any()
    if name == "flat":  # one ray per pixel, as the labels
        np.testing.assert_array_equal(seen, label)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "flat"])
@pytest.mark.parametrize("changes", [c for _, c in CAMERAS], ids=[n for n, _ in CAMERAS])
def test_smooth_edges_lie_where_finer_labels_have_them(name: str, changes: dict) -> None:
    """The covered area and its centre agree with labels of four times the resolution to a fraction of a pixel."""
    white = slab(0.16, 0.12, 0.001, paint(0.9), at=(0.01, 0.02, 0.0), instance_id=1, name="slab")
    scene = Scene((white_floor(0.0), white), (sun(900),), DARK, camera_above(**changes))
    picture = backend(name).render(scene).mean(axis=2)
    camera = scene.camera
    fine = dataclasses.replace(
        camera,
        **{k: getattr(camera, k) * 4 for k in ("width", "height", "fx", "fy")},
        **{k: (getattr(camera, k) + 0.5) * 4 - 0.5 for k in ("cx", "cy")},
    )
    covered = annotate(dataclasses.replace(scene, camera=fine)).instances == 1
    covered = covered.reshape(72, 4, 96, 4).mean(axis=(1, 3))
    assert picture.sum() / np.median(picture[covered == 1]) == pytest.approx(
        covered.sum(), rel=0.04
    )  # samples 2/3 pixel apart
    for axis in (0, 1):
        middles = [np.average(np.arange(m.shape[axis]), weights=m.sum(axis=1 - axis)) for m in (picture, covered)]
        assert middles[0] == pytest.approx(middles[1], abs=0.34)  # half a pixel would be the classic slip


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_does_not_depend_on_what_was_drawn_before(name: str) -> None:
    draw = backend(name).render
    a = dataclasses.replace(bench(1, surface="mirror"), environment=Environment("env/window", 300.0, 30.0))
    b = bench(2, lux=4000.0, surface="glossy")
    first, _, again = draw(a), draw(b), draw(a)
    same(name, first, again)


def same(name: str, first, again) -> None:
    """Bit for bit; Mitsuba's threads add a pixel's samples in any order, so there the last bit of a float is free."""
    np.testing.assert_allclose(first, again, rtol=1e-5 if name == "mitsuba" else 0, atol=0)


@pytest.mark.parametrize("name", list(BACKENDS))
def test_a_fresh_process_draws_the_same_pixels(name: str, tmp_path: Path) -> None:
    """It must also end well: two render targets once aborted the process at its end."""
    code = (
        "import sys, numpy; from tests.adapters.render.render_scenes import bench;"
        "from workbench.adapters.render import renderer;"
        "numpy.save(sys.argv[2], renderer(sys.argv[1]).render(bench(3)))"
    )
    here = Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(here)}
    command = [sys.executable, "-c", code, name, str(tmp_path / "picture.npy")]
    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    same(name, np.load(tmp_path / "picture.npy"), renderer(name).render(bench(3)))


def test_a_process_that_only_starts_open3d_ends() -> None:
    code = "from workbench.adapters.render import renderer; print(renderer('open3d').version)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "filament" in done.stdout


def test_open3d_in_a_second_thread_is_refused() -> None:
    """Filament would end the process."""
    renderer("open3d").render(bench(3))
    with ThreadPoolExecutor(1) as pool, pytest.raises(RenderError, match="another thread"):
        pool.submit(renderer("open3d").render, bench(3)).result()


@pytest.mark.parametrize("kind", ["spot", "point", "area", "directional"])
def test_open3d_casts_shadows(kind: str) -> None:
    post = slab(0.05, 0.05, 0.1, paint(0.5))
    low = Light(kind, (0.6, 0.0, 0.5), (-0.768, 0.0, -0.64), (1.0, 1.0, 1.0), 900.0, size_m=0.1)
    lit, shaded = (
        renderer("open3d").render(
            Scene((white_floor(0.8), post), (dataclasses.replace(low, shadow=shadow),), DARK, camera_above())
        )
        for shadow in (False, True)
    )
    behind = (slice(33, 39), slice(36, 40))  # image left of the post, away from the lamp
    assert shaded[behind].mean() < 0.1 * lit[behind].mean()


def test_open3d_shadows_do_not_hang_on_the_first_camera() -> None:
    """Filament keeps the cascades of the first camera that a directional light was drawn with."""
    from workbench.adapters.render._open3d import Open3dRenderer

    low = sun(900, direction=(-0.6, 0.3, -0.74))
    near = dataclasses.replace(bench(1), lights=(low,))
    far = dataclasses.replace(near, camera=looking((1.4, -1.9, 0.5)))
    alone, after = Open3dRenderer(), Open3dRenderer()
    after.render(far)
    np.testing.assert_array_equal(after.render(near), alone.render(near))


def test_open3d_keeps_highlights() -> None:
    glare = Scene((white_floor(1.0),), (sun(3000),), DARK, camera_above())
    assert centre(renderer("open3d").render(glare)) == pytest.approx(3.0, rel=0.05)


def test_open3d_resolves_dark_frames() -> None:
    scene = Scene((white_floor(0.5),), (sun(8.0),), DARK, camera_above())
    assert centre(renderer("open3d").render(scene)) == pytest.approx(0.004, rel=0.1)


def test_unknown_backend_lists_the_valid_ones() -> None:
    with pytest.raises(InputError, match="Did you mean 'open3d'"):
        renderer("open3")


def test_check_names_the_driver() -> None:
    assert check().startswith("open3d-filament 0.19")
