"""The manifest of an export: what it holds, how it was chosen, and a hash of every file."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import itertools
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.actions.export.conversion import is_converted
from workbench.actions.export.readback import Hashes
from workbench.actions.export.summary import Summary
from workbench.adapters.formats.toolkit.contract import NamedRecord
from workbench.base.errors import InputError
from workbench.base.files import sha256_file
from workbench.base.shapes import fault
from workbench.core.schema.fields import SourceName
from workbench.core.schema.labels import Label, Labels, Record
from workbench.core.splits.limits import Deviation
from workbench.core.splits.plan import LeftOut
from workbench.core.splits.spec import SplitSpec

FILE_NAME = "manifest.json"
VERSION = 3  # 3: places in ``labels_sha256`` count in thousandths of a pixel
_encode = json.JSONEncoder(separators=(",", ":")).encode
_encode_line = json.JSONEncoder(ensure_ascii=False).encode
_SAMPLE = {
    **dict.fromkeys(("source_key", "picture", "split", "origin", "source", "labels_sha256"), str),
    "classes": {str: int},
}
_PACKAGES = ("physical-ai-workbench", "fiftyone", "numpy", "pillow")


@dataclass(slots=True)  # as NamedRecord
class Shipped(NamedRecord):
    """One sample on its way out: its record, with the split set, and the name of its image.

    Attributes:
        id: sample id.
        source: ``real`` or ``synthetic``.
        source_key: stable id of the record it was loaded from.
    """

    id: str
    source: SourceName
    source_key: str

    def packed(self) -> tuple[Any, ...]:
        """The same as plain values; see ``Record.packed``."""
        return (self.record.packed(), self.name, self.id, self.source, self.source_key)

    @classmethod
    def unpacked(cls, packed: tuple[Any, ...]) -> Shipped:
        """What ``packed`` gave."""
        return cls(Record.unpacked(packed[0]), *packed[1:])


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for.

    Attributes:
        format, where: as in ``export``.
        spec: what was wanted of the splits.
    """

    format: str
    where: str | None
    spec: SplitSpec

    def document(self) -> dict[str, Any]:
        """As it stands in the manifest."""
        return {"format": self.format, "where": self.where, **asdict(self.spec)}


def head(
    summary: Summary,
    splits: Sequence[str],
    choice: Choice,
    *,
    lost: Sequence[str],
    left_out: Sequence[LeftOut],
    stratification: Deviation | None,
) -> dict[str, Any]:
    """What the manifest says of the whole; without times and places, so the same input gives the same bytes.

    Args:
        summary: of all samples.
        splits: names of the splits.
        choice: what was asked for.
        lost: what the format cannot hold.
        left_out: samples in no split.
        stratification: how far the splits are from holding everything alike.
    """
    return {
        "manifest": VERSION,
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "choice": choice.document(),
        "splits": {split: {**summary.counts(split), **summary.details(split)} for split in splits},
        "stratification": None if stratification is None else asdict(stratification),
        "lost": list(lost),
        "left_out": [{"origin": item.origin, "reason": item.reason} for item in left_out],
    }


def write(folder: Path, document: Mapping[str, Any], shipped: Sequence[Shipped], hashes: Hashes | None) -> None:
    """Write the manifest: its head, then one line per file and per sample, each made when it is written.

    Args:
        folder: all that was written so far.
        document: what ``head`` gave.
        shipped: all samples, in their order.
        hashes: of files for which they are known.
    """
    known = hashes.of if hashes else lambda path: None
    sizes = sorted(_sizes(folder))  # before the manifest itself is there
    files = ({"path": path, "bytes": size, "sha256": known(path) or sha256_file(folder / path)} for path, size in sizes)
    lists: dict[str, Iterator[dict[str, Any]]] = {"files": files, "samples": map(_sample, shipped)}
    with (folder / FILE_NAME).open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(document, indent=1, ensure_ascii=False)[:-2])
        for key, items in lists.items():
            stream.write(f',\n "{key}": [')
            for at, item in enumerate(items):
                stream.write(f"{',' if at else ''}\n  {_encode_line(item)}")
            stream.write("\n ]")
        stream.write("\n}\n")


