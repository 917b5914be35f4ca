"""The board as a Jupyter widget: traits out, named commands in."""

from __future__ import annotations

import contextlib
import logging
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anywidget
import pandas as pd
import traitlets
from IPython import get_ipython

from workbench.actions.train import Trainer
from workbench.adapters import store
from workbench.adapters.store import Dataset
from workbench.base.errors import Cancelled, InputError, WorkbenchError, one_of
from workbench.base.progress import Cancel
from workbench.core.tables import Filter
from workbench.ui.board.command import Command
from workbench.ui.board.commands import COMMANDS
from workbench.ui.board.jobs import Jobs
from workbench.ui.board.state import Selection

FRONT = Path(__file__).parent / "front"
SCRIPTS = tuple(  # in the order of their use; together they are one module
    f"{name}.js"
    for name in (
        *("protocol", "dom", "overlay", "tables", "slicer", "map", "scroll", "tile", "gallery", "centre", "zoom"),
        *("tagger", "jobs", "analysis", "explorer", "recreation", "generator", "exporter", "scoreboard", "history"),
        *("code", "keys", "board"),
    )
)
PARTS = (
    *("slicer", "map", "gallery", "tagger", "analysis", "explorer", "generator", "exporter", "scoreboard"),
    *("history", "code"),
)
ASIDE = ThreadPoolExecutor(3, thread_name_prefix="board")
LOG = logging.getLogger(__name__)


