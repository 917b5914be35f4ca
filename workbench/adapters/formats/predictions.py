"""Files of predictions: COCO results, COCO with scores, and folders of YOLO rows with confidence.

Result files name images and classes by number; what the numbers mean stands in the file that the model was given.
Formats: https://cocodataset.org/#format-results, and what Ultralytics writes with ``save_txt`` and ``save_conf``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.adapters.formats.toolkit.boxes import Xyxy, numbers_of
from workbench.adapters.formats.toolkit.json_files import json_type, parse
from workbench.adapters.formats.toolkit.json_stream import parts
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.text_files import lines_of
from workbench.adapters.formats.toolkit.tree import Tree
from workbench.adapters.formats.yolo import read as yolo
from workbench.base.errors import InputError

_ROW = 6  # class, x, y, width, height, confidence


@dataclass(frozen=True, slots=True)
class Prediction:
    """One predicted box.

    Attributes:
        image: file name of its image, as the file names it; of YOLO without suffix.
        name: class.
        xyxy: edges; pixels, or shares of width and height when ``shares`` is set.
        confidence: 0..1, ``None`` when the file has none.
    """

    image: str
    name: str
    xyxy: Xyxy
    confidence: float | None
    shares: bool = False


@dataclass(frozen=True)
class Reference:
    """What the numbers in a file of results mean.

    Attributes:
        images: file name by image id.
        classes: class name by number.
    """

    images: Mapping[Any, str] = field(default_factory=dict)
    classes: Mapping[Any, str] = field(default_factory=dict)


def read_reference(path: Path) -> Reference:
    """The numbers of a COCO file, or of a YOLO ``data.yaml``.

    Raises:
        InputError: it is neither.
    """
    if path.suffix.lower() in (".yaml", ".yml"):
        return Reference(classes=yolo.class_names(path))
    images: dict[Any, str] = {}
    classes: dict[Any, str] = {}
    for key, first, values in parts(path, shown=path.name):
        for entry in values if first >= 0 else ():
            if not isinstance(entry, dict) or isinstance(entry.get("id"), (list, dict)):
                continue
            if key == "images" and isinstance(entry.get("file_name"), str):
                images[entry.get("id")] = entry["file_name"]
            elif key == "categories" and "name" in entry:
                classes[entry.get("id")] = str(entry["name"])
    return Reference(images, classes)


def read(path: Path, reference: Reference, problems: Problems) -> Iterator[Prediction]:
    """Every prediction that can be used; what cannot is reported.

    Raises:
        InputError: the file is none of predictions, or nothing says what its numbers mean.
    """
    if path.is_dir():
        return _yolo(path, reference, problems)
    content = parse(path, shown=path.name)
    if isinstance(content, dict) and isinstance(content.get("annotations"), list):
        return _coco(content["annotations"], read_reference(path), path.name, problems)
    if isinstance(content, list):
        if content and not reference.images:
            fix = "Pass the COCO file that the model was run on: annotations=<file>, or --annotations FILE."
            raise InputError("The results refer to images by id.", at=path.name, fix=fix)
        return _coco(content, reference, path.name, problems)
    raise InputError(
        f"The file holds {json_type(content)}, which is neither a list of COCO results nor COCO with scores.",
        at=path.name,
        fix="Give such a file, or a folder of YOLO label files.",
    )


def _coco(entries: list[Any], reference: Reference, shown: str, problems: Problems) -> Iterator[Prediction]:
    for at, entry in enumerate(entries):
        where = f"{shown}, result {at}"
        result = entry if isinstance(entry, dict) else {}
        image, category, score = result.get("image_id"), result.get("category_id"), result.get("score")
        box = numbers_of(result.get("bbox"))
        if box is None or len(box) != 4 or not all(map(math.isfinite, box)) or box[2] <= 0 or box[3] <= 0:
            message = (
                f"bbox is not [x, y, width, height] with an area ({result.get('bbox')!r:.60}); prediction left out."
            )
            problems.add("broken_annotation", where, message)
        elif isinstance(image, (list, dict)) or image not in reference.images:
            problems.add("missing_image", where, f"No image has the id {image!r:.60}; prediction left out.")
        elif isinstance(category, (list, dict)) or category not in reference.classes:
            message = f"No class has the id {category!r:.60}; prediction left out."
            problems.add("unknown_category", where, message)
        else:
            x, y, w, h = box
            confidence = float(score) if isinstance(score, (int, float)) else None
            yield Prediction(reference.images[image], reference.classes[category], (x, y, x + w, y + h), confidence)


def _yolo(path: Path, reference: Reference, problems: Problems) -> Iterator[Prediction]:
    tree = Tree(path)
    files = [file for file in tree.files if file.lower().endswith(".txt")]
    if not files:
        fix = "Give a COCO results file, or the folder with the label files that the model wrote."
        raise InputError("There are no label files (.txt) in this folder.", at=str(path), fix=fix)
    for file in files:
        image = file.rpartition("/")[2][: -len(".txt")]
        for at, line in enumerate(lines_of(tree.path(file), file, problems), 1):
            if line.strip() and (prediction := _row(line.split(), image, reference, f"{file}, line {at}", problems)):
                yield prediction


def _row(tokens: list[str], image: str, reference: Reference, where: str, problems: Problems) -> Prediction | None:
    numbers = _numbers(tokens)
    if numbers is None or numbers[3] <= 0 or numbers[4] <= 0:
        row = " ".join(tokens)[:80]
        message = f"The row '{row}' is not class, x, y, width, height and confidence; prediction left out."
        problems.add("broken_annotation", where, message)
        return None
    number, x, y, w, h, *rest = numbers
    name = reference.classes.get(int(number), None if reference.classes else str(int(number)))
    if name is None:
        problems.add("unknown_category", where, f"No class has the number {tokens[0]:.40}; prediction left out.")
        return None
    edges = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
    return Prediction(image, name, edges, rest[0] if rest else None, shares=True)


def _numbers(tokens: list[str]) -> list[float] | None:
    """Five or six finite numbers, or ``None``."""
    try:
        numbers = [float(token) for token in tokens]
    except ValueError:
        return None
    return numbers if len(numbers) in (_ROW - 1, _ROW) and all(map(math.isfinite, numbers)) else None
