"""Tag, untag, undo, redo, history: each a change in the journal."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from workbench.actions.tag.scenarios import remember
from workbench.adapters import store
from workbench.adapters.store import Dataset, opened
from workbench.adapters.store.journal import (
    Action,
    Entry,
    Request,
    Role,
    Targets,
    apply_change,
    changed_by,
    entries,
    label_targets,
    sample_targets,
)
from workbench.base.errors import DatasetError, InputError
from workbench.core.tables import Filter

COLUMNS = [
    *("number", "when", "who", "role", "action", "tag", "kind", "changed", "already", "where", "reason"),
    *("change_id", "of", "copy_of"),
]
OPPOSITE: dict[Action, Action] = {"tag": "untag", "untag": "tag"}


def tag(
    dataset: Dataset | str,
    name: str,
    *,
    where: str | Filter | None = None,
    ids: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    reason: str = "",
    who: str | None = None,
) -> Entry:
    """Add a tag to the samples of a filter, to those with the given ids, or to single labels.

    Args:
        dataset: the dataset.
        name: the tag; a failure scenario is called ``failure:<name>``.
        where: a filter or text of the ``where`` language.
        ids: sample ids instead of a filter.
        labels: ids of single labels (boxes, outlines, keypoints) instead. One of the three is needed, so that
            nothing tags a whole dataset by accident (``where="True"`` means all).
        reason: why, for the history.
        who: curator; the system's user when not given.

    Returns:
        The entry of the journal: ``changed`` samples or labels, ``already`` tagged ones, ``change_id``.

    Raises:
        InputError: no tag, or not exactly one of ``where``, ``ids`` and ``labels``.
        FilterError: the filter is not understood.
        DatasetError: an id that is none, or of no label.
    """
    return _change(dataset, "tag", name, _Scope(where, ids, labels), reason, who)


def untag(
    dataset: Dataset | str,
    name: str,
    *,
    where: str | Filter | None = None,
    ids: Sequence[str] | None = None,
    labels: Sequence[str] | None = None,
    reason: str = "",
    who: str | None = None,
) -> Entry:
    """Remove a tag; arguments and errors as ``tag``."""
    return _change(dataset, "untag", name, _Scope(where, ids, labels), reason, who)


def undo(dataset: Dataset | str, *, change_id: str | None = None, who: str | None = None) -> Entry:
    """Take a change back: the last that has not been, or the one asked for; touches only what it really changed.

    Args:
        dataset: the dataset.
        change_id: id or number of a change of the history that has not been taken back, whatever came after it.
        who: curator; the system's user when not given.

    Raises:
        DatasetError: nothing to undo, or no such change.
    """
    dataset = opened(dataset)
    changes = entries(dataset)
    done, _ = stacks(changes)
    return _repeat(dataset, _asked_for(changes, done, change_id, "undo"), who, "undo")


def redo(dataset: Dataset | str, *, change_id: str | None = None, who: str | None = None) -> Entry:
    """Do again what was last undone, or the undone change asked for.

    Args:
        dataset: the dataset.
        change_id: id or number of a change of the history that was taken back.
        who: curator; the system's user when not given.

    Raises:
        DatasetError: nothing to redo, or no such change.
    """
    dataset = opened(dataset)
    changes = entries(dataset)
    _, undone = stacks(changes)
    return _repeat(dataset, _asked_for(changes, undone, change_id, "redo"), who, "redo")


def _asked_for(changes: Sequence[Entry], stack: list[Entry], change_id: str | None, role: Role) -> list[Entry]:
    """The part of a stack that has the change asked for: all of it when none is."""
    if change_id is None:
        return stack
    if (asked := next((entry for entry in changes if entry.is_named(change_id)), None)) is None:
        raise DatasetError(f"There is no change {change_id!r:.80}.", fix="See `workbench history`.")
    if asked not in stack:
        state = (
            "undone: it is undone already, changed nothing, or is an undo or redo itself"
            if role == "undo"
            else "redone: it is not undone, or another change followed"
        )
        raise DatasetError(f"Change {asked.number} cannot be {state}.", fix="See `workbench history`.")
    return [asked]


def history(dataset: Dataset | str) -> pd.DataFrame:
    """Every change with who, when, why and how many; oldest first."""
    dataset = opened(dataset)
    rows = [[getattr(entry, column) for column in COLUMNS] for entry in entries(dataset)]
    return pd.DataFrame(rows, columns=COLUMNS)


def stacks(changes: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Changes that can be undone and those that can be redone, the next one last."""
    done: list[Entry] = []
    undone: list[Entry] = []
    for entry in changes:
        if entry.role == "change":
            if entry.changed:  # a notebook that runs again tags nothing new: there is nothing to take back
                done.append(entry)
                undone.clear()
            continue
        source, target = (done, undone) if entry.role == "undo" else (undone, done)
        moved = next((e for e in source if e.change_id == entry.of), None)
        if moved is not None:
            source.remove(moved)
            target.append(moved)
    return done, undone


@dataclass(frozen=True)
class _Scope:
    """What a change is to touch: one of a filter, sample ids and ids of labels."""

    where: str | Filter | None
    ids: Sequence[str] | None
    labels: Sequence[str] | None

    def targets(self, dataset: Dataset) -> list[Targets]:
        given = [name for name, value in vars(self).items() if value is not None]
        if len(given) != 1:
            fix = 'Pass where=..., ids=[...] or labels=[...]; where="True" means all samples.'
            both = f"{' and '.join(given)} cannot be given together."
            raise InputError(both if given else "Nothing says which samples to change.", at="tag", fix=fix)
        if self.labels is not None:
            return label_targets(dataset, self.labels)
        return sample_targets(store.select(dataset, store.asked(dataset, self.where)) if self.ids is None else self.ids)


def _change(dataset: Dataset | str, action: Action, name: str, scope: _Scope, reason: str, who: str | None) -> Entry:
    dataset = opened(dataset)
    targets = scope.targets(dataset)
    if not name or name != name.strip() or not name.isprintable():
        fix = "Use printable characters without spaces around them, for example failure:specular_glare."
        raise InputError(f"{name!r} is not a valid tag.", fix=fix)
    where = str(scope.where) if scope.where is not None else ""
    entry = apply_change(dataset, Request(action, name, where, reason, who or getpass.getuser()), targets)
    if entry.changed and action == "tag":
        remember(dataset, name)
    return entry


def _repeat(dataset: Dataset, stack: list[Entry], who: str | None, role: Role) -> Entry:
    if not stack:
        raise DatasetError(f"There is no change to {role}.", at=dataset.name, fix="See `workbench history`.")
    last = stack[-1]
    wanted = Request(
        action=OPPOSITE[last.action] if role == "undo" else last.action,
        tag=last.tag,
        where=last.where,
        reason=f"{role} of change {last.number}",
        who=who or getpass.getuser(),
        role=role,
        of=last.change_id,
    )
    return apply_change(dataset, wanted, changed_by(dataset, last.change_id))
