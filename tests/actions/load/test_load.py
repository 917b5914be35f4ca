"""Loading: counts add up, a second time changes nothing, and mistakes give one clear message."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from PIL import Image

from workbench.actions.load import load
from workbench.adapters import store
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import Cancelled, InputError
from workbench.base.progress import Cancel, Work

NUTS = {"date": 71, "hazelnut": 53, "fig": 41}


def pictures(folder, n, **save):
    folder.mkdir(parents=True, exist_ok=True)
    for at in range(n):
        Image.new("RGB", (32, 24), (at, 7, 9)).save(folder / f"{at:03}.png", **save)
    return folder


@pytest.mark.parametrize(
    ("path", "form", "samples", "per_class"),
    [
        ("voc_bccd", "voc", 364, {"RBC": 4155, "WBC": 372, "Platelets": 361}),
        ("coco_nuts", "coco", 18, NUTS),
        ("yolo_cones", "yolo", 187, {"cone": 274, "cube": 161}),
    ],
)
def test_real_data_loads_once_with_exact_counts(shared_data, dataset_name, path, form, samples, per_class):
    report = load(dataset_name, shared_data / path, source="real")
    assert (report.format, report.samples, report.already_there) == (form, samples, 0)
    assert report.labels_per_class == per_class
    assert report.labels == sum(per_class.values())
    dataset = store.require_dataset(dataset_name)
    assert store.info(dataset)["labels_per_class"] == per_class
    again = load(dataset_name, shared_data / path, source="real")
    assert (again.samples, again.already_there, again.labels) == (0, samples, 0)
    assert store.info(dataset)["samples"] == samples


def test_boxes_survive_the_database(shared_data, dataset_name):
    from workbench.adapters.formats.registry import FORMATS

    load(dataset_name, shared_data / "coco_nuts", source="real")
    read = {r.origin: r for r in FORMATS["coco"].read(Source(shared_data / "coco_nuts"))}
    for stored in store.read(store.require_dataset(dataset_name)):
        wanted = read[stored.record.origin]
        for before, after in zip(wanted.labels, stored.record.labels, strict=True):
            assert after.xyxy == pytest.approx(before.xyxy, abs=1e-6)


def test_records_are_samples_or_already_there_or_named(dataset_name, tmp_path):
    folder = pictures(tmp_path / "photos", 5)
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.png").write_bytes((folder / "000.png").read_bytes()[:40])
    (folder / "pointer.png").write_text("version https://git-lfs.github.com/spec/v1\n")
    for n, samples, there in ((5, 5, 0), (7, 2, 5)):
        pictures(folder, n)
        report = load(dataset_name, folder, source="real")
        assert (report.samples, report.already_there) == (samples, there)
        kinds = Counter(p.kind for p in report.problems)
        assert kinds["lfs_pointer"] == 1
        assert kinds.total() == 3
        assert samples + there + kinds.total() == len(list(folder.iterdir()))


def test_data_that_names_its_own_source_keeps_it(dataset_name, tmp_path):
    pictures(tmp_path, 3)
    images = [
        {"id": 1, "file_name": "000.png", "source": "synthetic"},
        {"id": 2, "file_name": "001.png", "generation": {"seed": 1}},
        {"id": 3, "file_name": "002.png", "source": "webcam"},
    ]
    (tmp_path / "a.json").write_text(json.dumps({"images": images, "annotations": [], "categories": []}))
    report = load(dataset_name, tmp_path, source="real")
    assert [p.kind for p in report.problems] == ["source_conflict"]
    assert "2 records with the source synthetic" in report.problems[0].message
    stored = list(store.read(store.require_dataset(dataset_name)))
    assert Counter(s.source for s in stored) == {"synthetic": 2, "real": 1}
    assert {s.record.attributes.get("source_given") for s in stored} == {None, "webcam"}


def test_class_folders_count_as_labels(dataset_name, tmp_path):
    pictures(tmp_path / "cat", 2)
    pictures(tmp_path / "dog", 3)
    report = load(dataset_name, tmp_path, source="real")
    assert report.labels_per_class == {"cat": 2, "dog": 3}
    assert store.info(store.require_dataset(dataset_name))["labels_per_class"] == {"cat": 2, "dog": 3}


def broken(tmp_path):
    (tmp_path / "broken.json").write_text('{"images": [\n{]}')
    return tmp_path / "broken.json"


def hopeless(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    ("make", "source", "form", "message"),
    [
        (lambda p: p / "nowhere" / "x", "real", None, r"This path does not exist; .*The nearest folder that exists is"),
        (lambda p: p, "real", None, "The folder is empty"),
        (broken, "real", None, "valid JSON: .* line 2, column 2"),
        (hopeless, "real", None, "No record of the format .* can be used: 1 x unreadable_image"),
        (lambda p: p, "fake", None, "Unknown source 'fake'. Valid: real, synthetic"),
        (lambda p: p, "real", "cocoo", "Did you mean 'coco'"),
        (lambda p: p, "real", "voc", "No record of the format voc can be used"),
    ],
)
def test_mistakes_give_one_clear_message_and_make_no_dataset(dataset_name, tmp_path, make, source, form, message):
    with pytest.raises(InputError, match=message) as caught:
        load(dataset_name, make(tmp_path), source=source, format=form)
    assert "\n" not in str(caught.value)
    assert dataset_name not in store.list_datasets()


def test_progress_counts_to_the_total_and_cancel_keeps_what_was_added(dataset_name, tmp_path, monkeypatch):
    monkeypatch.setattr("workbench.actions.load.BATCH", 10)
    folder = pictures(tmp_path, 25)
    cancel, ticks = Cancel(), []

    def listener(tick):
        ticks.append(tick)
        if tick.done >= 20:
            cancel.set()

    with pytest.raises(Cancelled):
        load(dataset_name, folder, source="real", work=Work(listener, cancel))
    assert (ticks[-1].done, ticks[-1].total, ticks[-1].finished) == (20, 25, True)
    report = load(dataset_name, folder, source="real", work=Work(ticks.append))
    assert (report.samples, report.already_there) == (5, 20)
    assert (ticks[-1].done, ticks[-1].total) == (25, 25)
