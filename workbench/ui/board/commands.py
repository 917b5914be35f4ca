"""What the browser may ask of the board as a whole: filter, order, chosen samples, jobs, the FiftyOne App."""

from __future__ import annotations

from typing import Any

from workbench.adapters import store
from workbench.base.errors import InputError
from workbench.base.plurals import counted
from workbench.ui.board.app import open_app
from workbench.ui.board.jobs import Jobs
from workbench.ui.board.panel import Command, of_jobs, of_state
from workbench.ui.board.state import Selection, Side


def where(state: Selection, jobs: Jobs, text: str) -> dict[str, str]:
    """Set the filter as text; says which of its words no sample has, or that nothing matches."""
    return {"text": " ".join(state.set_filter(text))}


def select(state: Selection, jobs: Jobs, ids: list[str], on: bool | None = True, only: bool = False) -> None:
    """Choose samples or leave them out; ``only`` leaves out all others first.

    With ``None`` in ``on`` they are turned over: by what is chosen now, since the browser may show what was before.
    """
    if on is None:
        rows = state.table.rows_of(ids)
        on = not state.is_chosen[rows[rows >= 0]].all()
    state.select(ids, on=on, only=only)


def select_range(state: Selection, jobs: Jobs, start: int, end: int, arrangement: int, side: Side = "filtered") -> None:
    """Choose the samples from place ``start`` to place ``end``, both included, as they were shown."""
    if arrangement != state.arrangement:
        raise InputError("The samples shown have changed.", fix="Select the range again.")
    state.select_range(start, end, side=side)


def alive(state: Selection, jobs: Jobs) -> None:
    """The kernel answers."""


def app_take(state: Selection, jobs: Jobs) -> dict[str, Any]:
    """Take over what is selected in the App."""
    ids = store.app_selection()
    if not ids:
        fix = "Select samples in the App (the box in the corner of each), then take them over."
        raise InputError("No samples are selected in the FiftyOne App.", fix=fix)
    state.select(ids, only=True)
    return {"text": f"Took over {counted(len(ids), 'sample')} from the App."}


COMMANDS = {
    "where": Command(where),
    "toggle": of_state(Selection.toggle),
    "clear": of_state(Selection.clear),
    "sort": of_state(Selection.sort),
    "pin": of_state(Selection.pin),
    "unpin": of_state(Selection.unpin),
    "select": Command(select),
    "select_range": Command(select_range),
    "select_back": of_state(Selection.select_back),
    "select_filtered": of_state(Selection.select_filtered),
    "deselect": of_state(Selection.deselect),
    "refresh": of_state(Selection.refresh),
    "follow": of_state(Selection.follow),
    "alive": Command(alive),
    "app": of_state(open_app),
    "app_take": Command(app_take),
    "cancel": of_jobs(Jobs.cancel),
    "job_result": of_jobs(Jobs.result),
}
