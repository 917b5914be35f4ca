"""Small data that several folders of tests build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from workbench.base.files import sha256_file
from workbench.core.schema.labels import Record


def record(path: Path, **changes: Any) -> Record:
    """A record of a picture of 64 x 48 pixels, with further fields as given."""
    given = {"image_path": path, "origin": path.name, "width": 64, "height": 48}
    return Record(**{**given, **changes})


def contents(folder: Path) -> dict[str, str]:
    """Hashes of all files below a folder, by their path in it."""
    return {p.relative_to(folder).as_posix(): sha256_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}


def write_export(folder: Path, n_train: int, n_val: int = 0, manifest: object = None) -> Path:
    """A COCO export by hand."""
    (folder / "annotations").mkdir(parents=True)
    for split, n in (("train", n_train), ("val", n_val)):
        (folder / "images" / split).mkdir(parents=True)
        images = [{"id": i, "file_name": f"{split}{i}.png", "width": 64, "height": 48} for i in range(n)]
        for one in images:
            Image.fromarray(np.zeros((48, 64, 3), np.uint8)).save(folder / "images" / split / str(one["file_name"]))
        boxes = [{"id": i, "image_id": i, "category_id": 5, "bbox": [8, 8, 16, 16]} for i in range(n)]
        content = {"images": images, "annotations": boxes, "categories": [{"id": 5, "name": "nut"}]}
        if n:
            (folder / "annotations" / f"instances_{split}.json").write_text(json.dumps(content))
    if manifest is not None:
        (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
