"""Files of predictions: every form of row and entry by literal input, and what must be so of any."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.adapters.formats.toolkit import rle
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.text_files import lines_of
from workbench.adapters.predictions import (
    Prediction,
    Reference,
    class_names,
    counted_from,
    plain_id,
    read,
    read_reference,
    read_references,
)
from workbench.base.errors import InputError

BOX = (0.4, 0.4, 0.6, 0.6)
CENTRE = "0.5 0.5 0.2 0.2"
SQUARE = "0.4 0.4 0.6 0.4 0.6 0.6 0.4 0.6"
TRIANGLE = "0.4 0.4 0.6 0.4 0.6 0.6"
FIVE = f"{SQUARE} 0.4 0.5"


def rows(folder: Path, **files: str) -> tuple[list[Any], Problems]:
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text)
    problems = Problems()
    return read(folder, problems).predictions, problems


@pytest.mark.parametrize(
    ("text", "outline", "confidence"),
    [
        (f"0 {CENTRE}", False, None),
        (f"0 {CENTRE} 0.9", False, 0.9),
        (f"0 {CENTRE} 1", False, 1.0),
        (f"0 {CENTRE} 0", False, 0.0),
        (f"0.0 {CENTRE} 0.9", False, 0.9),
        (f"0 {CENTRE} 7", False, None),  # tracked without save_conf
        (f"0 {CENTRE} 0.9 7", False, 0.9),  # tracked
        (f"0 {CENTRE} 0.9 1", False, 0.9),
        (f"0 {TRIANGLE}", True, None),
        (f"0 {TRIANGLE} 0.9", True, 0.9),
        (f"0 {SQUARE}", True, None),
        (f"0 {SQUARE} 0.9", True, 0.9),
        (f"0 {SQUARE} 0.9 3", True, 0.9),
        (f"0 {SQUARE} 12", True, None),
        (f"0 {FIVE}", True, None),
        (f"0 {FIVE} 0.25", True, 0.25),
        (f"\ufeff0 {CENTRE} 0.9", False, 0.9),
        (f"\r\n0 {CENTRE} 0.9\r\n", False, 0.9),
    ],
)
def test_rows(text: str, outline: bool, confidence: float | None, tmp_path: Path) -> None:
    (found,), problems = rows(tmp_path, a=text)
    assert found.xyxy == pytest.approx(BOX) and found.confidence == confidence and found.shares
    assert bool(found.polygons) == outline and not len(problems) and (found.number, found.image) == (0, "a")


def test_other_rows_of_the_run_tell_a_triangle_from_a_track(tmp_path: Path) -> None:
    bottom = "0.4 0.4 0.6 0.4 0.6 1"
    found, _ = rows(tmp_path, a=f"0 {bottom}", b=f"0 {FIVE}")
    assert found[0].xyxy == pytest.approx((0.4, 0.4, 0.6, 1.0)) and found[0].confidence is None
    found, _ = rows(tmp_path, a=f"0 {CENTRE} 0.9 1\n0 {CENTRE} 0.8 2", b=f"0 {CENTRE} 0.7")
    assert [one.confidence for one in found] == [0.9, 0.8, 0.7], "no id yet in a frame"


def test_poses_are_boxes_where_a_file_declares_keypoints_and_else_refused(tmp_path: Path) -> None:
    points = " ".join(f"{0.45 + 0.01 * k} {0.5 + 0.005 * k} 0.9" for k in range(5))
    text = f"0 {CENTRE} {points} 0.8\n0 {CENTRE} {points} 0.7"
    with pytest.raises(InputError, match=r"may be outlines, or boxes with keypoints.*kpt_shape"):
        rows(tmp_path, a=text)
    (tmp_path / "data.yaml").write_text("names: [nut]\nkpt_shape: [5, 3]\n")
    found, _ = rows(tmp_path, a=text)
    assert [(one.confidence, one.xyxy == pytest.approx(BOX)) for one in found] == [(0.8, True), (0.7, True)]


@pytest.mark.parametrize(
    "row",
    ["0 0.5 0.5 0.2", "0", "x 0.5 0.5 0.2 0.2", f"-1 {CENTRE}", f"0.5 {CENTRE}", "0 0.5 0.5 0 0.2 0.9",
     f"0 {CENTRE} nan", "0 inf 0.5 0.2 0.2 0.9", "0 0.4 0.4 0.4 0.4 0.4 0.4 0.9"],
)  # fmt: skip
def test_broken_rows_are_reported(row: str, tmp_path: Path) -> None:
    found, problems = rows(tmp_path, a=f"{row}\n0 {CENTRE} 0.9")
    assert len(found) == 1 and [problem.kind for problem in problems] == ["broken_annotation"]
    assert next(iter(problems)).where == "a.txt, line 1"


@pytest.mark.parametrize("row", [f"0 {CENTRE} -0.2", f"0 {CENTRE} 97.5", f"0 {SQUARE} 1.5"])
def test_confidences_of_another_scale_are_refused(row: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.txt, line 1: Confidences must be between 0 and 1"):
        rows(tmp_path, a=row)


def test_other_files_of_the_folder_are_no_rows(tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("nut\nbolt\n")
    (tmp_path / "args.yaml").write_text("mode: predict\n")
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "b.txt").write_text("")
    problems = Problems()
    results = read(tmp_path, problems)
    assert results.images == [("labels/b", True)] and not results.predictions and not len(problems)
    assert results.own is not None and results.own.classes == {0: "nut", 1: "bolt"}


MASK = np.zeros((48, 64), np.bool_)
MASK[10:25, 12:32] = True
COUNTS = rle.encode(MASK)


def entries(folder: Path, *given: Any, wrap: str = "") -> tuple[list[Any], Problems]:
    path = folder / "r.json"
    path.write_text(json.dumps({wrap: given} if wrap else given))
    problems = Problems()
    return read(path, problems).predictions, problems


RESULT = {"image_id": 1, "category_id": 1, "score": 0.5}
BOXED = {**RESULT, "bbox": [12, 10, 20, 15]}


@pytest.mark.parametrize("wrap", ["", "annotations", "predictions"])
@pytest.mark.parametrize(
    "shape",
    [
        {"bbox": [12, 10, 20, 15]},
        {"segmentation": {"size": [48, 64], "counts": COUNTS}},
        {"segmentation": {"size": [48, 64], "counts": COUNTS}, "bbox": []},
        {"segmentation": [[12, 10, 32, 10, 32, 25, 12, 25]]},
        {"segmentation": [[12, 10, 32, 10, 32, 12], [12, 10, 12, 25, 14, 25]]},
        {"segmentation": [12, 10, 32, 10, 32, 25, 12, 25]},
    ],
)
def test_boxes_and_masks(shape: dict[str, Any], wrap: str, tmp_path: Path) -> None:
    (found,), problems = entries(tmp_path, {**RESULT, **shape}, wrap=wrap)
    assert found.xyxy == (12, 10, 32, 25) and found.confidence == 0.5 and not len(problems)
    label = found.label("nut", 64, 48)
    assert (label.mask is not None) == ("size" in str(shape)) and (label.mask is None or label.mask.all())


def test_compressed_masks_are_those_of_pycocotools(tmp_path: Path) -> None:
    mask = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(0)
    for _ in range(20):
        pixels = rng.random((48, 64)) < 0.02
        packed = mask.encode(np.asfortranarray(pixels, dtype=np.uint8))
        segmentation = {"size": packed["size"], "counts": packed["counts"].decode()}
        (found,), _ = entries(tmp_path, {**RESULT, "segmentation": segmentation})
        x, y, width, height = mask.toBbox(packed)
        assert found.xyxy == (x, y, x + width, y + height)
        label = found.label("nut", 64, 48)
        assert label.mask is not None and label.mask.sum() == pixels.sum()


def test_a_mask_of_another_size_makes_no_box(tmp_path: Path) -> None:
    (found,), _ = entries(tmp_path, {**RESULT, "segmentation": {"size": [48, 64], "counts": COUNTS}})
    with pytest.raises(ValueError, match="the mask has 64 x 48 pixels, the image 640 x 480"):
        found.label("nut", 640, 480)


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({**RESULT, "bbox": [1, 1, 0, 5]}, "broken_annotation"),
        ({**RESULT, "bbox": [1, 1, 5]}, "broken_annotation"),
        ({**RESULT, "bbox": [1, 1, 5, float("nan")]}, "broken_annotation"),
        (RESULT, "broken_annotation"),
        ({**BOXED, "score": float("nan")}, "broken_annotation"),
        ({**BOXED, "score": "0.9"}, "broken_annotation"),
        ({**RESULT, "segmentation": {"size": [48, 64], "counts": [5]}}, "broken_annotation"),
        ({**RESULT, "segmentation": {"size": [48, 64], "counts": "\x01"}}, "broken_annotation"),
        ({**RESULT, "segmentation": [[1, 2, 3, 4]]}, "broken_annotation"),
        ({**BOXED, "image_id": None}, "missing_image"),
        ({**BOXED, "image_id": [1]}, "missing_image"),
        ({**BOXED, "category_id": None}, "unknown_category"),
        ({**BOXED, "category_id": True}, "unknown_category"),
        (7, "broken_annotation"),
    ],
)  # fmt: skip
def test_broken_entries_are_reported(entry: Any, kind: str, tmp_path: Path) -> None:
    found, problems = entries(tmp_path, entry, BOXED)
    assert len(found) == 1 and [problem.kind for problem in problems] == [kind]
    assert next(iter(problems)).where == "r.json, result 0"


def test_boxes_beyond_the_image_stay_as_they_are(tmp_path: Path) -> None:
    (found,), _ = entries(tmp_path, {**RESULT, "bbox": [-5, -5, 20, 20]})
    assert found.label("nut", 64, 48).xyxy == (-5, -5, 15, 15)


@given(st.lists(st.lists(st.floats(0.01, 0.99), min_size=3, max_size=3), max_size=6), st.booleans())
def test_rows_are_kept_or_reported(tmp_path_factory: pytest.TempPathFactory, given: Any, tracked: bool) -> None:
    folder = tmp_path_factory.mktemp("rows")
    lines = [f"{k} {x} {y} 0.2 0.2 {c}" + (f" {k + 1}" if tracked else "") for k, (x, y, c) in enumerate(given)]
    found, problems = rows(folder, a="\n".join(lines))
    assert len(found) == len(given) and not len(problems)
    for k, (one, (x, y, confidence)) in enumerate(zip(found, given, strict=True)):
        assert (one.number, one.confidence) == (k, confidence)
        assert one.xyxy == pytest.approx((x - 0.1, y - 0.1, x + 0.1, y + 0.1))


@given(st.text(max_size=40))
def test_any_row_is_kept_reported_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "a.txt").write_text(text, encoding="utf-8", errors="replace")
    problems = Problems()
    try:
        results = read(folder, problems)
    except InputError:
        return
    lines = lines_of(folder / "a.txt", "a.txt", Problems())
    told = [problem for problem in problems if problem.kind == "broken_annotation"]
    assert len(results.predictions) + len(told) == sum(bool(line.split()) for line in lines)


def reference(names: dict[Any, str], path: str = "x.json", *, from_zero: bool = False) -> Reference:
    return Reference(Path(path), {}, names, from_zero=from_zero)


@given(st.integers(0, 10**15), st.integers(0, 6))
def test_an_id_is_the_same_however_it_is_written(number: int, zeros: int) -> None:
    written = (number, float(number), str(number), str(number).zfill(min(len(str(number)) + zeros, 19)))
    assert {plain_id(one) for one in written} == {number}
    names = class_names(written, [reference({number: "nut"})], at="r")
    assert set(names.values()) == {"nut"} and len(names) == len(set(written))


def test_only_numbers_in_use_can_be_in_conflict() -> None:
    orders = [reference({0: "cone", 1: "cube"}, "a.yaml"), reference({0: "cone", 1: "ball"}, "b.yaml")]
    assert class_names([0], orders, at="rows") == {0: "cone"}
    with pytest.raises(InputError, match=r"Class number 1 means 'cube' in a\.yaml and 'ball' in b\.yaml.*annotations="):
        class_names([0, 1], orders, at="rows")


@pytest.mark.parametrize(("numbers", "first"), [({0, 1}, 0), ({0}, 0), ({3}, 1), ({1, 3}, 1), ({"3"}, 1)])
def test_the_first_number_of_a_list_of_names_is_seen(numbers: set[Any], first: int) -> None:
    names = reference({0: "a", 1: "b", 2: "c"}, "data.yaml", from_zero=True)
    assert min(counted_from(numbers, names, at="r").classes) == first


def test_or_it_is_refused() -> None:
    names = reference({0: "a", 1: "b", 2: "c"}, "data.yaml", from_zero=True)
    with pytest.raises(
        InputError, match=r"begin at 0 or at 1: data\.yaml has 3 names .* neither 0 nor 3.*annotations="
    ):
        counted_from({1, 2}, names, at="r")


@given(st.integers(-30, 60), st.integers(-30, 40), st.integers(1, 80), st.integers(1, 60))
def test_a_mask_covers_its_box_wherever_that_is(x: int, y: int, width: int, height: int) -> None:
    one = Prediction(1, 1, (x, y, x + width, y + height), 0.5, "r", runs=COUNTS, size=(48, 64))
    mask = one.label("nut", 64, 48).mask
    assert mask is not None and mask.shape == (height, width)
    whole = np.pad(MASK, 100)[100 + y : 100 + y + height, 100 + x : 100 + x + width]
    assert (mask == whole).all()


@pytest.mark.parametrize("zero", [0, 0.0, "0"])
def test_class_0_where_ids_begin_at_1_shifts_all_others(zero: Any) -> None:
    with pytest.raises(InputError, match=r"use class 0, which x\.json does not declare.*data\.yaml"):
        class_names([zero, 1], [reference({1: "nut", 2: "bolt"})], at="r")
    assert class_names([zero, 1], [reference({0: "nut", 1: "bolt"})], at="r") == {zero: "nut", 1: "bolt"}


def test_an_id_twice_in_one_file_has_two_meanings(tmp_path: Path) -> None:
    path = tmp_path / "gt.json"
    categories = [{"id": 1, "name": "nut"}, {"id": 1, "name": "bolt"}, {"id": 2, "name": "cap"}]
    path.write_text(json.dumps({"images": [], "categories": categories}))
    assert read_reference(path).classes == {1: "nut", 2: "cap"}
    assert class_names([2], read_references(path), at="r") == {2: "cap"}
    with pytest.raises(InputError, match=r"Class number 1 means 'nut' in .* and 'bolt' in"):
        class_names([1, 2], read_references(path), at="r")
