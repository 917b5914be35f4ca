"""Headers of picture files: read once, in threads, with the EXIF orientation applied."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

from PIL import Image

from workbench.formats.problems import Kind, Problems
from workbench.schema.labels import Record

THREADS = 8
_TAIL_BYTES = 4096
_WINDOW = 512
_LFS_MARK = b"version https://git-lfs.github.com/spec/"
_END_MARKS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
_SUFFIXES = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".bmp": "BMP",
    ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".gif": "GIF",
}  # fmt: skip
_SAME_TYPE = {"MPO": "JPEG"}  # several JPEG pictures in one file, as phones and stereo cameras write
_ORIENTATION = 0x0112
_LYING = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture file says of itself.

    Attributes:
        width, height: pixels of the upright picture.
        type: ``JPEG``, ``PNG`` ...
    """

    width: int
    height: int
    type: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a picture cannot be used."""

    kind: Kind
    found: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A record before its picture was looked at.

    Attributes:
        image_path, origin: as in ``Record``.
    """

    image_path: Path
    origin: str


D = TypeVar("D", bound=Draft)


class Records(Generic[D]):
    """Records of drafts, one by one; the length hint says how many drafts are left.

    Pictures are opened in threads, a window ahead. A picture that cannot be used is named and left out.
    At the end, what was counted is told with the sentences of ``closing``.
    """

    def __init__(
        self,
        drafts: Sequence[D],
        build: Callable[[D, Header], Record],
        problems: Problems,
        *,
        closing: Mapping[Kind, str] | None = None,
    ) -> None:
        self._left = len(drafts)
        self._records = self._each(drafts, build, problems, closing or {})

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        return next(self._records)

    def __length_hint__(self) -> int:
        return self._left

    def _each(
        self,
        drafts: Sequence[D],
        build: Callable[[D, Header], Record],
        problems: Problems,
        closing: Mapping[Kind, str],
    ) -> Iterator[Record]:
        waiting = iter(drafts)
        with ThreadPoolExecutor(THREADS, thread_name_prefix="headers") as pool:
            while window := list(islice(waiting, _WINDOW)):
                for draft, seen in zip(window, pool.map(_look, window), strict=True):
                    self._left -= 1
                    if isinstance(seen, Fault):
                        message = f"Wanted a picture, found {seen.found}. Left out."
                        problems.add(seen.kind, draft.origin, message, loses_record=True)
                    else:
                        _check_type(draft, seen, problems)
                        yield build(draft, seen)
        for kind, message in closing.items():
            problems.close(kind, message)


def _look(draft: Draft) -> Header | Fault:
    return read_header(draft.image_path)


def read_header(path: Path) -> Header | Fault:
    """Size and type of a picture, or why it cannot be used.

    A JPEG or PNG without its end mark is decoded as a whole before it is called truncated:
    phones append films to pictures, and those are fine.
    """
    try:
        if path.stat().st_size == 0:
            return Fault("unreadable_image", "an empty file")
        with path.open("rb") as stream:
            if stream.read(len(_LFS_MARK)) == _LFS_MARK:
                return Fault("lfs_pointer", "a Git LFS pointer; run 'git lfs pull' where it came from")
            stream.seek(0)
            with Image.open(stream) as picture:
                header = _header(picture)
            return header if _has_end(path, header.type) else _decoded(path, header)
    except Image.DecompressionBombError:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        return Fault("unreadable_image", f"a header that claims more than {most:,} pixels")
    except Exception as cause:  # Pillow's plug-ins raise nearly anything on a hostile file
        return Fault("unreadable_image", f"{type(cause).__name__}: {cause}"[:200])


def _header(picture: Image.Image) -> Header:
    width, height = picture.size
    at_hand = picture.format != "PNG" or "exif" in picture.info  # else Pillow decodes all of a PNG to look for it
    if at_hand and picture.getexif().get(_ORIENTATION) in _LYING:
        width, height = height, width
    kind = picture.format or "unknown"
    return Header(width, height, _SAME_TYPE.get(kind, kind))


def _has_end(path: Path, kind: str) -> bool:
    if kind == "WEBP":  # Pillow refuses a cut one when it opens it
        return True
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size - _TAIL_BYTES))
        mark = _END_MARKS.get(kind)
        return mark is not None and mark in stream.read()


def _decoded(path: Path, header: Header) -> Header | Fault:
    try:
        with Image.open(path) as picture:
            picture.load()
    except Exception as cause:  # as above
        return Fault("truncated_image", f"a {header.type} whose end is missing ({cause})")
    return header


def _check_type(draft: Draft, header: Header, problems: Problems) -> None:
    named = _SUFFIXES.get(draft.image_path.suffix.lower())
    if named is not None and named != header.type:
        message = f"Wanted {named} as the name says, found {header.type}. Loaded as it is."
        problems.add("content_mismatch", draft.origin, message)
