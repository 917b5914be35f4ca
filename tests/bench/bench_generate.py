"""Images per second of the whole generation, beside the bare draw loop, Blender Cycles and our Mitsuba backend.

One run, the same scenes: 640 x 480, 10 objects, labels (boxes, masks, depth), sensor chain, files written. The bare
loop hands the same scenes to the same renderer in as many processes, and drops the pictures. Blender needs a Python
with ``bpy`` (4.5): ``--blender PYTHON``; it draws like scenes with 16 samples and denoising, depth and index passes.
Start-up of processes and the first frames of each are not counted anywhere.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from pathlib import Path

import numpy as np

from workbench.generating import generate
from workbench.generating.frame import accepted_draw
from workbench.processes import WorkerProcesses
from workbench.progress import silent
from workbench.render import renderer
from workbench.scenario import Scenario
from workbench.schema.labels import Record
from workbench.schema.scene import Scene

SCENARIO = {
    "scenario": 1,
    "name": "bench",
    "assets": {"targets.count": 10},
    "scene": {
        "support": "table",
        "surface.label": {"choice": ["matte", "wood", "metal"]},
        "objects.surface": {"choice": ["matte", "glossy", "metal"]},
        "objects.scale": {"log_uniform": [0.7, 1.0]},
        "objects.rotation": {"resting": {"lying": 0.4}},
    },
    "lighting": {"key.type": {"choice": ["directional", "spot", "area"]}},
    "sensor": {
        "camera.pose": {"shell_look_at": {"azimuth": [0, 360], "elevation": [40, 75], "radius": [0.6, 0.8]}},
        "lens.distortion.k1": {"uniform": [-0.08, -0.02]},
        "lens.vignette": 0.2,
        "lens.blur_px": {"uniform": [0.3, 1.0]},
        "motion.blur_px": {"uniform": [0.0, 2.0]},
        "noise.gain": {"log_uniform": [1, 4]},
    },
}
BLENDER = "Blender Cycles, 16 samples"
WARM = 1_000_000  # number of the first frame that warms a process up


class Sink:
    """Keeps nothing but keys."""

    name = "bench"

    def __init__(self) -> None:
        self.keys: set[str] = set()

    def known(self, keys: Sequence[str]) -> dict[str, str]:
        return {key: key for key in keys if key in self.keys}

    def add(self, records: Sequence[Record]) -> list[str]:
        self.keys |= {str(record.source_key) for record in records}
        return [str(record.source_key) for record in records]


def draw_bare(scenario: Scenario, frames: Sequence[int], plain: bool) -> float:
    """Build and draw frames, nothing else; seconds of it. ``plain`` draws each once at one sample per pixel."""
    from workbench.render._open3d import Open3dRenderer

    backend = _PLAIN.setdefault(0, Open3dRenderer(supersample=1.0)) if plain else renderer("open3d")
    scenes = [accepted_draw(scenario, frame).scene for frame in frames]  # drawing parameters is not drawing pictures
    started = time.perf_counter()
    for scene in scenes:
        backend.render(scene)
    return time.perf_counter() - started


_PLAIN: dict[int, object] = {}


def bare_rate(scenario: Scenario, n: int, pool: Executor, workers: int, *, plain: bool) -> float:
    """Frames per second of the bare loop: each process draws its share."""
    from tests.bench import bench_generate as own  # by a name that worker processes can import

    for count in (workers, n):
        shares = [list(range(k if count == n else WARM + k, (n if count == n else WARM + count), workers))
                  for k in range(workers)]  # fmt: skip
        futures = [pool.submit(own.draw_bare, scenario, share, plain) for share in shares]
        seconds = max(future.result() for future in futures)
    return n / seconds


def generate_rate(scenario: Scenario, n: int, pool: Executor, workers: int, backend: str, folder: Path) -> float:
    """Frames per second of a job, labels, sensor and files included."""
    for first, count, name in ((WARM, 2 * workers, "warm"), (0, n, "timed")):
        started = time.perf_counter()
        generate(
            scenario, into=Sink(), n=count, first_frame=first, backend=backend, executor=pool,
            folder=folder / f"{backend}-{name}", listener=silent,
        ).result()  # fmt: skip
    return n / (time.perf_counter() - started)


def write_scene(path: Path, scene: Scene) -> None:
    """What Blender needs of a scene, as plain arrays."""
    values: dict[str, object] = {
        "solids": len(scene.solids),
        "width": scene.camera.width,
        "height": scene.camera.height,
    }
    values |= {"fx": scene.camera.fx, "T_world_cam": scene.camera.T_world_cam, "light": scene.lights[0].position_m}
    for i, solid in enumerate(scene.solids):
        T = solid.T_world_obj
        values |= {f"vertices{i}": solid.mesh.vertices_m @ T[:3, :3].T + T[:3, 3], f"faces{i}": solid.mesh.faces}
        values |= {f"color{i}": solid.material.base_color, f"metallic{i}": solid.material.metallic}
        values |= {f"roughness{i}": solid.material.roughness, f"instance{i}": solid.instance_id}
    np.savez(path, **values)  # type: ignore[arg-type]


def blender_rate(python: str, scenario: Scenario, n: int, folder: Path, samples: int) -> float | None:
    """Frames per second of Cycles on all cores; ``None`` when there is no ``bpy``."""
    folder.mkdir()
    for frame in range(n):
        write_scene(folder / f"{frame:06d}.npz", accepted_draw(scenario, frame).scene)
    script = Path(__file__).parent / "blender_scenes.py"
    try:
        done = subprocess.run(
            [python, str(script), str(folder), str(samples)], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as cause:
        print(f"  Blender did not run: {str(getattr(cause, 'stderr', cause))[-300:]}")
        return None
    return n / float(next(line for line in done.stdout.splitlines() if line.startswith("SECONDS")).split()[1])


def main() -> None:
    """Run all in turn and print the rates and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--slow-frames", type=int, default=6, help="for the path tracers")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--blender", default="", metavar="PYTHON", help="a Python that has bpy")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    scenario = Scenario.load(SCENARIO)
    rates: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        for number in range(args.rounds):
            folder = Path(name) / str(number)
            folder.mkdir()
            for label, rate in one_round(scenario, folder, args):
                rates.setdefault(label, []).append(rate)
                print(f"  round {number + 1}: {label:<28}{rate:>8.2f}/s", flush=True)
    print_table(rates, args)
    if args.json:
        args.json.write_text(json.dumps(rates))


