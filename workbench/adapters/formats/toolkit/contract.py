"""The interface of a format: every module with these names is one."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from workbench.adapters.formats.toolkit.source import Source
from workbench.base.spool import Part
from workbench.core.schema.classes import ClassFacts
from workbench.core.schema.labels import Label, Record


@dataclass(frozen=True, slots=True)
class Found:
    """A match: why a file or folder may be of a format, and how to read it as such.

    Attributes:
        score: 0..1; 1 is certain.
        why: the evidence, as text for people.
        read: as ``Format.read``, without searching the folder again.
    """

    score: float
    why: str
    read: Callable[[], Iterator[Record]]


class Counted(Iterator[Record]):
    """Records, one by one; the length hint says how many are left.

    A reader sets ``_left``, counts it down, and gives its generator as ``_records``.
    """

    _left: int
    _records: Iterator[Record]

    def __next__(self) -> Record:
        return next(self._records)

    def __length_hint__(self) -> int:
        return self._left


class Format(Protocol):
    """A format that can be read.

    Attributes:
        name: the value of ``--format``.
        looks_for: what it is recognized by, for the message when no format matches.
        single_files: whether it reads single files too; otherwise ``detect`` is not called for one.
    """

    name: str
    looks_for: str
    single_files: bool

    def detect(self, source: Source) -> Found | None:
        """Inspect the content; ``None`` when it is not of this format. Adds nothing to the problems."""

    def read(self, source: Source) -> Iterator[Record]:
        """Yield every record that can be used and report every problem, whether or not ``detect`` matches.

        The iterator gives the number of records to come as its length hint.

        Raises:
            InputError: the input as a whole cannot be read.
        """


@dataclass(slots=True)  # not frozen: made anew each time that it is read from disk
class NamedRecord:
    """A record to be written, and the file name of its image; never changed.

    Attributes:
        record: the labels and facts; its ``split`` is the split to write to, its ``image_path`` the original.
        name: file name of the image, unique among all (also without its suffix).
    """

    record: Record
    name: str


def record_of(item: NamedRecord) -> Record:
    """The record of an item."""
    return item.record


def everything(label: Label) -> bool:
    """``Writer.holds`` of formats that can hold every label, if only its box."""
    return True


@dataclass(frozen=True, slots=True)
class Survey:
    """Splits, classes and keypoints of the samples to be written.

    Attributes:
        by_split: the samples of each split, in alphabetical order.
        names: of all classes, in alphabetical order.
        keypoints: names of the keypoints of the first label of a class that has any.
        facts: what the data says of the classes.
    """

    by_split: dict[str, Sequence[NamedRecord]]
    names: list[str]
    keypoints: dict[str, tuple[str, ...]]
    facts: dict[str, ClassFacts]


def survey(items: Sequence[NamedRecord]) -> Survey:
    """Go through all samples once, without keeping any: the sequence may lie on disk."""
    indices: defaultdict[str, array[int]] = defaultdict(lambda: array("Q"))
    names: set[str] = set()
    keypoints: dict[str, tuple[str, ...]] = {}
    facts: dict[str, ClassFacts] = {}
    for at, item in enumerate(items):
        labels = item.record.labels
        indices[str(item.record.split)].append(at)
        names.update(labels.names)
        for name, own in item.record.class_facts.items():
            facts.setdefault(name, own)
        for label in labels if "keypoints" in labels.columns else ():
            if label.keypoints is not None and label.keypoint_names:
                keypoints.setdefault(label.name, label.keypoint_names)
    return Survey({split: Part(items, indices[split]) for split in sorted(indices)}, sorted(names), keypoints, facts)


class Writer(Protocol):
    """A format that can be written.

    Attributes:
        name: the value of ``--format``; a reader of the same name reads it back.
        numbered: images are named ``000000.jpg``, ``000001.jpg`` ...; else after where they came from.
        embeds: images lie inside the written files, which ``write`` does; else the caller puts them in place first.
        tolerance_px: how far an edge of a box may move, for formats of whole pixels.
        takes: suffixes of the images that its readers, also those of others, open; ``None`` for all. Other images
            are converted to PNG.
    """

    name: str
    numbered: bool
    embeds: bool
    tolerance_px: float
    takes: frozenset[str] | None

    def picture_path(self, split: str, name: str) -> str:
        """Where the image belongs, inside the folder, with ``/`` between the parts; what its reader calls it."""

    def holds(self, label: Label) -> bool:
        """Whether the format can hold this label at all; ``everything`` for most."""

    def lost(self, records: Sequence[Record]) -> list[str]:
        """What the format cannot hold of these records, one sentence each."""

    def write(self, folder: Path, items: Sequence[NamedRecord]) -> None:
        """Write all files but the images; the same input gives the same bytes.

        ``items`` may lie on disk: its items are made anew whenever they are asked for.
        """
