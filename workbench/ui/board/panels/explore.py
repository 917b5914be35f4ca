"""Commands that look around: vectors of the pictures, a map of all, more like the chosen ones, taught attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from workbench.actions import embed as exploring
from workbench.adapters import store
from workbench.adapters.store.vectors import read_vectors
from workbench.base.errors import InputError
from workbench.base.progress import Cancel, Listener
from workbench.core.embeddings import NETWORK
from workbench.core.tables import CategoryColumn
from workbench.ui.board.command import Command, Reply
from workbench.ui.board.jobs import Done
from workbench.ui.board.thumbnails import thumbnails

if TYPE_CHECKING:
    from workbench.ui.board.board import Board

LIKE = 24
CORNERS_MOST = 4_000  # of a lasso
COLOURS_MOST = 10


def embed(board: Board) -> Reply:
    """Start to give every picture its vector."""
    dataset = board.joined.dataset

    def work(listener: Listener, cancel: Cancel) -> Done:
        return Done(f"{exploring.embed(dataset, listener=listener, cancel=cancel)}.")

    board.joined.note_code("wb.embed(ds)")
    return Reply(board.jobs.start("Embed pictures", work, kind="embed"))


def picture_map(board: Board, cancel: Cancel, color: str = "source") -> Reply:
    """Places of all embedded pictures with a colour each, and which of them the filter keeps: three buffers."""
    chosen = board.joined
    placed = exploring.picture_map(chosen.dataset)
    cancel.check()
    board.placed = placed
    rows = chosen.table.rows_of(placed["id"].tolist())
    names, codes = _colours(board, str(color), rows)
    kept = np.isin(rows, chosen.filtered)
    points = placed[["x", "y"]].to_numpy(np.float32)
    answer = {"names": names, "color": color, "embedded": len(placed), "all": len(chosen.table)}
    return Reply(answer, [points.tobytes(), codes.tobytes(), kept.astype(np.uint8).tobytes()])


def _colours(board: Board, facet: str, rows: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Words of a facet, the frequent ones first, and the place of each row's word; the last is for all others."""
    column = board.joined.table.column(facet)
    if not isinstance(column, CategoryColumn):
        raise InputError("a facet with one word per sample", found=facet, where="map")
    codes = column.codes[rows]
    order = np.argsort(-np.bincount(codes[codes >= 0], minlength=len(column.names)), kind="stable")[:COLOURS_MOST]
    place = np.full(len(column.names) + 1, len(order), np.uint8)
    place[order] = np.arange(len(order))
    return [column.names[k] for k in order], place[codes]


def lasso(board: Board, corners: list[list[float]], filtered: bool = False) -> Reply:
    """Choose the pictures inside an outline drawn on the map."""
    if board.placed is None:
        raise InputError("a map", found="none", where="lasso", fix="Draw the map first.")
    outline = np.array(corners, np.float32)
    if outline.ndim != 2 or outline.shape[1:] != (2,) or not 3 <= len(outline) <= CORNERS_MOST:
        raise InputError("an outline of three or more corners", found=f"shape {outline.shape}", where="lasso")
    points = board.placed[["x", "y"]].to_numpy(np.float32)
    inside = [cv2.pointPolygonTest(outline, (float(x), float(y)), False) >= 0 for x, y in points]
    ids = board.placed["id"].to_numpy()[np.array(inside, bool)]
    rows = board.joined.table.rows_of(ids.tolist())
    there = rows >= 0
    if filtered:
        there &= np.isin(rows, board.joined.filtered)
    board.joined.select([str(one) for one in ids[there]], only=True)
    return Reply({"chosen": int(there.sum())})


def like(board: Board, cancel: Cancel, filtered: bool = False) -> Reply:
    """The pictures that look most like the chosen ones, with their thumbnails."""
    chosen = board.joined
    if not chosen.ids:
        raise InputError("chosen samples", found="none", where="more like this", fix="Choose one or more pictures.")
    where = str(chosen.filter) if filtered and chosen.conditions else None
    found = exploring.similar(chosen.dataset, chosen.ids, n=LIKE, where=where)
    cancel.check()
    said = f", where={where!r}" if where else ""
    chosen.note_code(f"wb.similar(ds, selection.ids, n={LIKE}{said})")
    return Reply(*_shown(board, found["id"].tolist(), found["similarity"].tolist(), cancel))


def teach(board: Board, cancel: Cancel, attribute: str) -> Reply:
    """Predict an attribute from its marks; the doubtful ones come with their thumbnails."""
    chosen = board.joined
    told = exploring.teach(chosen.dataset, str(attribute).strip())
    cancel.check()
    chosen.note_code(f"wb.teach(ds, {told.attribute!r})")
    chosen.refresh()
    if told.attribute not in chosen.facets:
        chosen.show_facet(told.attribute)
    rows = told.frame.to_numpy().tolist()
    shown, pictures = _shown(board, told.doubtful, [], cancel)
    return Reply({**shown, "text": str(told), "rows": rows, "accuracy": told.accuracy}, pictures)


def _shown(board: Board, ids: list[str], likeness: list[float], cancel: Cancel) -> tuple[dict[str, Any], list[bytes]]:
    samples = list(store.read(board.joined.dataset, ids))
    tiles = [{"id": one.id, "name": one.record.origin, "source": one.source} for one in samples]
    for tile, value in zip(tiles, likeness, strict=False):
        tile["likeness"] = f"{value:.2f}"
    return {"tiles": tiles}, thumbnails(samples, cancel)


def vectors(board: Board) -> Reply:
    """How many pictures have a vector."""
    known = read_vectors(board.joined.dataset, NETWORK)
    return Reply({"embedded": len(known), "all": len(board.joined.table)})


EXPLORING = {
    "vectors": Command(vectors),
    "embed": Command(embed),
    "picture_map": Command(picture_map, aside=True),
    "lasso": Command(lasso),
    "like": Command(like, aside=True),
    "teach": Command(teach, aside=True),
}
