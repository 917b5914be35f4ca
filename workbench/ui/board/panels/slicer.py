"""Commands that change the filter, the order and the chosen samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from workbench.base.errors import InputError, one_of
from workbench.ui.board.command import Command, Reply
from workbench.ui.board.state import Side

if TYPE_CHECKING:
    from workbench.ui.board.board import Board


def toggle(board: Board, facet: str, value: str | None) -> Reply:
    """Add or remove one word of a facet."""
    board.joined.toggle(facet, value)
    return Reply()


def brush(board: Board, facet: str, low: float | None, high: float | None) -> Reply:
    """Keep a range of a facet with numbers."""
    board.joined.brush(facet, low, high)
    return Reply()


def clear(board: Board, facet: str | None = None) -> Reply:
    """Remove one condition or all."""
    board.joined.clear(facet)
    return Reply()


def where(board: Board, text: str) -> Reply:
    """Set the filter as text."""
    board.joined.filter = text
    return Reply()


def find(board: Board, facet: str, text: str) -> Reply:
    """Words of a facet that hold a text."""
    return Reply(board.joined.find_words(facet, str(text)[:1000]))


def show_facet(board: Board, facet: str, on: bool = True) -> Reply:
    """Show or hide a facet."""
    board.joined.show_facet(facet, on=bool(on))
    return Reply()


def sort(board: Board, facet: str | None = None, descending: bool = False) -> Reply:
    """Show the samples in the order of a facet."""
    board.joined.sort(facet, descending=bool(descending))
    return Reply()


def pin(board: Board) -> Reply:
    """Keep the filter to compare it with others."""
    board.joined.pin()
    return Reply()


def unpin(board: Board) -> Reply:
    """End the comparison."""
    board.joined.unpin()
    return Reply()


def select(board: Board, ids: list[str], on: bool | None = True, only: bool = False) -> Reply:
    """Choose samples or leave them out; ``only`` leaves out all others first.

    Without a word in ``on`` they are turned over: by what is chosen now, since the browser may show what was before.
    """
    if not isinstance(ids, list) or not all(isinstance(i, str) for i in ids):
        raise InputError("a list of ids", found=type(ids).__name__, where="select")
    chosen = board.joined
    if on is None:
        rows = chosen.table.rows_of(ids)
        on = not chosen.is_chosen[rows[rows >= 0]].all()
    chosen.select(ids, on=bool(on), only=bool(only))
    return Reply()


def select_range(board: Board, start: int, end: int, arrangement: int, side: str = "filtered") -> Reply:
    """Choose the samples from place ``start`` to place ``end``, both included, as they were shown."""
    if arrangement != board.joined.arrangement:
        raise InputError(
            "a range of the samples shown", found="others are shown by now", fix="Look again, then choose."
        )
    board.joined.select_range(start, end, side=side_of(side))
    return Reply()


def select_filtered(board: Board) -> Reply:
    """Choose all filtered samples."""
    board.joined.select_filtered()
    return Reply()


def deselect(board: Board) -> Reply:
    """Choose nothing."""
    board.joined.deselect()
    return Reply()


def refresh(board: Board) -> Reply:
    """Read the dataset anew."""
    board.joined.refresh()
    return Reply()


def follow(board: Board) -> Reply:
    """Read the dataset anew if it has changed."""
    board.joined.follow()
    return Reply()


def alive(board: Board) -> Reply:
    """The kernel answers."""
    return Reply()


def side_of(text: str) -> Side:
    """Which of the two galleries.

    Raises:
        InputError: neither.
    """
    for side in get_args(Side):
        if text == side:
            return side  # type: ignore[no-any-return]
    raise InputError("a side", found=repr(text)[:80], where="side", fix=one_of(str(text), get_args(Side)))


CHOOSING = {
    "toggle": Command(toggle),
    "brush": Command(brush),
    "clear": Command(clear),
    "where": Command(where),
    "find": Command(find),
    "show_facet": Command(show_facet),
    "sort": Command(sort),
    "pin": Command(pin),
    "unpin": Command(unpin),
    "select": Command(select),
    "select_range": Command(select_range),
    "select_filtered": Command(select_filtered),
    "deselect": Command(deselect),
    "refresh": Command(refresh),
    "follow": Command(follow),
    "alive": Command(alive),
}
