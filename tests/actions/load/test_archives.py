"""Loading from an archive is loading the folder in it."""

from __future__ import annotations

import zipfile

from workbench.actions.load import load
from workbench.adapters import store


def test_an_archive_loads_and_loads_again_without_change(dataset, picture, tmp_path):
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for seed, name in enumerate(("train/a.png", "train/b.png")):
            archive.write(picture(name, seed=seed), name)
    report = load(dataset, path, source="real")
    assert (report.samples, report.already_there, report.format) == (2, 0, "folder")
    again = load(dataset, path, source="real")
    assert (again.samples, again.already_there) == (0, 2)
    assert {stored.record.origin for stored in store.read(dataset)} == {"train/a.png", "train/b.png"}
