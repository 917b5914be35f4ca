"""What can go wrong while an export is written: one whole message each, and nothing half written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import record
from workbench.actions.export import export
from workbench.adapters import store
from workbench.base.errors import InputError, OutputError
from workbench.core.schema.labels import Label

PLACE = "Choose another folder, make room or change its permissions."


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def existing_folder(folder: Path) -> Path:
    (folder / "out").mkdir()
    (folder / "out" / "mine.txt").write_text("x")
    return folder / "out"


def below_a_file(folder: Path) -> Path:
    (folder / "file").write_text("x")
    return folder / "file" / "out"


def without_a_picture(folder: Path) -> Path:
    (folder / "in" / "cam0" / "0.png").unlink()
    return folder / "out"


def with_another_picture(folder: Path) -> Path:
    shutil.copyfile(folder / "in" / "cam0" / "1.png", folder / "in" / "cam0" / "0.png")
    return folder / "out"


@pytest.mark.parametrize("form", ["coco", "parquet"])
@pytest.mark.parametrize(
    ("prepare", "kind", "message"),
    [
        (existing_folder, OutputError,
         "{out}: The folder is not empty. Choose an empty or new folder."),
        (below_a_file, OutputError,
         f"{{out}}: Cannot write to this path: a file is where a folder is needed. {PLACE}"),
        (without_a_picture, InputError,
         "1 image file is missing: {folder}/in/cam0/0.png. "
         "Restore the files, or leave these samples out with --where."),
        (with_another_picture, InputError,
         "cam0/0.png: The image file has changed since it was loaded. "
         "Load the changed data into a new dataset, or restore the file."),
    ],
)  # fmt: skip
def test_trouble_is_told_in_one_message(mixed, tmp_path, prepare, kind, message, form):
    out = prepare(tmp_path)
    before = left(tmp_path)
    with pytest.raises(kind) as caught:
        export(mixed, out, format=form, near_duplicates=False)
    assert str(caught.value) == message.format(out=out, folder=tmp_path)
    assert left(tmp_path) == before
    if out.is_dir():
        assert left(out) == ["mine.txt"]


_LIMITED = """
import resource, sys
from workbench.adapters import store
from workbench.ui.cli.main import main
store.connect()
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("form", ["coco", "parquet", "replicator", "webdataset"])
def test_a_disk_that_refuses_further_bytes(mixed, tmp_path, form):
    """A limit on file size stands for the full disk: it strikes at any file that is written."""
    words = ["export", mixed.name, str(tmp_path / "out"), "--format", form, "--no-near-duplicates"]
    command = [sys.executable, "-c", _LIMITED, "1500", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "Cannot write to this path: File too large" in done.stderr
    assert left(tmp_path) == ["in"]


@pytest.fixture
def mounted(tmp_path):
    """A small file system of its own, where the tests may mount one."""
    place = tmp_path / "mount"
    place.mkdir()
    options: list[str] = []

    def mount(wanted: str) -> Path:
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", wanted, "tmpfs", str(place)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("may not mount here; the limit on file size is tested everywhere")
        options.append(wanted)
        return place

    yield mount
    if options:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
@pytest.mark.parametrize(
    ("options", "found"), [("size=64k", "No space left on device"), ("ro", "Read-only file system")]
)
def test_a_full_disk_and_a_read_only_one(mixed, mounted, options, found):
    place = mounted(options)
    with pytest.raises(OutputError) as caught:
        export(mixed, place / "out", media="hardlink", near_duplicates=False)
    assert str(caught.value) == f"{place}/out: Cannot write to this path: {found}. {PLACE}"
    assert left(place) == []


ODD = [
    ({"bounding_box": None}, "it has no box"),
    ({"bounding_box": []}, "it has no box"),
    ({"bounding_box": [0.1, 0.1, float("nan"), 0.2]}, "its box is not four numbers"),
    ({"bounding_box": [0.1, 0.1, 0.2]}, "its box is not four numbers"),
    ({"bounding_box": ["a", 0.1, 0.2, 0.3]}, "its box is not four numbers"),
    ({"label": None}, "it has no class"),
    ({"confidence": "high"}, "its confidence is not a number"),
]


@pytest.mark.parametrize(("change", "reason"), ODD, ids=str)
@pytest.mark.parametrize("form", ["coco", "yolo"])
def test_an_odd_label_is_named_and_left_out(
    dataset: Any, picture: Callable[..., Path], tmp_path: Path, change: dict[str, Any], reason: str, form: str
) -> None:
    """Whoever wrote it into the database: the others are exported."""
    good = [Label("nut", (1.0, 2.0, 30.0, 40.0)), Label("mug", (5.0, 2.0, 30.0, 40.0))]
    store.add(dataset, [record(picture(), origin="a.png", labels=tuple(good), split="train")], source="real")
    sets = {f"ground_truth.detections.1.{key}": value for key, value in change.items()}
    dataset._sample_collection.update_one({}, {"$set": sets})
    report = export(dataset, tmp_path / "out", format=form, near_duplicates=False)
    assert report.splits["train"]["labels"] == 1
    assert any(f"1 label of 1 sample cannot be used (first: a.png, label 1: {reason})" in note for note in report.notes)
