"""Duplicates: what is planted is found, kept together and told; labels of the same picture that differ are named."""

from __future__ import annotations

import json
import os
import shutil
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.actions.duplicates.fingerprints import FILE_NAME, fingerprints
from workbench.actions.duplicates.label_conflicts import conflict
from workbench.actions.duplicates.page import page
from workbench.actions.duplicates.search import NOTE
from workbench.adapters import store
from workbench.base.errors import InputError, OutputError
from workbench.base.files import home
from workbench.core.duplicates.edits import EDITS
from workbench.core.schema.labels import Label, Record
from workbench.ui.cli.main import main

CUP = Label("cup", (10, 10, 30, 40))
MIRROR = np.array([[-1.0, 0, 1], [0, 1, 0]])


def labelled(*labels: Label) -> Record:
    return Record(Path("/x.png"), "x.png", 100, 80, labels)


@pytest.mark.parametrize(
    ("first", "second", "alignment", "said"),
    [
        ([CUP], [CUP], None, None),
        ([], [], None, None),
        ([CUP], [Label("cup", (12, 11, 32, 41))], None, None),
        ([CUP], [Label("mug", (10, 10, 30, 40))], None, "cup / mug"),
        ([CUP], [Label("cup", (60, 10, 80, 40))], None, "1 and 1 boxes"),
        ([CUP], [CUP, CUP], None, "0 and 1 boxes"),
        ([CUP], [], None, "1 boxes in one, none in the other"),
        ([CUP], [Label("cup", (70, 10, 90, 40))], MIRROR, None),
        ([CUP], [CUP], MIRROR, "1 and 1 boxes"),
        ([Label("cup", (0, 0, 2, 2))], [], np.array([[1.11, 0, -0.055], [0, 1.11, -0.055]]), None),
    ],
)
def test_labels_of_the_same_picture(first, second, alignment, said):
    found = conflict(labelled(*first), labelled(*second), alignment)
    assert found == said if said is None else said in found


def test_the_page_shows_text_from_data_as_text():
    text = page("<script>1</script>", [("a & b", ("<img src=x>", "'\">"), ("/no/such.png", "/no/such.png"))])
    assert "<script>1" not in text and "<img src=x>" not in text and "cannot be read" in text


def test_fingerprints_are_made_once_and_faults_are_named(tmp_path, picture):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a picture")
    paths = {"fp-a": picture("a.png", seed=1), "fp-broken": broken}
    found, problems = fingerprints(paths)
    assert list(found) == ["fp-a"] and [p.where for p in problems] == [str(broken)]
    paths["fp-a"].unlink()
    again, _ = fingerprints({"fp-a": paths["fp-a"]})
    np.testing.assert_array_equal(again["fp-a"], found["fp-a"])


def test_a_home_that_cannot_be_used_is_said(tmp_path, monkeypatch, picture):
    (tmp_path / "home").write_text("a file")
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    with pytest.raises(OutputError, match="cache of fingerprints cannot be used"):
        fingerprints({"x": picture()})
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "other"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / FILE_NAME).write_bytes(b"no database" * 100)
    with pytest.raises(OutputError, match="delete the file if it is damaged"):
        fingerprints({"x": picture()})


