"""Read an export back with the project's own reader and compare it with what was meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.actions.export.conversion import is_converted
from workbench.adapters.formats.registry import FORMATS
from workbench.adapters.formats.toolkit.boxes import hull
from workbench.adapters.formats.toolkit.contract import NamedRecord, Writer, everything
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import InputError, OutputError
from workbench.base.files import sha256_file
from workbench.base.progress import Progress
from workbench.core.schema.labels import Labels, Record

_SHOWN = 3
_BYTES = 32  # of a SHA-256


@dataclass(frozen=True, slots=True)
class Hashes:
    """SHA-256 of images as they were read back, in little memory.

    Attributes:
        places: number of each by its path.
        digests: 32 bytes for each number; zeros where it was not read back.

    >>> Hashes({"a.jpg": 1}, bytearray(32) + bytes.fromhex("ab" * 32)).of("a.jpg") == "ab" * 32
    True
    """

    places: Mapping[str, int]
    digests: bytearray

    def of(self, path: str) -> str | None:
        """Of one image, ``None`` when it is not known."""
        at = self.places.get(path)
        digest = b"" if at is None else self.digests[at * _BYTES : (at + 1) * _BYTES]
        return digest.hex() if any(digest) else None

    def note(self, at: int, sha256: str) -> None:
        """Keep the hash of one image."""
        self.digests[at * _BYTES : (at + 1) * _BYTES] = bytes.fromhex(sha256)


def compare(
    written: Source,
    items: Sequence[NamedRecord],
    places: Mapping[str, int],
    writer: Writer,
    progress: Progress,
) -> Hashes:
    """Every image with its bytes, its split, its count of labels per class and its boxes.

    Args:
        written: the folder that was written, without the manifest.
        items: what was meant; may lie on disk.
        places: where each lies in ``items``, by the path of its image.
        writer: the format.
        progress: counts what was read back.

    Returns:
        Of the images, as they were read back.

    Raises:
        InputError: an image has changed since it was loaded, so its labels may not fit any more.
        OutputError: anything else differs.
    """
    there = bytearray(len(items))  # 1 for what was read back
    differences: list[str] = []
    hashes = Hashes(places, bytearray(_BYTES * len(items)))
    root = written.path.resolve()
    for read in progress.track(FORMATS[writer.name].read(written)):  # one at a time: memory stays
        path = path_of(read, root, writer)
        at = places.get(path)
        if at is None or there[at]:
            differences.append(f"{path} should not exist")
            continue
        there[at] = 1
        meant = items[at].record
        sha256 = read.content_sha256 or sha256_file(read.medium)
        hashes.note(at, sha256 if is_converted(items[at]) else _same_picture(meant, sha256))
        differences += [f"{path}: {text}" for text in _differences(meant, read, path, writer)]
    for path, at in places.items():
        if there[at]:
            continue
        differences.append(f"{path} is missing")
        if (root / path).is_file() and not is_converted(items[at]):
            _same_picture(items[at].record, sha256_file(root / path))
    if differences:
        named = [f"{problem.where}: {problem.message}" for problem in written.problems]
        shown = "; ".join([*sorted(differences)[:_SHOWN], *named[:_SHOWN]])
        more = f" and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
        fix = "Nothing was left behind. Please report this with the manifest of the data."
        raise OutputError(f"The export reads back differently: {shown}{more}.", at=writer.name, fix=fix)
    return hashes


def _same_picture(meant: Record, sha256: str) -> str:
    if meant.content_sha256 in (None, sha256):
        return sha256
    fix = "Load the changed data into a new dataset, or restore the file."
    raise InputError("The image file has changed since it was loaded.", at=meant.origin, fix=fix)


def path_of(record: Record, root: Path, writer: Writer) -> str:
    """What the writer calls the image of a record that was read back."""
    if writer.embeds or record.image_path is None:
        return record.origin
    return str(record.image_path)[len(f"{root}/") :]  # 20 times faster than a Path, and there are many


def _differences(wanted: Record, read: Record, path: str, writer: Writer) -> Iterator[str]:
    split = read.split or (wanted.split if wanted.split in path.split("/") else None)  # a folder of an unusual name
    if wanted.split != split:
        yield f"split {wanted.split} became {read.split}"
    if (wanted.width, wanted.height) != (read.width, read.height):
        yield f"size {wanted.width} x {wanted.height} became {read.width} x {read.height}"
    meant = wanted.labels if writer.holds is everything else Labels.of(filter(writer.holds, wanted.labels))
    pair = _in_order(meant, read.labels)
    if pair is None:
        yield f"labels {dict(Counter(meant.names))} became {dict(Counter(read.labels.names))}"
        return
    moved_px = _moved_px(*pair)
    if len(moved_px) and not moved_px.max() <= writer.tolerance_px:
        worst = int(moved_px.argmax())
        yield f"a box of {pair[0].names[worst]} moved by {moved_px[worst]:.3g} px"


def _in_order(meant: Labels, read: Labels) -> tuple[Labels, Labels] | None:
    """Both so that labels at the same place stand for each other; ``None`` when the counts per class differ."""
    if meant.names == read.names:  # nearly always
        return meant, read
    if Counter(meant.names) != Counter(read.names):
        return None
    by_class = [Labels.of(sorted(labels, key=lambda label: label.name)) for labels in (meant, read)]
    return by_class[0], by_class[1]


def _moved_px(meant: Labels, read: Labels) -> NDArray[np.float64]:
    """How far an edge of each moved; a label written as its outline alone comes back with the outline's box."""
    moved_px: NDArray[np.float64] = np.abs(meant.xyxy - read.xyxy).max(axis=1, initial=0.0)
    outlines = meant.columns.get("polygons", ()) if "polygons" in read.columns else ()
    for at, polygons in enumerate(outlines):
        if polygons and moved_px[at] and read.columns["polygons"][at]:
            moved_px[at] = min(moved_px[at], np.abs(np.subtract(hull(polygons), read.xyxy[at])).max())
    return moved_px
