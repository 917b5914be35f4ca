"""Embeddings of a dataset's images, computed once per image; and the user's own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from workbench.adapters import store
from workbench.adapters.store import Dataset, Stored, opened
from workbench.adapters.store.vectors import VectorTable, add_vectors, read_vectors
from workbench.base.errors import InputError
from workbench.base.progress import Progress, Work
from workbench.core.embeddings.extract import NETWORK, Pixels, network, prepared
from workbench.core.measures.reading import stamp
from workbench.core.schema.report import Problem
from workbench.core.tables import Filter

BATCH, KEPT_TOGETHER = 16, 1_024  # images through the network at once, and vectors in one part on disk


@dataclass
class EmbedReport:
    """Outcome of ``embed``.

    Attributes:
        embedded: images that got an embedding now.
        skipped: samples that had one, and those without an image.
        problems: images that could not be read.
        samples_per_s: rate of this call.
    """

    embedded: int = 0
    skipped: int = 0
    problems: list[Problem] = field(default_factory=list)
    samples_per_s: float = 0.0

    def __str__(self) -> str:
        text = f"{self.embedded:,} embedded ({self.samples_per_s:.0f}/s), {self.skipped:,} skipped"
        return text + (f", {len(self.problems):,} could not be read" if self.problems else "")


def embed(
    dataset: Dataset | str,
    *,
    where: str | Filter | None = None,
    again: bool = False,
    work: Work | None = None,
) -> EmbedReport:
    """Compute an embedding of every image that is new or has changed.

    The network is EfficientNet-Lite0 (see ``workbench.core.embeddings``); nothing is downloaded. Embeddings are kept
    beside the database, part by part, so that stopped work continues where it was.

    Args:
        dataset: the dataset or its name.
        where: only these samples.
        again: also those that have a vector.
        work: progress, and the switch to stop.

    Raises:
        MissingExtra: the extra ``embeddings`` is not installed.
    """
    dataset = opened(dataset)
    known = read_vectors(dataset, NETWORK)
    states = dict(zip(known.ids.tolist(), known.states.tolist(), strict=True))
    chosen = list(store.read(dataset, store.select(dataset, store.asked(dataset, where))))
    pictures = {s.id: (s, now) for s in chosen if s.record.image_path and (now := stamp(s.record.medium))}
    todo = [(s, now) for s, now in pictures.values() if again or states.get(s.id) != now]
    lost = [s for s in chosen if s.record.image_path and s.id not in pictures]
    report = EmbedReport(skipped=len(chosen) - len(todo) - len(lost), problems=[_gone(s) for s in lost])
    started_s, ready = time.monotonic(), network()
    with (
        ThreadPoolExecutor(2, thread_name_prefix="pictures") as threads,
        Progress("embedding", total=len(todo), unit="image", work=work) as progress,
    ):
        waiting = iter(todo)
        while part := list(islice(waiting, KEPT_TOGETHER)):
            results = [
                (s, now, p) for (s, now), p in zip(part, progress.track(threads.map(_prepared, part)), strict=True)
            ]
            report.problems += [p for _, _, p in results if isinstance(p, Problem)]
            good = [(s.id, now, p) for s, now, p in results if not isinstance(p, Problem)]
            vectors = [ready.vectors(np.stack(batch)) for batch in _batches([p for _, _, p in good])]
            if vectors:
                ids, stamps, _ = zip(*good, strict=True)
                add_vectors(dataset, NETWORK, ids, stamps, np.concatenate(vectors))
            report.embedded += len(good)
    report.samples_per_s = report.embedded / max(time.monotonic() - started_s, 1e-9)
    return report


def add_embeddings(dataset: Dataset | str, name: str, vectors: Mapping[str, Sequence[float]]) -> int:
    """Store embeddings of your own network, for ``similar``, ``embedding_map`` and ``teach``; returns how many.

    Args:
        dataset: the dataset or its name.
        name: of the embeddings.
        vectors: by sample id; all of one length.

    Raises:
        InputError: lengths differ, numbers that are not finite, or the name of the workbench's own network.
        DatasetError: no such sample.
    """
    dataset = opened(dataset)
    if not name.isidentifier() or name == NETWORK:
        fix = f"Use letters, digits and _, for example my_clip; {NETWORK} is reserved."
        raise InputError(f"{name!r} is not a valid name for embeddings.", fix=fix)
    lengths = {len(vector) for vector in vectors.values()}
    if not lengths:
        raise InputError("No embeddings were given.", at=name)
    if len(lengths) > 1:
        raise InputError(f"The embeddings have different lengths: {sorted(lengths)[:5]}.", at=name)
    values = np.array(list(vectors.values()), np.float32)
    if not np.isfinite(values).all():
        raise InputError("The embeddings contain NaN or infinite values.", at=name)
    for sample_id in vectors:
        store.require_sample(dataset, sample_id)
    add_vectors(dataset, name, list(vectors), ["given"] * len(vectors), values)
    return len(vectors)


def require_vectors(dataset: Dataset, name: str) -> VectorTable:
    """The embeddings of a name.

    Raises:
        InputError: there are none.
    """
    table = read_vectors(dataset, name)
    if not len(table):
        fix = (
            "Embed first: wb.embed(ds), or workbench embed DATASET."
            if name == NETWORK
            else "Call wb.add_embeddings(ds, name, {sample_id: vector})."
        )
        raise InputError(f"There are no embeddings '{name}'.", at=dataset.name, fix=fix)
    return table


def _prepared(stamped: tuple[Stored, str]) -> Pixels | Problem:
    path = stamped[0].record.medium
    try:
        return prepared(path.read_bytes())
    except (OSError, ValueError) as error:
        message = f"The image cannot be read ({type(error).__name__}: {error}); it has no embedding."
        return Problem(str(path), "unreadable_image", message)


def _gone(stored: Stored) -> Problem:
    return Problem(str(stored.record.medium), "unreadable_image", "The image file is missing; it has no embedding.")


def _batches(pictures: Sequence[NDArray[np.uint8]]) -> Iterator[Sequence[NDArray[np.uint8]]]:
    yield from (pictures[start : start + BATCH] for start in range(0, len(pictures), BATCH))
