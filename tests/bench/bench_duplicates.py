"""Near duplicates beside the usual rules, on the same pictures in the same run, and the time for 10,000 pictures.

``python -m tests.bench.bench_duplicates [--originals 150] [--pictures 10000]``

Each original gets one copy per edit; a copy is found when a rule pairs it with its original. "wrong" is the share of
originals that a rule pairs with another one. CleanVision's rule is an equal 64-bit pHash, imagededup's default at most
10 different bits; both are applied to the hash that this package computes. The workbench calibrates its threshold on
every other picture and is judged on the rest; the fixed rules are judged on the same ones.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.core.duplicates.compare import compared
from workbench.core.duplicates.candidates import candidates
from workbench.core.duplicates.correlation import WORTH_DETAIL, refined, scores
from workbench.core.duplicates.edits import EDITS, Pixels
from workbench.core.duplicates.fingerprints import Details, Thumbs, detail, fingerprint, hamming, hash_signs
from workbench.core.duplicates.threshold import calibrated

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = REPOSITORY.parent / "shared" / "data"
SETS = {
    "renders (sample_data/synthetic)": (REPOSITORY / "sample_data" / "synthetic", "images/*/*.jpg"),
    "stand-in for a camera (sample_data/real)": (REPOSITORY / "sample_data" / "real", "images/*/*.jpg"),
    "photos (blood cells, BCCD)": (SHARED / "voc_bccd" / "BCCD" / "JPEGImages", "*.jpg"),
    "photos (frames of a video, cones)": (SHARED / "yolo_cones", "*/images/*.jpg"),
}
LIMIT_S = 60.0


def by_bits(thumbs: Thumbs, copies: dict[str, Thumbs], bits: int) -> tuple[list[float], float]:
    """Recall by edit and share wrongly flagged of the rule "at most this many bits differ"."""
    own = hash_signs(thumbs)
    recall = [float((np.diag(hamming(own, hash_signs(other))) <= bits)[1::2].mean()) for other in copies.values()]
    apart = hamming(own, own)
    np.fill_diagonal(apart, 64)
    return recall, float((apart.min(axis=1) <= bits)[1::2].mean())


def by_workbench(
    images: list[Pixels], thumbs: Thumbs, edited: dict[str, list[Pixels]], copies: dict[str, Thumbs]
) -> tuple[list[float], float, float]:
    """The same of candidates, check and calibrated threshold; the threshold too."""
    n = len(thumbs)
    pairs = candidates(thumbs)
    nearest = np.zeros(n, np.float32)
    for (a, b), score in zip(pairs, compared(images, pairs), strict=True):
        nearest[[a, b]] = np.maximum(nearest[[a, b]], score)
    places = np.stack([np.arange(n), np.arange(n, 2 * n)], 1)
    same = {edit: compared([*images, *others], places) for edit, others in edited.items()}
    limit = calibrated({edit: score[::2] for edit, score in same.items()}, nearest[::2]).score
    recall = [float((looked_at(thumbs, copies[edit]) & (same[edit] >= limit))[1::2].mean()) for edit in copies]
    return recall, float((nearest >= limit)[1::2].mean()), limit


def looked_at(thumbs: Thumbs, copies: Thumbs) -> NDArray[np.bool_]:
    """Which copies become candidates together with their original, among all originals and copies."""
    n = len(thumbs)
    pairs = {(int(a), int(b)) for a, b in candidates(np.concatenate([thumbs, copies]))}
    return np.array([(k, n + k) in pairs for k in range(n)])


def table(name: str, paths: list[Path]) -> None:
    """Print the figures of one set of pictures."""
    images = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in paths]
    rng = np.random.default_rng(0)
    thumbs = np.stack([fingerprint(image) for image in images])
    edited = {
        edit: [np.ascontiguousarray(function(image, rng)) for image in images] for edit, function in EDITS.items()
    }
    copies = {edit: np.stack([fingerprint(image) for image in made]) for edit, made in edited.items()}
    print(f"\n{name}: {len(paths)} originals")
    print(f"  {'rule':<30}" + "".join(f"{edit.replace(' degrees', '°')[:13]:>14}" for edit in EDITS) + f"{'wrong':>8}")
    for rule, bits in (("pHash equal (CleanVision)", 0), ("pHash <= 10 bits", 10)):
        row(rule, *by_bits(thumbs, copies, bits))
    recall, wrong, limit = by_workbench(images, thumbs, edited, copies)
    row(f"workbench (calibrated: {limit:.4f})", recall, wrong)


def row(rule: str, recall: list[float], wrong: float) -> None:
    """Print one line."""
    print(f"  {rule:<30}" + "".join(f"{share:>14.2f}" for share in recall) + f"{wrong:>8.3f}", flush=True)


def many(count: int) -> tuple[Thumbs, Details]:
    """Fingerprints and details of different pictures: random windows of the sample data's."""
    paths = sorted((REPOSITORY / "sample_data").rglob("images/*/*.jpg"))
    images = [cv2.imread(str(path), cv2.IMREAD_REDUCED_GRAYSCALE_2) for path in paths]
    rng = np.random.default_rng(0)
    found = []
    for k in range(count):
        image = images[k % len(images)]
        height, width = (int(side * rng.uniform(0.4, 0.8)) for side in image.shape)
        top, left = int(rng.integers(image.shape[0] - height)), int(rng.integers(image.shape[1] - width))
        window = np.ascontiguousarray(image[top : top + height, left : left + width])
        found.append((fingerprint(window), detail(window)))
    thumbs, details = zip(*found, strict=True)
    return np.stack(thumbs), np.stack(details)


def main() -> int:
    """Print all tables; 1 when the search takes longer than it may."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--originals", type=int, default=150)
    parser.add_argument("--pictures", type=int, default=10_000)
    args = parser.parse_args()
    for name, (folder, pattern) in SETS.items():
        paths = sorted(folder.glob(pattern))[: args.originals]
        if paths:
            table(name, paths)
        else:
            print(f"\n{name}: not here")
    thumbs, details = many(args.pictures)
    started_s = time.perf_counter()
    pairs = candidates(thumbs)
    found_s = time.perf_counter()
    similar = scores(thumbs, pairs)
    alike = np.flatnonzero(similar >= WORTH_DETAIL)
    similar[alike] = refined(thumbs, details, pairs[alike])
    ended_s = time.perf_counter()
    print(
        f"\n{args.pictures:,} pictures after fingerprints, 2 threads: {len(pairs):,} candidates in "
        f"{found_s - started_s:.1f} s, checked in {ended_s - found_s:.1f} s "
        f"({len(alike):,} in detail, {(similar >= 0.99).sum():,} alike)"
    )
    return int(ended_s - started_s > LIMIT_S * max(1.0, args.pictures / 10_000) ** 2)


if __name__ == "__main__":
    sys.exit(main())
