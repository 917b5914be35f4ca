"""Thumbnails inside a page, with or without boxes."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from markupsafe import Markup
from PIL import Image, ImageDraw

from workbench.core.pictures import small_image
from workbench.core.report.html import part
from workbench.core.schema.labels import Record

THUMB_PX = 240
_COLOUR = (255, 176, 32)


def thumbnail(path: str | Path, origin: str) -> Markup:
    """An ``img`` of an image file, or why it cannot be shown."""
    small = _small(path)
    return _img(small, origin) if isinstance(small, Image.Image) else small


def inline(record: Record) -> Markup:
    """An ``img`` of a record's picture with its boxes, or why it cannot be shown."""
    small = _small(record.medium)
    if isinstance(small, Markup):
        return small
    scale = small.width / max(record.width, 1)
    pen = ImageDraw.Draw(small)
    for label in record.labels:
        left, top, right, bottom = (edge * scale for edge in label.xyxy)
        pen.rectangle((left, top, max(right - 1, left), max(bottom - 1, top)), outline=_COLOUR)
    return _img(small, record.origin)


def _small(path: str | Path) -> Image.Image | Markup:
    try:
        return small_image(Path(path), THUMB_PX)
    except (OSError, ValueError) as cause:
        return Markup("<span>The image cannot be read: {}.</span>").format(cause)


def _img(small: Image.Image, origin: str) -> Markup:
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=80)
    return part("image", origin, base64.b64encode(stream.getvalue()).decode())
