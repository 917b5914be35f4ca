"""Every record of every format is loaded, already there, or named; and loading again changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from tests.formats.seeds import HOME, SEEDS, H, W, blenderproc, png
from workbench import store
from workbench.errors import InputError
from workbench.loading import load

pytestmark = pytest.mark.slow  # starts the database

OWN = {"replicator": 2}  # BasicWriter and PoseWriter, one picture each


def write(folder, name, *, picture):
    files = {**SEEDS[name]}
    files["1.hdf5" if name == "blenderproc" else HOME[name]] = picture
    for file, data in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(data)


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_the_numbers_add_up(dataset, tmp_path, name):
    good = png(np.full((H, W, 3), 90, np.uint8))
    other = blenderproc(colors=np.zeros((H, W, 3), np.uint8))
    total = OWN.get(name, 1) + (name == "blenderproc")
    last = 1 if name in ("blenderproc", "replicator") else 0  # of two records, the other one stays
    for picture, samples, there, lost in (
        (good[:40], last, 0, 1),
        (good if name != "blenderproc" else other, total - last, last, 0),
        (good if name != "blenderproc" else other, 0, total, 0),
    ):
        write(tmp_path, name, picture=picture)
        if not samples + there:
            with pytest.raises(InputError, match="at least one record that can be used"):
                load(dataset, tmp_path, source="synthetic", format=name)
            continue
        report = load(dataset, tmp_path, source="synthetic", format=name)
        named = [p for p in report.problems if p.kind in ("truncated_image", "unreadable_image")]
        assert (report.samples, report.already_there, len(named)) == (samples, there, lost)
        assert report.samples + report.already_there + len(named) == total
    assert store.info(dataset)["samples"] == total
