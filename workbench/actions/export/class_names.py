"""Names of classes that a format cannot hold as they are: written as the nearest name that it holds, or refused."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import numpy as np
from PIL import Image

from workbench.adapters.formats.registry import FORMATS
from workbench.adapters.formats.toolkit.contract import NamedRecord, Writer
from workbench.adapters.formats.toolkit.scratch import Scratch
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import InputError
from workbench.base.parts import scratch_folder
from workbench.base.plurals import counted
from workbench.core.schema.labels import Camera, Label, Labels, Record

_SIDE_PX = 16
_CAMERA = Camera(_SIDE_PX, _SIDE_PX, 20.0, 20.0, 7.5, 7.5)
_POSE = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 1], [0, 0, 0, 1]])


class ClassNames:
    """What a format calls classes; whether it holds a name is tried, by writing a small image and reading it.

    Attributes:
        changed: names that the format does not hold, with those that are written.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._known: dict[str, str] = {}
        self.changed: dict[str, str] = {}

    def of(self, name: str) -> str:
        """The name to write for a class.

        Raises:
            InputError: the format holds neither this name nor its plain form.
        """
        if name not in self._known:
            self._known[name] = written = self._written(name)
            if written != name:
                self.changed[name] = written
        return self._known[name]

    def labels(self, labels: Labels) -> Labels:
        """Labels with the names to write."""
        names = tuple([self.of(name) for name in labels.names])
        return labels if names == labels.names else Labels(names, labels.xyxy, labels.columns)

    def lost(self) -> list[str]:
        """The changed names, as a sentence."""
        if not self.changed:
            return []
        shown = ", ".join(f"{old!r:.60} as {new!r:.60}" for old, new in sorted(self.changed.items())[:3])
        return [f"names of {counted(len(self.changed), 'class', 'classes')} (written: {shown})"]

    def _written(self, name: str) -> str:
        if _is_usual(name):
            return name
        for candidate in (name, _plain(name)):
            if candidate and self._holds(candidate):
                return candidate
        fix = "Rename the class, or export to coco, which holds nearly every name."
        raise InputError(f"The class {name!r:.80} cannot be written as {self._writer.name}.", fix=fix)

    def _holds(self, name: str) -> bool:
        with scratch_folder() as scratch:
            folder, original = scratch / "out", scratch / "original.png"
            folder.mkdir()
            Image.new("L", (_SIDE_PX, _SIDE_PX)).save(original)
            label = Label(name, (2.0, 2.0, 9.0, 9.0), T_cam_obj=_POSE, size_m=(0.1, 0.1, 0.1))
            record = Record(original, "0", _SIDE_PX, _SIDE_PX, Labels.of([label]), split="train", camera=_CAMERA)
            item = NamedRecord(record, "000000.png")
            if not self._writer.embeds:
                picture = folder / self._writer.picture_path("train", item.name)
                picture.parent.mkdir(parents=True, exist_ok=True)
                picture.write_bytes(original.read_bytes())
            try:
                self._writer.write(folder, [item])
                source = Source(folder, scratch=Scratch(scratch / "scratch"))
                return [each.labels.names for each in FORMATS[self._writer.name].read(source)] == [(name,)]
            except (InputError, ValueError):  # not even written: half a surrogate pair, or no XML
                return False


def _is_usual(name: str) -> bool:
    """Whether every format holds a name: words of ASCII letters, with single spaces, ``_`` and ``-`` between."""
    words = name.replace("-", "_").split(" ")
    return name.isascii() and all(word.replace("_", "a").isalpha() for word in words)


def _plain(name: str) -> str:
    r"""The name as one line of printable characters, composed, without spaces around it.

    >>> _plain(" hex\nnut "), _plain("cafe\u0301"), _plain("a\x00b"), _plain(" ")
    ('hex nut', 'café', 'ab', '')
    """
    composed = unicodedata.normalize("NFC", " ".join(name.split()))
    return "".join(_printable(composed)).strip()


def _printable(text: str) -> Iterator[str]:
    return (char for char in text if char.isprintable())
