"""Lineage of a sample: its causes and descendants; and the removal of descendants."""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.adapters import store
from workbench.adapters.store import Dataset, Relatives, Removal, opened
from workbench.adapters.store.journal import Entry, changed_by, entries
from workbench.base.errors import DatasetError, InputError
from workbench.base.plurals import counted


@dataclass(frozen=True)
class Lineage:
    """Where a sample comes from and which samples descend from it.

    Attributes:
        sample_id: the sample.
        source: ``real`` or ``synthetic``.
        origin: path inside what was loaded or generated.
        tags: that it carries now.
        why: sentences, the nearest cause first.
        parents: samples that its scenario recreates, in this dataset or in ``parent_dataset``.
        parent_dataset: where they lie; empty for one that has none.
        changes: changes of tags that led to the scenario.
        record: the generation record; empty for a sample that was not generated here.
        children: generated samples whose scenario recreates this one.
        descendants: the children and all their descendants.
        scenarios: how many descendants each scenario made.
    """

    sample_id: str
    source: str
    origin: str
    tags: tuple[str, ...]
    why: tuple[str, ...]
    parents: tuple[str, ...]
    parent_dataset: str
    changes: tuple[Entry, ...]
    record: dict[str, Any]
    children: tuple[str, ...]
    descendants: tuple[str, ...]
    scenarios: dict[str, int]

    def __str__(self) -> str:
        lines = [f"{self.sample_id}  {self.source}, {self.origin}", "why:", *(f"  {line}" for line in self.why)]
        lines.append(f"descendants: {counted(len(self.descendants), 'sample')}, {len(self.children):,} of them direct")
        return "\n".join(lines + [f"  {n:,} of scenario {name}" for name, n in self.scenarios.items()])


def lineage(dataset: Dataset | str, sample_id: str) -> Lineage:
    """Why a sample exists, and which samples descend from it.

    Raises:
        DatasetError: no such sample.
    """
    dataset = opened(dataset)
    stored = store.require_sample(dataset, sample_id)
    record = dict(stored.record.generation)
    family = store.relatives(dataset)
    children = [relative.id for relative in family if sample_id in relative.parents]
    descendants = _below(family, [sample_id])
    made = {relative.id: relative.scenario_name for relative in family}
    changes = _causes(dataset, record)
    return Lineage(
        sample_id=sample_id,
        source=stored.source or "",
        origin=stored.record.origin,
        tags=stored.tags,
        why=tuple(_reasons(stored.record.origin, stored.source or "", record, changes)),
        parents=tuple(_texts(record, "parent_sample_ids")),
        parent_dataset=str(record.get("parent_dataset") or ""),
        changes=tuple(changes),
        record=record,
        children=tuple(children),
        descendants=tuple(descendants),
        scenarios=dict(Counter(made[i] for i in descendants).most_common()),
    )


def remove_descendants(
    dataset: Dataset | str,
    *,
    sample: str | None = None,
    change: str | None = None,
    scenario: str | None = None,
    reason: str = "",
    who: str | None = None,
) -> Removal:
    """Remove all samples generated from a sample, a change of tags or a scenario; ``restore`` undoes it.

    Descendants of descendants go too. Files stay on disk.

    Args:
        dataset: the dataset.
        sample: id of a sample; it stays itself.
        change: id or number of a change of tags: what recreates a sample that it tagged, because of that tag.
        scenario: name, or the first characters of the SHA-256, of a scenario: all that it made.
        reason, who: for the audit; the system's user when nobody is named.

    Raises:
        InputError: not exactly one of the three.
        DatasetError: there are no descendants.
    """
    dataset = opened(dataset)
    given = [value for value in (sample, change, scenario) if value is not None]
    if len(given) != 1:
        raise InputError(f"Exactly one of sample, change and scenario is needed, not {len(given)}.")
    ids, what = _descending(dataset, sample, change, scenario)
    if not ids:
        raise DatasetError(f"No samples descend from {what}.", at=dataset.name)
    return store.remove(dataset, ids, what=what, who=who or getpass.getuser(), reason=reason)


def restore(dataset: Dataset | str, removal_id: str | None = None, *, who: str | None = None) -> Removal:
    """Restore what ``remove_descendants`` removed, by default the last time.

    Raises:
        DatasetError: there is nothing to restore.
    """
    dataset = opened(dataset)
    return store.restore(dataset, removal_id, who=who or getpass.getuser())