class Board(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is untyped
    """The whole workbench for one dataset, or some parts of it.

    Boards that share a ``Selection`` show and change the same filter and the same chosen samples, so the parts can
    stand in cells of their own: ``wb.Board(selection, parts=["gallery"])``.

    Args:
        data: a dataset, the name of one, or a ``Selection`` shared with other boards.
        parts: what to show, of ``slicer``, ``map``, ``gallery``, ``tagger``, ``analysis``, ``explorer``,
            ``generator``, ``exporter``, ``scoreboard``, ``history``, ``code``; all when not given.
        facets: names of the facets to show; the usual ones when not given.
        height_px: of the output.
        trainer: what the board's Retrain uses: anything with ``fit(split_dir)`` and ``predict(images)``.

    Attributes:
        joined: the ``Selection``.
        filter: the current filter; can be set with text of the ``where`` language.
        view: the samples of the filter as a FiftyOne view.
        selection: ids of the chosen samples, in the order in which they were chosen.
        code: the session as Python.

    Raises:
        DatasetError: no dataset of that name.
        InputError: no such part.
    """

    _esm = "\n".join((FRONT / name).read_text(encoding="utf-8") for name in SCRIPTS)
    _css = (FRONT / "board.css").read_text(encoding="utf-8")

    _parts: traitlets.List[str] = traitlets.List().tag(sync=True)
    _height = traitlets.Int(760).tag(sync=True)
    _state = traitlets.Dict().tag(sync=True)
    _jobs: traitlets.List[Any] = traitlets.List().tag(sync=True)
    _stale = traitlets.Int().tag(sync=True)  # a new number makes an output in sight ask for what has changed

    def __init__(
        self,
        data: Selection | Dataset | str,
        *,
        parts: Sequence[str] = PARTS,
        facets: Sequence[str] | None = None,
        height_px: int = 760,
        trainer: Trainer | None = None,
    ) -> None:
        for part in parts:
            if part not in PARTS:
                raise InputError("a part of the board", found=repr(part), where="parts", fix=one_of(part, PARTS))
        self.joined = data if isinstance(data, Selection) else Selection(data, facets=facets)
        self.trainer = trainer
        self.jobs = Jobs(self._jobs_changed)
        self.running: dict[str, Cancel] = {}  # requests that run aside, by id
        self._app_open = False
        self.placed: pd.DataFrame | None = None  # the map that the browser shows
        super().__init__(_parts=[part for part in PARTS if part in parts], _height=int(height_px))
        self.publish()
        self.joined.observe(self.publish)
        self.on_msg(_answer)
        _follow_cells(self)

    @property
    def filter(self) -> Filter:
        return self.joined.filter

    @filter.setter
    def filter(self, where: str | Filter) -> None:
        self.joined.filter = where

    @property
    def view(self) -> Any:
        return self.joined.view

    @property
    def selection(self) -> list[str]:
        return self.joined.ids

    @property
    def code(self) -> str:
        return "\n".join(self.joined.code)

    def publish(self) -> None:
        """Tell the browser what there is to show now."""
        chosen = self.joined
        state = {
            "dataset": chosen.dataset.name,
            "counts": chosen.counts(),
            "chips": chosen.chips(),
            "pinned": None if chosen.pinned is None else str(chosen.pinned),
            "where": str(chosen.filter),
            "order": chosen.order,
            "revision": chosen.revision,
            "arrangement": chosen.arrangement,
            "marks": chosen.marks,
            "scenarios": chosen.scenarios(),
            "facets": chosen.facet_states() if "slicer" in self._parts else [],
            "columns": [[name, type(column).__name__] for name, column in chosen.table.columns.items()],
            "evaluation": chosen.evaluation,
            "code": self.code if "code" in self._parts else "",
        }
        before = self._state.get("where")
        self._state = state
        if self._app_open and before != state["where"]:
            ASIDE.submit(_show_in_app, weakref.ref(self))

    def open_app(self) -> str:
        """Open the FiftyOne App on the filtered samples; from now on it follows the filter. Returns its address."""
        address = store.open_app(self.view)
        self._app_open = True
        return address

    def _jobs_changed(self, finished: bool) -> None:
        try:
            if finished:  # before the browser hears of the end and asks what there is now
                self.joined.refresh()
        finally:
            self._jobs = self.jobs.states()


def _show_in_app(known: weakref.ref[Board]) -> None:
    board = known()
    if board is not None:
        try:
            store.follow_in_app(board.view)
        except (WorkbenchError, RuntimeError):  # FiftyOne says so while its own connection is renewed
            LOG.exception("the App could not follow the filter")


def _follow_cells(board: Board) -> None:
    """After each cell, tell the board when the cell has changed its dataset."""
    shell = get_ipython()
    if shell is None:
        return
    known = weakref.ref(board)

    def after_cell(*_: object) -> None:
        alive = known()
        if alive is None or alive.comm is None:
            shell.events.unregister("post_run_cell", after_cell)
            return
        with contextlib.suppress(WorkbenchError):  # a dead database: the board's next command says so
            if alive.joined.is_stale():
                alive._stale += 1

    shell.events.register("post_run_cell", after_cell)


def _answer(board: Board, content: Any, buffers: Sequence[memoryview]) -> None:
    """Run one listed command and answer its request; an error is an answer too."""
    request = content.get("id") if isinstance(content, dict) else None
    if isinstance(content, dict) and "drop" in content:
        if (running := board.running.get(str(content["drop"]))) is not None:
            running.set()
        return
    try:
        command = COMMANDS[content["command"]]
        args = dict(content.get("args", {}))
    except (TypeError, KeyError, ValueError) as error:
        _refuse(board, request, error)
        return
    if command.aside:
        cancel = board.running[str(request)] = Cancel()
        ASIDE.submit(_carry_out, board, request, command, args, cancel)
    else:
        _carry_out(board, request, command, args, None)


def _carry_out(board: Board, request: Any, command: Command, args: dict[str, Any], cancel: Cancel | None) -> None:
    try:
        if cancel is None:
            reply = command.function(board, **args)
        else:
            cancel.check()
            reply = command.function(board, cancel, **args)
        board.send({"id": request, "ok": True, "result": reply.result}, list(reply.buffers))
    except Cancelled:
        board.send({"id": request, "ok": False, "dropped": True, "error": "dropped"})
    except WorkbenchError as error:
        board.send({"id": request, "ok": False, "error": str(error)})
    except Exception as error:  # whatever happens, nobody waits for an answer that never comes
        _refuse(board, request, error)
    finally:
        board.running.pop(str(request), None)


def _refuse(board: Board, request: Any, error: Exception) -> None:
    LOG.error("the board sent something that could not be carried out", exc_info=error)
    board.send({"id": request, "ok": False, "error": f"Not understood: {type(error).__name__}: {error}"})
