"""Small pictures inside a page, with or without their boxes."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from workbench.core.schema.labels import Record

THUMB_PX = 240
_COLOUR = (255, 176, 32)


def thumbnail(path: str | Path, origin: str) -> str:
    """An ``img`` of a picture, or why it cannot be shown."""
    small = _small(path)
    return _img(small, origin) if isinstance(small, Image.Image) else small


def inline(record: Record) -> str:
    """An ``img`` of a record's picture with its boxes, or why it cannot be shown."""
    small = _small(record.medium)
    if isinstance(small, str):
        return small
    scale = small.width / max(record.width, 1)
    pen = ImageDraw.Draw(small)
    for label in record.labels:
        left, top, right, bottom = (edge * scale for edge in label.xyxy)
        pen.rectangle((left, top, max(right - 1, left), max(bottom - 1, top)), outline=_COLOUR)
    return _img(small, record.origin)


def _small(path: str | Path) -> Image.Image | str:
    try:
        with Image.open(path) as opened:
            opened.draft("RGB", (THUMB_PX * 2, THUMB_PX * 2))
            small = ImageOps.exif_transpose(opened).convert("RGB")
            small.thumbnail((THUMB_PX, THUMB_PX))
            return small
    except (OSError, ValueError) as cause:
        return f"<span>cannot be read: {html.escape(str(cause))}</span>"


def _img(small: Image.Image, origin: str) -> str:
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=80)
    data = base64.b64encode(stream.getvalue()).decode()
    return f"<img alt='{html.escape(origin, quote=True)}' src='data:image/jpeg;base64,{data}'>"
