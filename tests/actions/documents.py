"""Every kind of document that the product reads beside data sets: a valid one of each, and what reads it."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tests.actions.document_media import CLOUDS, Files, clouds, mesh, modelled, picture, seen
from tests.actions.generate.memory_sink import MemorySink
from tests.builders import write_export
from workbench.actions.export import diff
from workbench.actions.generate import generate, media
from workbench.actions.generate.record import resolved_frame
from workbench.actions.train import Detector, command, examples
from workbench.adapters import predictions
from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.archive import opened
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.scratch import Scratch
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.predictions import class_names, counted_from, read_references
from workbench.adapters.store import vectors
from workbench.base.errors import WorkbenchError
from workbench.core.scenario import Scenario
from workbench.core.schema.classes import classes_from
from workbench.core.splits.spec import SplitSpec
from workbench.core.tables import Facet, Table, parse, table_file
from workbench.core.tables.column import CategoryColumn, NumberColumn, SetColumn
from workbench.core.tables.filter import Filter, from_json, to_json, to_query, words


@dataclass(frozen=True)
class Document:
    """One kind of document.

    Attributes:
        files: content by path in a folder.
        read: reads what lies in that folder, as the product does.
        refuses: errors that it may raise.
    """

    files: Files
    read: Callable[[Path], object]
    refuses: tuple[type[Exception], ...] = (WorkbenchError,)


def text(value: Any) -> bytes:
    return json.dumps(value).encode()


# scenarios

SCENARIO = {
    "scenario": 1,
    "name": "cell",
    "seed": 3,
    "frames": 5,
    "units": {"length": "metre", "angle": "degree"},
    "anchor": {
        "sample_ids": ["a", "b"],
        "dataset": "cell",
        "tags": ["failure:glare"],
        "measured": {"sensor.exposure.ev": {"value": -1.5, "confidence": "medium"}},
        "predictions": {"missed": 2},
    },
    "assets": {"targets": {"labels": ["nut", "bolt"], "count": {"poisson_int": {"mean": 3, "max": 5}}}},
    "scene": {
        "surface.label": {"choice": {"values": ["metal", "matte"], "weights": [0.5, 0.5]}},
        "objects.scale": {"each": [1, 1.1, 1, 1, 1]},
        "objects.placement": {"scatter_2d": {"min_gap": 0.005}},
        "surface.roughness": {"expr": "0.1 + 0.9 * scene.surface.color.saturation"},
    },
    "lighting": {"key.direction": {"shell": {"azimuth": [0, 360], "elevation": [20, 60], "radius": 1.5}}},
    "sensor": {
        "exposure.ev": {"around": {"spread": 0.2, "anchor": "sensor.exposure.ev"}},
        "lens.blur_px": {"normal": {"mean": 1, "std": 0.5, "clip": [0, 2]}},
        "noise.gain": {"log_uniform": [1, 8]},
        "camera.resolution": [64, 48],
        "motion.blur_px": {"sequence": [0, 1, 2]},
    },
    "modes": {"sensor.exposure.ev": "jitter"},
    "accept": {"targets.visible_fraction": [0.2, 1]},
    "annotators": ["normals"],
}
YAML = """scenario: 1
name: dim
sensor:
  exposure.ev: {uniform: [-2, 0.5]}  # dark
  camera.pose: {shell_look_at: {azimuth: [0, 360], elevation: [20, 60], radius: [1.5, 2.0], target: [0, 0, 0.1]}}
scene: &scene
  support: {choice_from: "*"}
