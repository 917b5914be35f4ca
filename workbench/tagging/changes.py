"""Tag, untag, undo, redo, history: each a change in the journal."""

from __future__ import annotations

import getpass
from collections.abc import Sequence

import pandas as pd

from workbench import store
from workbench.errors import DatasetError, InputError
from workbench.slicing import Filter
from workbench.store import Dataset
from workbench.store.journal import Action, Entry, apply_change, changed_ids, entries

COLUMNS = ["number", "when", "who", "role", "action", "tag", "changed", "already", "where", "reason", "change_id", "of"]
OPPOSITE: dict[Action, Action] = {"tag": "untag", "untag": "tag"}


def tag(
    dataset: Dataset,
    name: str,
    *,
    where: str | Filter | None = None,
    ids: Sequence[str] | None = None,
    reason: str = "",
    who: str | None = None,
) -> Entry:
    """Add a tag to the samples of a filter, or to those with the given ids.

    Args:
        dataset: the dataset.
        name: the tag; a failure scenario is called ``failure:<name>``.
        where: a filter or text of the ``where`` language.
        ids: sample ids instead of a filter; one of the two is needed, so that nothing tags a whole
            dataset by accident (``where="True"`` means all).
        reason: why, for the history.
        who: curator; the system's user when not given.

    Returns:
        The entry of the journal: ``changed`` samples, ``already`` tagged ones, ``change_id``.

    Raises:
        InputError: no tag, or neither or both of ``where`` and ``ids``.
        FilterError: the filter is not understood.
    """
    return _change(dataset, "tag", name, where, ids, reason, who)


def untag(
    dataset: Dataset,
    name: str,
    *,
    where: str | Filter | None = None,
    ids: Sequence[str] | None = None,
    reason: str = "",
    who: str | None = None,
) -> Entry:
    """Remove a tag; arguments and errors as ``tag``."""
    return _change(dataset, "untag", name, where, ids, reason, who)


def undo(dataset: Dataset, *, who: str | None = None) -> Entry:
    """Take the last change back that has not been; touches only what that change really changed.

    Raises:
        DatasetError: nothing to undo.
    """
    done, _ = stacks(entries(dataset))
    return _repeat(dataset, done, who, "undo")


def redo(dataset: Dataset, *, who: str | None = None) -> Entry:
    """Do again what was last undone.

    Raises:
        DatasetError: nothing to redo.
    """
    _, undone = stacks(entries(dataset))
    return _repeat(dataset, undone, who, "redo")


def history(dataset: Dataset) -> pd.DataFrame:
    """Every change with who, when, why and how many; oldest first."""
    rows = [[getattr(entry, column) for column in COLUMNS] for entry in entries(dataset)]
    return pd.DataFrame(rows, columns=COLUMNS)


def stacks(found: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Changes that can be undone and those that can be redone, the next one last."""
    done: list[Entry] = []
    undone: list[Entry] = []
    for entry in found:
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


def _change(
    dataset: Dataset,
    action: Action,
    name: str,
    where: str | Filter | None,
    ids: Sequence[str] | None,
    reason: str,
    who: str | None,
) -> Entry:
    if not name or name != name.strip() or not name.isprintable():
        fix = "Write for example failure:specular_glare."
        raise InputError("a tag without spaces around it", found=repr(name), where="tag", fix=fix)
    if (where is None) == (ids is None):
        fix = 'Give where=... or ids=[...]; where="True" means all samples.'
        raise InputError("either a filter or ids", found="both" if where is not None else "neither", fix=fix)
    chosen = store.select(dataset, where) if ids is None else list(dict.fromkeys(ids))
    text = str(where) if where is not None else ""
    return apply_change(
        dataset, action=action, tag=name, ids=chosen, where=text, reason=reason, who=who or getpass.getuser()
    )


def _repeat(dataset: Dataset, stack: list[Entry], who: str | None, role: str) -> Entry:
    if not stack:
        raise DatasetError(f"a change to {role}", found="none", where=dataset.name, fix="See `workbench history`.")
    last = stack[-1]
    return apply_change(
        dataset,
        action=OPPOSITE[last.action] if role == "undo" else last.action,
        tag=last.tag,
        ids=changed_ids(last.change_id),
        where=last.where,
        reason=f"{role} of change {last.number}",
        who=who or getpass.getuser(),
        role="undo" if role == "undo" else "redo",
        of=last.change_id,
    )
