"""File names for images of many folders in one: unique, stable, and safe on every system."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from workbench.base.files import sha256_text

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_STEM_CHARS = 60  # 4 bytes each at most, so that suffixes still fit into 255 bytes
_HASH_CHARS = 8


def flattened(origins: Sequence[tuple[str, str]]) -> list[str]:
    """A file name for each image, unique without regard to case and suffix.

    Names that collide all get a piece of hash of their key, so none depends on the order.

    Args:
        origins: path inside what was loaded, and a stable key, of each image.

    >>> flattened([("a/1.jpg", "k1"), ("b/1.jpg", "k2"), ("b/2.jpg", "k3")])
    ['1_121351bd.jpg', '1_a1be6c7a.jpg', '2.jpg']
    """
    plain = [_safe(origin) for origin, _ in origins]
    uses = Counter(stem.lower() for stem, _ in plain)
    names = []
    for (stem, suffix), (origin, key) in zip(plain, origins, strict=True):
        if uses[stem.lower()] > 1:
            stem = f"{stem}_{sha256_text(f'{key}|{origin}')[:_HASH_CHARS]}"
        names.append(stem + suffix)
    return names


def _safe(origin: str) -> tuple[str, str]:
    name = PurePosixPath(origin)
    stem = _UNSAFE.sub("_", name.stem)[:_STEM_CHARS].strip(" .") or "picture"
    return (f"_{stem}" if stem.startswith(("-", "_.")) else stem), name.suffix.lower()
