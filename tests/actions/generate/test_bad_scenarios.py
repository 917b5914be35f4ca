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
        "bad.yaml, sensor.exposure.ev: 'bright' is not a number from -12 to 12 stop. Write for example "
        "{uniform: [-12, 12]}. Meaning: exposure; at 0, matte white under 1000 lux is just white.",
    ),
    (
        "a number where a list belongs",
        "sensor: {camera.resolution: 640}",
        "ScenarioError",
        "bad.yaml, sensor.camera.resolution: 640 is not a list of 2 numbers.",
    ),
    (
        "impossible range",
        "sensor: {exposure.ev: {uniform: [2, 1]}}",
        "ScenarioError",
        "bad.yaml, sensor.exposure.ev: The lower bound 2 is above the upper bound 1. Each value must be a "
        "number from -12 to 12 stop.",
    ),
    (
        "outside the valid range",
        "scene: {surface.roughness: {uniform: [0, 2]}}",
        "ScenarioError",
        "bad.yaml, scene.surface.roughness: 2 is not a number from 0 to 1. Meaning: roughness of the "
        "support; null takes the value of the surface kind.",
    ),
    (
        "an unreachable clip",
        "sensor: {exposure.ev: {normal: {mean: 0, std: 0.1, clip: [5, 6]}}}",
        "ScenarioError",
        "bad.yaml, sensor.exposure.ev: A normal distribution of mean 0 and std 0.1 cannot reach the clip [5, 6]. "
        "Each value must be a number from -12 to 12 stop.",
    ),
    (
        "weights that do not add up",
        "scene: {surface.label: {choice: [metal, wood], weights: [0.5, 0.2]}}",
        "ScenarioError",
        "bad.yaml, scene.surface.label: The weights [0.5, 0.2] add up to 0.7, not to 1.",
    ),
    (
        "a weight too few",
        "scene: {surface.label: {choice: [metal, wood], weights: [1.0]}}",
        "ScenarioError",
        "bad.yaml, scene.surface.label: There are 2 values, but 1 weight.",
    ),
    (
        "negative weight",
        "scene: {surface.label: {choice: [metal, wood], weights: [1.5, -0.5]}}",
        "ScenarioError",
        "bad.yaml, scene.surface.label: Weights must be 0 or more, not [1.5, -0.5].",
    ),
    (
        "unknown asset",
        "assets: {targets.labels: [brakcet]}",
        "ScenarioError",
        "bad.yaml, assets.targets.labels: No name matches 'brakcet'. Did you mean 'bracket'? Valid: bearing, bolt, "
        "bottle, box, bracket, can, gear, mug, nut, pipe_elbow, valve.",
    ),
    (
        "unknown environment",
        "lighting: {environment.map: env/worksop}",
        "ScenarioError",
        "bad.yaml, lighting.environment.map: 'env/worksop' is not a valid name. Did you mean "
        "'env/workshop'? Valid: env/night, env/overcast, env/studio, env/warehouse, env/window, "
        "env/workshop.",
    ),
    (
        "unknown key",
        "lighting: {key.intensty: 300}",
        "ScenarioError",
        "bad.yaml, lighting: Unknown parameter 'lighting.key.intensty'. Did you mean "
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
        "bad.yaml: Unknown key 'lightning' in the scenario. Did you mean 'lighting'? Valid: accept, anchor, "
        "annotators, assets, content, description, donors, frames, lighting, modes, name, paste, photo, scenario, "
        "scene, seed, sensor, units.",
    ),
    (
        "unknown annotator",
        "annotators: [depth]",
        "ScenarioError",
        "bad.yaml, annotators: Unknown annotator 'depth'. Valid: bounding_box_2d_loose, "
        "bounding_box_2d_tight, bounding_box_3d, camera_params, distance_to_image_plane, "
        "instance_segmentation, keypoints, normals, occlusion, point_cloud, pose_6d, rgb, "
        "semantic_segmentation.",
    ),
    (
        "unknown predicate",
        "accept: {targets.visible: [0, 1]}",
        "ScenarioError",
        "bad.yaml, accept: Unknown predicate 'targets.visible'. Did you mean 'targets.visible_fraction'? "
        "Valid: max_tries, targets.bbox_px_min, targets.count, targets.visible_fraction.",
    ),
    (
        "a predicate that rejects all",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets.count: 2}\naccept: {targets.count: [9, "
        "60], max_tries: 3}",
        "NotAccepted",
        "accept: None of 6 draws for any frame of 'bad' was accepted (targets.count [9, 60] refused 6). "
        "Widen that range, draw fewer objects, or raise accept.max_tries.",
    ),
    (
        "more objects than fit",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets.count: 60}\nscene: {objects.scale: 3, "
        "support: tray}\naccept: {max_tries: 2}",
        "NotAccepted",
        "accept: None of 4 draws for any frame of 'bad' was accepted (scene.objects.placement refused 4). "
        "Widen that range, draw fewer objects, or raise accept.max_tries.",
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
        "frame 0, sensor.lens.blur_px: The expression has no value: ZeroDivisionError: float division by zero.",
    ),
    (
        "an expression out of range",
        "sensor: {camera.resolution: [64, 48], lens.vignette: {expr: '2 + sensor.exposure.ev'}}",
        "ScenarioError",
        "frame 0, sensor.lens.vignette: 2.0 is not a number from 0 to 1. Change the expression or the distribution.",
    ),
    (
        "a mesh with NaN",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets: {from: meshes/nan, count: 1}}\n",
        "InputError",
        "{folder}/meshes/nan/nan.obj: 1 of 8 vertices are NaN or infinite. Repair the mesh.",
    ),
    (
        "a folder without meshes",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets: {from: meshes/empty, count: 1}}\n",
        "InputError",
        "{folder}/meshes/empty: The folder holds no mesh files. Put files in it that end with .glb, .gltf, "
        ".obj, .ply, .stl.",
    ),
    (
        "a mesh without faces",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets: {from: meshes/points, count: 1}}\n",
        "InputError",
        "{folder}/meshes/points/points.obj: The mesh has no faces. Export it as a triangle mesh, not as points.",
    ),
    (
        "a mesh in millimetres",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets: {from: meshes/huge, count: 1}}\n",
        "InputError",
        "{folder}/meshes/huge/huge.stl: The mesh is 50 m long; valid are 0.002 m to 5 m. Set its unit: "
        "{from: FOLDER, unit: mm}.",
    ),
    (
        "a mesh without area",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets: {from: meshes/flat, count: 1}}\n",
        "InputError",
        "{folder}/meshes/flat/flat.obj: No face of the mesh has an area. Export it again.",
    ),
    (
        "a file that is no mesh",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets: {from: meshes/garbage, count: 1}}\n",
        "InputError",
        "{folder}/meshes/garbage/garbage.glb: The mesh cannot be read (ValueError: incorrect header on GLB file). "
        "Open and export it again.",
    ),
    (
        "no such folder",
        "sensor: {camera.resolution: [64, 48]}\nassets: {targets: {from: meshes/nowhere, count: 1}}\n",
        "InputError",
        "{folder}/meshes/nowhere: The folder of meshes does not exist.",
    ),
    (
        "a class that the folder lacks",
        "assets: {targets: {from: meshes/good, labels: [bad], count: 1}}",
        "ScenarioError",
        "bad.yaml, assets.targets: {folder}/meshes/good has no class 'bad'. Valid: good.",
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
