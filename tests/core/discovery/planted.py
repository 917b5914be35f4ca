"""Tables with known bad slices, and tables without any, as METRICS.md's A.3 describes them."""

from __future__ import annotations

import numpy as np

from workbench.core.discovery.search import Slice
from workbench.core.tables import CategoryColumn, NumberColumn, Table

WORDS = ("w", "x", "y", "z")
FACETS = [f"a{k}" for k in range(10)]
Conditions = frozenset[tuple[str, str]]


def planted(
    n: int, depth: int, rng: np.random.Generator, *, slices: int = 3, base: float = 0.08, bad: float = 0.6
) -> tuple[Table, set[Conditions]]:
    """``n`` rows of ten facets with four words, a number ``bad`` (0 or 1), and the conditions of the bad slices."""
    codes = rng.integers(0, len(WORDS), (n, len(FACETS)))
    rate, truth = np.full(n, base), set()
    while len(truth) < slices:
        chosen = [(int(k), int(rng.integers(len(WORDS)))) for k in rng.choice(len(FACETS), depth, replace=False)]
        truth.add(frozenset((FACETS[k], WORDS[code]) for k, code in chosen))
        rate[np.logical_and.reduce([codes[:, k] == code for k, code in chosen])] = bad
    columns = {name: CategoryColumn(codes[:, k].astype(np.int32), WORDS) for k, name in enumerate(FACETS)}
    ids = np.array([f"{i:024x}" for i in range(n)])
    return Table(ids, {**columns, "bad": NumberColumn((rng.random(n) < rate).astype(float))}), truth


def conditions(one: Slice) -> Conditions:
    """Facet and word of each condition of a slice."""
    parts = getattr(one.filter, "parts", (one.filter,))
    return frozenset((part.facet, str(part.values[0])) for part in parts)