def read(given: Path, *needed: str) -> tuple[int, list[dict[str, Any]]]:
    """Version of a manifest, and its samples as ``write`` wrote them, whoever wrote them since.

    Args:
        given: the file, or the folder that it lies in.
        needed: keys that every sample must have.

    Raises:
        InputError: there is none, or it is something else.
    """
    path = given / FILE_NAME if given.is_dir() else given
    fix = "Give the folder that `workbench export` wrote."
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError as cause:
        raise InputError(f"There is no {FILE_NAME}.", at=str(path), fix=fix) from cause
    except (OSError, ValueError, RecursionError) as cause:
        problem = f"The manifest cannot be read ({f'{type(cause).__name__}: {cause}'[:200]})."
        raise InputError(problem, at=str(path), fix=fix) from cause
    sample = {key if key in needed else f"{key}?": kind for key, kind in _SAMPLE.items()}
    if differs := fault(content, {"manifest?": int, "samples": [sample]}):
        fix = f"{fix} If it is of an older version, export again."
        raise InputError(f"The manifest cannot be read: {differs}.", at=str(path), fix=fix)
    return content.get("manifest", 0), content["samples"]


def _sizes(folder: Path) -> Iterator[tuple[str, int]]:
    """Path inside the folder and bytes of every file; links count as what they lead to."""
    waiting = [""]
    while waiting:
        below = waiting.pop()
        with os.scandir(folder / below) as entries:  # ten times faster than a Path, and there are many
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(f"{below}{entry.name}/")
                else:
                    yield f"{below}{entry.name}", entry.stat().st_size


def _sample(item: Shipped) -> dict[str, Any]:
    record = item.record
    entry = {
        "picture": item.name,
        "split": record.split,
        "origin": record.origin,
        "source": item.source,
        "source_key": item.source_key,
        "scene_id": record.scene_id,
        "classes": dict(Counter(record.labels.names)),
        "labels_sha256": labels_sha256(record),
        "generation": dict(record.generation),
        "converted_from": record.medium.suffix.lower() if is_converted(item) else None,
    }
    return {key: value for key, value in entry.items() if value}


def labels_sha256(record: Record) -> str:
    """A hash of all that the labels of a record say, to see whether they changed."""
    texts = ",".join(_texts(record.labels))
    digest = hashlib.sha256(f"[{_json(record.classification)},[{texts}]]".encode())
    for mask in record.labels.columns.get("mask", ()):
        if mask is not None:
            digest.update(np.packbits(mask).tobytes())
    return digest.hexdigest()


def _texts(labels: Labels) -> Iterator[str]:
    """Each label as JSON: name, edges in thousandths of a pixel, confidence, and what else it says."""
    edges = np.rint(labels.xyxy * 1000).astype(np.int64).tolist()
    ends = map(_end, labels) if labels.columns else itertools.repeat("null")
    for name, (left, top, right, bottom), end in zip(labels.names, edges, ends, strict=False):
        yield f"[{_json(name)},{left},{top},{right},{bottom},{end}]"


def _end(label: Label) -> str:
    more: list[Any] = []
    if label.attributes or label.size_m:
        more += [sorted(label.attributes.items()), label.size_m]
    if label.mask is not None:
        more += label.mask.shape
    arrays = [*label.polygons, *(a for a in (label.keypoints, label.T_cam_obj) if a is not None)]
    more += [np.round(array.ravel(), 3).tolist() for array in arrays]
    return _json(label.confidence) + (f",{_encode(more)[1:-1]}" if more else "")


@functools.lru_cache(maxsize=1024)  # of few names, many times
def _json(value: str | float | None) -> str:
    return _encode(value)
