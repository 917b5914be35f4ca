"""Every kind of problem, by a hand-made bad folder: the kind, the whole message, and what becomes of the records.

A new kind without a case here fails.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.adapters.formats.seeds import SEEDS, H, W, bop, fiftyone, png, solo, text
from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.problems import KINDS, Kind
from workbench.adapters.formats.toolkit.source import Source

PIXELS = np.arange(W * H * 3, dtype=np.uint32).reshape(H, W, 3).astype(np.uint8)
PICTURE = png(PIXELS)
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"
FACES = b"ply\nformat ascii 1.0\nelement vertex 3\nproperty float x\nproperty float y\nproperty float z\n" + (
    b"element face 1\nproperty list uchar int vertex_indices\nend_header\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n"
)
PCD = b"FIELDS %s\nSIZE 4 4 4\nTYPE F F F\nWIDTH %d\nHEIGHT 1\nDATA ascii\n"
CSV = b"filename,xmin,ymin,xmax,ymax,class\na.png,1,2,9,10,cat\n"
CAR = b"Car 0.25 1 -1.57 10 12 40 30 1.5 1.6 4.0 1.0 1.5 10.0 1.2\n"
PILLOW = re.compile(r"(?<=missing )\(.*\)")  # text of the library, which changes
# reported when records meet a dataset: tests/actions/load
IN_LOADING = {"changed_labels", "edited_labels", "mixed_types", "source_conflict"}
IN_EVALUATING = {"missing_confidence"}  # reported of predictions: tests/actions/evaluate/test_numbers.py


@dataclass(frozen=True)
class Case:
    """A folder, and what reading it must say.

    Attributes:
        form: format.
        files: content by path.
        where: place that the problem names.
        message: the whole message.
        loaded, lost: records.
        also: further kinds that such a folder brings.
        make: what no content can express.
    """

    form: str
    files: dict[str, bytes]
    where: str
    message: str
    loaded: int = 1
    lost: int = 0
    also: set[Kind] = field(default_factory=set)
    make: Callable[[Path], Any] | None = None


def coco(*annotations: dict[str, Any], images: list[dict[str, Any]] | None = None, **files: bytes) -> dict[str, bytes]:
    usual = {"image_id": 1, "category_id": 1, "bbox": [2, 3, 10, 20]}
    content = {
        "images": [{"id": 1, "file_name": "a.png"}] if images is None else images,
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"id": at, **usual, **annotation} for at, annotation in enumerate(annotations)],
    }
    return {"a.png": PICTURE, "labels.json": json.dumps(content).encode(), **files}


def bop_files(**info: Any) -> dict[str, bytes]:
    file = "train_pbr/000000/scene_gt_info.json"
    said = json.loads(bop()[file])["3"][0]
    return {**bop(), "train_pbr/000000/rgb/000003.png": PICTURE, file: text({"3": [said | info]})}


def solo_files(**changed: Any) -> dict[str, bytes]:
    file = "sequence.0/step0.frame_data.json"
    frame = json.loads(solo()[file])
    frame["captures"][0] |= changed
    return {**solo(), "sequence.0/step0.camera.png": PICTURE, file: text(frame)}


def rename_to_bytes(folder: Path) -> None:
    (folder / "b.png").rename(folder / os.fsdecode(b"b\xff.png"))


CASES: dict[Kind, Case] = {
    "ambiguous_image": Case(
        "coco", coco(images=[{"id": 1, "file_name": "x.png"}], **{"p/x.png": PICTURE, "q/x.png": PICTURE}),
        "labels.json, image 0", "Several images match 'x.png' (p/x.png, q/x.png); sample left out.",
        loaded=0, lost=1, also={"unlisted_image"},
    ),
    "annotation_conflict": Case(
        "coco", coco({}, **{"more.json": coco({"bbox": [2, 3, 10, 19]})["labels.json"]}), "more.json, annotation 0",
        "The box is xyxy 2, 3, 12, 22 here and 2, 3, 12, 23 in labels.json, annotation 0; the latter is kept.",
    ),
    "box_format": Case(
        "folder", {"a.png": PICTURE, "metadata.jsonl": b'{"file_name": "a.png", "objects": '
                   b'{"bbox": [[40, 9, 60, 40]], "label": ["nut"]}}'}, "metadata.jsonl",
        "Nothing says what the numbers of boxes mean, and as x, y, width, height in pixels they do not fit in their "
        "images; read as left, top, right, bottom as pixels.",
    ),
    "unnamed_class": Case(
        "folder", {"a.png": PICTURE, "metadata.csv": b"file_name,label\na.png,3\n"}, "metadata.csv, row 2",
        "1 class given by a number without a name (metadata.csv, row 2); read with the number as the name.",
    ),
    "box_outside_image": Case(
        "coco", coco({"bbox": [60, 3, 10, 20]}), "labels.json, annotation 0",
        "The box reaches beyond the image of 64 x 48 (xyxy 60, 3, 70, 23); clipped to 60, 3, 64, 23.",
    ),
    "broken_annotation": Case(
        "coco", coco({"bbox": [2, 3, 10]}), "labels.json, annotation 0",
        "bbox is not [x, y, width, height] ([2, 3, 10]); label left out.",
    ),
    "content_mismatch": Case(
        "folder", {"a.jpg": PICTURE}, "a.jpg", "The file name says JPEG, the content is PNG; loaded as PNG."
    ),
    "duplicate_box": Case(
        "coco", coco({}, {}, {"bbox": [3, 3, 10, 20]}, {"instance_id": 7}), "a.png, label 1",
        "1 label with the class and box of another label (a.png, label 1); all are loaded.",
    ),
    "duplicate_id": Case(
        "coco", coco(images=[{"id": 1, "file_name": "a.png"}, {"id": 1, "file_name": "b.png"}], **{"b.png": PICTURE}),
        "labels.json, image 1", "The id 1 of 'b.png' is already used; sample left out.",
        lost=1, also={"unlisted_image"},
    ),
    "duplicate_image": Case(
        "coco", coco({}, images=[{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "./a.png"}]),
        "labels.json, image 1: a.png",
        "1 image listed twice (labels.json, image 1: a.png); loaded once, with all labels.",
    ),
    "duplicate_label": Case(
        "csv", {"a.png": PICTURE, "x.csv": CSV, "y.csv": CSV}, "y.csv, row 2",
        "The same label 'cat' is also in x.csv; kept once.",
    ),
    "empty_cloud": Case(
        "folder", {"a.png": PICTURE, "a.pcd": PCD % (b"r g b", 1) + b"1 2 3\n"}, "a.pcd",
        "The points have no x, y, z, but r, g, b; cloud left out.",
    ),
    "hidden_object": Case(
        "bop", bop_files(px_count_visib=0), "train_pbr/000000/scene_gt.json, image 3, object 0",
        "1 object without a visible pixel (train_pbr/000000/scene_gt.json, image 3, object 0); not labelled.",
    ),
    "ignored_junk": Case(
        "folder", {"a.png": PICTURE, ".DS_Store": b"x", "._a.png": b"x"}, ".DS_Store",
        "2 files hidden or made by the operating system (.DS_Store, ._a.png); ignored.",
    ),
    "inverted_box": Case(
        "coco", coco({"bbox": [12, 3, -5, 20]}), "labels.json, annotation 0",
        "The box has its right or bottom edge before its left or top edge (xyxy 12, 3, 7, 23); label left out.",
    ),
    "lfs_pointer": Case(
        "folder", {"a.png": PICTURE, "b.png": LFS}, "b.png",
        "The file is a Git LFS pointer (run 'git lfs pull' where it came from); sample left out.", lost=1,
    ),
    "missing_annotation_file": Case(
        "voc", {**SEEDS["voc"], "JPEGImages/a.png": PICTURE, "JPEGImages/b.png": PICTURE}, "JPEGImages/b.png",
        "No XML file for this image; loaded without labels.", loaded=2,
    ),
    "missing_box": Case(
        "coco", coco({}, {"bbox": None}), "labels.json, annotation 1",
        "1 annotation without a box among others (labels.json, annotation 1); loaded as classes of their images.",
    ),
    "missing_image": Case(
        "coco", coco(images=[{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "x.png"}]),
        "labels.json, image 1", "There is no image 'x.png'; sample left out.", lost=1,
    ),
    "missing_map": Case(
        "folder", {"a.png": PICTURE, "a_mask.png": png(np.ones((H, W), np.uint8)), "b.png": PICTURE}, "b.png",
        "No mask for 1 image (b.png); loaded without it.", loaded=2,
    ),
    "missing_split": Case(
        "yolo", {"images/a.png": PICTURE, "data.yaml": b"train: images\nval: valid\nnames: [cat]\n"}, "data.yaml, val",
        "There are no images of the split 'val' at 'valid'; split left out.",
    ),
    "nan_box": Case(
        "coco", coco({"bbox": [float("nan"), 3, 10, 20]}), "labels.json, annotation 0",
        "The box has an edge that is not a finite number (xyxy nan, 3, nan, 23); label left out.",
    ),
    "not_a_cloud": Case(
        "folder", {"a.png": PICTURE, "a.ply": FACES}, "a.ply",
        "The file is a mesh with 1 face, not a point cloud; cloud left out.",
    ),
    "not_a_file": Case(
        "folder", {"a.png": PICTURE}, "b.png",
        "This is a link to a folder of the same data, a pipe, a socket or a device; not opened.",
        make=lambda folder: os.mkfifo(folder / "b.png"),
    ),
    "not_an_object": Case(
        "kitti", {"image_2/a.png": PICTURE, "label_2/a.txt": CAR + CAR.replace(b"Car", b"DontCare")},
        "label_2/a.txt, line 2",
        "1 DontCare region (label_2/a.txt, line 2); not loaded as labels.",
        also={"missing_annotation_file"},
    ),
    "path_outside_folder": Case(
        "coco", coco(images=[{"id": 1, "file_name": "a.png"}, {"id": 2, "file_name": "../../x.png"}]),
        "labels.json, image 1", "The path '../../x.png' leads out of the folder; sample left out.", lost=1,
    ),
    "several_classes": Case(
        "coco", coco({"bbox": None}, {"bbox": None, "category_id": None, "category_name": "dog"}),
        "labels.json, image 0",
        "The image has 2 classes; kept 'cat' as its class, all in the attribute 'classes'.",
    ),
    "size_mismatch": Case(
        "coco", coco(images=[{"id": 1, "file_name": "a.png", "width": 48, "height": 64}]), "labels.json, image 0",
        "The file says 48 x 64, the upright image is 64 x 48; boxes are loaded as pixels of the image.",
    ),
    "split_conflict": Case(
        "voc", {**SEEDS["voc"], "JPEGImages/a.png": PICTURE, "ImageSets/Main/test.txt": b"a\n"}, "a",
        "1 image listed in several splits (a); kept in the more protected one (test, then val).",
    ),
    "truncated_image": Case(
        "folder", {"a.png": PICTURE, "b.png": PICTURE[: len(PICTURE) // 2]}, "b.png",
        "The end of the PNG is missing (...); sample left out.", lost=1,
    ),
    "two_point_polygon": Case(
        "coco", coco({"segmentation": [[1, 2, 3, 4]]}), "labels.json, annotation 0",
        "The outline has 2 points, at least 3 are needed; outline left out.",
    ),
    "unknown_category": Case(
        "coco", coco({"category_id": 7}), "labels.json, annotation 0",
        "No category has the id 7; label left out.",
    ),
    "unlisted_image": Case(
        "coco", coco(**{"b.png": PICTURE}), "b.png",
        "1 image not listed in any annotation file (b.png); not loaded.",
    ),
    "unreadable_cloud": Case(
        "folder", {"a.png": PICTURE, "a.pcd": PCD % (b"x y z", 9) + b"1 2 3\n"}, "a.pcd",
        "The point cloud cannot be read (1 row where the header claims 9); cloud left out.",
    ),
    "unreadable_image": Case(
        "folder", {"a.png": PICTURE, "b.png": b""}, "b.png", "The file is empty; sample left out.", lost=1
    ),
    "unreadable_map": Case(
        "folder", {"images/a.png": PICTURE, "depth/a.png": png(np.full((H, W), 9, np.uint8))}, "depth/a.png",
        "The depth map has 8 bits, which hold no distances, but 16 bits or floats are needed; map left out.",
    ),
    "unsupported_annotation": Case(
        "coco", coco({"category_id": None, "caption": "a cat"}), "labels.json, annotation 0",
        "1 caption (labels.json, annotation 0); not supported, left out.",
    ),
    "unsupported_camera": Case(
        "solo", solo_files(projection="Orthographic"), "sequence.0/step0.frame_data.json, capture 0: Orthographic",
        "1 camera other than perspective (sequence.0/step0.frame_data.json, capture 0: Orthographic); "
        "loaded without intrinsics.",
    ),
    "text_encoding": Case(
        "yolo", {"a.png": PICTURE, "a.txt": b"0 .5 .5 .2 .2", "classes.txt": "Prüfstück".encode("latin-1")},
        "classes.txt",
        "The text is not UTF-8; read as Windows-1252. Save the file as UTF-8 if names look wrong.",
    ),
    "class_name": Case(
        "yolo", {"a.png": PICTURE, "a.txt": b"0 .5 .5 .2 .2", "data.yaml": b'names: ["nut "]\ntrain: .'}, "classes",
        "1 name of classes with spaces around them or in another Unicode form ('nut '); read without.",
    ),
    "unread_file": Case(
        "voc", {"a.png": PICTURE, "a.xml": b"<annotation><filename>a.png</filename></annotation>",
                "other/a.txt": b"0 .5 .5 .2 .2", "other/b.txt": b"0 .5 .5 .2 .2", "README.txt": b"about"},
        "other/a.txt",
        "2 .txt files in other may hold labels, splits or maps (rows of numbers as of YOLO, it seems); not read.",
    ),
    "unsupported_media": Case(
        "fiftyone", {**fiftyone(filepath="data/film.mp4", _media_type="video"), "data/a.png": PICTURE},
        "samples.json, sample 0",
        "The sample is of type 'video' and belongs to no image (data/film.mp4); left out.",
        loaded=0, lost=1, also={"unlisted_image", "unread_file", "unsupported_annotation"},
    ),
    "unusable_name": Case(
        "folder", {"a.png": PICTURE, "b.png": PICTURE}, "b\\udcff.png",
        "The file name is not UTF-8; left out. Rename the file.", lost=1, make=rename_to_bytes,
    ),
    "zero_area_box": Case(
        "coco", coco({"bbox": [2, 3, 0, 20]}), "labels.json, annotation 0",
        "The box is empty (xyxy 2, 3, 2, 23); label left out.",
    ),
}  # fmt: skip


def test_every_kind_has_a_case():
    assert set(CASES) | IN_LOADING | IN_EVALUATING == set(KINDS)


@pytest.mark.parametrize("kind", sorted(CASES))
def test_a_bad_folder_is_named(tmp_path, reading, kind):
    case = CASES[kind]
    for file, data in case.files.items():
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(data)
    if case.make is not None:
        case.make(tmp_path)
    assert choose(Source(tmp_path))[0] == case.form
    records, problems = reading(case.form, tmp_path)
    found = [(problem.where, PILLOW.sub("(...)", problem.message)) for problem in problems if problem.kind == kind]
    assert found == [(case.where, case.message)]
    assert {problem.kind for problem in problems} - {kind} == case.also
    assert (len(records), problems.records_lost) == (case.loaded, case.lost)
