"""Predictions out of fold: every picture is judged by a model that never saw its scene."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.actions.train.trainer import Trainer
from workbench.base.errors import InputError
from workbench.base.progress import Progress, Work
from workbench.core.schema.fields import SCENE_ID
from workbench.core.schema.labels import Label

FOLDS = 4
LEAST_CONFIDENCE = 0.05
MOST = 15  # boxes per picture
Entry = dict[str, Any]


def predict_out_of_fold(
    folder: Path,
    make: Callable[[], Trainer],
    *,
    folds: int = FOLDS,
    learn: Callable[[Entry], bool] = lambda picture: True,
    work: Work | None = None,
) -> list[Entry]:
    """Judge all pictures of a COCO folder by models that each learned from the other folds; as COCO results.

    Scenes are dealt to the folds by the hash of their name, so the same data gives the same folds. Boxes are rounded
    to a tenth of a pixel, confidences to three digits; kept are the 15 surest of a picture, none below 0.05.

    Args:
        folder: with ``annotations/instances_*.json`` and ``images/<split>/``, as an export; its splits are ignored.
        make: gives a new model for each fold.
        folds: how many.
        learn: which pictures (their entries in the file) the models may learn from; all are judged.
        work: told of the progress.

    Raises:
        InputError: there is no such folder, or it has fewer scenes than folds.
        Cancelled: the user stopped.
    """
    pictures, annotations, categories = _content(folder)
    fold_of = dealt([_scene(one) for one in pictures], folds)
    numbers = {str(one["name"]): one["id"] for one in categories}
    results: list[Entry] = []
    with Progress("predicting out of fold", total=folds, unit="fold", work=work) as progress:
        for fold in range(folds):
            held = [one for one in pictures if fold_of[_scene(one)] == fold]
            others = [one for one in pictures if fold_of[_scene(one)] != fold and learn(one)]
            with tempfile.TemporaryDirectory(prefix="workbench-fold-") as place:
                trainer = make()
                _write_train(Path(place), others, annotations, categories)
                trainer.fit(Path(place))
                answers = trainer.predict([one["path"] for one in held])
            for one, labels in zip(held, answers, strict=True):
                entries = [entry for label in labels if (entry := _result(one["id"], label, numbers))]
                results += sorted(entries, key=lambda entry: (-entry["score"], entry["bbox"]))[:MOST]
            progress.advance()
    return sorted(results, key=lambda entry: entry["image_id"])


def results_text(results: Sequence[Entry]) -> str:
    """COCO results as JSON, a line each, so that a change of one shows as one."""
    lines = (json.dumps(entry, separators=(",", ":")) for entry in results)
    return "[\n" + ",\n".join(lines) + "\n]\n"


def dealt(scenes: Sequence[str], folds: int) -> dict[str, int]:
    """Fold of each scene: in the order of their hashes, dealt round.

    Raises:
        InputError: fewer scenes than folds, or fewer than two folds.

    Example::

        >>> dealt(["a", "b", "c", "a"], 2)
        {'c': 0, 'b': 1, 'a': 0}
    """
    order = sorted(set(scenes), key=lambda scene: hashlib.sha256(scene.encode()).hexdigest())
    if not 2 <= folds <= len(order):
        raise InputError(f"{len(order)} scenes make from 2 to {len(order)} folds, not {folds}.")
    return {scene: place % folds for place, scene in enumerate(order)}


def _content(folder: Path) -> tuple[list[Entry], list[Entry], list[Entry]]:
    """Pictures with their ``path``, annotations and categories of all splits."""
    pictures: list[Entry] = []
    annotations: list[Entry] = []
    categories: dict[int, Entry] = {}
    for file in sorted((folder / "annotations").glob("instances_*.json")):
        said = json.loads(file.read_text(encoding="utf-8"))
        place = (folder / "images" / file.stem.removeprefix("instances_")).absolute()
        pictures += [{**one, "path": place / one["file_name"]} for one in said["images"]]
        annotations += said["annotations"]
        categories |= {one["id"]: one for one in said["categories"]}
    if not pictures:
        raise InputError("The folder holds no annotations/instances_*.json with images.", at=str(folder))
    return sorted(pictures, key=lambda one: str(one["file_name"])), annotations, list(categories.values())


def _scene(picture: Mapping[str, Any]) -> str:
    return str(picture.get(SCENE_ID) or picture["file_name"])


def _write_train(place: Path, pictures: Sequence[Entry], annotations: Sequence[Entry], categories: list[Entry]) -> None:
    """An export with a ``train`` split of links."""
    (place / "annotations").mkdir()
    for one in pictures:
        link = place / "images" / "train" / one["file_name"]
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(one["path"])
    ids = {one["id"] for one in pictures}
    content = {
        "images": [{key: value for key, value in one.items() if key != "path"} for one in pictures],
        "annotations": [one for one in annotations if one["image_id"] in ids],
        "categories": categories,
    }
    (place / "annotations" / "instances_train.json").write_text(json.dumps(content), encoding="utf-8")


def _result(image_id: int, label: Label, numbers: Mapping[str, int]) -> Entry | None:
    """One COCO result; ``None`` where it is too unsure, or too small to have an area once rounded."""
    left, top, right, bottom = (round(edge, 1) for edge in label.xyxy)
    score = round(1.0 if label.confidence is None else label.confidence, 3)
    if score < LEAST_CONFIDENCE or right <= left or bottom <= top:
        return None
    box = [left, top, round(right - left, 1), round(bottom - top, 1)]
    return {"image_id": image_id, "category_id": numbers[label.name], "bbox": box, "score": score}
