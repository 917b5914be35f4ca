"""The samples that a file of predictions names: by id, by file name with or without folders, or by stem."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.adapters.formats.toolkit.names import split_of_path, split_word
from workbench.adapters.predictions import Reference, plain_id
from workbench.adapters.store import Medium
from workbench.base.errors import InputError

_NO_FOLDERS = frozenset({"images", "labels"})  # they tell no image from another
_UP = 4  # folders above an annotation file that its images are looked for in


@dataclass(frozen=True)
class Match:
    """What an image of a file is in the dataset.

    Attributes:
        samples: the sample; several that the name fits alike; none.
        references: the files that declare it as an id.
    """

    samples: tuple[Medium, ...] = ()
    references: tuple[Reference, ...] = ()


@dataclass
class Images:
    """Finds the samples of a dataset that a file names.

    Attributes:
        media: all samples.
        references: files that say which image an id is.
    """

    media: Sequence[Medium]
    references: Sequence[Reference] = ()
    _by_name: dict[tuple[str, str], list[Medium]] = field(default_factory=lambda: defaultdict(list))
    _by_plain: list[tuple[Reference, dict[int, list[Any]]]] = field(default_factory=list)
    _folders: dict[str, tuple[str, ...]] = field(init=False)

    def __post_init__(self) -> None:
        self._folders = {medium.id: _folders(Path(_text(medium.origin)).parts[:-1]) for medium in self.media}
        for medium in self.media:
            for key in _keys(_text(medium.origin).rpartition("/")[2]):
                self._by_name[key].append(medium)
        for reference in self.references:
            by_plain: dict[int, list[Any]] = defaultdict(list)
            for key in reference.images:
                if (number := plain_id(key)) is not None:
                    by_plain[number].append(key)
            self._by_plain.append((reference, by_plain))

    def find(self, image: Any, *, named: bool, at: str) -> Match:
        """The sample of an image as a file names it.

        Args:
            image: an id, a path, a name or a stem.
            named: whether it is no id.
            at: the predictions, for messages.

        Raises:
            InputError: an id is that of several images.
        """
        if named:
            return Match(self.of_name(str(image)))
        declared = list(self._declared(image))
        by_name = self.of_name(image) if isinstance(image, str) else ()
        if not declared:
            return Match(by_name)
        meant: dict[Any, tuple[Reference, str]] = {}
        for reference, name in declared:
            meant.setdefault(self.of_name(name, near=reference.path) or name, (reference, name))
        if len(meant) > 1:
            both = " and ".join(f"'{name}' in {reference.path}" for reference, name in list(meant.values())[:2])
            fix = "Pass annotations= (--annotations): a file or a folder that the model was given."
            problem = f"Several COCO files give the same image id to different images: {image!r} is {both}."
            raise InputError(problem, at=at, fix=fix)
        samples = self.of_name(declared[0][1], near=declared[0][0].path)
        exact = any(image in reference.images for reference, _ in declared)
        if by_name and not exact and samples != by_name:
            problem = (
                f"The image id {image!r} is '{declared[0][1]}' in {declared[0][0].path.name}, and also the name of "
                f"{by_name[0].origin}."
            )
            raise InputError(problem, at=at, fix="Write ids as numbers, or give file_name beside image_id.")
        return Match(samples, tuple(reference for reference, _ in declared))

    def _declared(self, image: Any) -> Iterator[tuple[Reference, str]]:
        """The references that know an id, with the name that they give it; 1, 1.0 and "1" are the same."""
        number = plain_id(image)
        for reference, by_plain in self._by_plain:
            if image in reference.images:
                yield reference, reference.images[image]
            elif number is not None and len(keys := by_plain.get(number, [])) == 1:
                yield reference, reference.images[keys[0]]

    def of_name(self, name: str, *, near: Path | None = None) -> tuple[Medium, ...]:
        """The samples that a name fits best: one, or several where nothing tells them apart.

        Args:
            name: file name or stem; folders before it count as far as they tell samples of one name apart.
            near: a file that names it: of several, the samples in the nearest folder above it are meant.
        """
        parts = Path(_text(name).replace("\\", "/")).parts
        if not parts:
            return ()
        last, folders = parts[-1], _folders(parts[:-1])
        candidates = (self._by_name.get(key, []) for key in _keys_of_given(last))
        samples = next(filter(None, candidates), [])
        samples = self._narrowed(samples, folders)
        if len(samples) == 1 and not name.startswith(("/", "\\")) and ":" not in name:
            own, given = (split_of_path(part) for part in (self._folders[samples[0].id], folders))
            samples = samples if own is None or given is None or own == given else []
        if len(samples) > 1 and near is not None:
            samples = _nearest(samples, near)
        return tuple(samples)

    def _narrowed(self, samples: list[Medium], folders: tuple[str, ...]) -> list[Medium]:
        """Those whose path ends like the name, as far as that tells them apart."""
        for n in range(1, len(folders) + 1):
            if len(samples) < 2:
                break
            samples = [sample for sample in samples if self._folders[sample.id][-n:] == folders[-n:]] or samples
        return samples


def _keys(name: str) -> Iterator[tuple[str, str]]:
    """All that an image may be called: with and without suffix, as it is written and in small letters."""
    stem = Path(name).stem
    yield from (("name", name), ("stem", stem), ("folded name", name.casefold()), ("folded stem", stem.casefold()))


def _keys_of_given(name: str) -> Iterator[tuple[str, str]]:
    """What a given name may be, the likeliest first."""
    yield from (("name", name), ("stem", name), ("folded name", name.casefold()), ("folded stem", name.casefold()))


def _text(name: str) -> str:
    """A name in one form: letters with marks may be written as one character or as two."""
    return unicodedata.normalize("NFC", name)


def _folders(parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(split_word(part) or part for part in parts if part.lower() not in _NO_FOLDERS)


def _nearest(samples: list[Medium], near: Path) -> list[Medium]:
    for folder in list(near.absolute().parents)[:_UP]:
        if inside := [sample for sample in samples if Path(sample.path).is_relative_to(folder)]:
            return inside
    return samples
