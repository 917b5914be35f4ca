"""The manifest of an export: what it holds, how it was chosen, and a hash of every file."""

from __future__ import annotations

import importlib.metadata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.curating.splits import LeftOut
from workbench.files import sha256_file
from workbench.formats.contract import Placed
from workbench.schema.fields import ATTRIBUTES, SourceName

FILE_NAME = "manifest.json"
_VERSION = 1
_PACKAGES = ("physical-ai-workbench", "fiftyone", "numpy", "pillow")


@dataclass(frozen=True, slots=True)
class Shipped:
    """One sample on its way out.

    Attributes:
        id: sample id.
        source: ``real`` or ``synthetic``.
        source_key: stable id of the record it was loaded from.
        content_sha256: of its picture when it was loaded, or ``None``.
        placed: its record, with the split set, and the name of its picture.
    """

    id: str
    source: SourceName
    source_key: str
    content_sha256: str | None
    placed: Placed


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for.

    Attributes:
        format, where, seed, real_only: as in ``export``.
        ratios: shares drawn anew, or ``None`` when given splits were kept.
    """

    format: str
    where: str | None
    seed: int
    ratios: Mapping[str, float] | None
    real_only: tuple[str, ...]


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


def document(
    folder: Path,
    shipped: Sequence[Shipped],
    splits: Sequence[str],
    choice: Choice,
    *,
    lost: Sequence[str],
    left_out: Sequence[LeftOut],
    pictures: Mapping[str, str],
) -> dict[str, Any]:
    """The manifest's content; without times and places, so the same input gives the same bytes.

    Args:
        folder: what was written, without the manifest.
        shipped: all samples, in their order.
        splits: names of the splits.
        choice: what was asked for.
        lost: what the format cannot hold.
        left_out: samples in no split.
        pictures: SHA-256 by path of the pictures, known from copying.
    """
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {
        "manifest": _VERSION,
        "versions": {name: importlib.metadata.version(name) for name in _PACKAGES},
        "choice": asdict(choice),
        "splits": {split: {**counts(shipped, split), **_details(shipped, split)} for split in splits},
        "lost": list(lost),
        "left_out": [{"origin": item.origin, "reason": item.reason} for item in left_out],
        "files": [
            {"path": p, "bytes": (folder / p).stat().st_size, "sha256": pictures.get(p) or sha256_file(folder / p)}
            for p in paths
        ],
        "samples": [_sample(item) for item in shipped],
    }


def _details(shipped: Sequence[Shipped], split: str) -> dict[str, Any]:
    records = [item.placed.record for item in shipped if item.placed.record.split == split]
    values = {name: [record.attributes[name] for record in records if name in record.attributes] for name in ATTRIBUTES}
    return {
        "labels_per_class": dict(Counter(label.name for record in records for label in record.labels)),
        "attributes": {name: dict(Counter(map(str, found))) for name, found in values.items() if found},
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
        "generation": dict(record.generation),
    }
    return {key: value for key, value in found.items() if value}
