"""COCO export of pictures with 10 boxes each: labels and hard-linked media, ours and FiftyOne's exporter in one run.

    python -m tests.bench.bench_export [--images 20000] [--repeats 3]

Both export the same dataset, each in a process of its own, once the database runs. Ours hashes every picture, reads
everything back, and writes the manifest, the table, Croissant and the datasheet besides; near duplicates are not looked
for, which FiftyOne's exporter does not either. FiftyOne has no hard links, so it gets symbolic ones, which cost less.
Peak memory is the process's; a second size shows how it grows.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.bench.bench_load import BOXES, write_coco
from workbench.base.progress import Work

GOAL = 5.0


def prepare(folder: Path) -> None:
    """Load the pictures into the bench's dataset."""
    from workbench.actions.load import load
    from workbench.adapters import store

    if "bench" in store.list_datasets():
        store.delete_dataset("bench")
    load(store.open_dataset("bench"), folder, source="real", work=Work(lambda tick: None))


def ours(folder: Path) -> dict[str, float]:
    """``workbench.export``, read back and compared."""
    from workbench.actions.export import export
    from workbench.adapters import store

    dataset = store.require_dataset("bench")
    splits = {"train": 0.8, "val": 0.1, "test": 0.1}
    started_s = time.perf_counter()
    report = export(
        dataset, folder, splits=splits, media="hardlink", near_duplicates=False, work=Work(lambda tick: None)
    )
    seconds = time.perf_counter() - started_s
    samples = sum(n["samples"] for n in report.splits.values())
    assert sum(n["labels"] for n in report.splits.values()) == samples * BOXES
    return {"samples": samples, "seconds": seconds}


def peer(folder: Path) -> dict[str, float]:
    """FiftyOne's own COCO exporter."""
    from workbench.adapters import store

    dataset = store.require_dataset("bench")
    import fiftyone as fo

    fo.config.show_progress_bars = False
    started_s = time.perf_counter()
    dataset.export(
        export_dir=str(folder),
        dataset_type=fo.types.COCODetectionDataset,
        label_field="ground_truth",
        export_media="symlink",
    )
    return {"samples": len(dataset), "seconds": time.perf_counter() - started_s}


def measured(what: str, folder: Path) -> dict[str, float]:
    """One measurement in a new process on the bench's database."""
    command = [sys.executable, "-m", "tests.bench.bench_export", "--only", what, "--folder", str(folder)]
    environment = {**os.environ, "FIFTYONE_DATABASE_NAME": f"workbench_bench_{os.getpid()}"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def only(what: str, folder: Path) -> None:
    """The body of such a process."""
    found = {}
    if what == "drop":
        from fiftyone.core.odm.database import get_db_client

        from workbench.adapters import store

        store.connect()
        get_db_client().drop_database(os.environ["FIFTYONE_DATABASE_NAME"])
    elif what == "prepare":
        prepare(folder)
    else:
        found = {"ours": ours, "peer": peer}[what](folder)
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


def runs(scratch: Path, images: int, repeats: int, kinds: tuple[str, ...]) -> dict[str, tuple[float, float]]:
    """Median samples per second and peak memory in MB of each kind."""
    data = write_coco(scratch / f"data{images}", images)
    measured("prepare", data)
    found: dict[str, list[dict[str, float]]] = {what: [] for what in kinds}
    for at in range(repeats):
        for what in kinds:
            found[what].append(measured(what, scratch / f"{what}{images}_{at}"))
    return {
        what: (statistics.median(one["samples"] / one["seconds"] for one in own), max(one["peak_mb"] for one in own))
        for what, own in found.items()
    }


def main() -> int:
    """Print the table; 1 when the goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=["ours", "peer", "prepare", "drop"])
    parser.add_argument("--folder", type=Path, default=Path())
    args = parser.parse_args()
    if args.only:
        only(args.only, args.folder)
        return 0
    with tempfile.TemporaryDirectory() as text:
        try:
            small = runs(Path(text), args.images // 4, 1, ("ours",))
            found = runs(Path(text), args.images, args.repeats, ("ours", "peer"))
        finally:
            measured("drop", Path(text))
    for what, (rate, peak_mb) in found.items():
        print(f"{what:<6} {args.images:>8,} samples {rate:>10,.0f}/s {peak_mb:>7,.0f} MB")
    grown_kb = (found["ours"][1] - small["ours"][1]) / (args.images * 0.75) * 1024
    print(f"ours   {args.images // 4:>8,} samples {small['ours'][0]:>10,.0f}/s {small['ours'][1]:>7,.0f} MB", end="")
    print(f"; memory grows by {grown_kb:.1f} KB per sample with {BOXES} boxes")
    ratio = found["ours"][0] / found["peer"][0]
    print(f"ours / FiftyOne's exporter: {ratio:.1f} x")
    return int(ratio < GOAL)


if __name__ == "__main__":
    sys.exit(main())
