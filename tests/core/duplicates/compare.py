"""Similarity of pictures as ``wb.duplicates`` works it out."""

from __future__ import annotations

import numpy as np

from workbench.core.duplicates.correlation import WORTH_DETAIL, refined, scores
from workbench.core.duplicates.edits import EDITS
from workbench.core.duplicates.fingerprints import detail, fingerprint


def compared(images: list[np.ndarray], pairs: np.ndarray) -> np.ndarray:
    """Similarity of each pair of pictures."""
    thumbs = np.stack([fingerprint(image) for image in images])
    similar = scores(thumbs, pairs)
    alike = similar >= WORTH_DETAIL
    similar[alike] = refined(thumbs, np.stack([detail(image) for image in images]), pairs[alike])
    return similar


def edited(image: np.ndarray, name: str) -> np.ndarray:
    """The picture after one of the edits."""
    return np.ascontiguousarray(EDITS[name](image, np.random.default_rng(0)))
