"""The FiftyOne App beside the board: it shows the filtered samples and follows the filter."""

from __future__ import annotations

import logging
import weakref

from workbench.adapters import store
from workbench.base.errors import WorkbenchError
from workbench.ui.board.jobs import BACKGROUND
from workbench.ui.board.state import Selection

LOG = logging.getLogger(__name__)
_followers: weakref.WeakKeyDictionary[Selection, _Follower] = weakref.WeakKeyDictionary()


class _Follower:
    """Shows each new filter in the App; lives as long as its state."""

    def __init__(self, state: Selection) -> None:
        self._state = weakref.ref(state)
        self._shown = str(state.filter)
        state.observe(self._changed)

    def _changed(self) -> None:
        state = self._state()
        if state is not None and str(state.filter) != self._shown:
            self._shown = str(state.filter)
            BACKGROUND.submit(self._show)

    def _show(self) -> None:
        if (state := self._state()) is None:
            return
        try:
            store.follow_in_app(state.view)
        except (WorkbenchError, RuntimeError):  # FiftyOne says so while its own connection is renewed
            LOG.exception("the App could not follow the filter")


def open_app(state: Selection) -> str:
    """Open the FiftyOne App on the filtered samples; from now on it follows the filter. Returns its address."""
    address = store.open_app(state.view)
    if state not in _followers:
        _followers[state] = _Follower(state)
    return address
