"""Images per second of the whole generation, beside the bare draw loop, Blender Cycles and our Mitsuba backend.

One run, the same scenes: 640 x 480, 10 objects, labels (boxes, masks, depth), sensor chain, files written. The bare
loop hands the same scenes to the same renderer in as many processes, and drops the pictures. Blender needs a Python
with ``bpy`` (4.5): ``--blender PYTHON``; it draws like scenes with 16 samples and denoising, depth and index passes.
Start-up of processes and the first frames of each are not counted anywhere. Beside the images/s stands the processor
time of an image, over all processes, which says more on a busy machine.

Seen on 2 cores without GPU in one run (24 frames, ``--rounds 1 --slow-frames 4``): 1.88 images/s; the bare loop 2.34
with the same antialiased pictures (0.80 of it reached) and 3.07 without antialiasing (0.61); Blender Cycles 0.13 (15
times slower, in images/s and in processor time), our Mitsuba backend without LLVM 0.07 (28 times slower).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil

from workbench.actions.generate import generate
from workbench.actions.generate.frame import accepted_draw
from workbench.adapters.render import renderer
from workbench.base.processes import WorkerProcesses
from workbench.base.progress import Work, silent
from workbench.core.scenario import Scenario
from workbench.core.schema.labels import Record
from workbench.core.schema.scene import Scene

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
WARM_UP = 10  # frames of each process, which make the meshes and textures that later frames share
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


def draw_bare(scenario: Scenario, frames: Sequence[int], plain: bool) -> tuple[float, float]:
    """Draw frames, nothing else; seconds of it by the clock and of the processor.

    ``plain`` draws each once at one sample per pixel.
    """
    from workbench.adapters.render._open3d import Open3dRenderer

    backend = _PLAIN.setdefault(0, Open3dRenderer(supersample=1.0)) if plain else renderer("open3d")
    scenes = [accepted_draw(scenario, frame).scene for frame in frames]  # drawing parameters is not drawing pictures
    started, used = time.perf_counter(), time.process_time()
    for scene in scenes:
        backend.render(scene)
    return time.perf_counter() - started, time.process_time() - used


_PLAIN: dict[int, object] = {}


@dataclass(frozen=True)
class Speed:
    """Images per second, and processor seconds of one image."""

    rate: float
    cpu_s: float


def cpu_s(pool: WorkerProcesses) -> float:
    """Processor time of this process and its workers so far, seconds."""
    times = [psutil.Process(pid).cpu_times() for pid in (os.getpid(), *pool.pids())]
    return float(sum(one.user + one.system for one in times))


def bare_speed(scenario: Scenario, n: int, pool: WorkerProcesses, workers: int, *, plain: bool) -> Speed:
    """The bare loop: each process draws its share."""
    from tests.bench import bench_generate as own  # by a name that worker processes can import

    for count in (workers, n):
        shares = [list(range(k if count == n else WARM + k, (n if count == n else WARM + count), workers))
                  for k in range(workers)]  # fmt: skip
        futures = [pool.submit(own.draw_bare, scenario, share, plain) for share in shares]
        found = [future.result() for future in futures]
    return Speed(n / max(seconds for seconds, _ in found), sum(cpu for _, cpu in found) / n)


def generate_speed(
    scenario: Scenario, n: int, pool: WorkerProcesses, workers: int, backend: str, folder: Path
) -> Speed:
    """A job, with labels, sensor and files."""
    warm_up = WARM_UP * workers if backend == "open3d" else 1  # a path tracer's own work hides what is shared
    for first, count, name in ((WARM, warm_up, "warm"), (0, n, "timed")):
        started, used = time.perf_counter(), cpu_s(pool) if pool.pids() else 0.0
        generate(
            scenario, into=Sink(), n=count, first_frame=first, backend=backend, executor=pool,
            folder=folder / f"{backend}-{name}", work=Work(silent),
        ).result()  # fmt: skip
    return Speed(n / (time.perf_counter() - started), (cpu_s(pool) - used) / n)


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


def blender_speed(python: str, scenario: Scenario, n: int, folder: Path, samples: int) -> Speed | None:
    """Cycles on all cores; ``None`` when there is no ``bpy``."""
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
    seconds, cpu = next(line for line in done.stdout.splitlines() if line.startswith("SECONDS")).split()[1:]
    return Speed(n / float(seconds), float(cpu) / n)


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
    rates: dict[str, list[Speed]] = {}
    with tempfile.TemporaryDirectory() as name:
        for number in range(args.rounds):
            folder = Path(name) / str(number)
            folder.mkdir()
            for label, speed in one_round(scenario, folder, args):
                rates.setdefault(label, []).append(speed)
                print(f"  round {number + 1}: {label:<28}{speed.rate:>8.2f}/s {speed.cpu_s:>7.2f} s", flush=True)
    print_table(rates, args)
    if args.json:
        args.json.write_text(json.dumps({label: [asdict(one) for one in found] for label, found in rates.items()}))


def one_round(scenario: Scenario, folder: Path, args: argparse.Namespace) -> Iterator[tuple[str, Speed]]:
    """Rates of all, one after the other; path tracers get processes of their own, for two LLVMs in one do not go."""
    n, few, workers = args.frames, args.slow_frames, args.workers
    with WorkerProcesses(workers) as pool:
        yield "whole generation", generate_speed(scenario, n, pool, workers, "open3d", folder)
        yield "bare draw, same pictures", bare_speed(scenario, n, pool, workers, plain=False)
        yield "bare draw, no antialiasing", bare_speed(scenario, n, pool, workers, plain=True)
    with WorkerProcesses(1) as pool:  # it draws with all cores itself
        yield "generation by Mitsuba", generate_speed(scenario, few, pool, 1, "mitsuba", folder)
    if args.blender:
        found = blender_speed(args.blender, scenario, few, folder / "blender", 16)
        if found:
            yield BLENDER, found


def print_table(rates: dict[str, list[Speed]], args: argparse.Namespace) -> None:
    """Medians, and the ratios of the generation to each."""
    setting = f"{args.workers} processes, {args.frames} frames, median of {args.rounds} rounds"
    print(f"640 x 480, 10 objects: {setting}")
    print(f"  {'':<28}{'images/s':>9}{'ratio':>8}{'processor s/image':>20}{'ratio':>8}")
    rate, cpu = (np.median([getattr(one, name) for one in rates["whole generation"]]) for name in ("rate", "cpu_s"))
    for label, found in rates.items():
        other, used = (np.median([getattr(one, name) for one in found]) for name in ("rate", "cpu_s"))
        print(f"  {label:<28}{other:>9.2f}{rate / other:>8.2f}{used:>20.2f}{used / cpu:>8.2f}")
    if BLENDER not in rates:
        print("  Blender was not measured: name a Python that has bpy 4.5 with --blender")
    print("  A path tracer's picture is better: it has indirect light, caustics and soft shadows that ours lacks.")


if __name__ == "__main__":
    main()