def one_round(scenario: Scenario, folder: Path, args: argparse.Namespace) -> Iterator[tuple[str, float]]:
    """Rates of all, one after the other; path tracers get processes of their own, for two LLVMs in one do not go."""
    n, few, workers = args.frames, args.slow_frames, args.workers
    with WorkerProcesses(workers) as pool:
        yield "whole generation", generate_rate(scenario, n, pool, workers, "open3d", folder)
        yield "bare draw, same pictures", bare_rate(scenario, n, pool, workers, plain=False)
        yield "bare draw, no antialiasing", bare_rate(scenario, n, pool, workers, plain=True)
    with WorkerProcesses(1) as pool:  # it draws with all cores itself
        yield "generation by Mitsuba", generate_rate(scenario, few, pool, 1, "mitsuba", folder)
    if args.blender:
        found = blender_rate(args.blender, scenario, few, folder / "blender", 16)
        if found:
            yield BLENDER, found


def print_table(rates: dict[str, list[float]], args: argparse.Namespace) -> None:
    """Medians, and the ratios of the generation to each."""
    ours = np.median(rates["whole generation"])
    setting = f"{args.workers} processes, {args.frames} frames, median of {args.rounds} rounds"
    print(f"640 x 480, 10 objects, images/s: {setting}")
    for label, found in rates.items():
        print(f"  {label:<28}{np.median(found):>8.2f}   ratio {ours / np.median(found):>6.2f}")
    if BLENDER not in rates:
        print("  Blender was not measured: name a Python that has bpy 4.5 with --blender")
    print("  A path tracer's picture is better: it has indirect light, caustics and soft shadows that ours lacks.")


if __name__ == "__main__":
    main()
