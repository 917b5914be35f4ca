"""What numbers in predictions mean: one meaning, or a refusal that says which argument settles it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.actions.evaluate import evaluate
from workbench.actions.load import load
from workbench.adapters import store
from workbench.base.errors import DatasetError, InputError
from workbench.base.progress import Work

BOX = [16, 12, 32, 24]  # of an image of 64 x 48
ROW = "0.5 0.5 0.5 0.5"
Write = Callable[..., Path]


def put(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.fixture
def add(dataset: Any, tmp_path: Path, picture: Write) -> Callable[..., None]:
    """Load a small set; every image has one label in the middle, of the class that its number or id 0 or 1 has."""
    seeds = iter(range(100))

    def load_set(name: str, *images: str, classes: list[str] | None, yolo: bool = True, number: int = 0) -> None:
        for image in images:
            picture(f"{name}/{image}", seed=next(seeds))
        folder = tmp_path / name
        if yolo:
            for image in images:
                label = image.replace("images/", "labels/").rpartition(".")[0]
                put(folder / f"{label}.txt", f"{number} {ROW}")
            if classes is not None:
                put(folder / "data.yaml", f"train: images\nnames: {json.dumps(classes)}\n")
        else:
            known = [{"id": i, "file_name": image, "width": 64, "height": 48} for i, image in enumerate(images, 1)]
            labels = [{"id": i, "image_id": i, "category_id": 1, "bbox": BOX} for i in range(1, len(images) + 1)]
            named = [{"id": i, "name": word} for i, word in enumerate(classes or [], 1)]
            put(folder / "gt.json", {"images": known, "annotations": labels, "categories": named})
        load(dataset, folder, source="real", work=Work(lambda tick: None))

    return load_set


def rows(folder: Path, number: int, *names: str) -> Path:
    for name in names:
        put(folder / f"{name}.txt", f"{number} {ROW} 0.9")
    return folder


def results(path: Path, *given: dict[str, Any]) -> Path:
    return put(path, [{"category_id": 1, "bbox": BOX, "score": 0.9, **one} for one in given])


def test_two_orders_of_classes_are_refused_until_one_is_named(dataset: Any, tmp_path: Path, add: Any) -> None:
    add("A", "images/A1.png", classes=["cone", "cube"])
    add("B", "images/B1.png", classes=["cube", "cone"], number=1)
    given = rows(tmp_path / "rows", 0, "A1", "B1")
    with pytest.raises(InputError, match=r"number 0 means 'cone' in .*A/data.yaml and 'cube' in .*--annotations"):
        evaluate(dataset, given)
    found = evaluate(dataset, given, annotations=tmp_path / "A" / "data.yaml")
    assert (found.tp, found.ap50, found.classes) == (2, 1.0, {"0": "cone"}) and "0 cone" in str(found)
    with pytest.raises(InputError, match="number 0 means"):
        evaluate(dataset, given, annotations=tmp_path)  # both


def test_orders_that_differ_in_other_classes_are_no_conflict(dataset: Any, tmp_path: Path, add: Any) -> None:
    add("A", "images/A1.png", classes=["cone", "cube"])
    add("B", "images/B1.png", classes=["cone", "ball"])
    assert evaluate(dataset, rows(tmp_path / "rows", 0, "A1", "B1")).tp == 2


@pytest.mark.parametrize("form", ["rows", "results"])
def test_numbers_without_names_are_refused(dataset: Any, tmp_path: Path, add: Any, form: str) -> None:
    add("data", "a.png", classes=["nut", "bolt"], yolo=False)
    unnamed = put(tmp_path / "no" / "ids.json", {"images": [{"id": 1, "file_name": "a.png"}], "annotations": []})
    given = rows(tmp_path / "rows", 0, "a") if form == "rows" else results(tmp_path / "r.json", {"image_id": 1})
    with pytest.raises(InputError, match=r"Nothing says what class [01] is\..*--annotations"):
        evaluate(dataset, given, annotations=unnamed if form == "results" else None)
    yaml = put(tmp_path / "own" / "data.yaml", "names: [nut, bolt]\n")
    if form == "rows":
        assert evaluate(dataset, given, annotations=yaml).tp == 1
        put(given / "classes.txt", "\ufeffnut\nbolt\n")
        assert evaluate(dataset, given).tp == 1, "the run's own class file"


def test_numbers_are_names_only_where_the_classes_are_numbers(dataset: Any, tmp_path: Path, add: Any) -> None:
    add("data", "images/a.png", classes=None)
    given = rows(tmp_path / "rows", 0, "a")
    assert evaluate(dataset, given).tp == 1
    add("named", "images/b.png", classes=["cone"])
    with pytest.raises(InputError, match=r"number 0 means 'cone' .* and the class '0' in another.*--annotations"):
        evaluate(dataset, given)


@pytest.mark.parametrize("image", [1, 1.0, "1", "000001", "a", "a.png", "val/a.png", "C:\\x\\val\\a.png", "A.PNG"])
def test_an_image_is_the_same_however_it_is_named(dataset: Any, tmp_path: Path, add: Any, image: Any) -> None:
    add("data", "val/a.png", classes=["nut"], yolo=False)
    assert evaluate(dataset, results(tmp_path / "r.json", {"image_id": image})).tp == 1


@pytest.mark.parametrize("image", [1, "a", "x"])
def test_a_file_name_beside_the_id_says_which_image(dataset: Any, tmp_path: Path, add: Any, image: Any) -> None:
    add("data", "b.png", "a.png", classes=["nut", "bolt"], yolo=False)
    given = results(tmp_path / "predictions.json", {"image_id": image, "file_name": "a.png"})
    evaluate(dataset, given, scope="all")
    judged = {one.record.origin for one in store.read(dataset, store.select(dataset, "evaluation.hits == 1"))}
    assert judged == {"a.png"}


def test_names_of_several_images_are_called_so(dataset: Any, tmp_path: Path, add: Any) -> None:
    add("data", "train/a.png", "val/a.png", "val/b.png", classes=["nut"], yolo=False)
    given = results(tmp_path / "r.json", {"image_id": "a.png"}, {"image_id": "val/a.png"}, {"image_id": "c.png"})
    found = evaluate(dataset, given)
    assert found.tp == 1 and [problem.kind for problem in found.problems] == ["missing_image", "ambiguous_image"]
    assert "'a.png' is 2 images: train/a.png, val/a.png" in found.problems[1].message
    split = results(tmp_path / "r.json", {"image_id": "train/b.png"}, {"image_id": "val/a.png"})
    assert [problem.kind for problem in evaluate(dataset, split).problems] == ["missing_image"], "b is not of train"


def test_an_id_of_two_images_matters_only_where_it_is_used(dataset: Any, tmp_path: Path, add: Any) -> None:
    add("A", "a.png", "c.png", classes=["nut"], yolo=False)
    add("B", "b.png", classes=["nut"], yolo=False)
    with pytest.raises(InputError, match="Several COCO files give the same image id to different images: 1 is"):
        evaluate(dataset, results(tmp_path / "r.json", {"image_id": 1}))
    assert evaluate(dataset, results(tmp_path / "r.json", {"image_id": 2})).tp == 1


def test_images_of_one_name_in_two_sets_are_two_images(dataset: Any, tmp_path: Path, add: Any) -> None:
    add("A", "1.png", classes=["nut"], yolo=False)
    add("B", "1.png", classes=["nut"], yolo=False)
    given = results(tmp_path / "r.json", {"image_id": 1})
    with pytest.raises(InputError, match="to different images"):
        evaluate(dataset, given)
    found = evaluate(dataset, given, annotations=tmp_path / "B" / "gt.json")
    assert (found.tp, found.samples, found.covered, found.total) == (1, 1, 1, 2)


def test_rows_of_two_runs_are_not_one_run(dataset: Any, tmp_path: Path, add: Any) -> None:
    add("data", "images/a.png", classes=["cone"])
    given = rows(tmp_path / "runs", 0, "predict/labels/a", "predict2/labels/a")
    with pytest.raises(InputError, match=r"Two files have rows for the image images/a\.png"):
        evaluate(dataset, given)
    assert evaluate(dataset, given / "predict").tp == 1


def test_what_is_to_know_of_confidences_and_copies_is_said(dataset: Any, tmp_path: Path, add: Any) -> None:
    add("data", "a.png", classes=["nut"], yolo=False)
    one = {"image_id": 1}
    found = evaluate(dataset, results(tmp_path / "r.json", one, one, {**one, "score": None, "bbox": [0, 0, 5, 5]}))
    assert (found.tp, found.errors["duplicates"], found.errors["false_alarms"]) == (1, 1, 1)
    assert {p.kind: p.message.split(" (")[0] for p in found.problems} == {
        "missing_confidence": "1 prediction without a confidence",
        "duplicate_box": "1 prediction for the second time",
    }


def test_masks_are_kept_with_their_predictions(dataset: Any, tmp_path: Path, add: Any) -> None:
    add("data", "a.png", classes=["nut"], yolo=False)
    runs = [12 + 48 * 16, 24] + [24, 24] * 31
    counts = [*runs, 48 * 64 - sum(runs)]
    segmentation = {"size": [48, 64], "counts": counts}
    given = put(tmp_path / "s.json", [{"image_id": 1, "category_id": 1, "score": 0.9, "segmentation": segmentation}])
    assert evaluate(dataset, given).tp == 1
    (label,) = dataset.first().predictions.detections
    assert label.mask.shape == (24, 32) and label.mask.all()


def test_spaces_and_composed_marks_make_no_other_class(dataset: Any, tmp_path: Path, add: Any) -> None:
    add("data", "a.png", classes=["k\u00e4fer"], yolo=False)
    yaml = put(tmp_path / "own" / "data.yaml", 'names: ["ka\u0308fer "]\n')
    assert evaluate(dataset, rows(tmp_path / "rows", 0, "a"), annotations=yaml).tp == 1


@pytest.mark.parametrize("ids", [[1, 7], [1, 2, 99], [2, "40"], [7]])
def test_ids_of_another_set_are_not_taken_for_those_that_were_loaded(
    dataset: Any, tmp_path: Path, add: Any, ids: list[Any]
) -> None:
    """Two COCO files both count from 1: an id that the loaded one lacks shows that the results are of another."""
    add("set", "a.png", "b.png", classes=["bolt"], yolo=False)
    given = results(tmp_path / "r.json", *({"image_id": image} for image in ids))
    with pytest.raises(InputError, match=r"not in the COCO data that was loaded|None of the predictions"):
        evaluate(dataset, given)
    if 1 in ids:  # with the file that the model was given, what it does not know is skipped by name
        assert evaluate(dataset, given, annotations=tmp_path / "set" / "gt.json").tp == len({1, 2} & set(ids))


def test_a_name_that_is_neither_file_nor_field(dataset: Any, add: Any) -> None:
    add("set", "a.png", classes=["bolt"], yolo=False)
    with pytest.raises(DatasetError, match=r"There is no file 'r\.json', and no field of predicted boxes"):
        evaluate(dataset, "r.json")