"""


def scenario(folder: Path) -> object:
    path = next(folder.iterdir())
    loaded = Scenario.load(path)
    frame = loaded.resolve(0)
    assert loaded.sha256
    again = Scenario.load(frame.document())
    assert again.resolve(7).values == frame.values
    return loaded.dump()


# filters

TABLE = Table(
    np.array(["a", "b", "c"]),
    {
        "lighting": CategoryColumn.of(["dim", None, "bright"]),
        "measures.blur": NumberColumn.of([1.0, None, 2.5]),
        "tags": SetColumn.of([["failure:glare"], [], ["x", "y"]]),
        "class": SetColumn.of([["mug"], ["mug", "nut"], []]),
        "flag": CategoryColumn.of(["True", "False", None]),
    },
)
FACETS = {
    "lighting": Facet(("lighting",), "category"),
    "measures.blur": Facet(("measures.blur",), "number"),
    "tags": Facet(("tags",), "set"),
    "class": Facet(("a.label", "b.label"), "sets"),
    "flag": Facet(("flag",), "flag"),
}
WHERE = (
    "lighting == 'dim' and not (0.2 < measures.blur <= 5 or failure:glare in tags) and class in ['mug', 'nut'] "
    "and lighting != None and flag == True"
)


def judged(condition: Filter) -> object:
    assert from_json(json.loads(json.dumps(to_json(condition)))) == condition
    assert words(condition) and str(condition)
    return TABLE.mask(condition), to_query(condition, FACETS)


def filter_text(folder: Path) -> object:
    condition = parse((folder / "where").read_text("utf-8", errors="surrogateescape"))
    judged(condition)
    assert parse(str(condition)) == parse(str(parse(str(condition))))
    return None


def filter_object(folder: Path) -> object:
    try:
        value = json.loads((folder / "where.json").read_bytes())
    except (ValueError, RecursionError):
        return None
    return judged(from_json(value))


# predictions

CATEGORIES = [{"id": 1, "name": "nut"}, {"id": 2, "name": "bolt"}]
COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}],
    "categories": CATEGORIES,
    "annotations": [{"id": 1, "image_id": 1, "category_id": 2, "bbox": [1, 2, 9, 9], "score": 0.5}],
}
RESULTS = [
    {"image_id": 1, "category_id": 1, "bbox": [2, 3, 10, 20], "score": 0.9},
    {"image_id": 1, "category_id": 2, "segmentation": {"size": [48, 64], "counts": [0, 90, 2982]}, "score": 0.4},
    {"image_id": 1, "category_id": 2, "segmentation": [[1, 1, 9, 1, 9, 9]], "bbox": [1, 1, 8, 8], "score": 0.3},
]
DECLARED = {"annotations.json": text(COCO), "data.yaml": b"names: [nut, bolt]\ntrain: images\n"}


def predicted(folder: Path) -> object:
    file = folder / "predictions.json"
    results = predictions.read(file if file.exists() else folder / "rows", Problems())
    numbers = {prediction.number for prediction in results.predictions}
    references = [*read_references(folder / "annotations.json"), *([results.own] if results.own else [])]
    names = class_names(numbers, references, at="predictions")
    counted_from(numbers, read_references(folder / "data.yaml")[0], at="predictions")
    for prediction in results.predictions:
        if prediction.number in names and prediction.fits(64, 48):
            prediction.label(names[prediction.number], 64, 48)
    return results


def answered(folder: Path) -> object:
    picture = (folder / "a.png").absolute()
    asked = {"images": [{"id": 1, "file_name": str(picture), "width": 64, "height": 48}], "categories": CATEGORIES}
    (folder / "asked.json").write_bytes(text(asked))
    return command._read(folder / "answer.json", folder / "asked.json", [picture])


# exports and models

MANIFEST = {
    "manifest": 3,
    "versions": {"numpy": "2"},
    "choice": {"format": "coco", "where": None, "splits": {"train": 0.5, "val": 0.5}},
    "files": [{"path": "images/train/train0.png", "bytes": 9, "sha256": "0"}],
    "samples": [
        {"picture": f"{split}0.png", "split": split, "origin": f"{split}0.png", "source": "real",
         "source_key": split, "classes": {"nut": 1}, "labels_sha256": "1"} for split in ("train", "val")
    ],
}  # fmt: skip


@cache
def exported() -> Files:
    with TemporaryDirectory() as made:
        folder = write_export(Path(made) / "out", 1, 1, MANIFEST)
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def compared(folder: Path) -> object:
    (folder / "other.json").write_bytes(text(MANIFEST))
    for pair in ([folder, folder / "other.json"], [folder / "other.json", folder]):
        assert str(diff(*pair)) and diff(*pair).frame() is not None
    return None


ABOUT = {
    "classes": ["nut"], "size_wh": [32, 32], "epochs": 1, "batch": 1, "seed": 0, "threads": 1, "history": [],
    "stopped_by": "",
}  # fmt: skip


@cache
def detector() -> Files:
    from workbench.actions.train.network import Network

    model = Detector()
    model._network, model.classes, model.stopped_by = Network(1), ["nut"], "1 image"
    with TemporaryDirectory() as made:
        folder = model.save(Path(made) / "model")
        return {path.name: path.read_bytes() for path in folder.iterdir()}


# generated frames

FRAME = "frames/000000.scenario.json"


@cache
def generated() -> Files:
    made = Scenario("small").replace({"sensor.camera.resolution": [48, 32], "assets.targets.count": 2})
    with TemporaryDirectory() as folder:
        generate(made, into=MemorySink(), n=1, backend="flat", workers=0, folder=folder).result()
        return {p.relative_to(folder).as_posix(): p.read_bytes() for p in Path(folder).rglob("*") if p.is_file()}


def taken_up(folder: Path) -> object:
    scenario = Scenario.load(json.loads(generated()[FRAME]) | {"outcome": None})
    if media.is_finished(folder, scenario, 0, "flat"):
        return media.read_record(folder, 0)
    return None


def recorded(folder: Path) -> object:
    try:
        generation = json.loads((folder / "generation.json").read_bytes())
    except (ValueError, RecursionError):
        return None
    return resolved_frame(generation) if isinstance(generation, dict) else None


# caches and small things


@cache
def kept_table() -> Files:
    with TemporaryDirectory() as made:
        table_file.write(Path(made) / "table.npz", TABLE, {"facets": {}})
        return {"table.npz": (Path(made) / "table.npz").read_bytes()}


def recalled(folder: Path) -> object:
    kept = table_file.read(folder / "table.npz")
    return None if kept is None else (kept[0].to_frame(), kept[1].get("facets"))


@cache
def kept_vectors() -> Files:
    stream = io.BytesIO()
    np.savez(stream, ids=np.array(["a" * 24], "S24"), states=np.array(["s"], "S"), vectors=np.ones((1, 3), np.float16))
    return {"000000.npz": stream.getvalue()}


def vectors_read(folder: Path) -> object:
    table = vectors._read(folder / "000000.npz")
    return None if table is None else (table.of(["a" * 24]), table.vectors[np.arange(len(table))].mean(axis=1))


def facts(folder: Path) -> object:
    try:
        return {name: own.to_dict() for name, own in classes_from(json.loads((folder / "f").read_bytes())).items()}
    except (ValueError, RecursionError):
        return None


SPLITS = {
    "splits": {"train": 0.8, "test": 0.2}, "seed": 3, "real_only": ["test"], "stratify": True, "folds": 0,
    "stages": False, "redo": None, "max_synthetic": 0.5, "at_least": 1, "mix": "train=1:3",
    "slice_by": ["lighting"], "max_samples": 10,
}  # fmt: skip


def split(folder: Path) -> object:
    try:
        values = json.loads((folder / "splits.json").read_bytes())
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict):
        return None
    spec = SplitSpec.of_values(values)
    spec.check()
    return spec.names(), spec.memory


def archived(kind: str) -> bytes:
    stream = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("labels.json", text(COCO))
            packed.writestr("a.png", picture("PNG"))
    else:
        with tarfile.open(fileobj=stream, mode=f"w:{kind}") as archive:
            for name, data in (("labels.json", text(COCO)), ("a.png", picture("PNG"))):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def unpacked(folder: Path) -> object:
    path = next(path for path in folder.iterdir() if path.is_file())
    return list(choose(Source(opened(path, scratch=Scratch(folder / "scratch"))))[1].read())


def documents() -> dict[str, Document]:
    """All of them by name."""
    raw = (ValueError, OSError)  # what callers turn into problems
    return {
        "scenario": Document({"a.json": text(SCENARIO)}, scenario),
        "scenario_yaml": Document({"a.yaml": YAML.encode()}, scenario),
        "resolved_frame": Document({"a.json": generated()[FRAME]}, scenario),
        "filter_text": Document({"where": WHERE.encode()}, filter_text),
        "filter_object": Document({"where.json": text(to_json(parse(WHERE)))}, filter_object),
        "coco_results": Document({"predictions.json": text(RESULTS), **DECLARED}, predicted),
        "coco_scored": Document({"predictions.json": text(COCO), **DECLARED}, predicted),
        "ultralytics": Document(
            {"predictions.json": text([{**RESULTS[1], "image_id": "a", "file_name": "a.png"}]), **DECLARED}, predicted
        ),
        "rows": Document(
            {"rows/a.txt": b"1 .5 .5 .2 .2 .9\n2 .1 .1 .1 .1 .8 3\n", "rows/b.txt": b"1 .1 .1 .2 .2 .3 .3 .9\n",
             "rows/classes.txt": b"cone\nnut\nbolt\n", **DECLARED}, predicted,
        ),
        "answer": Document({"answer.json": text(RESULTS)}, answered),
        "manifest": Document({"manifest.json": text(MANIFEST)}, compared),
        "export_to_learn": Document(exported(), lambda folder: examples.read_splits(folder, (32, 32))),
        "detector": Document(detector(), Detector.load),
        "frame": Document(generated(), taken_up),
        "generation": Document(
            {"generation.json": text(json.loads(generated()[FRAME])["outcome"]["generation"])}, recorded
        ),
        **{f"mesh.{kind}": Document(mesh(kind), modelled) for kind in
           ("obj", "glb", "gltf", "ply", "ascii.ply", "stl", "ascii.stl")},
        **{f"cloud.{name}": Document({name: data}, clouds, raw) for name, data in CLOUDS.items()},
        **{f"picture.{kind}": Document({"a": picture(kind)}, seen, (*raw, WorkbenchError)) for kind in
           ("JPEG", "PNG", "TIFF", "WEBP")},
        "table": Document(kept_table(), recalled),
        "vectors": Document(kept_vectors(), vectors_read),
        "class_facts": Document(
            {"f": text({"nut": {"supercategory": "tool", "keypoints": ["a", "b"], "skeleton": [[0, 1]],
                                "attributes": {"color": "red"}}})}, facts,
        ),
        "splits": Document({"splits.json": text(SPLITS)}, split),
        **{f"archive.{kind}": Document({f"a.{'zip' if kind == 'zip' else 'tar.' + kind}": archived(kind)}, unpacked)
           for kind in ("zip", "gz", "xz")},
    }  # fmt: skip
