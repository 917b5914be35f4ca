"""The gap: alarms where nothing differs, and small shifts that must be seen.

    python -m tests.proof.proof_gap [--pictures 2400] [--repeats 100]

Pictures of ``blind_spots``; halves drawn from the same ones, 200 against 200, must not be told apart (5 % of the
repeats may); 200 against 200 others that are 10 % brighter, or blurred by 0.7 px, must be. By measures, and by the
vectors' looks. Then the seconds of the whole panel for 2 x 2,000 samples, best of three.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.proof.blind_spots import SIDE, pictures
from workbench.core.embeddings.extract import SIDE_PX, network
from workbench.core.embeddings.network import LENGTH
from workbench.core.gap.embeddings import look_gap
from workbench.core.gap.gap import Gap, gap
from workbench.core.measures import MEASURES, Picture, measure_all

SIDE_SAMPLES, PANEL_SAMPLES = 200, 2_000
NAMES = [name for name in MEASURES if not name.endswith("_direction_deg")]
Rgb = NDArray[np.uint8]
Floats = NDArray[np.float64]


def brighter(rgb: Rgb) -> Rgb:
    """10 % more light, in what the file holds."""
    return np.clip(rgb.astype(np.float32) * 1.1 + 0.5, 0, 255).astype(np.uint8)


def blurred(rgb: Rgb) -> Rgb:
    """Gaussian blur of 0.7 px."""
    return np.stack([cv2.GaussianBlur(one, (0, 0), 0.7) for one in rgb])


def measures(rgb: Rgb) -> Floats:
    """``(n, d)`` of ``NAMES``."""
    return np.array([[found[name] for name in NAMES] for found in (measure_all(Picture(one)) for one in rgb)])


def vectors(rgb: Rgb) -> Floats:
    """``(n, 1280)`` of the network."""
    large = [cv2.resize(one, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR) for one in rgb]
    return np.concatenate([network().vectors(np.stack(large[k : k + 16])) for k in range(0, len(large), 16)]).astype(
        float
    )


def by_measures(first: Floats, second: Floats, seed: int) -> Gap:
    """The gap by measures."""
    return gap(first, second, NAMES, rng=np.random.default_rng(seed))


def by_looks(first: Floats, second: Floats, seed: int) -> Gap:
    """The gap by vectors."""
    return look_gap(first, second, rng=np.random.default_rng(seed))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=2_400)
    parser.add_argument("--repeats", type=int, default=100)
    args = parser.parse_args()
    rgb = pictures(args.pictures, 3).rgb
    print(
        f"| {args.repeats} repeats, {SIDE_SAMPLES} against {SIDE_SAMPLES} of {SIDE} px | told apart | mean AUC |"
        "\n|---|---|---|"
    )
    for name, features, judge in (("measures", measures, by_measures), ("looks", vectors, by_looks)):
        plain = features(rgb)
        for label, change in (("alike", None), ("10 % brighter", brighter), ("0.7 px blur", blurred)):
            changed = plain if change is None else features(change(rgb))
            found = [_once(plain, changed, judge, seed) for seed in range(args.repeats)]
            told = np.mean([one.different for one in found])
            print(f"| {label}, by {name} | {told:.0%} | {np.mean([one.auc or 0.5 for one in found]):.2f} |", flush=True)
    seconds = {
        name: _seconds(judge, n)
        for name, judge, n in (("measures", by_measures, len(NAMES)), ("looks", by_looks, LENGTH))
    }
    told = ", ".join(f"{name} {value:.2f} s" for name, value in seconds.items())
    print(f"\npanel of 2 x {PANEL_SAMPLES:,}: {told}")


def _once(plain: Floats, changed: Floats, judge: Callable[[Floats, Floats, int], Gap], seed: int) -> Gap:
    order = np.random.default_rng(seed).permutation(len(plain))
    return judge(plain[order[:SIDE_SAMPLES]], changed[order[SIDE_SAMPLES : 2 * SIDE_SAMPLES]], seed)


def _seconds(judge: Callable[[Floats, Floats, int], Gap], length: int) -> float:
    first, second = np.random.default_rng(0).normal(size=(2, PANEL_SAMPLES, length))
    found = []
    for _ in range(3):
        started = time.perf_counter()
        judge(first, second, 0)
        found.append(time.perf_counter() - started)
    return min(found)


if __name__ == "__main__":
    main()
