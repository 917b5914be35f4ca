"""Near duplicates planted among photos and renders: the eight edits are found, different pictures are not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.core.duplicates.compare import compared, edited
from workbench.core.duplicates.candidates import candidates
from workbench.core.duplicates.edits import EDITS
from workbench.core.duplicates.fingerprints import fingerprint
from workbench.core.duplicates.threshold import WRONG_AT_MOST, calibrated

RECALL = 0.95
ORIGINALS = 100


def pictures(folder: Path, pattern: str, most: int) -> list[np.ndarray]:
    found = sorted(folder.glob(pattern))[:most]
    assert len(found) > most // 2, folder
    return [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in found]


def planted_figures(originals: list[np.ndarray]) -> tuple[dict[str, float], float, float]:
    """Recall by edit with candidates and check, share of pictures wrongly flagged, threshold.

    The threshold comes from every other picture, the figures from the rest.
    """
    n = len(originals)
    thumbs = np.stack([fingerprint(image) for image in originals])
    pairs = candidates(thumbs)
    nearest = np.zeros(n, np.float32)
    for (a, b), score in zip(pairs, compared(originals, pairs), strict=True):
        nearest[[a, b]] = np.maximum(nearest[[a, b]], score)
    places = np.stack([np.arange(n), np.arange(n, 2 * n)], 1)
    copies = {name: [edited(image, name) for image in originals] for name in EDITS}
    same = {name: compared([*originals, *others], places) for name, others in copies.items()}
    limit = calibrated({name: score[::2] for name, score in same.items()}, nearest[::2]).score
    recall = {}
    for name, others in copies.items():
        both = np.concatenate([thumbs, np.stack([fingerprint(other) for other in others])])
        looked_at = set(map(tuple, candidates(both).tolist()))
        hits = [(k, n + k) in looked_at and same[name][k] >= limit for k in range(1, n, 2)]
        recall[name] = float(np.mean(hits))
    return recall, float((nearest[1::2] >= limit).mean()), limit


@pytest.mark.parametrize("data", ["renders", pytest.param("stand-in for a camera", marks=pytest.mark.long), "photos"])
def test_the_eight_edits_are_found_and_different_pictures_are_not(data, sample_data, request):
    if data == "photos":
        shared = request.getfixturevalue("shared_data")
        originals = pictures(shared / "voc_bccd" / "BCCD" / "JPEGImages", "*.jpg", 2 * ORIGINALS)
    else:
        originals = pictures(sample_data / ("synthetic" if data == "renders" else "real"), "images/*/*.jpg", 200)
    recall, wrong, _ = planted_figures(originals)
    assert min(recall.values()) >= RECALL, recall
    assert wrong <= WRONG_AT_MOST
