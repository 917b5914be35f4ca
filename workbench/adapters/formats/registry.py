"""All formats, and the detection of the one that a folder has."""

from __future__ import annotations

from functools import partial
from typing import Final

from workbench.adapters.formats.blenderproc import read as blenderproc
from workbench.adapters.formats.bop import read as bop
from workbench.adapters.formats.bop import write as bop_write
from workbench.adapters.formats.cloud_folder import read as cloud_folder
from workbench.adapters.formats.coco import read as coco
from workbench.adapters.formats.coco import write as coco_write
from workbench.adapters.formats.fiftyone import read as fiftyone_folder
from workbench.adapters.formats.fiftyone import write as fiftyone_write
from workbench.adapters.formats.images import read as folder
from workbench.adapters.formats.kitti import read as kitti
from workbench.adapters.formats.kitti import write as kitti_write
from workbench.adapters.formats.parquet import read as parquet
from workbench.adapters.formats.parquet import write as parquet_write
from workbench.adapters.formats.replicator import read as replicator
from workbench.adapters.formats.replicator import write as replicator_write
from workbench.adapters.formats.solo import read as solo
from workbench.adapters.formats.toolkit.contract import Format, Found, Writer
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.voc import read as voc
from workbench.adapters.formats.voc import write as voc_write
from workbench.adapters.formats.webdataset import read as webdataset
from workbench.adapters.formats.webdataset import write as webdataset_write
from workbench.adapters.formats.yolo import read as yolo
from workbench.adapters.formats.yolo import write as yolo_write
from workbench.base.errors import InputError, one_of

FORMATS: Final[dict[str, Format]] = {
    coco.name: coco,
    voc.name: voc,
    yolo.name: yolo,
    kitti.name: kitti,
    replicator.name: replicator,
    solo.name: solo,
    bop.name: bop,
    blenderproc.name: blenderproc,
    fiftyone_folder.name: fiftyone_folder,
    parquet.name: parquet,
    webdataset.name: webdataset,
    folder.name: folder,
    cloud_folder.name: cloud_folder,
}

WRITERS: Final[dict[str, Writer]] = {
    coco_write.name: coco_write,
    voc_write.name: voc_write,
    yolo_write.name: yolo_write,
    kitti_write.name: kitti_write,
    bop_write.name: bop_write,
    replicator_write.name: replicator_write,
    fiftyone_write.name: fiftyone_write,
    parquet_write.name: parquet_write,
    webdataset_write.name: webdataset_write,
}

_TIE = 0.15  # evidence closer than this does not decide


def choose(source: Source, *, name: str | None = None) -> tuple[str, Found]:
    """The name of the format to read a file or folder with, why, and how.

    Args:
        source: what is to be read.
        name: the format that the user asks for; ``None`` looks at the content.

    Raises:
        InputError: no such format, nothing fits, or two fit equally well.
    """
    if name is not None:
        return name, _asked_for(source, name)
    matches = _detected(source)
    if not matches:
        raise _nothing_fits(source)
    ranked = sorted(matches, key=lambda name: -matches[name].score)
    best = ranked[0]
    equal = [name for name in ranked if matches[best].score - matches[name].score < _TIE]
    if len(equal) > 1:
        reasons = "; ".join(f"{name}: {matches[name].why}" for name in equal)
        problem = f"The data matches several formats equally well ({reasons})."
        raise InputError(problem, at=str(source.path), fix=f"Choose one: --format {' or '.join(equal)}.")
    return best, matches[best]


def _asked_for(source: Source, name: str) -> Found:
    if name not in FORMATS:
        raise InputError(f"Unknown format {name!r:.80}.", fix=one_of(name, FORMATS))
    if source.file is not None and not FORMATS[name].single_files:
        problem = f"The format '{name}' is read from a folder, and this is a file."
        raise InputError(problem, at=str(source.path), fix="Give the folder that holds it.")
    return Found(1.0, "asked for", partial(FORMATS[name].read, source))


def _detected(source: Source) -> dict[str, Found]:
    asked = {name: form for name, form in FORMATS.items() if source.file is None or form.single_files}
    try:
        matches = {name: form.detect(source) for name, form in asked.items()}
    except OSError as cause:
        problem = f"'{cause.filename or source.path}' cannot be read ({cause.strerror or type(cause).__name__})."
        raise InputError(problem, at=str(source.path), fix="Change the permissions.") from cause
    return {name: match for name, match in matches.items() if match is not None}


def _nothing_fits(source: Source) -> InputError:
    path = source.path
    empty = path.is_dir() and not any(path.iterdir())
    known = "; ".join(f"{name}: {form.looks_for}" for name, form in FORMATS.items())
    return InputError(
        "The folder is empty." if empty else "There are no images and no known data set here.",
        at=str(path),
        fix=f"The formats and what they are recognized by: {known}.",
    )
