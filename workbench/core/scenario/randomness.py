"""Counter-based randomness: every draw has its own generator, so no draw depends on another.

Editing one range, adding a parameter or drawing in another order leaves all other draws as they were.
"""

from __future__ import annotations

import hashlib

import numpy as np

SEED_RANGE = 2**32


def rng_for(salt: str, *, frame: int, attempt: int, path: str) -> np.random.Generator:
    """The generator of one draw.

    Args:
        salt: name and seed of the scenario.
        frame: number of the frame.
        attempt: 0, 1, ... when a frame was not accepted and is drawn again.
        path: parameter path; per-object draws carry the object's key.

    >>> first = rng_for("bright|7", frame=0, attempt=0, path="a").random()
    >>> first == rng_for("bright|7", frame=0, attempt=0, path="a").random()
    True
    """
    digest = hashlib.sha256(f"{salt}|{frame}|{attempt}|{path}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=np.frombuffer(digest[:16], dtype=np.uint64)))


def rng_from_seed(seed: int, *, key: str) -> np.random.Generator:
    """The generator of one detail (a texture, the noise) of a frame whose seed was drawn already."""
    return rng_for(str(seed), frame=0, attempt=0, path=key)