def _descending(dataset: Any, sample: str | None, change: str | None, scenario: str | None) -> tuple[list[str], str]:
    family = store.relatives(dataset)
    if sample is not None:
        store.require_sample(dataset, sample)
        return _below(family, [sample]), f"sample {sample}"
    if scenario is not None:
        ids = [relative.id for relative in family if _is_of(relative, scenario)]
        return _with_below(family, ids), f"scenario {scenario}"
    entry = next((entry for entry in entries(dataset) if change is not None and entry.is_named(change)), None)
    if entry is None:
        raise DatasetError(f"There is no change {change!r}.", at=dataset.name, fix="See `workbench history`.")
    tagged = _tagged(dataset, entry)
    ids = [relative.id for relative in family if entry.tag in relative.parent_tags and tagged & set(relative.parents)]
    return _with_below(family, ids), f"change {entry.number} ('{entry.tag}')"


def _is_of(relative: Relatives, scenario: str) -> bool:
    return relative.scenario_name == scenario or (len(scenario) >= 8 and relative.scenario_sha256.startswith(scenario))


def _with_below(family: Sequence[Relatives], ids: list[str]) -> list[str]:
    return list(dict.fromkeys([*ids, *_below(family, ids)]))


def _below(family: Sequence[Relatives], roots: Iterable[str]) -> list[str]:
    """Ids of all descendants, nearest first."""
    by_parent: dict[str, list[str]] = {}
    for relative in family:
        for parent in relative.parents:
            by_parent.setdefault(parent, []).append(relative.id)
    seen: dict[str, None] = {}
    edge = list(roots)
    while edge:
        edge = [child for parent in edge for child in by_parent.get(parent, ()) if child not in seen]
        edge = list(dict.fromkeys(edge))
        seen.update(dict.fromkeys(edge))
    return list(seen)


def _causes(dataset: Any, record: dict[str, Any]) -> list[Entry]:
    """The changes that gave a parent one of the tags that led to the scenario, oldest first."""
    parents, tags = set(_texts(record, "parent_sample_ids")), set(_texts(record, "parent_tags"))
    if not (parents and tags and record.get("parent_dataset") in ("", dataset.name)):
        return []
    tagging: Callable[[Entry], bool] = lambda entry: entry.action == "tag" and entry.tag in tags  # noqa: E731
    return [entry for entry in entries(dataset) if tagging(entry) and parents & _tagged(dataset, entry)]


def _tagged(dataset: Any, entry: Entry) -> set[str]:
    """Ids of the samples that a change really changed, itself or a label of theirs."""
    return {str(i) for targets in changed_by(dataset, entry.change_id) for i in targets.ids}


def _made(record: Mapping[str, Any]) -> str:
    """What a record says of a frame; one that another tool wrote may say less.

    >>> _made({"frame": 3, "attempt": 0, "scenario_name": "cell", "seed": 7})
    'frame 3, try 1, of scenario cell, seed 7'
    """
    attempt, name, digest = (record.get(key) for key in ("attempt", "scenario_name", "scenario_sha256"))
    which = " ".join([*([str(name)] if name else []), *([f"({digest[:8]})"] if isinstance(digest, str) else [])])
    made = " ".join(
        f"{word} {record[key]}" for word, key in (("by", "backend_version"), ("on", "created")) if record.get(key)
    )
    parts = [
        f"frame {record['frame']}" if "frame" in record else "generated",
        f"try {attempt + 1}" if isinstance(attempt, int) else "",
        f"of scenario {which}" if which else "",
        f"seed {record['seed']}" if "seed" in record else "",
        f"rendered {made}" if made else "",
    ]
    return ", ".join(filter(None, parts))


def _texts(record: Mapping[str, Any], key: str) -> list[str]:
    values = record.get(key)
    return [value for value in values if isinstance(value, str)] if isinstance(values, list | tuple) else []


def _reasons(origin: str, source: str, record: dict[str, Any], changes: Sequence[Entry]) -> list[str]:
    if not record:
        return [f"loaded as {source or 'unknown'} from {origin}"]
    reasons = [_made(record)]
    refusals = record.get("refusals")
    if isinstance(refusals, Mapping) and refusals:
        reasons.append(f"earlier tries were rejected by {', '.join(f'{name} {n}x' for name, n in refusals.items())}")
    if parents := _texts(record, "parent_sample_ids"):
        tags = ", ".join(_texts(record, "parent_tags")) or "no tag"
        of = f" of {record['parent_dataset']}" if record.get("parent_dataset") else ""
        reasons.append(f"the scenario recreates {counted(len(parents), 'sample')}{of} ({tags})")
        if record.get("parent_sample_id"):
            reasons.append(f"this frame recreates {record['parent_sample_id']}")
    for entry in changes:
        because = f": {entry.reason}" if entry.reason else ""
        reasons.append(
            f"{entry.who} tagged them '{entry.tag}' in change {entry.number} on {entry.when:%Y-%m-%d}{because}"
        )
    return reasons
