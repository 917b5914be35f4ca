"""Other tools read what we export, and count the same; nothing of ours takes part in the reading.

datumaro pins packages that clash with ours, so it lives in an environment of its own, made once per machine inside of
ours (a minute, 1.5 GB).
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml
from filelock import FileLock

from workbench.actions.export import export
from workbench.actions.load import load
from workbench.adapters import store
from workbench.adapters.formats.registry import WRITERS

SPLITS = {"train": 0.6, "val": 0.2, "test": 0.2}
DATUMARO = "datumaro==1.10.0"
EACH = 30  # pictures of each source


@pytest.fixture(scope="module")
def exported(sample_data, tmp_path_factory):
    """The same real and synthetic samples in every format, with the report of each."""
    folder = tmp_path_factory.mktemp("exported")
    dataset = store.open_dataset("test-outside-readers")
    for source in ("real", "synthetic"):
        load(dataset, sample_data / source, source=source)
    where = " or ".join(f"origin == {one.origin!r}" for one in _chosen(dataset))
    reports = {
        form: export(dataset, folder / form, format=form, splits=SPLITS, where=where, near_duplicates=False)
        for form in WRITERS
    }
    yield reports
    store.delete_dataset("test-outside-readers")


def _chosen(dataset):
    by_source = {"real": [], "synthetic": []}
    for one in store.read(dataset):
        by_source[one.source].append(one.record)
    return [record for records in by_source.values() for record in records[:EACH]]


def counted(report):
    """Samples and labels by split."""
    return {name: (n["samples"], n["labels"]) for name, n in report.splits.items()}


def test_pycocotools_loads_and_evaluates(exported):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    report = exported["coco"]
    for name, (samples, labels) in counted(report).items():
        with contextlib.redirect_stdout(io.StringIO()):
            truth = COCO(f"{report.folder}/annotations/instances_{name}.json")
            exact = [
                {**{key: one[key] for key in ("image_id", "category_id", "bbox")}, "score": 0.9}
                for one in truth.dataset["annotations"]
            ]
            judged = COCOeval(truth, truth.loadRes(exact), "bbox")
            judged.evaluate()
            judged.accumulate()
            judged.summarize()
        assert (len(truth.getImgIds()), len(truth.getAnnIds())) == (samples, labels)
        assert judged.stats[0] == pytest.approx(1.0)
        mask = truth.annToMask(truth.dataset["annotations"][0])
        assert mask.sum() == truth.dataset["annotations"][0]["area"]


def test_hugging_face_loads_parquet_and_webdataset(exported, tmp_path, monkeypatch):
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.setenv(name, "1")
    import datasets

    report = exported["parquet"]
    loaded = datasets.load_dataset(report.folder, cache_dir=str(tmp_path))
    found = {name: (len(part), sum(len(row["bbox"]) for row in part["objects"])) for name, part in loaded.items()}
    assert found == counted(report)
    row, classes = loaded["train"][0], loaded["train"].features["objects"]["category"].feature.names
    assert row["image"].size == (row["width"], row["height"])
    said = json.loads(row["record"])["annotations"]
    assert [classes[number] for number in row["objects"]["category"]] == [one["category"] for one in said]
    shards = {name: f"{exported['webdataset'].folder}/{name}-*.tar" for name in SPLITS}
    tars = datasets.load_dataset("webdataset", data_files=shards, cache_dir=str(tmp_path))
    told = {name: (len(part), sum(len(one["annotations"]) for one in part["json"])) for name, part in tars.items()}
    assert told == counted(exported["webdataset"])


@pytest.mark.filterwarnings("ignore")
def test_mlcroissant_validates_and_reads_the_records(exported):
    import mlcroissant

    for report in exported.values():
        croissant = mlcroissant.Dataset(f"{report.folder}/croissant.json")
        assert not croissant.metadata.ctx.issues.errors
        rows = list(croissant.records("samples"))
        found = Counter(row["samples/split"].decode() for row in rows)
        assert found == {name: n["samples"] for name, n in report.splits.items() if n["samples"]}
    with Path(f"{exported['coco'].folder}/samples.csv").open() as stream:
        assert all(Path(exported["coco"].folder, row["picture"]).is_file() for row in csv.DictReader(stream))


def test_fiftyone_imports_its_own_and_the_usual_formats(exported):
    import fiftyone as fo

    def imported(kind, **options):
        dataset = fo.Dataset.from_dir(dataset_type=kind, progress=False, **options)
        try:
            field = next(name for name in dataset.get_field_schema() if name.startswith("ground_truth"))
            return len(dataset), dataset.count(f"{field}.detections")
        finally:
            dataset.delete()

    folder = {form: Path(report.folder) for form, report in exported.items()}
    total = tuple(map(sum, zip(*counted(exported["coco"]).values(), strict=True)))
    assert imported(fo.types.FiftyOneDataset, dataset_dir=str(folder["fiftyone"])) == total
    parts = {"data_path": str(folder["voc"] / "JPEGImages"), "labels_path": str(folder["voc"] / "Annotations")}
    assert imported(fo.types.VOCDetectionDataset, **parts) == total
    for name, wanted in counted(exported["coco"]).items():
        coco = {
            "data_path": str(folder["coco"] / "images" / name),
            "labels_path": str(folder["coco"] / "annotations" / f"instances_{name}.json"),
            "label_types": "detections",
        }
        assert imported(fo.types.COCODetectionDataset, **coco) == wanted
        home = folder["kitti"] / name
        kitti = {"data_path": str(home / "image_2"), "labels_path": str(home / "label_2")}
        assert imported(fo.types.KITTIDetectionDataset, **kitti) == wanted
        assert (
            imported(fo.types.YOLOv5Dataset, dataset_dir=str(folder["yolo"]), yaml_path="data.yaml", split=name)
            == wanted
        )


def test_fiftyone_keeps_what_the_workbench_stored(exported):
    import fiftyone as fo

    dataset = fo.Dataset.from_dir(
        dataset_type=fo.types.FiftyOneDataset, dataset_dir=exported["fiftyone"].folder, progress=False
    )
    try:
        assert dataset.count_values("split") == {name: n["samples"] for name, n in exported["coco"].splits.items()}
        made = dataset.match(fo.ViewField("source") == "synthetic").first()
        assert made.generation.scenario_name and made.camera.fx > 0
        assert any(one.mask is not None for one in made.ground_truth.detections)
        assert set(dataset.distinct("surface")) >= {"metal"}
    finally:
        dataset.delete()


def test_ultralytics_rules_hold_for_the_yaml(exported):
    """What its loader demands: folders that exist, names by number, rows of five shares."""
    folder = Path(exported["yolo"].folder)
    content = yaml.safe_load((folder / "data.yaml").read_text())
    assert list(content["names"]) == list(range(len(content["names"])))
    for name, (samples, labels) in counted(exported["yolo"]).items():
        assert len(list((folder / content[name]).iterdir())) == samples
        rows = [row for file in (folder / "labels" / name).iterdir() for row in file.read_text().splitlines()]
        assert len(rows) == labels
        assert all(len(row.split()) == 5 for row in rows)


_READ = """
import collections, json, sys
import datumaro
found = {}
for form, path in zip(sys.argv[1::2], sys.argv[2::2]):
    data = datumaro.Dataset.import_from(path, form)
    found[form] = collections.defaultdict(lambda: [0, 0])
    for item in data:
        found[form][item.subset][0] += 1
        found[form][item.subset][1] += sum(one.type.name == "bbox" for one in item.annotations)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def datumaro_python():
    """Python of an environment with datumaro; where it cannot be had the test is skipped, but never in CI."""
    home = Path(sys.prefix) / "outside" / DATUMARO.replace("==", "-")
    python = home / "bin" / "python"
    home.parent.mkdir(exist_ok=True)
    with FileLock(f"{home}.lock"):  # several runs may share the environment
        if not (home / "ready").exists():
            pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", DATUMARO]
            for command in ([sys.executable, "-m", "venv", "--clear", home], pip):
                done = subprocess.run(command, capture_output=True, text=True, env=without_ours(), check=False)
                if done.returncode:
                    told = f"{DATUMARO} cannot be installed: {done.stderr[-400:]}"
                    (pytest.fail if os.environ.get("CI") else pytest.skip)(told)
            (home / "ready").touch()
    return str(python)


def without_ours():
    return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}


@pytest.mark.timeout(900)  # the first time it installs
@pytest.mark.long  # the environment takes a minute
def test_datumaro_reads_coco_voc_yolo_and_kitti(exported, datumaro_python):
    forms = ("coco", "voc", "yolo", "kitti")
    paths = [word for form in forms for word in (form, exported[form].folder)]
    command = [datumaro_python, "-c", _READ, *paths]
    done = subprocess.run(command, capture_output=True, text=True, env=without_ours(), check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    for form in forms:
        assert {name: tuple(n) for name, n in found[form].items()} == counted(exported[form])
