"""Draw scenes with Blender Cycles: run by a Python that has ``bpy``, not ours. Prints seconds by clock and processor.

Usage: python blender_scenes.py FOLDER SAMPLES; FOLDER holds ``*.npz`` of ``bench_generate.write_scene``. For each scene
it writes a JPEG, and depth and object index as EXR: the same kinds of labels, from Cycles' own passes.
"""

import sys
import time
from pathlib import Path

import bpy
import numpy as np


def start(width: int, height: int, samples: int):
    """An empty scene with Cycles on the processor, denoising, and the passes that labels come from."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = samples
    scene.cycles.use_denoising = True
    scene.cycles.denoiser = "OPENIMAGEDENOISE"
    scene.cycles.use_adaptive_sampling = False
    scene.render.use_persistent_data = True
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.image_settings.file_format = "JPEG"
    layer = bpy.context.view_layer
    layer.use_pass_z = layer.use_pass_object_index = True
    scene.world = bpy.data.worlds.new("world")
    scene.world.use_nodes = True
    return scene


def add_passes(scene, folder: Path):
    """A compositor that writes depth and object index beside the picture."""
    scene.use_nodes = True
    tree = scene.node_tree
    tree.nodes.clear()
    layers, picture = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("CompositorNodeComposite")
    tree.links.new(layers.outputs["Image"], picture.inputs["Image"])
    files = tree.nodes.new("CompositorNodeOutputFile")
    files.base_path = str(folder)
    files.format.file_format = "OPEN_EXR"
    files.file_slots.clear()
    for slot, name in (("depth", "Depth"), ("index", "IndexOB")):
        files.file_slots.new(slot)
        tree.links.new(layers.outputs[name], files.inputs[slot])


def fill(scene, data) -> None:
    """Meshes, materials, one light, the world's light and the camera of one file."""
    for collection in (bpy.data.objects, bpy.data.meshes, bpy.data.materials, bpy.data.lights, bpy.data.cameras):
        for thing in list(collection):
            collection.remove(thing)
    for i in range(int(data["solids"])):
        mesh = bpy.data.meshes.new(f"mesh{i}")
        mesh.from_pydata(data[f"vertices{i}"].tolist(), [], data[f"faces{i}"].tolist())
        material = bpy.data.materials.new(f"material{i}")
        material.use_nodes = True
        surface = material.node_tree.nodes["Principled BSDF"]
        surface.inputs["Base Color"].default_value = [*data[f"color{i}"].tolist(), 1.0]
        surface.inputs["Metallic"].default_value = float(data[f"metallic{i}"])
        surface.inputs["Roughness"].default_value = float(data[f"roughness{i}"])
        mesh.materials.append(material)
        thing = bpy.data.objects.new(f"solid{i}", mesh)
        thing.pass_index = int(data[f"instance{i}"])
        scene.collection.objects.link(thing)
    light = bpy.data.lights.new("key", "AREA")
    light.energy, light.size = 20.0, 0.3
    lamp = bpy.data.objects.new("key", light)
    lamp.location = data["light"].tolist()
    scene.collection.objects.link(lamp)
    scene.world.node_tree.nodes["Background"].inputs["Strength"].default_value = 0.4
    camera = bpy.data.cameras.new("camera")
    camera.sensor_width, camera.lens = 36.0, 36.0 * float(data["fx"]) / scene.render.resolution_x
    viewer = bpy.data.objects.new("camera", camera)
    viewer.matrix_world = (data["T_world_cam"] @ np.diag([1.0, -1.0, -1.0, 1.0])).T.tolist()
    scene.collection.objects.link(viewer)
    scene.camera = viewer


def main() -> None:
    """All scenes of the folder; the first is drawn once more before, so that start-up does not count."""
    folder, samples = Path(sys.argv[1]), int(sys.argv[2])
    files = sorted(folder.glob("*.npz"))
    first = np.load(files[0])
    scene = start(int(first["width"]), int(first["height"]), samples)
    add_passes(scene, folder)
    started = used = 0.0
    for path in [files[0], *files]:
        fill(scene, np.load(path))
        scene.render.filepath = str(path.with_suffix(".jpg"))
        bpy.ops.render.render(write_still=True)
        started, used = started or time.perf_counter(), used or time.process_time()
    print(f"SECONDS {time.perf_counter() - started:.3f} {time.process_time() - used:.3f}")


if __name__ == "__main__":
    main()
