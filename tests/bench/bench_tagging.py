"""Tagging a hundred thousand of a million samples, with journal and undo, beside MongoDB's bare update.

    python -m tests.bench.bench_tagging [--samples 1000000] [--tagged 100000] [--repeats 3]

The bare update adds a word to the same samples' tags and notes the time, as the change itself does; it keeps nothing
that could be taken back.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from typing import Any

from tests.bench import own_database
from tests.bench.bench_facets import fill, timed


def bare(dataset: Any, ids: list[str], tag: str) -> int:
    """One ``update_many``."""
    from bson import ObjectId

    from workbench.adapters.store.documents import now

    change = {"$addToSet": {"tags": tag}, "$set": {"last_modified_at": now()}}
    found = dataset._sample_collection.update_many({"_id": {"$in": [ObjectId(i) for i in ids]}}, change)
    return int(found.modified_count)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--tagged", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    database = own_database()
    from fiftyone.core.odm.database import get_db_client

    from workbench.actions import tag as tagging
    from workbench.adapters import store

    store.connect()
    try:
        dataset = store.open_dataset("tagging")
        dataset.media_type = "image"
        fill(dataset, args.samples)
        ids = store.select(dataset)[:: max(1, args.samples // args.tagged)][: args.tagged]
        rounds: dict[str, list[float]] = {"bare update": [], "tag": [], "undo": [], "redo": []}
        for n in range(args.repeats):
            seconds, changed = timed(lambda n=n: bare(dataset, ids, f"bare:{n}"))
            rounds["bare update"].append(seconds)
            for name, work in (
                ("tag", lambda n=n: tagging.tag(dataset, f"failure:{n:02}x", ids=ids)),
                ("undo", lambda: tagging.undo(dataset)),
                ("redo", lambda: tagging.redo(dataset)),
            ):
                seconds, entry = timed(work)
                assert entry.changed == changed == len(ids)
                rounds[name].append(seconds)
        plain = statistics.median(rounds["bare update"])
        print(f"{len(ids):,} of {args.samples:,} samples, median of {args.repeats}")
        for name, seconds_all in rounds.items():
            middle = statistics.median(seconds_all)
            print(f"  {name:<12}{middle:6.2f} s   {middle / plain:4.1f} x the bare update")
    finally:
        get_db_client().drop_database(database)


if __name__ == "__main__":
    sys.exit(main())
