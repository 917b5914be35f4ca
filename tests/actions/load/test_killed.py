"""A load that is killed in the middle and done again ends in exactly the same dataset."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from workbench.actions.load import load
from workbench.adapters import store

pytestmark = pytest.mark.slow

N = 120
SMALL_BATCHES = """
import sys, time
from workbench.actions import load as run
from workbench.adapters import store
run.BATCH = 4
add = store.add
run.store.add = lambda *args, **kwargs: (time.sleep(0.05), add(*args, **kwargs))[1]
run.load(sys.argv[1], sys.argv[2], source="real")
"""


def write(folder: Path) -> Path:
    """Pictures with boxes, a tag and a column; three of them cannot be read."""
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for i in range(N):
        path = folder / "images" / f"{i:03}.png"
        Image.new("RGB", (32, 24), (i, 7, 9)).save(path)
        if i % 50 == 7:
            path.write_bytes(path.read_bytes()[:40])
        images.append({"id": i, "file_name": path.name, "tags": ["a"], "camera_name": f"c{i % 3}"})
        annotations.append({"id": i, "image_id": i, "category_id": 1, "bbox": [1, 2, 3 + i % 9, 4]})
    document = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "nut"}]}
    (folder / "labels.json").write_text(json.dumps(document))
    return folder


def content(name: str) -> list[dict[str, Any]]:
    """All documents, without ids and times; ids of two processes in the same second are in any order."""
    drop = {"_id", "_dataset_id", "_rand", "created_at", "last_modified_at"}

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items() if key not in drop}
        return [plain(item) for item in value] if isinstance(value, list) else value

    return [plain(one) for one in store.require_dataset(name)._sample_collection.find({}).sort("origin", 1)]


@pytest.mark.parametrize("after", [1, 60, 110])
def test_killed_and_done_again(dataset_name: str, tmp_path: Path, after: int) -> None:
    folder = write(tmp_path / "data")
    store.open_dataset(dataset_name)
    process = subprocess.Popen([sys.executable, "-c", SMALL_BATCHES, dataset_name, str(folder)], env=os.environ)
    while store.info(store.require_dataset(dataset_name))["samples"] < after:
        assert process.poll() is None, "the load ended before it was killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    there = store.info(store.require_dataset(dataset_name))["samples"]
    again = load(dataset_name, folder, source="real")
    assert 0 < there < N - 3 and (again.samples, again.already_there) == (N - 3 - there, there)
    whole = f"{dataset_name}-whole"
    try:
        load(whole, folder, source="real")
        assert content(dataset_name) == content(whole)
        assert store.info(store.require_dataset(dataset_name)) == store.info(store.require_dataset(whole))
    finally:
        store.delete_dataset(whole)
