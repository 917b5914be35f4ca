"""Fingerprints of images: made once per content, on all cores, and kept in the workbench's home."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import OutputError
from workbench.base.files import home
from workbench.base.processes import WorkerProcesses
from workbench.base.progress import Progress, Work
from workbench.core.duplicates.correlation import WORTH_DETAIL, refined, scores
from workbench.core.duplicates.edits import EDITS
from workbench.core.duplicates.fingerprints import DETAIL_SIDE, SIDE, Details, Thumbs
from workbench.core.duplicates.reading import arrays_of, plant_all, read_all
from workbench.core.schema.report import Problem

FILE_NAME = "fingerprints-2.sqlite"  # the number rises when fingerprints are made in another way
CHUNK, BATCH = 16, 512  # images in one call of a worker, and between two writes
PAIRS = 1024  # compared between two writes
WORTH_PROCESSES = 300


def fingerprints(paths: Mapping[str, Path], *, work: Work | None = None) -> tuple[dict[str, Thumbs], list[Problem]]:
    """Fingerprint by key, and the images that cannot be read; only what is new is read, and kept as it is made.

    Args:
        paths: image by the hash of its content.
        work: progress, and the switch to stop.

    Raises:
        OutputError: the workbench's home cannot be written.
    """
    problems: list[Problem] = []
    with _kept() as database:
        known = {key for (key,) in database.execute("SELECT key FROM fingerprints")}
        todo = [key for key in paths if key not in known]
        with (
            _pool(len(todo)) as pool,
            Progress("fingerprints", total=len(todo), unit="image", work=work) as progress,
        ):
            for start in range(0, len(todo), BATCH):
                keys = todo[start : start + BATCH]
                chunks = [[str(paths[key]) for key in keys[k : k + CHUNK]] for k in range(0, len(keys), CHUNK)]
                made = list(progress.track(result for part in pool.map(read_all, chunks) for result in part))
                rows = [
                    (key, *arrays_of(result))
                    for key, result in zip(keys, made, strict=True)
                    if isinstance(result, bytes)
                ]
                problems += [result for result in made if isinstance(result, Problem)]
                database.executemany("INSERT OR REPLACE INTO fingerprints VALUES (?, ?, ?)", rows)
                database.commit()
        stored = {key: data for key, data in database.execute("SELECT key, thumb FROM fingerprints") if key in paths}
    return {key: _thumb(stored[key]) for key in paths if key in stored}, problems


def similarities(
    keys: Sequence[str],
    thumbs: Thumbs,
    pairs: NDArray[np.int64],
    *,
    work: Work | None = None,
) -> NDArray[np.float32]:
    """Similarity of each pair ``(m,)``; what was compared before is kept, so only new pairs cost time.

    Args:
        keys: hash of the content of each image.
        thumbs: ``(n, 48, 48)`` fingerprints.
        pairs: ``(m, 2)`` places, the lower first.
        work: progress, and the switch to stop.

    Raises:
        OutputError: the workbench's home cannot be written.
    """
    similarity = np.full(len(pairs), np.nan, np.float32)
    names = [_pair_key(keys[a], keys[b]) for a, b in pairs]
    with _kept() as database:
        known = dict(_known_scores(database, names))
        similarity[:] = [known.get(name, np.nan) for name in names]
        todo = np.flatnonzero(np.isnan(similarity))
        label = "comparing similar images"
        with Progress(label, total=len(todo), unit="pair", work=work) as progress:
            for start in range(0, len(todo), PAIRS):
                some = todo[start : start + PAIRS]
                similarity[some] = _compared(database, keys, thumbs, pairs[some])
                rows = [(names[index], float(similarity[index])) for index in some]
                database.executemany("INSERT OR REPLACE INTO scores VALUES (?, ?)", rows)
                database.commit()
                progress.advance(len(some))
    return similarity


def _compared(
    database: sqlite3.Connection, keys: Sequence[str], thumbs: Thumbs, pairs: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Similarity of pairs; those that are alike at first sight are looked at in detail."""
    workers = os.cpu_count() or 2
    similarity = scores(thumbs, pairs, workers=workers)
    alike = np.flatnonzero(similarity >= WORTH_DETAIL)
    places = np.unique(pairs[alike]).tolist()
    details = {index: _detail(database, keys[index]) for index in places}
    similarity[alike] = refined(thumbs, details, pairs[alike], workers=workers)
    return similarity


def _detail(database: sqlite3.Connection, key: str) -> Details:
    ((data,),) = database.execute("SELECT detail FROM fingerprints WHERE key = ?", (key,))
    return np.frombuffer(data, np.uint8).reshape(DETAIL_SIDE, DETAIL_SIDE)


def _pair_key(first: str, second: str) -> bytes:
    """Which of two is the template matters to the last digit, so the order does too."""
    return hashlib.sha256(f"{first}|{second}".encode()).digest()[:16]


def _known_scores(database: sqlite3.Connection, names: Sequence[bytes]) -> Iterator[tuple[bytes, float]]:
    for start in range(0, len(names), BATCH):
        some = names[start : start + BATCH]
        marks = ",".join("?" * len(some))
        yield from database.execute(f"SELECT pair, score FROM scores WHERE pair IN ({marks})", some)  # noqa: S608 - marks


def planted(paths: Sequence[Path]) -> dict[str, NDArray[np.float32]]:
    """Similarity of planted copies of images to their originals, by edit.

    Args:
        paths: of readable images.
    """
    workers = os.cpu_count() or 2
    chunks = [[str(path) for path in paths[k : k + CHUNK]] for k in range(0, len(paths), CHUNK)]
    with _pool(len(paths) * len(EDITS)) as pool:
        made = [copies for part in pool.map(plant_all, chunks) for copies in part]
    thumbs, details = (
        np.stack(kind) for kind in zip(*(arrays_of(fingerprint) for row in made for fingerprint in row), strict=True)
    )
    versions = len(EDITS) + 1
    similarity_of = {}
    for edit, name in enumerate(EDITS, 1):
        pairs = np.array([(at, at + edit) for at in range(0, len(thumbs), versions)])
        similar = scores(thumbs, pairs, workers=workers)
        alike = similar >= WORTH_DETAIL
        similar[alike] = refined(thumbs, details, pairs[alike], workers=workers)
        similarity_of[name] = similar
    return similarity_of


def _thumb(data: bytes) -> Thumbs:
    return np.frombuffer(data, np.uint16).reshape(SIDE, SIDE)


@contextmanager
def _pool(pictures: int) -> Iterator[Executor]:
    """Threads for a few images, worker processes for many."""
    kind: Callable[[int], ThreadPoolExecutor] = WorkerProcesses if pictures >= WORTH_PROCESSES else ThreadPoolExecutor
    with kind(os.cpu_count() or 2) as pool:
        yield pool


@contextmanager
def _kept() -> Iterator[sqlite3.Connection]:
    path = home() / FILE_NAME
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.closing(sqlite3.connect(path, timeout=60)) as database:
            database.execute("CREATE TABLE IF NOT EXISTS fingerprints (key TEXT PRIMARY KEY, thumb BLOB, detail BLOB)")
            database.execute("CREATE TABLE IF NOT EXISTS scores (pair BLOB PRIMARY KEY, score REAL) WITHOUT ROWID")
            yield database
    except (OSError, sqlite3.Error) as cause:
        fix = "Free disk space, change its permissions, set WORKBENCH_HOME, or delete the file if it is damaged."
        raise OutputError(f"The cache of fingerprints cannot be used: {cause}.", at=str(path), fix=fix) from cause
