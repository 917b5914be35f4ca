"""A small dataset of real samples with splits, and synthetic ones that recreate some of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workbench.adapters import store
from workbench.core.schema.labels import Camera, Label, Record


def record(folder: Path, name: str, *labels: Label, **facts: Any) -> Record:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (24, 32, 3), np.uint8)).save(path)
    return Record(path, name, 32, 24, labels, **facts)


@pytest.fixture
def fill() -> Callable[..., Any]:
    return fill_dataset


def fill_dataset(dataset: Any, folder: Path) -> list[str]:
    """Twelve real samples and five children; returns the ids of the real ones."""
    box, outline = Label("cup", (1, 2, 9.5, 8.25)), np.array([[1.0, 2.0], [9.0, 2.0], [9.0, 20.0]])
    splits = ["train"] * 6 + ["val"] * 3 + ["test"] * 3
    real = [
        record(folder, f"cam{n % 2}/{n // 2}.png", box, split=split, attributes={"lighting": "dim"})
        for n, split in enumerate(splits)
    ]
    ids = store.add(dataset, real, source="real").ids
    camera = Camera(32, 24, 30.0, 30.0, 15.5, 11.5, T_world_cam=np.eye(4))
    pose = np.eye(4)
    pose[:3, 3] = (0.1, 0.2, 2.0)
    made = []
    for n, parent in enumerate([ids[0], ids[1], ids[6], ids[9], ids[10]]):
        facts = {"attributes": {"occlusion": 0.5}, "T_cam_obj": pose, "size_m": (0.1, 0.2, 0.3)}
        label = Label("bolt", (1, 2, 9, 20), (outline,), **facts)
        generation = {"seed": 7, "frame": n, "parent_sample_id": parent, "scenario_name": "glare"}
        facts = {"generation": generation, "tags": ("failure:glare",), "camera": camera}
        made.append(record(folder, f"syn/{n}.png", label, **facts))
    store.add(dataset, made, source="synthetic")
    return ids


@pytest.fixture
def mixed(dataset_name: str, tmp_path: Path) -> Any:
    dataset = store.open_dataset(dataset_name)
    fill_dataset(dataset, tmp_path / "in")
    return dataset
