"""One contract for all writers, the bundle beside the data, and what changed between two bundles."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

import workbench as wb
from tests.builders import contents
from workbench.actions.export import datasheet, export
from workbench.actions.export.diff import diff
from workbench.actions.load import load
from workbench.adapters import store
from workbench.adapters.formats.registry import FORMATS, WRITERS
from workbench.base.errors import InputError
from workbench.base.files import sha256_file
from workbench.core.splits import SplitSpec
from workbench.ui.cli.main import main

SPLITS = {"train": 0.6, "val": 0.2, "test": 0.2}
ALL = sorted(WRITERS)


@pytest.fixture
def other_dataset():
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    if name in store.list_datasets():
        store.delete_dataset(name)


@pytest.mark.parametrize("form", ALL)
def test_every_writer_is_read_back_by_load_and_gives_the_same_bytes(mixed, other_dataset, tmp_path, form):
    report = export(mixed, tmp_path / "out", format=form, splits=SplitSpec(SPLITS, seed=1))
    export(mixed, tmp_path / "again", format=form, splits=SplitSpec(SPLITS, seed=1))
    assert contents(tmp_path / "out") == contents(tmp_path / "again")
    loaded = load(other_dataset, tmp_path / "out", source="real")
    assert loaded.format == form
    assert loaded.samples == sum(n["samples"] for n in report.splits.values())
    assert loaded.labels == sum(n["labels"] for n in report.splits.values())
    found = {one.record.split for one in store.read(store.require_dataset(other_dataset))}
    assert found == {name for name, n in report.splits.items() if n["samples"]}
    manifest = json.loads(Path(report.manifest).read_text())
    assert {file["path"] for file in manifest["files"]} | {"manifest.json"} == contents(tmp_path / "out").keys()
    assert all(sha256_file(tmp_path / "out" / one["path"]) == one["sha256"] for one in manifest["files"])


@pytest.mark.parametrize("form", ALL)
def test_every_writer_says_what_it_cannot_hold(mixed, tmp_path, form):
    lost = " | ".join(export(mixed, tmp_path / "out", format=form).lost)
    whole = {"coco", "fiftyone", "parquet", "webdataset"}
    assert (lost == "") == (form in whole)
    expected = {"bop": "labels without a pose", "kitti": "poses of", "replicator": "fractions of pixels"}
    assert expected.get(form, "") in lost


def test_every_writer_has_a_reader():
    assert set(WRITERS) <= set(FORMATS)
    for name, writer in WRITERS.items():
        assert writer.name == name
        assert isinstance(writer.embeds, bool) and isinstance(writer.numbered, bool) and writer.tolerance_px <= 1


def test_bop_and_kitti_keep_poses(mixed, other_dataset, tmp_path):
    report = export(mixed, tmp_path / "bop", format="bop")
    assert {name: n["labels"] for name, n in report.splits.items()} == {"train": 2, "val": 1, "test": 0}
    load(other_dataset, tmp_path / "bop", source="real")
    labels = [label for one in store.read(store.require_dataset(other_dataset)) for label in one.record.labels]
    assert {label.name for label in labels} == {"bolt"}
    for label in labels:
        assert label.T_cam_obj[:3, 3] == pytest.approx([0.1, 0.2, 2.0])
        assert label.size_m == pytest.approx((0.1, 0.2, 0.3))
    export(mixed, tmp_path / "kitti", format="kitti")
    rows = (tmp_path / "kitti" / "train" / "label_2").glob("*.txt")
    solid = [row.split() for file in rows for row in file.read_text().splitlines() if row.startswith("bolt")]
    assert {tuple(row[8:15]) for row in solid} == {("0.2", "0.3", "0.1", "0.1", "0.3", "2", "0")}


def test_references_are_links_that_need_no_space(mixed, tmp_path):
    report = export(mixed, tmp_path / "out", media="reference")
    links = list((tmp_path / "out" / "images").rglob("*.png"))
    assert links and all(path.is_symlink() and path.is_file() for path in links)
    assert "the originals must stay where they are" in report.notes[-1]


def test_old_samples_stay_when_data_is_added(mixed, tmp_path, fill):
    from tests.actions.export.conftest import record

    export(mixed, tmp_path / "one", splits=SplitSpec(SPLITS, seed=4))
    more = [record(tmp_path / "more", f"new/{n}.png") for n in range(20)]
    store.add(mixed, more, source="real")
    second = export(mixed, tmp_path / "two", splits=SplitSpec(SPLITS, seed=4))
    found = diff(tmp_path / "one", tmp_path / "two")
    assert (found.moved, found.went, found.relabelled, len(found.came)) == ([], [], [], 20)
    real = {name: n["real"] for name, n in second.splits.items()}
    assert real == pytest.approx({name: share * 32 for name, share in SPLITS.items()}, abs=1)


def test_diff_names_what_came_went_moved_and_changed_labels(mixed, tmp_path, capfd):
    export(mixed, tmp_path / "a", where="origin != 'cam0/0.png'")
    one, two = (next(s for s in store.read(mixed) if s.record.origin == name) for name in ("cam1/0.png", "cam0/1.png"))
    store.set_values(mixed, {one.id: {"split": "val"}, two.id: {"ground_truth.detections.0.label": "mug"}})
    export(mixed, tmp_path / "b", where="origin != 'cam1/5.png'")
    found = wb.diff(tmp_path / "a", tmp_path / "b")
    assert [c.origin for c in found.came] == ["cam0/0.png"]
    assert [c.origin for c in found.went] == ["cam1/5.png"]
    assert ("cam1/0.png", "train", "val") in [(c.origin, c.before, c.after) for c in found.moved]
    assert [(c.origin, c.before, c.after) for c in found.relabelled] == [("cam0/1.png", "1 cup, 0 mug", "0 cup, 1 mug")]
    assert len(found.frame()) == sum(map(len, (found.came, found.went, found.moved, found.relabelled)))
    assert main(["diff", str(tmp_path / "a"), str(tmp_path / "b"), "--json"]) == 0
    said = json.loads(capfd.readouterr().out)
    assert {"same", "came", "went", "moved", "relabelled", "note"} == said.keys()
    assert not said["note"]
    older = json.loads((tmp_path / "a" / "manifest.json").read_text())
    older["manifest"] -= 1
    older["samples"] = [{**one, "labels_sha256": "counted in another way"} for one in older["samples"]]
    (tmp_path / "older.json").write_text(json.dumps(older))
    again = wb.diff(tmp_path / "older.json", tmp_path / "b")
    assert again.relabelled == found.relabelled  # by the numbers of each class
    assert "whose hashes of labels cannot be compared" in str(again)
    with pytest.raises(InputError, match=r"There is no manifest\.json"):
        wb.diff(tmp_path / "in", tmp_path / "b")


def test_the_datasheet_stands_alone_and_shows_text_as_text(mixed, tmp_path):
    one = next(iter(store.read(mixed)))
    store.set_values(mixed, {one.id: {"surface": "<script>alert(1)</script>", "origin": "<img src=x>/a.png"}})
    export(mixed, tmp_path / "out", splits=SPLITS)
    page = (tmp_path / "out" / "index.html").read_text()
    assert "<script" not in page and "<img src=x" not in page
    assert not re.search(r"(src|href)=['\"](?!data:)", page)
    for word in ("What is in it", "Samples per slice", "Known gaps", "How it was made", "glare", "--splits train=0.6"):
        assert word in page


def test_the_command_of_the_datasheet_has_all_options():
    from workbench.actions.export.manifest import Choice

    spec = SplitSpec(
        {"train": 0.8, "test": 0.2}, 3, ("test",), False, 5, False, None, 0.5, 2, {"train": 3.0}, ("lighting",)
    )
    said = datasheet.command(Choice("coco", "source == 'real'", spec).document())
    assert said == (
        "workbench export DATASET DIR --format coco --splits train=0.8,test=0.2 --seed 3 --by-hash --folds 5 "
        "--max-synthetic 0.5 --at-least 2 --mix train=1:3 --slice-by lighting --where 'source == '\\''real'\\'''"
    )


def test_command_line_options(mixed, tmp_path, capfd):
    words = ["export", mixed.name, str(tmp_path / "out"), "--format", "parquet", "--json", "--splits",
             "train=.5,test=.5", "--stages", "--max-synthetic", ".5", "--seed", "2"]  # fmt: skip
    assert main(words) == 0
    said = json.loads(capfd.readouterr().out)
    assert list(said["splits"]) == ["pretrain", "finetune", "test"]
    assert said["splits"]["pretrain"]["real"] == said["splits"]["finetune"]["synthetic"] == 0
    assert {"splits", "manifest", "lost", "stratification"} <= said.keys()
    assert main(["export", mixed.name, str(tmp_path / "no"), "--format", "coco", "--splits", "train=90,test=9"]) == 1
    assert "The nearest possible is" in capfd.readouterr().err


_EXPORT = """
import sys
from workbench.actions.export import export
export(sys.argv[1], sys.argv[2], format=sys.argv[3])
"""


@pytest.mark.parametrize("form", ["coco", "webdataset"])
def test_a_killed_export_leaves_nothing_that_looks_whole(mixed, tmp_path, form):
    """Killed at two moments from its first file on; what is visible is all or nothing."""
    target = tmp_path / "out"
    seen = 0
    for delay_s in (0.0, 0.03):
        child = subprocess.Popen([sys.executable, "-c", _EXPORT, mixed.name, str(target), form])
        while child.poll() is None and not list(tmp_path.glob(".*.workbench-part")):
            time.sleep(0.002)
        time.sleep(delay_s)
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        if target.exists():
            assert {"manifest.json", "index.html", "croissant.json"} <= contents(target).keys()
            break
        seen += 1
    assert seen, "it was never killed in time"
    if not target.exists():
        export(mixed, target, format=form)
    assert (target / "manifest.json").is_file()
