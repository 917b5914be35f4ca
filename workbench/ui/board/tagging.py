"""Tags of a selection: given, taken back, described; each change is a line of the session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.actions.tag import describe, redo, remembered, scenarios, tag, undo, untag
from workbench.base.errors import InputError
from workbench.core.schema import fields
from workbench.ui.board.code_line import DS, FILTER, IDS, call

if TYPE_CHECKING:
    from workbench.adapters.store import Dataset
    from workbench.adapters.store.journal import Entry
    from workbench.core.tables import Filter


class Tagging:
    """The part of ``Selection`` that changes tags."""

    dataset: Dataset
    filter: Filter
    described: Mapping[str, Mapping[str, str]]
    revision: int

    @property
    def ids(self) -> list[str]:
        """Ids of the chosen samples."""
        raise NotImplementedError

    def _reread(self) -> None:
        raise NotImplementedError

    def _tell(self, code: str = "") -> None:
        raise NotImplementedError

    def _occurring(self, name: str) -> dict[str, int]:
        raise NotImplementedError

    def tag(
        self,
        name: str,
        *,
        target: str = "selected",
        ids: Sequence[str] | None = None,
        reason: str = "",
        action: str = "tag",
    ) -> Entry:
        """Tag or untag the ``selected`` samples, all ``filtered`` ones, or those with the given ids; saved at once."""
        if ids is None and target != "filtered" and not self.ids:
            fix = "Click images, or press Ctrl+A for all filtered ones."
            raise InputError("No samples are selected.", fix=fix)
        change = tag if action == "tag" else untag
        samples: Any
        shown: Any
        key, samples, shown = ("where", self.filter, FILTER) if target == "filtered" else ("ids", self.ids, IDS)
        if ids is not None:
            key, samples, shown = "ids", list(ids), list(ids)
        entry = change(self.dataset, name, **{key: samples}, reason=reason)
        self._reread()
        self._tell(call(change, DS, name, **{key: shown}, reason=reason))
        return entry

    def tag_labels(self, name: str, labels: Sequence[str], *, reason: str = "", action: str = "tag") -> Entry:
        """Tag or untag single labels by their ids; saved at once."""
        change = tag if action == "tag" else untag
        entry = change(self.dataset, name, labels=list(labels), reason=reason)
        self._reread()
        self._tell(call(change, DS, name, labels=list(labels), reason=reason))
        return entry

    def undo(self, change_id: str | None = None) -> Entry:
        """Take a change of tags back: the last, or the one asked for."""
        entry = undo(self.dataset, change_id=change_id)
        self._reread()
        self._tell(call(undo, DS, change_id=change_id))
        return entry

    def redo(self, change_id: str | None = None) -> Entry:
        """Do an undone change again: the last, or the one asked for."""
        entry = redo(self.dataset, change_id=change_id)
        self._reread()
        self._tell(call(redo, DS, change_id=change_id))
        return entry

    def describe(self, tag: str, *, description: str = "", color: str = "", key: str = "") -> None:
        """Say what a failure scenario is, and give it a colour and a key."""
        describe(self.dataset, tag, description=description, color=color, key=key)
        self.described = remembered(self.dataset, self._occurring(fields.TAGS))
        self.revision += 1
        self._tell(call(describe, DS, tag, description=description, color=color, key=key))

    def scenarios(self) -> list[dict[str, Any]]:
        """Failure scenarios: how many samples carry each, what it means, its colour and its key."""
        return scenarios(self._occurring(fields.TAGS), self.described)