def planted_dataset(name: str, folder: Path, sources: list[Path]) -> tuple[object, list[tuple[str, str]]]:
    """Pictures, exact copies of five, and an edited copy of fifty of them; gives the edited pairs of ids."""
    dataset = store.open_dataset(name)
    folder.mkdir()
    box = Label("part", (100, 100, 200, 200))

    def record(name: str, image: np.ndarray, **facts: object) -> Record:
        cv2.imwrite(str(folder / name), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
        return Record(folder / name, name, image.shape[1], image.shape[0], (box,), **facts)

    images = [cv2.imread(str(path)) for path in sources]
    ids = store.add(dataset, [record(f"{k:03d}.jpg", image) for k, image in enumerate(images)], source="real").ids
    rng = np.random.default_rng(0)
    edits = list(EDITS.values())
    copies = []
    for k in range(50):
        function = edits[k % len(edits)]
        copies.append(record(f"leak-{k}.jpg", np.ascontiguousarray(function(images[2 * k], rng))))
    copy_ids = store.add(dataset, copies, source="real").ids
    for k in range(5):
        shutil.copy(folder / f"{k:03d}.jpg", folder / f"copy-{k}.jpg")
    exact = [Record(folder / f"copy-{k}.jpg", f"copy-{k}.jpg", 640, 480, ()) for k in range(5)]
    store.add(dataset, exact, source="real")
    return dataset, [(ids[2 * k], copy_ids[k]) for k in range(50)]


@pytest.mark.parametrize("source", ["real", "synthetic"])
def test_planted_leaks_are_found_kept_together_and_told(source, sample_data, dataset_name, tmp_path):
    sources = sorted((sample_data / source).glob("images/*/*.jpg"))[:150]
    dataset, leaks = planted_dataset(dataset_name, tmp_path / "in", sources)
    report = wb.duplicates(dataset)
    group = {i: k for k, one in enumerate(report.groups) for i in one.ids}
    found = [pair for pair in leaks if group.get(pair[0], -1) == group.get(pair[1], -2)]
    assert len(found) >= 48
    planted = {frozenset(pair) for pair in leaks}
    assert len([p for p in report.near_pairs if frozenset(p.ids) not in planted]) <= 0.03 * 150
    assert len(report.exact_pairs) == 5
    assert {c.kind for c in report.label_conflicts} >= {"exact"}
    assert sum(c.kind == "exact" for c in report.label_conflicts) == 5

    exported = wb.export(dataset, tmp_path / "out", splits={"train": 0.5, "test": 0.5}, media="hardlink")
    assert exported.cross_split_pairs == []
    assert len(exported.label_conflicts) >= 5 and any("different labels" in note for note in exported.notes)
    split = {s["origin"]: s["split"] for s in json.loads(Path(exported.manifest).read_text())["samples"]}
    assert len(split) == report.samples and set(split.values()) == {"train", "test"}
    lies = defaultdict(set)
    for one in report.groups:
        lies[one.ids] |= {split[origin] for origin in one.origins}
    assert all(len(found) == 1 for found in lies.values())

    sides = {i: {"split": side} for pair in leaks for i, side in zip(pair, ("train", "test"), strict=True)}
    store.set_values(dataset, sides)
    given = wb.export(dataset, tmp_path / "given", media="hardlink")
    told = {frozenset(pair.ids) for pair in given.cross_split_pairs}
    left_out = {one.id for one in given.left_out}  # exact copies without a split tie some pairs: the train side goes
    assert len([pair for pair in planted if pair in told or pair & left_out]) >= 48

    frames = [report.pairs_frame(), report.groups_frame(), report.conflicts_frame()]
    assert [len(f) for f in frames] == [len(report.pairs), len(report.groups), len(report.label_conflicts)]
    assert all(isinstance(frame, pd.DataFrame) for frame in frames)
    saved = report.save(tmp_path / "pairs.html").read_text()
    assert saved.count("<figure>") == len(report.pairs) and "http://" not in saved and "https://" not in saved
    assert report._repr_html_().count("<figure>") == 12


def test_leaks_of_given_splits_are_told_and_nothing_moves(sample_data, dataset_name, tmp_path):
    sources = sorted((sample_data / "real").glob("images/*/*.jpg"))[:40]
    dataset = store.open_dataset(dataset_name)
    records = [Record(p, p.name, 640, 480, (CUP,), split="train") for p in sources]
    leak = tmp_path / "leak.jpg"
    cv2.imwrite(str(leak), cv2.imread(str(sources[7]))[:, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 60])
    loose = tmp_path / "loose.jpg"
    cv2.imwrite(str(loose), cv2.imread(str(sources[9])), [cv2.IMWRITE_JPEG_QUALITY, 60])
    records += [Record(leak, "leak.jpg", 640, 480, (CUP,), split="test"), Record(loose, "loose.jpg", 640, 480, (CUP,))]
    store.add(dataset, records, source="real")
    report = wb.export(dataset, tmp_path / "out")
    assert report.splits["train"]["samples"] == 41 and report.splits["test"]["samples"] == 1
    assert [set(pair.origins) for pair in report.cross_split_pairs] == [{"leak.jpg", sources[7].name}]
    assert any("of the same image in different given splits" in note for note in report.notes)
    assert [set(c.origins) for c in report.label_conflicts] == [
        {"leak.jpg", sources[7].name}
    ]  # its box is not mirrored
    without = wb.export(dataset, tmp_path / "without", near_duplicates=False)
    assert without.cross_split_pairs == [] and without.notes == [n for n in without.notes if "pairs" not in n]


def test_the_threshold_stays_until_it_is_asked_for_anew(sample_data, dataset_name):
    dataset = store.open_dataset(dataset_name)
    sources = sorted((sample_data / "real").glob("images/*/*.jpg"))[:45]
    records = [Record(p, p.name, 640, 480, (), attributes={"lighting": "dim"}) for p in sources]
    store.add(dataset, records[:25], source="real")
    assert store.note(dataset, NOTE) is None
    wb.duplicates(dataset, where="lighting == 'dim'")
    assert store.note(dataset, NOTE) is None
    first = wb.duplicates(dataset).threshold
    store.add(dataset, records[25:], source="real")
    assert wb.duplicates(dataset).threshold == first
    assert wb.duplicates(dataset, calibrate=True).threshold.planted == 45
    with pytest.raises(InputError, match="no images to compare"):
        wb.duplicates(dataset, where="lighting == 'dark'")


def test_the_command_gives_the_keys_of_the_contract(dataset_name, picture, tmp_path, capfd):
    paths = [picture(f"{k}.png", seed=k // 2) for k in range(4)]
    records = [Record(p, p.name, 64, 48, (CUP,) if k < 3 else ()) for k, p in enumerate(paths)]
    store.add(store.open_dataset(dataset_name), records, source="real")
    with_page = tmp_path / "page.html"
    kept = os.dup(1)
    status = main(["duplicates", dataset_name, "--json", "--page", str(with_page)])
    os.dup2(kept, 1)
    found = json.loads(capfd.readouterr().out)
    assert status == 0 and with_page.is_file()
    assert {"groups", "exact_pairs", "near_pairs", "label_conflicts", "cross_split_pairs", "threshold"} <= set(found)
    assert [group["origins"] for group in found["groups"]] == [["0.png", "1.png"], ["2.png", "3.png"]]
    assert len(found["exact_pairs"]) == 2 and found["near_pairs"] == []
    assert [c["origins"] for c in found["label_conflicts"]] == [["2.png", "3.png"]]
    assert "paths" not in found and home().is_dir()


def test_pictures_that_have_gone_since_are_compared_by_what_was_kept(dataset_name, picture):
    paths = [picture("a.png", seed=1), picture("b.png", seed=2)]
    dataset = store.open_dataset(dataset_name)
    store.add(dataset, [Record(p, p.name, 64, 48, ()) for p in paths], source="real")
    wb.duplicates(dataset)
    for path in paths:
        path.unlink()
    report = wb.duplicates(dataset)
    assert report.problems == [] and report.threshold.planted == 0 and "not calibrated" in str(report)
