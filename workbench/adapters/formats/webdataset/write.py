"""Write WebDataset shards: plain tar files of ``KEY.jpg`` and ``KEY.json``, by split.

Format: https://github.com/webdataset/webdataset; the JSON is the whole record (``sample_json``).
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

from workbench.adapters.formats.coco.sample_json import document
from workbench.adapters.formats.toolkit import fidelity as losses
from workbench.adapters.formats.toolkit.boxes import ROUNDING_PX
from workbench.adapters.formats.toolkit.contract import NamedRecord, everything, survey
from workbench.adapters.formats.toolkit.tree import stem_of
from workbench.core.schema.labels import Record

name = "webdataset"
numbered, embeds = True, True  # a dot in a key would end it
holds = everything
tolerance_px = ROUNDING_PX
takes: frozenset[str] | None = None

SHARD_SAMPLES, SHARD_BYTES = 10_000, 1 << 30


def picture_path(split: str, name: str) -> str:
    """What the reader calls an image.

    >>> picture_path("train", "000012.jpg")
    'train/000012.jpg'
    """
    return f"{split}/{name}"


def lost(records: Sequence[Record]) -> list[str]:
    """Everything but per-pixel maps and point clouds is kept."""
    return losses.of_files(records)


def write(folder: Path, items: Sequence[NamedRecord]) -> None:
    """Write the shards; see ``contract.Writer.write``."""
    for split, own in survey(items).by_split.items():
        at = shard = 0
        while at < len(own):
            at = _shard(folder / f"{split}-{shard:06d}.tar", own, at)
            shard += 1


def _shard(path: Path, items: Sequence[NamedRecord], start: int) -> int:
    """Write samples from one on until the shard is full; returns the next."""
    written = 0
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for at in range(start, min(start + SHARD_SAMPLES, len(items))):
            if written >= SHARD_BYTES:
                return at
            item = items[at]
            content = json.dumps(document(item, at), ensure_ascii=False, sort_keys=True).encode()
            written += _add(archive, item.name, item.record.medium.read_bytes())
            written += _add(archive, f"{stem_of(item.name)}.json", content)
    return min(start + SHARD_SAMPLES, len(items))


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> int:
    """Add a file that bears no time and no owner, so that the same input gives the same bytes."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o644
    archive.addfile(info, io.BytesIO(data))
    return len(data)
