"""Blind spots found from metadata, and from attributes taught by 300 marks.

    python -m tests.proof.proof_slices [--pictures 4000] [--runs 20]

Pictures with six attributes (``blind_spots``). A model fails on 10 % of them, and in three planted slices of two or
three attributes on 35 to 50 %. Each run plants anew. Precision at 10: of the ten surest pictures of the best reported
slice, how many lie in the planted one; 0 when none is reported. Taught: 300 random pictures are marked, ``wb.teach``'s
model says the rest from vectors and measures, and the same search looks at what it says. Beside it: the ten worst of 50
clusters of the vectors (k-means).
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tests.proof.blind_spots import WORDS, Pictures, pictures
from workbench.actions.embed.teach import SURE, even
from workbench.core.discovery.search import search
from workbench.core.embeddings import Lesson, teach
from workbench.core.embeddings.extract import SIDE_PX, network
from workbench.core.measures import Picture, measure_all
from workbench.core.metrics.score import score
from workbench.core.tables import CategoryColumn, NumberColumn, Table

SETTINGS = ((2, 0.40), (3, 0.50), (3, 0.35))  # attributes of a slice, and its errors
BASE, SLICES, MARKS, TOP = 0.10, 3, 300, 10
CLUSTERS, WORST = 50, 10
Mask = NDArray[np.bool_]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=4_000)
    parser.add_argument("--runs", type=int, default=20)
    args = parser.parse_args()
    found = pictures(args.pictures, 0)
    vectors = _vectors(found)
    lessons = _lessons(found, [_measures(found), even(vectors)])
    clusters = _clusters(vectors)
    print("| attribute | balanced accuracy on marks held out | accuracy on all others |\n|---|---|---|")
    for name, (lesson, marked) in lessons.items():
        rest = np.setdiff1d(np.arange(args.pictures), marked)
        right = np.array(lesson.words)[lesson.predicted] == np.array(WORDS[name])[found.codes[name]]
        print(f"| {name} | {lesson.accuracy:.2f} | {right[rest].mean():.2f} |")
    print(
        f"\n{args.pictures:,} pictures, {args.runs} runs of {SLICES} slices a row; "
        f"mean precision at {TOP} (share of 0.8 or more)\n"
    )
    print("| slices | from metadata | from 300 marks | k-means on vectors | s per search |\n|---|---|---|---|---|")
    taught = []
    for depth, errors in SETTINGS:
        rows = [_run(found, lessons, clusters, depth, errors, seed) for seed in range(args.runs)]
        given, marks, means, seconds = (np.concatenate([row[k] for row in rows]) for k in range(4))
        taught.append(marks.mean())
        cells = " | ".join(f"{one.mean():.2f} ({(one >= 0.8).mean():.0%})" for one in (given, marks, means))
        print(f"| {depth} attributes, {errors:.0%} errors | {cells} | {np.median(seconds):.2f} |", flush=True)
    print(f"\nfrom 300 marks, mean of the three: {np.mean(taught):.2f}")


def _run(
    found: Pictures,
    lessons: dict[str, tuple[Lesson, NDArray[np.int64]]],
    clusters: NDArray[np.int64],
    depth: int,
    errors: float,
    seed: int,
) -> tuple[list[float], list[float], list[float], list[float]]:
    """Precision at 10 of each planted slice, from metadata, marks and clusters; and seconds."""
    rng = np.random.default_rng(1_000 * depth + seed)
    truth = _planted(found, depth, rng)
    rate = np.full(len(found.rgb), BASE)
    for mask in truth:
        rate[mask] = errors
    bad = (rng.random(len(rate)) < rate).astype(float)
    surest = np.prod(
        [np.where(_is_marked(lesson, marked), 1.0, lesson.confidence) for lesson, marked in lessons.values()], axis=0
    )
    started = time.perf_counter()
    by_metadata = _slices(_table({name: np.array(WORDS[name])[codes] for name, codes in found.codes.items()}, bad))
    seconds = time.perf_counter() - started
    by_marks = _slices(_table({name: _said(found, name, *lessons[name]) for name in WORDS}, bad))
    shares = np.array([bad[clusters == k].mean() for k in range(CLUSTERS)])
    by_clusters = [clusters == k for k in np.argsort(-shares)[:WORST]]
    order = rng.random(len(bad))  # of pictures that are equally sure
    return (
        [_best(mask, by_metadata, order) for mask in truth],
        [_best(mask, by_marks, surest) for mask in truth],
        [_best(mask, by_clusters, order) for mask in truth],
        [seconds],
    )


def _planted(found: Pictures, depth: int, rng: np.random.Generator) -> list[Mask]:
    masks: list[Mask] = []
    every = list(itertools.combinations(WORDS, depth))
    while len(masks) < SLICES:
        names = every[int(rng.integers(len(every)))]
        mask = np.logical_and.reduce([found.codes[name] == rng.integers(len(WORDS[name])) for name in names])
        if not any((mask & other).any() for other in masks):
            masks.append(mask)
    return masks


def _best(truth: Mask, reported: Sequence[Mask], sure: NDArray[np.float64]) -> float:
    tops = [np.flatnonzero(mask)[np.argsort(-sure[mask], kind="stable")][:TOP] for mask in reported]
    return max((float(truth[top].mean()) for top in tops if len(top)), default=0.0)


def _slices(table: Table) -> list[Mask]:
    return [table.mask(one.filter) for one in search(table, score(table, "mean:bad"), list(WORDS)).slices]


def _table(words: dict[str, NDArray[np.str_]], bad: NDArray[np.float64]) -> Table:
    ids = np.array([f"{i:024x}" for i in range(len(bad))])
    return Table(ids, {**{name: CategoryColumn.of(list(one)) for name, one in words.items()}, "bad": NumberColumn(bad)})


def _said(found: Pictures, name: str, lesson: Lesson, marked: NDArray[np.int64]) -> NDArray[np.str_]:
    """What a taught attribute says: the mark, the likely word, or ``unknown``."""
    words = np.where(lesson.confidence >= SURE, np.array(lesson.words)[lesson.predicted], "unknown").astype("U16")
    words[marked] = np.array(WORDS[name])[found.codes[name][marked]]
    return words


def _is_marked(lesson: Lesson, marked: NDArray[np.int64]) -> Mask:
    return np.isin(np.arange(len(lesson.confidence)), marked)


def _lessons(found: Pictures, blocks: list[NDArray[np.float64]]) -> dict[str, tuple[Lesson, NDArray[np.int64]]]:
    marked = np.sort(np.random.default_rng(7).permutation(len(found.rgb))[:MARKS])
    return {
        name: (teach(blocks, marked, [WORDS[name][code] for code in codes[marked]]), marked)
        for name, codes in found.codes.items()
    }


def _vectors(found: Pictures) -> NDArray[np.float64]:
    import cv2

    large = [cv2.resize(one, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR) for one in found.rgb]
    parts = [network().vectors(np.stack(large[k : k + 16])) for k in range(0, len(large), 16)]
    return np.concatenate(parts).astype(np.float64)


def _measures(found: Pictures) -> NDArray[np.float64]:
    return np.array([list(measure_all(Picture(one)).values()) for one in found.rgb])


def _clusters(vectors: NDArray[np.float64]) -> NDArray[np.int64]:
    from sklearn.cluster import KMeans

    return np.asarray(KMeans(CLUSTERS, n_init=3, random_state=0).fit_predict(vectors), np.int64)


if __name__ == "__main__":
    main()
