"""Size and type of an image from its bytes: the usual JPEG and PNG at once, everything else by Pillow.

A load looks at every image; Pillow takes ten times as long for the same answer, most of it for setting up.
Only what is certain is answered here: whatever is unusual (EXIF, other codings, a missing end) goes to Pillow.
Layouts: ITU T.81 annex B (JPEG), the PNG specification of the W3C, chapter 5.
"""

from __future__ import annotations

import io
import mmap
import zlib
from dataclasses import dataclass
from typing import Any

from PIL import Image, UnidentifiedImageError

from workbench.adapters.formats.toolkit.problems import Kind
from workbench.base.image_plugins import with_plugins

Content = bytes | mmap.mmap

_TAIL_BYTES = 4096
_END_MARKS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
_SAME_TYPE = {"MPO": "JPEG", "HEIC": "HEIF"}  # several JPEG images in one file, as phones and stereo cameras write
_BRAND_BYTES = 64
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1"})
_JXL_MARKS = (b"\xff\x0a", b"\0\0\0\x0cJXL ")
_ORIENTATION, _WIDTH, _HEIGHT = 0x0112, 0x0100, 0x0101
_LYING = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height
_USUAL_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive; Huffman coded
_START_OF_PIXELS = 0xDA
_PLAIN_SEGMENTS = frozenset({0xC4, 0xDB, 0xDD, 0xE0, 0xFE})  # tables, restart interval, JFIF, comment
_PLAIN_CHUNKS = frozenset({b"IHDR", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"sBIT", b"PLTE", b"tRNS", b"bKGD", b"tIME"})
_PNG_MARK = b"\x89PNG\r\n\x1a\n"
_PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


@dataclass(frozen=True, slots=True)
class Header:
    """Size and type of an image file.

    Attributes:
        width, height: pixels of the upright image.
        type: ``JPEG``, ``PNG`` ...
    """

    width: int
    height: int
    type: str


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a file cannot be used.

    Attributes:
        kind: the kind of problem.
        reason: what is wrong, as a sentence without its full stop.
    """

    kind: Kind
    reason: str


def header_of(content: Content) -> Header | Fault:
    """Size and type of an image, or why it cannot be used.

    A JPEG or PNG without its end mark is decoded as a whole before it is called truncated:
    phones append films to images, and those are fine.
    """
    usual = _usual_jpeg(content) if content[:3] == b"\xff\xd8\xff" else _usual_png(content)
    most = Image.MAX_IMAGE_PIXELS
    if usual is not None and (most is None or usual.width * usual.height <= most) and _has_end(content, usual.type):
        return usual
    return _by_pillow(content)


def _usual_jpeg(content: Content) -> Header | None:
    """The frame header, when only plain segments stand before the pixels; ``None`` for anything else."""
    at, header = 2, None
    while len(segment := content[at : at + 10]) == 10 and segment[0] == 0xFF:
        marker, length = segment[1], segment[2] << 8 | segment[3]
        if marker == _START_OF_PIXELS:
            return header
        if marker in _USUAL_FRAMES and header is None:
            header = Header(segment[7] << 8 | segment[8], segment[5] << 8 | segment[6], "JPEG")
            if segment[4] != 8 or segment[9] not in (1, 3) or not (header.width and header.height):  # bits, components
                return None
        elif marker not in _PLAIN_SEGMENTS:
            return None
        at += 2 + length
    return None


def _usual_png(content: Content) -> Header | None:
    """The first chunk, when only plain chunks stand before the pixels; ``None`` for anything else."""
    if content[:16] != _PNG_MARK + b"\0\0\0\rIHDR":
        return None
    width, height = int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")
    depth, colour, compression, filtering, interlace = content[24:29] if len(content) > 29 else b"\xff" * 5
    if not (width and height) or depth not in _PNG_DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        return None
    at = 8
    while (size := len(chunk := content[at : at + 8])) == 8 and chunk[4:] != b"IDAT":
        length = int.from_bytes(chunk[:4], "big")
        body, crc = content[at + 4 : at + 8 + length], content[at + 8 + length : at + 12 + length]
        if chunk[4:] not in _PLAIN_CHUNKS or zlib.crc32(body) != int.from_bytes(crc, "big"):
            return None
        at += 12 + length
    return Header(width, height, "PNG") if size == 8 else None


def _has_end(content: Content, kind: str) -> bool:
    mark = _END_MARKS.get(kind)
    return mark is not None and mark in content[max(0, len(content) - _TAIL_BYTES) :]


def _by_pillow(content: Content, *, plugins: bool = False) -> Header | Fault:
    stream: Any = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        with Image.open(stream) as picture:
            header = _header(picture)
            # Pillow refuses a cut WebP when it opens it
            whole = header.type == "WEBP" or _has_end(content, header.type)
            return header if whole else _decoded(picture, header)
    except Image.DecompressionBombError:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        return Fault("unreadable_image", f"The header claims more than {most:,} pixels")
    except UnidentifiedImageError:
        if not plugins and with_plugins():
            return _by_pillow(content, plugins=True)
        return Fault("unreadable_image", _unknown(content[:_BRAND_BYTES]))
    except Exception as cause:  # Pillow's plug-ins raise nearly anything on a hostile file
        return Fault("unreadable_image", f"The file cannot be opened ({type(cause).__name__}: {cause!s:.180})")


def _unknown(head: bytes) -> str:
    """Why Pillow knows no type: one that an add-on of it reads, or none at all."""
    if head[4:8] == b"ftyp":  # ISO media: what it holds stands in its brands
        brands = {head[at : at + 4] for at in (8, *range(16, len(head) - 3, 4))}
        if brands & _AVIF_BRANDS:
            return "AVIF is not read by the installed Pillow; convert the image, or install Pillow 11.3 or later"
        if brands & _HEIC_BRANDS:
            return "HEIC is not read by the installed Pillow; convert the image, or pip install pillow-heif"
    if head.startswith(_JXL_MARKS):
        return "JPEG XL is not read by the installed Pillow; convert the image, or pip install pillow-jxl-plugin"
    return "The content is not an image of a known type"


def _header(picture: Image.Image) -> Header:
    tags = getattr(picture, "tag_v2", {})  # of a TIFF, whose size some versions of Pillow give upright
    width, height = tags.get(_WIDTH, picture.width), tags.get(_HEIGHT, picture.height)
    at_hand = picture.format != "PNG" or "exif" in picture.info  # else Pillow decodes all of a PNG to look for it
    if at_hand and picture.getexif().get(_ORIENTATION) in _LYING:
        width, height = height, width
    kind = picture.format or "unknown"
    return Header(width, height, _SAME_TYPE.get(kind, kind))


def _decoded(picture: Image.Image, header: Header) -> Header | Fault:
    try:
        picture.load()
    except Exception as cause:  # as above
        return Fault("truncated_image", f"The end of the {header.type} is missing ({cause})")
    return header
