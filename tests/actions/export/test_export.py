"""Export: whole or not at all, the same bytes again, read back, and nothing leaks."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from tests.builders import contents
from workbench.actions.export import export
from workbench.actions.export.file_names import flattened
from workbench.actions.load import load
from workbench.adapters.formats.registry import FORMATS
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import Cancelled, InputError, OutputError
from workbench.base.files import sha256_file
from workbench.base.progress import Cancel, Work
from workbench.core.splits import SplitSpec


@pytest.mark.parametrize("form", ["coco", "yolo", "voc", "parquet"])
@pytest.mark.parametrize("data", ["coco_nuts", "yolo_cones"])
def test_real_data_exports_in_every_format(shared_data, dataset_name, tmp_path, data, form):
    loaded = load(dataset_name, shared_data / data, source="real")
    report = export(dataset_name, tmp_path / "out", format=form)
    assert sum(n["samples"] for n in report.splits.values()) == loaded.samples
    assert sum(n["labels"] for n in report.splits.values()) == loaded.labels
    manifest = json.loads(Path(report.manifest).read_text())
    per_class = Counter()
    for split in manifest["splits"].values():
        per_class.update(split["labels_per_class"])
    assert per_class == loaded.labels_per_class
    again = load(f"{dataset_name}", tmp_path / "out", source="real", format=form)
    assert (again.samples + again.already_there, again.format) == (loaded.samples, form)


def test_keeps_given_splits_and_lineage_never_leaks(mixed, tmp_path):
    report = export(mixed, tmp_path / "out")
    assert report.splits == {
        "train": {"samples": 8, "labels": 8, "real": 6, "synthetic": 2},
        "val": {"samples": 4, "labels": 4, "real": 3, "synthetic": 1},
        "test": {"samples": 3, "labels": 3, "real": 3, "synthetic": 0},
    }
    assert [item.origin for item in report.left_out] == ["syn/3.png", "syn/4.png"]
    assert report.notes == ["2 samples left out: synthetic, recreates a real sample of test"]
    image = json.loads((tmp_path / "out" / "annotations" / "instances_train.json").read_text())["images"][-1]
    assert image["source"] == "synthetic"
    assert image["generation"]["seed"] == 7
    assert image["tags"] == ["failure:glare"]


def test_manifest_names_every_file_with_its_hash(mixed, tmp_path):
    report = export(mixed, tmp_path / "out", where="source == 'real'", splits=SplitSpec(seed=3))
    manifest = json.loads(Path(report.manifest).read_text())
    assert {f["path"]: f["sha256"] for f in manifest["files"]} | {
        "manifest.json": sha256_file(Path(report.manifest))
    } == contents(tmp_path / "out")
    said = {"format": "coco", "where": "source == 'real'", "seed": 3, "splits": None, "real_only": ["test"]}
    assert said.items() <= manifest["choice"].items()
    assert manifest["splits"]["test"]["attributes"] == {"lighting": {"dim": 3}}
    assert str(tmp_path) not in Path(report.manifest).read_text()


@pytest.mark.parametrize("form", ["coco", "yolo"])
def test_same_input_and_seed_give_the_same_bytes(mixed, tmp_path, form):
    splits = {"train": 0.6, "val": 0.2, "test": 0.2}
    for name in ("one", "two"):
        export(
            mixed,
            tmp_path / name,
            format=form,
            splits=SplitSpec(splits, seed=5),
            media="hardlink" if name == "two" else "copy",
        )
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    linked = next(p for p in (tmp_path / "two" / "images").rglob("*.png"))
    assert linked.stat().st_nlink == 2


def test_colliding_names_get_a_stable_suffix(mixed, tmp_path):
    export(mixed, tmp_path / "out", format="yolo")
    names = [p.name for p in (tmp_path / "out" / "images").rglob("*.png")]
    assert len(names) == len(set(names)) == 15
    assert all("_" in name for name in names)


def test_flattened_names_are_unique_without_suffix_and_case():
    given = [
        ("a/x.jpg", "1"),
        ("b/x.png", "2"),
        ("c/X.JPG", "3"),
        ("d/y.jpg", "4"),
        ("e/../z\n.jpg", "5"),
        ("f/.png", "6"),
    ]
    found = flattened(given)
    stems = [name.rpartition(".")[0].lower() for name in found]
    assert len(set(stems)) == len(given)
    assert found[3] == "y.jpg"
    assert flattened(list(reversed(given))) == list(reversed(found))
    assert not any("\n" in name or "/" in name for name in found)


def test_filter_and_splits_of_the_whole_dataset_fit_together(mixed, tmp_path):
    splits = {"train": 0.5, "val": 0.25, "test": 0.25}
    export(mixed, tmp_path / "all", splits=SplitSpec(splits, seed=2))
    export(mixed, tmp_path / "part", splits=SplitSpec(splits, seed=2), where="source == 'real'")

    def split_of(folder):
        found = FORMATS["coco"].read(Source(folder))
        return {sha256_file(r.image_path): r.split for r in found}

    whole, part = split_of(tmp_path / "all"), split_of(tmp_path / "part")
    assert len(part) == 12
    assert {key: whole[key] for key in part} == part


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"format": "cocoo"}, InputError, "Unknown format 'cocoo'.*Did you mean 'coco'"),
        ({"splits": {"train": 0.4}}, InputError, r"add up to 0\.4, not to 1"),
        ({"where": "lighting == 'noon'"}, InputError, "selects none of 17 samples"),
        (
            {"where": "tags == 'failure:glare' and generation.frame > 2"},
            InputError,
            "None of 2 selected samples can be exported",
        ),
        ({"media": "symlink"}, InputError, "Valid: copy, hardlink, reference"),
    ],
)
def test_mistakes_give_one_clear_message_and_leave_nothing(mixed, tmp_path, changes, kind, message):
    with pytest.raises(kind, match=message):
        export(mixed, tmp_path / "out", **changes)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]


def test_missing_and_changed_pictures(mixed, tmp_path):
    path = tmp_path / "in" / "cam0" / "0.png"
    data = path.read_bytes()
    path.unlink()
    with pytest.raises(InputError, match=r"1 image file is missing: .*cam0/0\.png"):
        export(mixed, tmp_path / "out")
    Image.new("RGB", (32, 24)).save(path)
    with pytest.raises(InputError, match=r"cam0/0\.png: The image file has changed"):
        export(mixed, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]
    path.write_bytes(data)
    export(mixed, tmp_path / "out")


def test_existing_folder_is_not_touched(mixed, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(OutputError, match="The folder is not empty"):
        export(mixed, tmp_path / "out")
    assert contents(tmp_path / "out").keys() == {"mine.txt"}


def test_full_disk(mixed, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(OutputError, match="MB, but only 0 MB are free"):
        export(mixed, tmp_path / "out")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)

    def full(origin, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OutputError, match="No space left on device"):
        export(mixed, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]


def test_place_that_refuses(mixed, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="Cannot write to this path: a file is where a folder is needed"):
        export(mixed, tmp_path / "file" / "out")


def test_links_are_copied_where_they_are_not_possible(mixed, tmp_path, monkeypatch):
    def other_disk(origin, target):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", other_disk)
    report = export(mixed, tmp_path / "out", media="hardlink")
    assert sum(n["samples"] for n in report.splits.values()) == 15


def test_an_export_that_reads_back_differently_is_refused(mixed, tmp_path, monkeypatch):
    from workbench.adapters.formats.coco import write as coco_write

    right = coco_write.annotation_entry

    def wrong(*given):
        found = right(*given)
        found["bbox"][0] += 1.0
        return found

    monkeypatch.setattr(coco_write, "annotation_entry", wrong)
    with pytest.raises(OutputError, match=r"reads back differently: .*a box of (cup|bolt) moved by 1 px"):
        export(mixed, tmp_path / "out")
    monkeypatch.setattr(coco_write, "annotation_entry", lambda *given: {**right(*given), "bbox": [0, 0, 0, 0]})
    with pytest.raises(OutputError, match=r"labels \{'(cup|bolt)': 1\} became \{\}"):
        export(mixed, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]


def test_cancel_leaves_nothing(mixed, tmp_path):
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        export(mixed, tmp_path / "out", work=Work(cancel=cancel))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in"]


def test_what_is_lost_is_told(mixed, tmp_path):
    assert export(mixed, tmp_path / "coco").lost == []
    lost = " | ".join(export(mixed, tmp_path / "yolo", format="yolo").lost)
    for part in ("outlines of 3 labels", "attributes of 3 labels", "tags of 3 samples", "lineage of 3 samples"):
        assert part in lost
