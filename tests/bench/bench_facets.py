"""Facets of a million samples: the board's table beside FiftyOne's aggregations of the same dataset.

    python -m tests.bench.bench_facets [--samples 1000000] [--repeats 5]

Eight facets: source, lighting, surface, sensor, split, one number, classes (20) and tags (20). A change of filter
gives the counts of all of them, each under the filters of the others.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from tests.bench import own_database

WORDS = {
    "source": ["real", "synthetic"],
    "lighting": ["dark", "dim", "normal", "bright", "harsh", None],
    "surface": ["matte", "glossy", "metal", "mirror", "cardboard", "wood"],
    "sensor": ["clean", "noisy", "blurred"],
    "split": ["train", "val", "test", None],
}
CLASSES = [f"class_{i:02}" for i in range(20)]
TAGS = [f"failure:{i:02}" for i in range(20)]
BOX = [0.1, 0.1, 0.2, 0.2]
NUMBER = "measures.exposure_ev"
FACETS = [*WORDS, NUMBER, "class", "tags"]
FILTERS = [
    {"lighting": "dim", "surface": "metal"},
    {"source": "real", "class": "class_03", "tags": "failure:07"},
    {"sensor": "noisy"},
]


def fill(dataset: Any, n: int) -> None:
    """``n`` samples with four boxes each, in batches."""
    from bson import ObjectId

    rng, first = np.random.default_rng(0), datetime.now(timezone.utc) - timedelta(days=2)
    for start in range(0, n, 20_000):
        size = min(20_000, n - start)
        words = {name: rng.integers(0, len(values), size).tolist() for name, values in WORDS.items()}
        classes, tags = rng.integers(0, 20, (size, 4)).tolist(), rng.integers(-20, 20, size).tolist()
        exposures = rng.normal(-1, 2, size).tolist()
        dataset._sample_collection.insert_many(
            [
                {
                    "_id": ObjectId(),
                    "_media_type": "image",
                    "_rand": 0.5,
                    "filepath": f"/nowhere/{start + i}.jpg",
                    "tags": [TAGS[tags[i]]] if tags[i] >= 0 else [],
                    "created_at": first,
                    "last_modified_at": first + timedelta(milliseconds=100 * (start + i)),
                    "source_key": str(start + i),
                    **{name: values[words[name][i]] for name, values in WORDS.items()},
                    "measures": {"_cls": "DynamicEmbeddedDocument", "exposure_ev": exposures[i]},
                    "ground_truth": {
                        "_cls": "Detections",
                        "detections": [
                            {"_id": ObjectId(), "_cls": "Detection", "label": CLASSES[c], "bounding_box": BOX}
                            for c in classes[i]
                        ],
                    },
                }
                for i in range(size)
            ],
            ordered=False,
        )


def board(session: Any, chosen: dict[str, str]) -> dict[str, Any]:
    """What a click on the board costs: masks and the counts of every facet."""
    from workbench.core.tables.filter import OneOf

    session.conditions = {facet: OneOf(facet, (word,)) for facet, word in chosen.items()}
    session._apply()
    return {state["name"]: state for state in session.facet_states()}


def aggregations(dataset: Any, edges: list[float], chosen: dict[str, str]) -> dict[str, Any]:
    """The same counts by FiftyOne: one view per facet with the conditions of the others."""
    import fiftyone as fo

    fields = {"class": "ground_truth.detections.label", NUMBER: NUMBER}
    found: dict[str, Any] = {}
    for facet in FACETS:
        view = dataset.view()
        for other, word in chosen.items():
            if other == "class" and other != facet:
                view = view.match_labels(fields="ground_truth", filter=fo.ViewField("label") == word)
            elif other == "tags" and other != facet:
                view = view.match_tags(word)
            elif other != facet:
                view = view.match(fo.ViewField(other) == word)
        field = fields.get(facet, facet)
        if facet == NUMBER:
            found[facet] = view.histogram_values(field, bins=len(edges) - 1, range=[edges[0], edges[-1]])
        else:
            found[facet] = view.count_values(field)
    return found


def agree(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """The same numbers, or the comparison is worth nothing."""
    for facet in (*WORDS, "tags"):
        bars = {bar["value"]: bar["count"] for bar in ours[facet]["bars"] if bar["count"]}
        assert bars == {word: n for word, n in theirs[facet].items() if word is not None}, facet
    counts, _, other = theirs[NUMBER]
    assert sum(ours[NUMBER]["counts"]) == sum(counts) + other


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started_s = time.perf_counter()
    found = work()
    return time.perf_counter() - started_s, found


def memory_mb(table: Any) -> float:
    """Bytes of all arrays of a table."""
    parts = [
        table.ids,
        *(getattr(c, p) for c in table.columns.values() for p in ("values", "codes", "starts") if hasattr(c, p)),
    ]
    return sum(part.nbytes for part in parts) / 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    database = own_database()
    from fiftyone.core.odm.database import get_db_client

    from workbench.actions import tag as tagging
    from workbench.adapters import store
    from workbench.ui.board import Selection

    store.connect()
    try:
        dataset = store.open_dataset("facets")
        store.set_values(dataset, {})
        dataset.media_type = "image"
        import fiftyone as fo

        dataset.add_sample_field(NUMBER, fo.FloatField)
        fill(dataset, args.samples)
        opened_s, session = timed(lambda: Selection(dataset, facets=FACETS))
        again_s, _ = timed(lambda: Selection(dataset, facets=FACETS))
        tagged_s, _ = timed(lambda: tagging.tag(dataset, "failure:new", ids=session.page(0, 1000)))
        followed_s, _ = timed(session.follow)
        edges = session.table.column(NUMBER).bin_edges().tolist()
        clicks, peers = [], []
        for chosen in FILTERS:
            for _ in range(args.repeats):
                seconds, ours = timed(lambda chosen=chosen: board(session, chosen))
                clicks.append(seconds)
            seconds, theirs = timed(lambda chosen=chosen: aggregations(dataset, edges, chosen))
            peers.append(seconds)
            agree(ours, theirs)
        mine_ms, theirs_ms = statistics.median(clicks) * 1000, statistics.median(peers) * 1000
        print(f"{args.samples:,} samples, {len(FACETS)} facets, {memory_mb(session.table):,.0f} MB")
        print(f"table read from the database {opened_s:6.1f} s; from disk in a new session {again_s:.1f} s")
        print(f"1,000 samples tagged {tagged_s:6.2f} s; seen by the board {followed_s:.2f} s")
        print(f"a change of filter, all counts: board {mine_ms:,.0f} ms, FiftyOne's aggregations {theirs_ms:,.0f} ms")
        print(f"ours / FiftyOne's: {theirs_ms / mine_ms:.0f} x faster")
    finally:
        get_db_client().drop_database(database)


if __name__ == "__main__":
    sys.exit(main())
