"""The manifest of an export: what it holds, how it was chosen, and a hash of every file."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.curating.limits import Deviation
from workbench.curating.splits import LeftOut
from workbench.curating.wishes import Wish
from workbench.files import sha256_file
from workbench.formats.contract import Placed
from workbench.schema.fields import ATTRIBUTES, SourceName
from workbench.schema.labels import Label, PlainBoxes, Record, names_of

FILE_NAME = "manifest.json"
VERSION = 3  # 3: places in ``labels_sha256`` count in thousandths of a pixel
_encode = json.JSONEncoder(separators=(",", ":")).encode
_encode_line = json.JSONEncoder(ensure_ascii=False).encode
_PACKAGES = ("physical-ai-workbench", "fiftyone", "numpy", "pillow")


@dataclass(frozen=True, slots=True)
class Shipped:
    """One sample on its way out.

    Attributes:
        id: sample id.
        source: ``real`` or ``synthetic``.
        source_key: stable id of the record it was loaded from.
        placed: its record, with the split set, and the name of its picture.
    """

    id: str
    source: SourceName
    source_key: str
    placed: Placed


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for.

    Attributes:
        format, where, slice_by: as in ``export``.
        wish: what was wanted of the splits.
    """

    format: str
    where: str | None
    wish: Wish
    slice_by: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """As it stands in the manifest."""
        said = {"format": self.format, "where": self.where, "slice_by": list(self.slice_by), **asdict(self.wish)}
        return {**said, "real_only": list(self.wish.real_only), "mix": dict(self.wish.mix)}


def counts(shipped: Sequence[Shipped], split: str) -> dict[str, int]:
    """Samples, labels, and samples per source of one split."""
    own = [item for item in shipped if item.placed.record.split == split]
    sources = Counter(item.source for item in own)
    return {
        "samples": len(own),
        "labels": sum(len(item.placed.record.labels) for item in own),
        "real": sources["real"],
        "synthetic": sources["synthetic"],
    }


def head(
    shipped: Sequence[Shipped],
    splits: Sequence[str],
    choice: Choice,
    *,
    lost: Sequence[str],
    left_out: Sequence[LeftOut],
    stratification: Deviation | None,
) -> dict[str, Any]:
    """What the manifest says of the whole; without times and places, so the same input gives the same bytes.

    Args:
        shipped: all samples, in their order.
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
        "splits": {split: {**counts(shipped, split), **details(shipped, split)} for split in splits},
        "stratification": None if stratification is None else asdict(stratification),
        "lost": list(lost),
        "left_out": [{"origin": item.origin, "reason": item.reason} for item in left_out],
    }


def write(folder: Path, said: Mapping[str, Any], shipped: Sequence[Shipped], hashes: Mapping[str, str]) -> None:
    """Write the manifest: its head, then one line per file and per sample, each made when it is written.

    Args:
        folder: all that was written so far.
        said: what ``head`` gave.
        shipped: all samples, in their order.
        hashes: SHA-256 by path of files for which it is known.
    """
    sizes = sorted(_sizes(folder))  # before the manifest itself is there
    files = (
        {"path": path, "bytes": size, "sha256": hashes.get(path) or sha256_file(folder / path)} for path, size in sizes
    )
    lists: dict[str, Iterator[dict[str, Any]]] = {"files": files, "samples": map(_sample, shipped)}
    with (folder / FILE_NAME).open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(said, indent=1, ensure_ascii=False)[:-2])
        for key, items in lists.items():
            stream.write(f',\n "{key}": [')
            for at, item in enumerate(items):
                stream.write(f"{',' if at else ''}\n  {_encode_line(item)}")
            stream.write("\n ]")
        stream.write("\n}\n")


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


def details(shipped: Sequence[Shipped], split: str) -> dict[str, Any]:
    """Counts of one split by class, attribute and lineage."""
    records = [item.placed.record for item in shipped if item.placed.record.split == split]
    values = {name: [record.attributes[name] for record in records if name in record.attributes] for name in ATTRIBUTES}
    made = Counter(str(record.generation.get("scenario_name", "")) for record in records if record.generation)
    return {
        "labels_per_class": dict(Counter(name for record in records for name in names_of(record.labels))),
        "attributes": {name: dict(Counter(map(str, found))) for name, found in values.items() if found},
        "scenarios": dict(made),
    }


def _sample(item: Shipped) -> dict[str, Any]:
    record = item.placed.record
    found = {
        "picture": item.placed.name,
        "split": record.split,
        "origin": record.origin,
        "source": item.source,
        "source_key": item.source_key,
        "scene_id": record.scene_id,
        "classes": dict(Counter(names_of(record.labels))),
        "labels_sha256": labels_sha256(record),
        "generation": dict(record.generation),
    }
    return {key: value for key, value in found.items() if value}


def labels_sha256(record: Record) -> str:
    """A hash of all that the labels of a record say, to see whether they changed."""
    labels = record.labels
    said = ",".join(_plainly(labels) if isinstance(labels, PlainBoxes) else map(_said, labels))
    digest = hashlib.sha256(f"[{_json(record.classification)},[{said}]]".encode())
    for label in () if isinstance(labels, PlainBoxes) else labels:
        if label.mask is not None:
            digest.update(np.packbits(label.mask).tobytes())
    return digest.hexdigest()


def _plainly(labels: PlainBoxes) -> Iterator[str]:
    """The text of ``_said`` for labels that are nothing but boxes, in a third of the time."""
    places = np.rint(labels.edges * 1000).astype(np.int64).tolist()
    for name, (left, top, right, bottom) in zip(labels.names, places, strict=True):
        yield f"[{_json(name)},{left},{top},{right},{bottom},null]"


def _said(label: Label) -> str:
    """A label as JSON; places in thousandths of a pixel."""
    left, top, right, bottom = (round(edge * 1000) for edge in label.xyxy)
    box = f"{_json(label.name)},{left},{top},{right},{bottom}"
    more: list[Any] = []
    if label.attributes or label.size_m:
        more += [sorted(label.attributes.items()), label.size_m]
    if label.mask is not None:
        more += label.mask.shape
    arrays = [*label.polygons, *(a for a in (label.keypoints, label.T_cam_obj) if a is not None)]
    more += [np.round(array.ravel(), 3).tolist() for array in arrays]
    return f"[{box},{_json(label.confidence)}" + (f",{_encode(more)[1:-1]}]" if more else "]")


@functools.lru_cache(maxsize=1024)  # of few names, many times
def _json(value: str | float | None) -> str:
    return _encode(value)
