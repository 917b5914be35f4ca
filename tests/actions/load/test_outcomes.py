"""Every record of every format is loaded, already there, or named; and loading again changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from tests.adapters.formats.seeds import HOME, INSIDE, OWN, SEEDS, H, W, png
from tests.builders import read_by_fiftyone
from workbench.actions.load import load
from workbench.adapters import store
from workbench.base.errors import InputError

LOST = {"truncated_image", "unreadable_image", "unreadable_cloud"}


def write(folder, name, *, cut):
    place = INSIDE.get(name, HOME[name])
    files = {place: png(np.full((H, W, 3), 90, np.uint8)), **SEEDS[name]}
    if cut:
        files[place] = files[place][:40]
    for file, data in files.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(data)


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_the_numbers_add_up(dataset, tmp_path, name):
    total = OWN.get(name, 1)
    write(tmp_path, name, cut=True)
    if total == 1:
        with pytest.raises(InputError, match=r"No record of the format .* can be used"):
            load(dataset, tmp_path, source="synthetic", format=name)
    else:
        assert outcome(load(dataset, tmp_path, source="synthetic", format=name)) == (total - 1, 0, 1)
    write(tmp_path, name, cut=False)
    there = total - 1
    assert outcome(load(dataset, tmp_path, source="synthetic", format=name)) == (1, there, 0)
    assert outcome(load(dataset, tmp_path, source="synthetic", format=name)) == (0, total, 0)
    assert store.info(dataset)["samples"] == total
    assert read_by_fiftyone(dataset.name) >= total  # a cloud beside a picture is one more


def outcome(report):
    """Records loaded, already there, and named as lost."""
    return report.samples, report.already_there, sum(problem.kind in LOST for problem in report.problems)
