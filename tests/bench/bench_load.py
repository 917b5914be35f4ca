"""COCO with 10 boxes per picture: our load, FiftyOne's importer, and a bare insert of the same documents.

    python -m tests.bench.bench_load [--images 20000] [--peer-images 1000] [--repeats 3]

Each measurement runs in a process of its own on a database of its own; peak memory is the process's.
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
from typing import Any

import numpy as np
from PIL import Image

from workbench.base.progress import Work

BOXES = 10
WIDTH, HEIGHT = 640, 480


def write_coco(folder: Path, n: int) -> Path:
    """``n`` JPEG pictures of about 17 KB, each different in one comment, and boxes of 5 classes."""
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    smooth = Image.fromarray(rng.integers(0, 255, (HEIGHT // 16, WIDTH // 16, 3), np.uint8)).resize((WIDTH, HEIGHT))
    smooth.save(folder / "one.jpg", quality=75)
    picture = (folder / "one.jpg").read_bytes()
    (folder / "one.jpg").unlink()
    images, annotations = [], []
    for i in range(n):
        comment = f"{i:08}".encode()
        marked = picture[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + picture[2:]
        name = f"{i:08}.jpg"
        (folder / "images" / name).write_bytes(marked)
        images.append({"id": i, "file_name": name, "width": WIDTH, "height": HEIGHT})
        for left, top, w, h in rng.uniform(1, 200, (BOXES, 4)).round(2).tolist():
            entry = {"id": len(annotations), "image_id": i, "category_id": len(annotations) % 5, "iscrowd": 0}
            annotations.append({**entry, "bbox": [left, top, w, h], "area": round(w * h, 2), "segmentation": []})
    categories = [{"id": c, "name": f"class_{c}"} for c in range(5)]
    document = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(document))
    return folder


def ours(folder: Path) -> dict[str, float]:
    """``workbench.load`` into a new dataset, once the database runs."""
    from workbench.actions.load import load
    from workbench.adapters import store

    dataset = store.open_dataset("bench")
    started_s = time.perf_counter()
    report = load(dataset, folder, source="real", work=Work(lambda tick: None))
    seconds = time.perf_counter() - started_s
    assert report.labels == report.samples * BOXES and not report.problems
    return {"samples": report.samples, "seconds": seconds}


def peer(folder: Path) -> dict[str, float]:
    """FiftyOne's own COCO importer."""
    from workbench.adapters import store

    store.connect()
    import fiftyone as fo

    fo.config.show_progress_bars = False
    started_s = time.perf_counter()
    dataset = fo.Dataset.from_dir(
        dataset_type=fo.types.COCODetectionDataset,
        data_path=str(folder / "images"),
        labels_path=str(folder / "annotations.json"),
        label_types="detections",
        name="peer",
    )
    return {"samples": len(dataset), "seconds": time.perf_counter() - started_s}


def bare(folder: Path) -> dict[str, float]:
    """``insert_many`` of the documents that our load makes."""
    from workbench.actions.load import load
    from workbench.adapters import store

    dataset = store.open_dataset("bench")
    load(dataset, folder, source="real", work=Work(lambda tick: None))
    database = dataset._sample_collection.database
    documents = list(dataset._sample_collection.find({}))
    database.drop_collection("bare")
    started_s = time.perf_counter()
    for start in range(0, len(documents), 1000):
        database["bare"].insert_many(documents[start : start + 1000], ordered=False)
    return {"samples": len(documents), "seconds": time.perf_counter() - started_s}


def measured(what: str, folder: Path) -> dict[str, float]:
    """One measurement in a new process, on a database that is dropped afterwards."""
    environment = {**os.environ, "FIFTYONE_DATABASE_NAME": f"workbench_bench_{os.getpid()}"}
    command = [sys.executable, "-m", "tests.bench.bench_load", "--only", what, "--folder", str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def only(what: str, folder: Path) -> None:
    """The body of such a process."""
    found = {"ours": ours, "peer": peer, "bare": bare}[what](folder)
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    from fiftyone.core.odm.database import get_db_client

    get_db_client().drop_database(os.environ["FIFTYONE_DATABASE_NAME"])
    print(json.dumps(found))


def table(folder: Path, small: Path, repeats: int) -> list[dict[str, Any]]:
    """Median rates of the three, taken in turn."""
    places = {"ours": folder, "bare": folder, "peer": small}
    runs: dict[str, list[dict[str, float]]] = {what: [] for what in places}
    for _ in range(repeats):
        for what, place in places.items():
            runs[what].append(measured(what, place))
    return [
        {
            "what": what,
            "samples": found[0]["samples"],
            "rate": statistics.median(run["samples"] / run["seconds"] for run in found),
            "peak_mb": max(run["peak_mb"] for run in found),
        }
        for what, found in runs.items()
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--peer-images", type=int, default=1_000, help="FiftyOne is slow; its rate does not grow")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=["ours", "peer", "bare"])
    parser.add_argument("--folder", type=Path)
    args = parser.parse_args()
    if args.only:
        only(args.only, args.folder)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = write_coco(Path(scratch) / "many", args.images)
        small = write_coco(Path(scratch) / "few", args.peer_images)
        rows = table(folder, small, args.repeats)
    rates = {row["what"]: row["rate"] for row in rows}
    for row in rows:
        print(f"{row['what']:<6} {row['samples']:>8,} samples {row['rate']:>10,.0f}/s {row['peak_mb']:>7,.0f} MB")
    against_peer, against_bare = rates["ours"] / rates["peer"], rates["ours"] / rates["bare"]
    print(f"ours / FiftyOne's importer: {against_peer:.1f} x;  ours / bare insert: {against_bare:.2f}")


if __name__ == "__main__":
    main()
