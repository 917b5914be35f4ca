"""A history of tags as a file, and carried out again on another copy of the dataset.

Samples are named by their ``source_key``, which every copy of a dataset has, and labels by their place in a sample.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from workbench.adapters.store import Dataset, opened
from workbench.adapters.store.journal import Entry, Request, apply_change, changed_by, entries
from workbench.adapters.store.names import Named, named, targets_of
from workbench.base.errors import InputError
from workbench.base.files import write_bytes
from workbench.base.plurals import counted
from workbench.base.shapes import fault

_CHANGE = {
    **dict.fromkeys(("change_id", "when", "who", "tag", "where", "reason", "action", "role"), str),
    "of": (str, None),
    "samples": [str],
    "labels": [[object, 3]],
}
ACTIONS, ROLES = ("tag", "untag"), ("change", "undo", "redo")


@dataclass(frozen=True)
class Replay:
    """Outcome of ``replay_history``.

    Attributes:
        replayed: changes carried out here now.
        already: changes that were made or replayed here before.
        changed: samples and labels that really changed.
        missing: samples and labels of the file that this dataset does not hold.
    """

    replayed: int = 0
    already: int = 0
    changed: int = 0
    missing: int = 0

    def __str__(self) -> str:
        done = f"Replayed {counted(self.replayed, 'change')} ({counted(self.changed, 'tag')} set or removed)"
        missing = f"; {self.missing:,} samples or labels are not in this dataset" if self.missing else ""
        return f"{done}; {self.already:,} made here before{missing}"


def export_history(dataset: Dataset | str, path: str | Path) -> int:
    """Write every change of tags as one line of JSON, oldest first; returns how many.

    Raises:
        OutputError: the place cannot be written.
    """
    dataset = opened(dataset)
    changes = entries(dataset)
    ids = {entry.change_id: entry.copy_of or entry.change_id for entry in changes}  # of a copy, the original's
    lines = [json.dumps(_line(dataset, entry, ids), ensure_ascii=False) + "\n" for entry in changes]
    write_bytes(Path(path).expanduser().absolute(), "".join(lines).encode())
    return len(changes)


def replay_history(dataset: Dataset | str, path: str | Path) -> Replay:
    """Carry out the changes of a file on this dataset, with who, when and why as they were; again changes nothing.

    Raises:
        InputError: the file is not there, or a line of it is no change.
    """
    dataset = opened(dataset)
    lines = list(_read(Path(path).expanduser()))  # all are understood before the first is carried out
    here = {key: entry for entry in entries(dataset) for key in (entry.change_id, entry.copy_of) if key}
    replayed = already = changed = missing = 0
    for line in lines:
        if line["change_id"] in here:
            already += 1
            continue
        targets, lacking = targets_of(dataset, Named(line["samples"], line["labels"]))
        of = here.get(line["of"]) if line["of"] else None
        wanted = Request(
            action=line["action"],
            tag=line["tag"],
            where=line["where"],
            reason=line["reason"],
            who=line["who"],
            role=line["role"] if of else "change",
            of=of.change_id if of else None,
            when=datetime.fromisoformat(line["when"]),
            copy_of=line["change_id"],
        )
        here[line["change_id"]] = entry = apply_change(dataset, wanted, targets)
        replayed, changed, missing = replayed + 1, changed + entry.changed, missing + lacking
    return Replay(replayed, already, changed, missing)


def _line(dataset: Dataset, entry: Entry, ids: Mapping[str, str]) -> dict[str, Any]:
    targets = named(dataset, changed_by(dataset, entry.change_id))
    return {
        "change_id": ids[entry.change_id],
        "number": entry.number,
        "when": entry.when.isoformat(),
        "who": entry.who,
        "role": entry.role,
        "of": ids.get(entry.of) if entry.of else None,
        "action": entry.action,
        "tag": entry.tag,
        "where": entry.where,
        "reason": entry.reason,
        "samples": targets.samples,
        "labels": targets.labels,
    }


def _read(path: Path) -> Iterator[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        fix = "Write one with `workbench history DATASET --export FILE`."
        raise InputError(f"The history of tags cannot be read: {cause}.", at=str(path), fix=fix) from cause
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield _checked(line, f"{path}, line {number}")


def _checked(line: str, at: str) -> dict[str, Any]:
    try:
        change = json.loads(line)
        problem = fault(change, _CHANGE) or _fault(change)
    except (ValueError, RecursionError) as cause:
        problem = f"{type(cause).__name__}: {cause}"
    if problem:
        fix = "Write the file again with `workbench history DATASET --export FILE`."
        raise InputError(f"The line is not a change of tags as JSON ({problem:.200}).", at=at, fix=fix)
    checked: dict[str, Any] = change
    return checked


def _fault(change: Mapping[str, Any]) -> str | None:
    """What no shape says.

    Raises:
        ValueError: the time is none.
    """
    datetime.fromisoformat(change["when"])
    if change["action"] not in ACTIONS or change["role"] not in ROLES or not change["tag"]:
        return f"action {change['action']!r}, role {change['role']!r}, tag {change['tag']!r}"
    for key, path, index in change["labels"]:
        if fault([key, path], [str]) or fault(index, int) or index < 0:
            return "labels are not triples of a key, a path and a place"
    return None
