"""Images and boxes of an exported split, at the size of a network's input; and how well boxes are found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench.actions.export import manifest
from workbench.adapters.formats.toolkit.json_files import parse
from workbench.base.errors import InputError
from workbench.base.plurals import counted
from workbench.base.shapes import fault
from workbench.core.metrics.average_precision import ClassResults, mean_ap
from workbench.core.pictures import rgb
from workbench.core.splits.spec import STAGES

Rgb8 = NDArray[np.uint8]
Boxes = NDArray[np.float32]
_SHAPE = {  # of what is read of a COCO file
    "images": [{"id": int, "file_name": str}],
    "categories": [{"id": int, "name": str}],
    "annotations": [{"image_id": int, "category_id": int, "bbox": [float, 4]}],
}
HELD_BACK = 10  # without a val split, every tenth image


@dataclass(frozen=True, eq=False)
class Example:
    """One image.

    Attributes:
        picture: ``(H, W, 3)`` RGB, padded at the right and the bottom.
        boxes: ``(n, 4)`` edges left, top, right, bottom in its pixels.
        classes: ``(n,)`` numbers of the classes.
    """

    picture: Rgb8
    boxes: Boxes
    classes: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Found:
    """What is predicted in one image: boxes ``(n, 4)``, classes ``(n,)``, scores ``(n,)``, most certain first."""

    boxes: Boxes
    classes: NDArray[np.int64]
    scores: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Splits:
    """What an export gives to learn from.

    Attributes:
        stages: examples by the split that they are of, in the order of learning: ``train``, or ``pretrain`` and
            ``finetune``.
        stopping: examples to stop by.
        classes: names, in the order of their numbers.
        stopped_by: what ``stopping`` is, in words.
    """

    stages: Mapping[str, Sequence[Example]]
    stopping: Sequence[Example]
    classes: list[str]
    stopped_by: str


def read_splits(split_dir: Path, size_wh: tuple[int, int]) -> Splits:
    """Examples to learn from and to stop by.

    To stop by are the real images of ``val`` (by the manifest beside it), else all of ``val``, else every tenth of
    the last stage. A stage without labels is none.

    Raises:
        InputError: there is no COCO export, an image is missing, or no labels.
    """
    contents = {split: _content(file) for split, file in _files(split_dir).items()}
    names = sorted({str(category["name"]) for content in contents.values() for category in content["categories"]})
    read = {
        split: _examples(content, split_dir / "images" / split, names, size_wh) for split, content in contents.items()
    }
    stages = {split: examples for split, examples in read.items() if any(len(example.boxes) for example in examples)}
    if not stages:
        raise InputError("The export has no labels to learn from.", at=str(split_dir))
    stopping, stopped_by = _held_out(split_dir, names, size_wh)
    if any(len(example.boxes) for example in stopping):
        return Splits(stages, stopping, names, stopped_by)
    last = list(stages)[-1]
    learned = stages[last]
    if len(learned) < HELD_BACK:
        return Splits(
            stages, learned, names, f"all {counted(len(learned), 'image')} of {last}: too few to hold any out"
        )
    stages[last] = [example for i, example in enumerate(learned) if i % HELD_BACK]
    stopping = learned[::HELD_BACK]
    return Splits(stages, stopping, names, f"{counted(len(stopping), 'image')} held out from {last}")


def _files(split_dir: Path) -> dict[str, Path]:
    """The file of ``train``, or those of the stages."""
    files = {split: split_dir / "annotations" / f"instances_{split}.json" for split in ("train", *STAGES)}
    there = {split: file for split, file in files.items() if file.is_file()}
    if not there:
        fix = "Export with wb.export(ds, folder, format='coco', splits={'train': .8, 'val': .2})."
        raise InputError("The folder holds no COCO export with a train split.", at=str(split_dir), fix=fix)
    return {"train": there["train"]} if "train" in there else there


def _held_out(split_dir: Path, names: Sequence[str], size_wh: tuple[int, int]) -> tuple[list[Example], str]:
    """Images of ``val``, the real ones if there are any; and what they are."""
    file = split_dir / "annotations" / "instances_val.json"
    if not file.is_file():
        return [], ""
    real, val = _real_pictures(split_dir), _content(file)
    own = [image for image in val["images"] if real is None or image["file_name"] in real]
    examples = _examples({**val, "images": own or val["images"]}, split_dir / "images" / "val", names, size_wh)
    return examples, f"{counted(len(examples), 'image')} of {'val' if real is None or not own else 'real val'}"


def _content(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = parse(file, shown=str(file))
    if problem := fault(content, _SHAPE):
        raise InputError(f"This is no COCO file as exported: {problem}.", at=str(file), fix="Export again.")
    return content


def categories(split_dir: Path) -> list[dict[str, Any]]:
    """The classes of an export with their numbers, each once.

    Raises:
        InputError: a file of it cannot be read.
    """
    files = sorted((split_dir / "annotations").glob("instances_*.json"))
    return list({category["id"]: category for file in files for category in _content(file)["categories"]}.values())


def _real_pictures(split_dir: Path) -> set[str] | None:
    """File names of the real images of val; ``None`` without a manifest."""
    file = split_dir / manifest.FILE_NAME
    if not file.is_file():
        return None
    samples = manifest.read(file, "picture")[1]
    return {sample["picture"] for sample in samples if sample.get("split") == "val" and sample.get("source") == "real"}


def _examples(coco: Mapping[str, Any], folder: Path, names: Sequence[str], size_wh: tuple[int, int]) -> list[Example]:
    number = {
        category["id"]: names.index(str(category["name"]))
        for category in coco["categories"]
        if str(category["name"]) in names
    }
    boxes: dict[Any, list[tuple[list[float], int]]] = {}
    for annotation in coco["annotations"]:
        if (
            annotation["category_id"] in number
            and not annotation.get("iscrowd")
            and annotation["bbox"][2] > 0
            and annotation["bbox"][3] > 0
        ):
            x, y, width, height = annotation["bbox"]
            boxes.setdefault(annotation["image_id"], []).append(
                ([x, y, x + width, y + height], number[annotation["category_id"]])
            )
    examples = []
    for image in coco["images"]:
        picture, scale = fitted(read_picture(folder / image["file_name"]), size_wh)
        own = boxes.get(image["id"], [])
        edges = np.array([edge for edge, _ in own], np.float32).reshape(-1, 4) * scale
        examples.append(Example(picture, edges, np.array([c for _, c in own], np.int64)))
    return examples


def read_picture(path: Path) -> Rgb8:
    """RGB as it is shown (EXIF orientation carried out).

    Raises:
        InputError: it is missing or broken.
    """
    try:
        return rgb(path.read_bytes())
    except (OSError, ValueError) as cause:
        raise InputError(f"The image cannot be read: {cause}.", at=str(path)) from cause


def fitted(picture: Rgb8, size_wh: tuple[int, int]) -> tuple[Rgb8, float]:
    """The image scaled into a size and padded with grey, and the scale."""
    height, width = picture.shape[:2]
    scale = min(size_wh[0] / width, size_wh[1] / height)
    inner = (min(size_wh[0], max(1, round(width * scale))), min(size_wh[1], max(1, round(height * scale))))
    small = cv2.resize(picture, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    padded = np.full((size_wh[1], size_wh[0], 3), 114, np.uint8)
    padded[: inner[1], : inner[0]] = small
    return padded, scale


def varied(example: Example, rng: np.random.Generator) -> Example:
    """The example as another camera might have seen it: mirrored, nearer or farther, other light, colour and noise."""
    height, width = example.picture.shape[:2]
    zoom = float(rng.uniform(0.75, 1.3))
    shift = rng.uniform(-0.1, 0.1, 2) * (width, height) + (1 - zoom) * np.array([width, height]) / 2
    mirror = bool(rng.random() < 0.5)
    matrix = np.array([[-zoom, 0, width - shift[0]] if mirror else [zoom, 0, shift[0]], [0, zoom, shift[1]]])
    moved = cv2.warpAffine(example.picture, matrix, (width, height), borderValue=(114, 114, 114))
    x = example.boxes[:, [0, 2]] * matrix[0, 0] + matrix[0, 2]
    y = example.boxes[:, [1, 3]] * zoom + shift[1]
    whole = np.stack([x.min(1), y.min(1), x.max(1), y.max(1)], axis=1) if len(x) else np.zeros((0, 4))
    seen = np.clip(whole, 0, [width, height, width, height])
    share = _areas(seen) / np.maximum(_areas(whole), 1e-6)
    light = moved.astype(np.float32) / 255
    light = np.clip(light, 0, 1) ** rng.uniform(0.6, 1.6) * rng.uniform(0.6, 1.4) * rng.uniform(0.85, 1.15, 3)
    light += rng.normal(0, rng.uniform(0, 0.04), light.shape)
    picture = (np.clip(light, 0, 1) * 255).astype(np.uint8)
    return Example(picture, seen[share > 0.4].astype(np.float32), example.classes[share > 0.4])


def _areas(boxes: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1))


def average_precision(examples: Sequence[Example], predictions: Sequence[Found], n_classes: int) -> float:
    """AP at IoU 0.5, mean over classes; 0 without labels."""
    results = []
    for number in range(n_classes):
        hits: list[tuple[float, int, bool]] = []
        truths = np.array([int((example.classes == number).sum()) for example in examples], np.int64)
        for row, (example, own) in enumerate(zip(examples, predictions, strict=True)):
            chosen = own.classes == number
            matched = _matched(example.boxes[example.classes == number], own.boxes[chosen])
            hits += list(zip(own.scores[chosen].tolist(), [row] * len(matched), matched, strict=True))
        hits.sort(key=lambda hit: -hit[0])
        results.append(
            ClassResults(np.array([r for _, r, _ in hits], np.int64), np.array([h for *_, h in hits], np.bool_), truths)
        )
    return mean_ap(results, np.ones(len(examples))) or 0.0


def _matched(truth: Boxes, boxes: Boxes) -> list[bool]:
    """Whether each box, most certain first, takes a true one that none before took."""
    overlaps = overlap(boxes, truth)
    free = np.ones(len(truth), np.bool_)
    matched = []
    for row in overlaps:
        best = int(np.argmax(np.where(free, row, -1))) if len(row) else -1
        hit = best >= 0 and bool(free[best]) and row[best] >= 0.5
        matched.append(hit)
        if hit:
            free[best] = False
    return matched


def overlap(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Intersection over union of all pairs, ``(n, m)``."""
    a, b = first.reshape(-1, 1, 4), second.reshape(1, -1, 4)
    size = np.maximum(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0)
    both = size.prod(-1).astype(float)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - both
    return np.asarray(np.divide(both, union, out=np.zeros_like(both), where=union > 0))
