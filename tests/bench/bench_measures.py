"""Measures beside CleanVision: the same pictures, the same machine, the same run.

``python -m tests.bench.bench_measures [--pictures 2000] [--rounds 3] [--cleanvision PYTHON]``

CleanVision lives in an environment of its own (``pip install cleanvision==0.3.7``); ``--cleanvision`` names its
Python. Without it only the workbench's own rates are printed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from workbench.base.processes import WorkerProcesses
from workbench.core.measures import MEASURES, decode
from workbench.core.measures.reading import Task, measure_files_in_child

SIZE = (640, 480)
CHUNK = 16
CLEANVISION = """
import sys, time
from cleanvision import Imagelab
started = time.perf_counter()
lab = Imagelab(data_path=sys.argv[1])
lab.find_issues(n_jobs=int(sys.argv[2]), verbose=False)
print("RATE", len(lab.issues) / (time.perf_counter() - started))
"""


def make_pictures(folder: Path, count: int) -> list[Path]:
    """JPEG files of the sample data's size: its pictures, each mirrored, turned or shifted a little to be another."""
    sources = sorted((Path(__file__).parents[2] / "sample_data").rglob("*.jpg"))
    rng = np.random.default_rng(0)
    paths = []
    for k in range(count):
        image = cv2.imread(str(sources[k % len(sources)]))
        image = cv2.flip(image, int(rng.integers(-1, 2))) if k >= len(sources) else image
        image = np.roll(image, int(rng.integers(0, 64)), axis=1)
        path = folder / f"{k:05d}.jpg"
        cv2.imwrite(str(path), cv2.resize(image, SIZE), [cv2.IMWRITE_JPEG_QUALITY, 90])
        paths.append(path)
    return paths


def rate(function: Callable[[Sequence[Task]], object], paths: Sequence[Path], workers: int) -> float:
    """Pictures per second in worker processes, their start included, as ``wb.measure`` runs them."""
    tasks: list[Task] = [(str(path), []) for path in paths]
    started = time.perf_counter()
    with WorkerProcesses(workers) as pool:
        for _ in pool.map(function, [tasks[k : k + CHUNK] for k in range(0, len(tasks), CHUNK)]):
            pass
    return len(paths) / (time.perf_counter() - started)


def decoded(tasks: Sequence[Task]) -> None:
    """Decode only."""
    cv2.setNumThreads(1)
    for path, _ in tasks:
        decode(Path(path).read_bytes())


def in_full(tasks: Sequence[Task]) -> None:
    """Decode at full size in colour, as a plain reader does."""
    cv2.setNumThreads(1)
    for path, _ in tasks:
        cv2.imdecode(np.frombuffer(Path(path).read_bytes(), np.uint8), cv2.IMREAD_COLOR)


def cleanvision_rate(python: str, folder: Path, jobs: int) -> float | None:
    """Pictures per second of CleanVision's default checks; ``None`` when it is not there."""
    try:
        done = subprocess.run(
            [python, "-c", CLEANVISION, str(folder), str(jobs)], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return float(next(line for line in done.stdout.splitlines() if line.startswith("RATE")).split()[1])


def main() -> None:
    """Make pictures, run all, print a table of medians."""
    from tests.bench import bench_measures as own  # by a name that worker processes can import

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cleanvision", default=sys.executable, help="Python that has cleanvision 0.3.7")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = make_pictures(folder, args.pictures)
        table: dict[str, list[float]] = {}
        for _ in range(args.rounds):  # one after the other in each round, so that all meet the same weather
            for label, function in (
                ("decoding in full", own.in_full),
                ("decoding as needed", own.decoded),
                ("all measures", measure_files_in_child),
            ):
                table.setdefault(label, []).append(rate(function, paths, cores))
            table.setdefault("all, one process", []).append(rate(measure_files_in_child, paths, 1))
            for jobs in (1, cores):
                found = cleanvision_rate(args.cleanvision, folder, jobs)
                if found is not None:
                    table.setdefault(f"CleanVision, {jobs} jobs", []).append(found)
    print_table(table, args.pictures, cores)


def print_table(table: dict[str, list[float]], pictures: int, cores: int) -> None:
    """Medians, the share of decoding, and the ratio to CleanVision's faster setting."""
    median = {label: statistics.median(rates) for label, rates in table.items()}
    print(f"{pictures:,} JPEG pictures of 640 x 480, {len(MEASURES)} measures, {cores} processes; images/s, median")
    for label, value in median.items():
        print(f"  {label:<22}{value:>9.1f}   ({', '.join(f'{rate:.0f}' for rate in table[label])})")
    print(f"  share of decoding     {median['all measures'] / median['decoding as needed']:>9.0%}")
    rivals = {label: value for label, value in median.items() if label.startswith("CleanVision")}
    if not rivals:
        print("  CleanVision 0.3.7 is not installed for that Python; name one with --cleanvision")
        return
    best = max(rivals, key=lambda label: rivals[label])
    ratios = [ours / theirs for ours, theirs in zip(table["all measures"], table[best], strict=True)]
    print(f"  ratio to {best:<22}{statistics.median(ratios):.1f} x   ({', '.join(f'{r:.1f}' for r in ratios)})")


if __name__ == "__main__":
    main()
