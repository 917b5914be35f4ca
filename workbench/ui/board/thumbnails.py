"""Small images for the gallery: made on request, kept on disk by content."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

from PIL import Image

from workbench.adapters.store import Stored
from workbench.base import files
from workbench.base.files import sha256_text
from workbench.base.progress import Cancel
from workbench.core.clouds import picture_of, read_cloud
from workbench.core.pictures import small_image
from workbench.core.schema.labels import Record

SIDE_PX = 256
CLOUD_PX = 800  # a larger drawing of points has more holes, not more to see
QUALITY = 82
POOL = ThreadPoolExecutor(min(4, os.cpu_count() or 2), thread_name_prefix="thumbnails")


def thumbnails(samples: Sequence[Stored], cancel: Cancel | None = None) -> list[bytes]:
    """JPEG bytes per sample, empty for an image that cannot be read; a cloud without an image is drawn.

    Raises:
        Cancelled: nobody looks at them any more.
    """
    asked = cancel or Cancel()

    def thumbnail(sample: Stored) -> bytes:
        asked.check()
        return _thumbnail(sample)

    return list(POOL.map(thumbnail, samples))


def full_picture(sample: Stored, *, side_px: int = 1600) -> bytes:
    """The image for zooming in, upright, its longer side at most ``side_px``.

    Raises:
        OSError: the image cannot be read.
    """
    try:
        return _encode(sample.record, side_px)
    except ValueError as cause:  # a cloud that has changed
        raise OSError(str(cause)) from cause


def _thumbnail(sample: Stored) -> bytes:
    key = sample.content_sha256 or sha256_text(str(sample.record.medium))
    cached = cache_folder() / f"{key}-{SIDE_PX}.jpg"
    if cached.is_file():
        return cached.read_bytes()
    try:
        data = _encode(sample.record, SIDE_PX)
    except (OSError, ValueError):
        return b""  # the gallery shows the file's name on a broken-image tile
    files.write_bytes(cached, data, durable=False)
    return data


def _encode(record: Record, side_px: int) -> bytes:
    if record.image_path is None:
        shown = _drawn(record.medium, min(side_px, CLOUD_PX))
        shown.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    else:
        shown = small_image(record.image_path, side_px)
    out = io.BytesIO()
    shown.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _drawn(path: Path, side_px: int) -> Image.Image:
    cloud = read_cloud(path)
    return Image.fromarray(picture_of(cloud.xyz, side_px, cloud.rgb))


@lru_cache
def cache_folder() -> Path:
    """Where thumbnails are kept: ``$WORKBENCH_HOME/thumbnails``."""
    folder = files.home() / "thumbnails"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
