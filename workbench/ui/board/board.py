"""The board as a Jupyter widget: traits out, named commands in."""

from __future__ import annotations

import contextlib
import logging
import weakref
from collections.abc import Sequence
from typing import Any

import anywidget
import traitlets
from IPython import get_ipython

from workbench.actions.train import Trainer
from workbench.adapters.store import Dataset
from workbench.base.errors import Cancelled, InputError, WorkbenchError, one_of
from workbench.base.progress import Cancel
from workbench.core.metrics.registry import labels
from workbench.core.tables import Filter
from workbench.ui.board.app import open_app
from workbench.ui.board.jobs import BACKGROUND, Jobs
from workbench.ui.board.panel import Command
from workbench.ui.board.registry import PANELS, all_commands
from workbench.ui.board.scripts import STYLE, module_text
from workbench.ui.board.state import Selection

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
        state: the ``Selection``.
        filter: the current filter; can be set with text of the ``where`` language.
        view: the samples of the filter as a FiftyOne view.
        selected_ids: ids of the chosen samples, in the order in which they were chosen.
        code: the session as Python.

    Raises:
        DatasetError: no dataset of that name.
        InputError: no such part.
    """

    _css = STYLE.read_text(encoding="utf-8")

    _esm = traitlets.Unicode().tag(sync=True)
    _parts: traitlets.List[Any] = traitlets.List().tag(sync=True)  # name and title of each panel shown
    _height = traitlets.Int(760).tag(sync=True)
    _state = traitlets.Dict().tag(sync=True)
    _jobs: traitlets.List[Any] = traitlets.List().tag(sync=True)
    _stale = traitlets.Int().tag(sync=True)  # a new number makes an output in sight ask for what has changed

    def __init__(
        self,
        data: Selection | Dataset | str,
        *,
        parts: Sequence[str] | None = None,
        facets: Sequence[str] | None = None,
        height_px: int = 760,
        trainer: Trainer | None = None,
    ) -> None:
        for part in parts or ():
            if part not in PANELS:
                raise InputError(f"The board has no part {part!r}.", fix=one_of(part, PANELS))
        self.state = data if isinstance(data, Selection) else Selection(data, facets=facets)
        self.jobs = Jobs(self._jobs_changed, trainer)
        self.running: dict[str, Cancel] = {}  # background requests by id
        self.commands = all_commands()
        self.parts = [name for name in PANELS if parts is None or name in parts]
        shown = [[name, PANELS[name].title] for name in self.parts]
        super().__init__(_esm=module_text(PANELS), _parts=shown, _height=int(height_px))
        self.publish()
        self.state.observe(self.publish)
        self.on_msg(_answer)
        _follow_cells(self)

    @property
    def filter(self) -> Filter:
        return self.state.filter

    @filter.setter
    def filter(self, where: str | Filter) -> None:
        self.state.filter = where

    @property
    def view(self) -> Any:
        return self.state.view

    @property
    def selected_ids(self) -> list[str]:
        return self.state.ids

    @property
    def code(self) -> str:
        return "\n".join(self.state.code)

    def publish(self) -> None:
        """Tell the browser what there is to show now."""
        state = self.state
        self._state = {
            "dataset": state.dataset.name,
            "counts": state.counts(),
            "chips": state.chips(),
            "pinned": None if state.pinned is None else str(state.pinned),
            "where": str(state.filter),
            "order": state.order,
            "revision": state.revision,
            "arrangement": state.arrangement,
            "marks": state.marks,
            "scenarios": state.scenarios(),
            "facets": state.facet_states() if "slicer" in self.parts else [],
            "notes": state.facet_notes() if "slicer" in self.parts else [],
            "columns": [[name, type(column).__name__] for name, column in state.table.columns.items()],
            "evaluation": state.evaluation,
            "metrics": {use: [list(pair) for pair in labels(use)] for use in ("slice", "search", "compare")},
            "code": self.code if "code" in self.parts else "",
        }

    def open_app(self) -> str:
        """Open the FiftyOne App on the filtered samples; from now on it follows the filter. Returns its address."""
        return open_app(self.state)

    def _jobs_changed(self, finished: bool) -> None:
        try:
            if finished:  # before the browser hears of the end and asks what there is now
                self.state.refresh()
        finally:
            self._jobs = self.jobs.states()


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
            if alive.state.is_stale():
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
        command = board.commands[content["command"]]
        args = dict(content.get("args", {}))
    except (TypeError, KeyError, ValueError) as error:
        _refuse(board, request, error)
        return
    cancel = Cancel()
    if command.background:
        board.running[str(request)] = cancel
        BACKGROUND.submit(_carry_out, board, request, command, args, cancel)
    else:
        _carry_out(board, request, command, args, cancel)


def _carry_out(board: Board, request: Any, command: Command, args: dict[str, Any], cancel: Cancel) -> None:
    try:
        cancel.check()
        reply = command.run(board.state, board.jobs, cancel, args)
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
    board.send({"id": request, "ok": False, "error": f"Unexpected: {type(error).__name__}: {error}"})
