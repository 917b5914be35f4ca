"""Small data that several folders of tests build."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from PIL import Image

from workbench.base.files import sha256_file
from workbench.core.scenario import Scenario
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


def made_wedge() -> trimesh.Trimesh:
    """A mesh of 60 x 40 x 30 mm, so that no two axes can be confused; z up."""
    points = [[0, 0, 0], [0.06, 0, 0], [0.06, 0.04, 0], [0, 0.04, 0], [0, 0, 0.03], [0, 0.04, 0.03]]
    return trimesh.convex.convex_hull(np.add(points, [1.0, 2.0, 3.0]))


def in_the_frustum() -> Scenario:
    """Three nuts and bolts in the air, 0.5 to 1.4 m before a camera that looks at them from all around."""
    shell = {"azimuth": [0, 360], "elevation": [20, 60], "radius": [1.5, 2.0], "target": [0, 0, 0.9]}
    return Scenario("air").replace(
        {
            "assets.targets.count": 3,
            "assets.targets.labels": ["nut", "bolt"],
            "scene.objects.rotation": {"so3_uniform": {}},
            "sensor.camera.pose": {"shell_look_at": shell},
            "scene.objects.placement": {"camera_frustum": {"distance": [0.5, 1.4], "screen": 0.6}},
        }
    )


def read_by_fiftyone(name: str) -> int:
    """Read a dataset in every way that FiftyOne itself has; returns the number of samples."""
    import fiftyone as fo

    dataset = fo.load_dataset(name)
    dataset.reload()
    everything = dataset if dataset.group_field is None else dataset.select_group_slices(_allow_mixed=True)
    samples = [sample.to_dict() for sample in everything.iter_samples()]
    for path, field in dataset.get_field_schema(flat=True).items():
        if isinstance(field, fo.BooleanField | fo.FloatField | fo.IntField | fo.StringField):
            everything.values(path)
            everything.count_values(path)
    dataset.stats()
    kept = everything.match(fo.ViewField("filepath") != "")
    assert len(list(kept.iter_samples())) == kept.count() == len(samples)
    for sample in everything.iter_samples(autosave=True):  # validates every value
        sample["read_by_fiftyone"] = True
    return len(samples)
