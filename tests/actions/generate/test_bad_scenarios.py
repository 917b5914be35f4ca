"""Every bad scenario gives a whole message before the first frame, or one that names the frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from tests.actions.generate.memory_sink import MemorySink
from workbench.actions.generate import generate
from workbench.base.errors import WorkbenchError

HEAD = "scenario: 1\nname: bad\n"


BAD = [  # what is wrong, the document after its head, the kind of error, the message
    (
        "wrong type",
        "sensor: {exposure.ev: bright}",
        "ScenarioError",
        "Wanted a number from -12 to 12 stop, found 'bright' (sensor.exposure.ev). Its meaning: 0: white "
        "matte under 1000 lux is just white.",
    ),
    (
        "a number where a list belongs",
        "sensor: {camera.resolution: 640}",
        "ScenarioError",
        "Wanted a list of 2 numbers, found 640 (sensor.camera.resolution).",
    ),
    (
        "impossible range",
        "sensor: {exposure.ev: {uniform: [2, 1]}}",
        "ScenarioError",
        "Wanted a lower bound up to the upper one, found 2 and 1 (sensor.exposure.ev). Values are a "
        "number from -12 to 12 stop.",
    ),
    (
        "outside the valid range",
        "scene: {surface.roughness: {uniform: [0, 2]}}",
        "ScenarioError",
        "Wanted a number from 0 to 1, found 2 (scene.surface.roughness). Its meaning: of the support; "
        "null: as the surface kind has it.",
    ),
    (
        "an unreachable clip",
        "sensor: {exposure.ev: {normal: {mean: 0, std: 0.1, clip: [5, 6]}}}",
        "ScenarioError",
        "Wanted a clip that the distribution can reach, found mean 0 std 0.1 clip [5, 6] "
        "(sensor.exposure.ev). Values are a number from -12 to 12 stop.",
    ),
    (
        "weights that do not add up",
        "scene: {surface.label: {choice: [metal, wood], weights: [0.5, 0.2]}}",
        "ScenarioError",
        "Wanted weights that add up to 1, found [0.5, 0.2] with the sum 0.7 (scene.surface.label). "
        "Values are one of the names.",
    ),
    (
        "a weight too few",
        "scene: {surface.label: {choice: [metal, wood], weights: [1.0]}}",
        "ScenarioError",
        "Wanted 2 weights, found 1 (scene.surface.label). Values are one of the names.",
    ),
    (
        "negative weight",
        "scene: {surface.label: {choice: [metal, wood], weights: [1.5, -0.5]}}",
        "ScenarioError",
        "Wanted weights from 0, found [1.5, -0.5] (scene.surface.label). Values are one of the names.",
    ),
    (
        "unknown asset",
        "assets: {targets.labels: [brakcet]}",
        "ScenarioError",
        "Wanted a pattern that matches, found 'brakcet'; names: bearing, bolt, bottle, box, bracket, "
        "can, gear, mug, nut, pipe_elbow, valve (assets.targets.labels). Values are one of the names.",
    ),
    (
        "unknown environment",
        "lighting: {environment.map: env/worksop}",
        "ScenarioError",
        "Wanted one of the names, found 'env/worksop' (lighting.environment.map). Did you mean "
        "'env/workshop'? Valid: env/night, env/overcast, env/studio, env/warehouse, env/window, "
        "env/workshop.",
    ),
    (
        "unknown key",
        "lighting: {key.intensty: 300}",
        "ScenarioError",
        "Wanted a parameter, found 'lighting.key.intensty' (lighting). Did you mean "
        "'lighting.key.intensity'? Valid: lighting.environment.intensity, lighting.environment.map, "
        "lighting.environment.rotation, lighting.key.cone, lighting.key.direction, "
        "lighting.key.direction.azimuth, lighting.key.direction.elevation, "
        "lighting.key.direction.radius, lighting.key.intensity, lighting.key.shadow, lighting.key.size, "
        "lighting.key.temperature, lighting.key.type.",
    ),
    (
        "unknown section",
        "lightning: {}",
        "ScenarioError",
        "Wanted a key of a scenario, found 'lightning'. Did you mean 'lighting'? Valid: accept, anchor, "
        "annotators, assets, description, frames, lighting, modes, name, scenario, scene, seed, sensor, "
        "units.",
    ),
    (
        "unknown annotator",
        "annotators: [depth]",
        "ScenarioError",
        "Wanted an annotator, found 'depth' (annotators). Valid: bounding_box_2d_loose, "
        "bounding_box_2d_tight, bounding_box_3d, camera_params, distance_to_image_plane, "
        "instance_segmentation, keypoints, normals, occlusion, point_cloud, pose_6d, rgb, "
        "semantic_segmentation.",
    ),
    (
        "unknown predicate",
        "accept: {targets.visible: [0, 1]}",
        "ScenarioError",
        "Wanted a predicate, found 'targets.visible' (accept). Did you mean 'targets.visible_fraction'? "
        "Valid: max_tries, targets.bbox_px_min, targets.count, targets.visible_fraction.",
    ),
    (
        "a predicate that rejects all",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets.count: 2}\naccept: {targets.count: [9, "
        "60], max_tries: 3}",
        "NotAccepted",
        "Wanted a draw that is accepted for any frame of 'bad', found 0 of 6 (targets.count [9, 60] "
        "refused 6) (accept). Widen that range, draw fewer objects, or raise accept.max_tries.",
    ),
    (
        "more objects than fit",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets.count: 60}\nscene: {objects.scale: 3, "
        "support: tray}\naccept: {max_tries: 2}",
        "NotAccepted",
        "Wanted a draw that is accepted for any frame of 'bad', found 0 of 4 (scene.objects.placement "
        "refused 4) (accept). Widen that range, draw fewer objects, or raise accept.max_tries.",
    ),
    (
        "a lens that folds",
        "sensor: {camera.resolution: [64, 48], lens.distortion.k1: -0.4, camera.intrinsics.fx: 15, "
        "camera.intrinsics.fy: 15}",
        "InputError",
        "frame 0, camera.distortion: The lens distortion k1, k2, p1, p2 = (-0.4, 0.0, 0.0, 0.0) cannot be "
        "inverted over the whole image. Use smaller coefficients or a longer focal length.",
    ),
    (
        "a division by zero",
        "sensor: {camera.resolution: [64, 48], lens.blur_px: {expr: '1 / (sensor.exposure.ev * 1)'}}",
        "ScenarioError",
        "Wanted an expression with a value, found ZeroDivisionError: float division by zero (frame 0: "
        "sensor.lens.blur_px).",
    ),
    (
        "an expression out of range",
        "sensor: {camera.resolution: [64, 48], lens.vignette: {expr: '2 + sensor.exposure.ev'}}",
        "ScenarioError",
        "Wanted a number from 0 to 1, found 2.0 (frame 0: sensor.lens.vignette). Change the expression "
        "or the distribution.",
    ),
    (
        "a mesh with NaN",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets: {from: meshes/nan, count: 1}}\n",
        "InputError",
        "Wanted a mesh that can be drawn, found 1 of 8 vertices that are NaN or infinite "
        "({folder}/meshes/nan/nan.obj). Repair it.",
    ),
    (
        "a folder without meshes",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets: {from: meshes/empty, count: 1}}\n",
        "InputError",
        "Wanted meshes, found none ({folder}/meshes/empty). Put files in it that end with .glb, .gltf, "
        ".obj, .ply, .stl.",
    ),
    (
        "a mesh without faces",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets: {from: meshes/points, count: 1}}\n",
        "InputError",
        "Wanted a mesh that can be drawn, found no faces ({folder}/meshes/points/points.obj). Export it "
        "as a triangle mesh, not as points.",
    ),
    (
        "a mesh in millimetres",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets: {from: meshes/huge, count: 1}}\n",
        "InputError",
        "Wanted a mesh that can be drawn, found one 50 m long ({folder}/meshes/huge/huge.stl). Say its "
        "unit: {from: FOLDER, unit: mm}.",
    ),
    (
        "a mesh without area",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets: {from: meshes/flat, count: 1}}\n",
        "InputError",
        "Wanted a mesh that can be drawn, found faces without area only ({folder}/meshes/flat/flat.obj). "
        "Export it again.",
    ),
    (
        "a file that is no mesh",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets: {from: meshes/garbage, count: 1}}\n",
        "InputError",
        "Wanted a mesh that can be drawn, found ValueError: incorrect header on GLB file "
        "({folder}/meshes/garbage/garbage.glb). Open and export it again.",
    ),
    (
        "no such folder",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets: {from: meshes/nowhere, count: 1}}\n",
        "InputError",
        "Wanted a folder of meshes, found nothing there ({folder}/meshes/nowhere).",
    ),
    (
        "a class that the folder lacks",
        "assets: {targets: {from: meshes/good, labels: [bad], count: 1}}",
        "ScenarioError",
        "Wanted a class of {folder}/meshes/good, found 'bad'; there are good (assets.targets).",
    ),
]


def write_meshes(folder: Path) -> None:
    """Meshes with one fault each, and a good one."""
    box = trimesh.creation.box((0.05, 0.04, 0.03))
    for name in ("good", "nan", "empty", "points", "huge", "flat", "garbage"):
        (folder / name).mkdir(parents=True)
    box.export(folder / "good" / "good.stl")
    broken = box.copy()
    broken.vertices[3, 1] = np.nan
    lines = [f"v {x} {y} {z}" for x, y, z in broken.vertices] + [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in box.faces]
    (folder / "nan" / "nan.obj").write_text("\n".join(lines))
    (folder / "points" / "points.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\n")
    huge = box.copy()
    huge.apply_scale(1000.0)
    huge.export(folder / "huge" / "huge.stl")
    (folder / "flat" / "flat.obj").write_text("v 0 0 0\nv 0.1 0 0\nv 0.05 0 0\nf 1 2 3\n")
    (folder / "garbage" / "garbage.glb").write_bytes(b"no mesh at all, just text")


@pytest.mark.parametrize(("what", "text", "kind", "message"), BAD, ids=[row[0] for row in BAD])
def test_a_bad_scenario_says_what_is_wrong(what: str, text: str, kind: str, message: str, tmp_path: Path) -> None:
    write_meshes(tmp_path / "meshes")
    path = tmp_path / "bad.yaml"
    path.write_text(HEAD + text)
    sink = MemorySink()
    with pytest.raises(WorkbenchError) as caught:
        generate(path, into=sink, n=2, backend="flat", workers=0, folder=tmp_path / "out").result()
    assert (type(caught.value).__name__, str(caught.value)) == (kind, message.replace("{folder}", str(tmp_path))), what
    assert not sink.records
    assert not [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
