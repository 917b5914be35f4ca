"""What COCO says of a whole file and of the origin of images: kept through load and export, or named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from workbench.actions.export import export
from workbench.actions.load import load

LICENSES = [
    {"id": 1, "name": "CC BY", "url": "http://creativecommons.org/licenses/by/2.0/"},
    {"id": 4, "name": "CC BY-NC"},
]
ORIGIN = {"coco_url": "http://images.cocodataset.org/a.png", "date_captured": "2013-11-14 17:02:52"}
IMAGES = [
    {"id": 1, "file_name": "a.png", "width": 64, "height": 48, "license": 1, **ORIGIN},
    {"id": 2, "file_name": "b.png", "width": 64, "height": 48, "license": 4},
    {"id": 3, "file_name": "c.png", "width": 64, "height": 48},
]


def coco(folder: Path, **lists: Any) -> Path:
    folder.mkdir()
    for at, image in enumerate(IMAGES):
        Image.new("RGB", (64, 48), (at * 40, 90, 40)).save(folder / str(image["file_name"]))
    content = {"images": IMAGES, "annotations": [], "categories": [{"id": 1, "name": "cat"}], **lists}
    (folder / "a.json").write_text(json.dumps(content))
    return folder


@pytest.mark.parametrize("first", ["images", "licenses"])
def test_licenses_come_out_of_an_export_as_they_went_in(dataset: Any, tmp_path: Path, first: str) -> None:
    lists = {"licenses": LICENSES, "images": IMAGES}
    load(dataset, coco(tmp_path / "in", **{first: lists.pop(first)}, **lists), source="real")
    export(dataset, tmp_path / "out", format="coco", near_duplicates=False, splits={"train": 1.0})
    written = json.loads((tmp_path / "out/annotations/instances_train.json").read_text())
    assert sorted(written["licenses"], key=lambda entry: entry["id"]) == LICENSES
    by_name = {Path(image["file_name"]).name: image for image in written["images"]}
    assert [by_name[name].get("license") for name in ("a.png", "b.png", "c.png")] == [1, 4, None]
    assert {key: by_name["a.png"][key] for key in ORIGIN} == ORIGIN


@pytest.mark.parametrize(
    ("info", "named"),
    [
        ({"description": "COCO 2017", "year": 2017, "url": ""}, "'info' says description, year of the whole file"),
        ({}, None),
        ({"description": ""}, None),
        ([], None),
        ("none", None),
    ],
    ids=str,
)
def test_facts_of_a_whole_file_are_named(dataset: Any, tmp_path: Path, info: Any, named: str | None) -> None:
    report = load(dataset, coco(tmp_path / "in", info=info), source="real")
    assert report.samples == 3
    said = [problem.message for problem in report.problems]
    assert [message.startswith(str(named)) for message in said] == ([True] if named else [])


@pytest.mark.parametrize("licenses", [None, {}, "x", [1, None], [{"id": [1], "name": "x"}], [{"name": "x"}]], ids=str)
def test_licenses_that_are_none(dataset: Any, tmp_path: Path, licenses: Any) -> None:
    assert load(dataset, coco(tmp_path / "in", licenses=licenses), source="real").samples == 3
