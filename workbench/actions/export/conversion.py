"""Images that a format does not take: as JPEG or PNG under another name where they are one, else converted to PNG."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import ExifTags, Image

from workbench.adapters.formats.toolkit.contract import NamedRecord
from workbench.adapters.formats.toolkit.fidelity import sentences
from workbench.adapters.formats.toolkit.masks import png
from workbench.adapters.formats.toolkit.tree import PICTURE_TYPES
from workbench.base.errors import InputError
from workbench.base.files import write_bytes
from workbench.base.image_plugins import with_plugins
from workbench.base.plurals import counted
from workbench.core.pictures import upright

_USUAL = {"JPEG": ".jpg", "PNG": ".png"}  # one type under several suffixes
_KEPT_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})
_MOST_16_BIT = 65_535
_FACTS = frozenset(  # of EXIF: of the photo; the others say how its pixels lie in the file
    {ExifTags.Base.ImageDescription, ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.Software}
    | {ExifTags.Base.DateTime, ExifTags.Base.Artist, ExifTags.Base.Copyright, ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo}
)
LOST = {
    "exif": "EXIF data of {n} images left out by the conversion",
    "frames": "frames after the first of {n} images (animated or of several pages) left out by the conversion",
}


def suffix_for(suffix: str, takes: frozenset[str] | None) -> str:
    """The suffix of an image in a format that takes only some, all when ``None``.

    >>> suffix_for(".jfif", frozenset({".jpg"})), suffix_for(".jp2", frozenset({".jpg"})), suffix_for(".gif", None)
    ('.jpg', '.png', '.gif')
    """
    if takes is None or suffix in takes or suffix not in PICTURE_TYPES:
        return suffix
    usual = _USUAL.get(PICTURE_TYPES[suffix])
    return usual if usual in takes else ".png"


def name_for(name: str, medium: Path, takes: frozenset[str] | None) -> str:
    """The name of an image in a format that takes only some types.

    >>> name_for("a.jp2", Path("a.jp2"), frozenset({".png"}))
    'a.png'
    >>> name_for("a.jpeg", Path("x.jpg"), frozenset({".jpg", ".jpeg"}))
    'a.jpeg'
    """
    suffix, wanted = PurePosixPath(name).suffix, suffix_for(medium.suffix.lower(), takes)
    same = PICTURE_TYPES.get(suffix) == PICTURE_TYPES.get(wanted) and (takes is None or suffix in takes)
    return name if same else f"{PurePosixPath(name).stem}{wanted}"


def is_converted(item: NamedRecord) -> bool:
    """Whether the image of an item is written as another type than it has."""
    before, after = item.record.medium.suffix.lower(), PurePosixPath(item.name).suffix
    return PICTURE_TYPES.get(before) != PICTURE_TYPES.get(after)


def convert(origin: Path, target: Path, sha256: str | None) -> None:
    """Write an image as PNG, upright, every pixel as it was.

    Raises:
        InputError: it cannot be read, has changed since it was loaded, or its values fit into no PNG.
    """
    data = origin.read_bytes()
    if sha256 not in (None, hashlib.sha256(data).hexdigest()):
        fix = "Load the changed data into a new dataset, or restore the file."
        raise InputError("The image file has changed since it was loaded.", at=str(origin), fix=fix)
    try:
        image = upright(data)
    except (OSError, ValueError) as cause:
        raise InputError(f"The image cannot be converted to PNG ({cause!s:.150}).", at=str(origin)) from cause
    write_bytes(target, png(_fitting(image, origin)))


def _fitting(image: Image.Image, origin: Path) -> Image.Image:
    if image.mode in _KEPT_MODES:
        return image
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.min() >= 0 and values.max() <= _MOST_16_BIT:
            return Image.fromarray(values.astype(np.uint16))
    if image.mode in ("I", "F"):
        fix = "Export to coco or fiftyone, which take the file as it is, or convert it first."
        raise InputError("The image holds numbers that fit into no PNG.", at=str(origin), fix=fix)
    return image.convert("RGBA" if image.mode.endswith(("a", "A")) else "RGB")


def conversion_notes(items: Sequence[NamedRecord], name: str) -> list[str]:
    """What was converted, for people."""
    types = Counter(item.record.medium.suffix.lower() for item in items if is_converted(item))
    if not types:
        return []
    shown = ", ".join(f"{suffix} {n:,}" for suffix, n in sorted(types.items()))
    total = counted(sum(types.values()), "image")
    lost = Counter(part for item in items if is_converted(item) for part in _lost_by(item.record.medium))
    notes = [f"{total} converted to PNG without loss of pixels, as {name} does not take the type ({shown})"]
    return notes + sentences({text: lost[part] for part, text in LOST.items()})


def _lost_by(path: Path) -> list[str]:
    """What an image file holds beside the pixels of its first frame."""
    with_plugins()
    try:
        with Image.open(path) as opened:
            return ["exif"] * bool(opened.getexif().keys() & _FACTS) + ["frames"] * (getattr(opened, "n_frames", 1) > 1)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return []  # refused when it is converted
