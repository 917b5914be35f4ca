"""Every input record ends as a record or as a named loss, in every format; and every format is found by its content."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.adapters.formats.seeds import HOME, INSIDE, OWN, SEEDS, png
from workbench.adapters.formats.registry import FORMATS, choose
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import InputError


@pytest.fixture(params=sorted(SEEDS))
def seeded(request, tmp_path):
    import numpy as np

    name = request.param
    files = {**SEEDS[name]}
    if name not in INSIDE:
        files[HOME[name]] = png(np.zeros((48, 64, 3), np.uint8))
    for file, data in files.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(data)
    return name, tmp_path, OWN.get(name, 1)


def test_every_format_has_a_seed():
    assert set(SEEDS) == set(FORMATS) == set(HOME)


def test_whole_data_is_found_and_loads_whole(seeded, reading):
    name, folder, count = seeded
    chosen, found = choose(Source(folder))
    assert (chosen, bool(found.why)) == (name, True)
    records, problems = reading(name, folder)
    assert (len(records), problems.records_lost) == (count, 0)


def test_reading_what_was_found_is_reading_by_name(seeded):
    name, folder, _ = seeded
    detected, asked_for = Source(folder), Source(folder)
    given = [repr(record) for record in choose(detected)[1].read()]
    assert given == [repr(record) for record in choose(asked_for, name=name)[1].read()]
    assert list(detected.problems) == list(asked_for.problems)


@pytest.mark.parametrize("name", sorted(name for name, form in FORMATS.items() if not form.single_files))
def test_formats_of_folders_refuse_a_single_file(tmp_path, name):
    path = tmp_path / "a.txt"
    path.write_text("1 0.5 0.5 0.1 0.1")
    with pytest.raises(InputError, match=f"The format '{name}' is read from a folder"):
        choose(Source(path), name=name)


def test_a_folder_is_scanned_once(seeded, monkeypatch):
    _, folder, _ = seeded
    scanned = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (scanned.append(Path(path)), scandir(path))[1])
    list(choose(Source(folder))[1].read())
    inside = [path for path in scanned if path.resolve().is_relative_to(folder.resolve())]
    assert len(inside) == len(set(inside)) > 0


@pytest.mark.parametrize("data", [b"", b"junk", b"version https://git-lfs.github.com/spec/v1\n", None])
def test_a_lost_picture_is_a_lost_record(seeded, reading, data):
    name, folder, count = seeded
    path = folder / INSIDE.get(name, HOME[name])
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    elif name in INSIDE or name == "folder":
        return  # nothing is left that speaks of it, or the table alone
    records, problems = reading(name, folder)
    if name == "yolo" and data is None:  # the only picture of its split: the split is what is missing
        assert [problem.kind for problem in problems] == ["missing_split", "unread_file"]
        return
    assert len(records) + problems.records_lost == count
    assert problems.records_lost == 1
    assert any(word in str(list(problems)) for word in ("left out", "Left out", "Record"))
