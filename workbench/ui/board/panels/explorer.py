"""The explorer: embeddings, a map of them with a lasso, similar samples, attributes taught by tags."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.actions.embed import embed as embed_samples
from workbench.actions.embed import embedding_map as map_embeddings
from workbench.actions.embed import similar
from workbench.actions.embed import teach as teach_attribute
from workbench.adapters import store
from workbench.adapters.store.vectors import read_vectors
from workbench.base.errors import InputError
from workbench.base.progress import Cancel, Work
from workbench.core.embeddings import NETWORK
from workbench.core.tables import CategoryColumn
from workbench.core.tables.column import Rows
from workbench.ui.board.code_line import DS, IDS, call
from workbench.ui.board.jobs import Done, Jobs
from workbench.ui.board.panel import Command, Panel, Reply
from workbench.ui.board.state import Selection
from workbench.ui.board.thumbnails import thumbnails

SIMILAR = 24
MOST_CORNERS = 4_000  # of a lasso
MOST_COLORS = 10


def embeddings(state: Selection, jobs: Jobs) -> dict[str, int]:
    """How many images have an embedding."""
    return {"embedded": len(read_vectors(state.dataset, NETWORK)), "all": len(state.table)}


def embed(state: Selection, jobs: Jobs) -> int:
    """Start to embed every image; returns the job's number."""

    def run(work: Work) -> Done:
        return Done(f"{embed_samples(state.dataset, work=work)}.")

    state.note_code(call(embed_samples, DS))
    return jobs.start("Embed images", run, kind="embed")


def embedding_map(state: Selection, jobs: Jobs, cancel: Cancel, color: str = "source") -> Reply:
    """Places of all embedded images with a colour each, and which of them the filter keeps: three buffers."""
    places = map_embeddings(state.dataset)
    cancel.check()
    state.embedding_map = places
    rows = state.table.rows_of(places["id"].tolist())
    names, codes = _colors(state, color, rows)
    kept = np.isin(rows, state.filtered).astype(np.uint8)
    points = places[["x", "y"]].to_numpy(np.float32)
    answer = {"names": names, "color": color, "embedded": len(places), "all": len(state.table)}
    answer["version"] = _version(places)
    return Reply(answer, [points.tobytes(), codes.tobytes(), kept.tobytes()])


def _version(places: pd.DataFrame) -> int:
    """A number for which samples lie where."""
    return zlib.crc32(places[["x", "y"]].to_numpy(np.float32).tobytes(), zlib.crc32("".join(places["id"]).encode()))


def _colors(state: Selection, facet: str, rows: Rows) -> tuple[list[str], NDArray[np.uint8]]:
    """Words of a facet, the frequent ones first, and the place of each row's word; the last is for all others."""
    column = state.table.column(facet)
    if not isinstance(column, CategoryColumn):
        raise InputError(f"The map cannot be coloured by '{facet}'.", fix="Choose a facet with one value per sample.")
    codes = column.codes[rows]
    order = np.argsort(-np.bincount(codes[codes >= 0], minlength=len(column.names)), kind="stable")[:MOST_COLORS]
    color = np.full(len(column.names) + 1, len(order), np.uint8)
    color[order] = np.arange(len(order))
    return [column.names[k] for k in order], color[codes]


def lasso(
    state: Selection, jobs: Jobs, corners: list[list[float]], filtered: bool = False, version: int | None = None
) -> dict[str, int]:
    """Choose the samples inside an outline drawn on the map; ``version`` is that of the map that the user was shown."""
    if state.embedding_map is None:
        raise InputError("There is no map yet.", fix="Draw the map first.")
    if version is not None and version != _version(state.embedding_map):
        raise InputError("The map has changed since it was drawn here.", fix="Draw it again, then select.")
    if not 3 <= len(corners) <= MOST_CORNERS or any(len(corner) != 2 for corner in corners):
        raise InputError(f"A lasso needs 3 to {MOST_CORNERS:,} corners of x and y; {len(corners):,} were given.")
    outline = np.array(corners, np.float32)
    points = state.embedding_map[["x", "y"]].to_numpy(np.float32)
    inside = [cv2.pointPolygonTest(outline, (float(x), float(y)), False) >= 0 for x, y in points]
    ids = state.embedding_map["id"].to_numpy()[np.array(inside, bool)]
    rows = state.table.rows_of(ids.tolist())
    chosen = rows >= 0
    if filtered:
        chosen &= np.isin(rows, state.filtered)
    state.select([str(sample_id) for sample_id in ids[chosen]], only=True)
    return {"chosen": int(chosen.sum())}


def find_similar(state: Selection, jobs: Jobs, cancel: Cancel, filtered: bool = False) -> Reply:
    """The samples that look most like the chosen ones, with their thumbnails."""
    if not state.ids:
        raise InputError("No samples are selected.", fix="Select one or more images.")
    where = state.filter if filtered and state.conditions else None
    nearest = similar(state.dataset, state.ids, n=SIMILAR, where=where)
    cancel.check()
    state.note_code(call(similar, DS, IDS, n=SIMILAR, where=where))
    return Reply(*_tiles(state, nearest["id"].tolist(), nearest["similarity"].tolist(), cancel))


def teach(state: Selection, jobs: Jobs, cancel: Cancel, attribute: str) -> Reply:
    """Predict an attribute from its marks; the doubtful samples come with their thumbnails."""
    taught = teach_attribute(state.dataset, attribute.strip())
    cancel.check()
    state.note_code(call(teach_attribute, DS, taught.attribute))
    state.refresh()
    if taught.attribute not in state.facets:
        state.show_facet(taught.attribute)
    rows = taught.frame.to_numpy().tolist()
    answer, pictures = _tiles(state, taught.doubtful, [], cancel)
    return Reply({**answer, "text": str(taught), "rows": rows, "accuracy": taught.accuracy}, pictures)


def _tiles(
    state: Selection, ids: Sequence[str], similarities: Sequence[float], cancel: Cancel
) -> tuple[dict[str, Any], list[bytes]]:
    samples = list(store.read(state.dataset, ids))
    tiles = [{"id": sample.id, "name": sample.record.origin, "source": sample.source} for sample in samples]
    for tile, value in zip(tiles, similarities, strict=False):
        tile["similarity"] = f"{value:.2f}"
    return {"tiles": tiles}, thumbnails(samples, cancel)


COMMANDS = {
    "embeddings": Command(embeddings),
    "embed": Command(embed),
    "embedding_map": Command(embedding_map, background=True),
    "lasso": Command(lasso),
    "similar": Command(find_similar, background=True),
    "teach": Command(teach, background=True),
}
PANEL = Panel("Explore", "explorer.js", COMMANDS, order=60)
