"""Pictures through the network, neighbours and the map among many vectors: rates, seconds, memory.

    python -m tests.bench.bench_embeddings [--vectors 200000] [--pictures 400]

Vectors are random; pictures are the sample data's.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from pathlib import Path

import numpy as np

from workbench.core.embeddings import layout, nearest
from workbench.core.embeddings.extract import network, prepared
from workbench.core.embeddings.network import LENGTH


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=200_000)
    parser.add_argument("--pictures", type=int, default=400)
    args = parser.parse_args()
    paths = sorted((Path(__file__).parents[2] / "sample_data").rglob("*.jpg"))
    network()
    started = time.perf_counter()
    for k in range(0, args.pictures, 16):
        network().vectors(np.stack([prepared(paths[i % len(paths)].read_bytes()) for i in range(k, k + 16)]))
    print(f"pictures of the sample data embedded: {args.pictures / (time.perf_counter() - started):.0f}/s")
    rng, vectors = np.random.default_rng(0), np.empty((args.vectors, LENGTH), np.float16)
    for start in range(0, args.vectors, 10_000):
        vectors[start : start + 10_000] = rng.normal(size=(len(vectors[start : start + 10_000]), LENGTH))
    for label, work in (
        ("20 nearest of one picture", lambda: nearest(vectors, vectors[:1], 20)),
        ("20 nearest of 50 pictures", lambda: nearest(vectors, vectors[:50], 20)),
        ("the map", lambda: layout(vectors)),
    ):
        started = time.perf_counter()
        work()
        print(f"{label} among {args.vectors:,}: {time.perf_counter() - started:.1f} s", flush=True)
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB")


if __name__ == "__main__":
    sys.exit(main())
