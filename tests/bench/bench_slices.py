"""Slices beside sliceline, and the gap: the same tables, the same machine, the same run.

``python -m tests.bench.bench_slices [--seeds 5] [--rows 2000 10000 50000 1000000] [--null 200]``

Planted slices as in ``tests/core/discovery/planted.py``: ten facets of four words, three slices of 60 % errors in 8 %.
``pip install sliceline==0.3.0`` to have it beside; without it only the workbench's own figures are printed.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time

import numpy as np

from tests.core.discovery.planted import FACETS, WORDS, conditions, planted
from workbench.core.discovery.search import search
from workbench.core.gap.gap import gap
from workbench.core.metrics.score import score
from workbench.core.tables import Table

SLICELINE = importlib.util.find_spec("sliceline") is not None
SLICELINE_MOST = 50_000  # rows; beyond, it takes minutes
MEASURES = 38


def main() -> None:
    """Print three tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rows", type=int, nargs="+", default=[2_000, 10_000, 50_000, 1_000_000])
    parser.add_argument("--null", type=int, default=200)
    args = parser.parse_args()
    if not SLICELINE:
        print("sliceline is not installed: only the workbench is measured.")
    print(
        "| rows | conditions | recall at 10 | reported per slice | s | sliceline recall | sliceline s | times faster |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for n in args.rows:
        for depth in (2, 3):
            print(planted_row(n, depth, args.seeds if n < 1_000_000 else 1), flush=True)
    print("\n| rows | tables without a bad slice | with a slice reported |\n|---|---|---|")
    for n in (2_000, 10_000):
        print(f"| {n:,} | {args.null} | {null_share(n, args.null):.1%} |", flush=True)
    print(f"\ngap of 2 x 2,000 samples, {MEASURES} measures: {gap_seconds():.2f} s")


def planted_row(n: int, depth: int, seeds: int) -> str:
    """One line of the first table."""
    recalls, reported, seconds, other_recalls, other_seconds = [], [], [], [], []
    for seed in range(seeds):
        table, truth = planted(n, depth, np.random.default_rng(seed))
        started = time.perf_counter()
        found = {conditions(one) for one in search(table, score(table, "mean:bad"), FACETS).slices}
        seconds.append(time.perf_counter() - started)
        recalls.append(len(truth & found) / len(truth))
        reported.append(len(found) / len(truth))
        if SLICELINE and n <= SLICELINE_MOST:
            started = time.perf_counter()
            other = by_sliceline(table)
            other_seconds.append(time.perf_counter() - started)
            other_recalls.append(len(truth & other) / len(truth))
    own = statistics.median(seconds)
    line = f"| {n:,} | {depth} | {np.mean(recalls):.2f} | {np.mean(reported):.2f} | {own:.3f} |"
    if not other_seconds:
        return line + " - | - | - |"
    other = statistics.median(other_seconds)
    return line + f" {np.mean(other_recalls):.2f} | {other:.2f} | {other / own:.0f} |"


def by_sliceline(table: Table) -> set[frozenset[tuple[str, str]]]:
    """Its ten best slices of up to three conditions, as the workbench searches."""
    from sliceline.slicefinder import Slicefinder

    numbers = np.stack([table.columns[name].codes + 1 for name in FACETS], axis=1)
    finder = Slicefinder(alpha=0.95, k=10, max_l=3, verbose=False)
    finder.fit(numbers, table.columns["bad"].values)
    return {
        frozenset((name, WORDS[int(code) - 1]) for name, code in zip(FACETS, one, strict=True) if code is not None)
        for one in finder.top_slices_
    }


def null_share(n: int, tables: int) -> float:
    """Share of tables without a bad slice in which one is reported."""
    found = 0
    for seed in range(tables):
        table, _ = planted(n, 2, np.random.default_rng(10_000 + seed), slices=0)
        found += bool(search(table, score(table, "mean:bad"), FACETS).slices)
    return found / tables


def gap_seconds() -> float:
    """Best of three."""
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 2_000, MEASURES))
    names, seconds = [f"m{k}" for k in range(MEASURES)], []
    for _ in range(3):
        started = time.perf_counter()
        gap(first, second, names, rng=np.random.default_rng(0))
        seconds.append(time.perf_counter() - started)
    return min(seconds)


if __name__ == "__main__":
    main()
