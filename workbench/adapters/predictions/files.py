"""Open a file or folder of predictions, whichever form it has."""

from __future__ import annotations

from pathlib import Path

from workbench.adapters.formats.toolkit.json_files import json_type, parse
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.predictions import coco, yolo_rows
from workbench.adapters.predictions.prediction import Results
from workbench.adapters.predictions.reference import read_reference
from workbench.base.errors import InputError

_LISTS = ("annotations", "predictions")  # keys below which results are wrapped


def read(path: Path, problems: Problems, *, keypoint_numbers: int = 0) -> Results:
    """Every prediction that can be used; what cannot is reported.

    Args:
        path: COCO results, COCO with scores, Ultralytics' ``predictions.json``, or a folder of YOLO rows.
        problems: where to report.
        keypoint_numbers: numbers of keypoints in each row, of a pose model.

    Raises:
        InputError: the file is none of predictions, or its confidences are none.
    """
    if path.is_dir():
        return yolo_rows.read(path, problems, keypoint_numbers=keypoint_numbers)
    content = parse(path, shown=path.name)
    if isinstance(content, list):
        return coco.read(content, path, problems)
    for key in _LISTS:
        if isinstance(content, dict) and isinstance(content.get(key), list):
            return coco.read(content[key], path, problems, own=read_reference(path))
    raise InputError(
        f"The file holds {json_type(content)}, which is neither a list of COCO results nor COCO with scores.",
        at=path.name,
        fix="Give such a file, or a folder of YOLO label files.",
    )
