"""The board as a Jupyter widget: traits out, named commands in."""

from __future__ import annotations

import contextlib
import logging
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from IPython import get_ipython

from workbench import store
from workbench.errors import WorkbenchError
from workbench.slicing import Filter
from workbench.store import Dataset
from workbench.widgets.commands import COMMANDS, Reply
from workbench.widgets.jobs import Jobs
from workbench.widgets.session import Session

FRONT = Path(__file__).parent / "front"
PARTS = ("protocol.js", "dom.js", "facets.js", "gallery.js", "zoom.js", "tagger.js", "jobs.js", "panels.js", "board.js")
LOG = logging.getLogger(__name__)


class Board(anywidget.AnyWidget):  # type: ignore[misc]  # anywidget is untyped
    """Facets, gallery, tagging, generating and exporting for one dataset.

    Args:
        dataset: a dataset or the name of one.
        facets: names of the facets to show; the usual ones when not given.

    Attributes:
        filter: the current filter; can be set with text of the ``where`` language.
        view: the samples of the filter as a FiftyOne view.
        selection: ids of the chosen samples, in the order in which they were chosen.
        code: the session as Python.

    Raises:
        DatasetError: no dataset of that name.
    """

    _esm = "\n".join((FRONT / part).read_text(encoding="utf-8") for part in PARTS)
    _css = (FRONT / "board.css").read_text(encoding="utf-8")

    _state = traitlets.Dict().tag(sync=True)
    _selected: traitlets.List[str] = traitlets.List().tag(sync=True)
    _jobs: traitlets.List[Any] = traitlets.List().tag(sync=True)
    _stale = traitlets.Int().tag(sync=True)  # a new number makes an output in sight ask for what has changed

    def __init__(self, dataset: Dataset | str, *, facets: Sequence[str] | None = None) -> None:
        found = store.require_dataset(dataset) if isinstance(dataset, str) else dataset
        self.session = Session(found, facets=facets)
        self.jobs = Jobs(self._jobs_changed)
        super().__init__()
        self.publish()
        self.on_msg(_answer)
        _follow_cells(self)

    @property
    def filter(self) -> Filter:
        return self.session.filter

    @filter.setter
    def filter(self, where: str | Filter) -> None:
        self.session.filter = where
        self.publish()

    @property
    def view(self) -> Any:
        return self.session.view

    @property
    def selection(self) -> list[str]:
        return list(self.session.selected)

    @property
    def code(self) -> str:
        return "\n".join(self.session.code)

    def publish(self) -> None:
        """Tell the browser what the session holds now."""
        session = self.session
        self._state = {
            "dataset": session.dataset.name,
            "counts": session.counts(),
            "facets": session.facet_states(),
            "chips": session.chips(),
            "scenarios": session.scenarios(),
            "code": self.code,
            "revision": session.revision,
            "order": session.order,
        }
        self._selected = self.selection

    def _jobs_changed(self, finished: bool) -> None:
        self._jobs = self.jobs.states()
        if finished:
            self.session.refresh()
            self.publish()


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
            if alive.session.is_stale():
                alive._stale += 1

    shell.events.register("post_run_cell", after_cell)


def _answer(board: Board, content: Any, buffers: Sequence[memoryview]) -> None:
    """Run one listed command and answer its request; an error is an answer too."""
    request = content.get("id") if isinstance(content, dict) else None
    try:
        reply = _run(board, content)
        board.send({"id": request, "ok": True, "result": reply.result}, list(reply.buffers))
    except WorkbenchError as error:
        board.send({"id": request, "ok": False, "error": str(error)})
    except (TypeError, KeyError, ValueError) as error:
        LOG.exception("the board sent something that could not be carried out")
        board.send({"id": request, "ok": False, "error": f"Not understood: {type(error).__name__}: {error}"})


def _run(board: Board, content: Any) -> Reply:
    command = COMMANDS[content["command"]]
    reply = command.function(board, **content.get("args", {}))
    if command.changes:
        board.publish()
    return reply
