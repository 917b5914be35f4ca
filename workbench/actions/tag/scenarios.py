"""Failure scenarios: what a ``failure:`` tag means, its colour, and the key that gives it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from workbench.adapters import store
from workbench.adapters.store import Dataset, opened
from workbench.base.errors import InputError
from workbench.base.shapes import Shape
from workbench.core.schema import fields

NOTE = "scenarios"
COLORS = ("#d1495b", "#e08e0b", "#2a9d6f", "#3a7ca5", "#8d5bb5", "#b5651d", "#c2418f", "#5f7f1f", "#4a6fd4")
KEYS = "123456789"
LONGEST = 2_000
FAILURE = fields.FAILURE_PREFIX
_NOTED: Shape = [{"tag": str, "color?": str, "key?": str, "description?": str, "unsaid?": str}]
UNSAID = "unsaid"  # of a scenario that has its colour and key from here, and of which nobody has said anything


def describe(dataset: Dataset | str, tag: str, *, description: str = "", color: str = "", key: str = "") -> None:
    """Say what a failure scenario is; what is not given stays as it was.

    Args:
        dataset: the dataset.
        tag: ``failure:<name>``.
        description: what is meant, for people.
        color: ``#rrggbb``.
        key: one of 1 to 9; the scenario that had it gets another one, if one is free.

    Raises:
        InputError: not a failure tag, colour or key.
    """
    dataset = opened(dataset)
    if not tag.startswith(FAILURE) or tag == FAILURE:
        raise InputError(f"{repr(tag)[:80]} is not a failure tag.", fix="Write for example failure:glare.")
    if color and not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise InputError(f"{repr(color)[:80]} is not a colour.", fix="Write for example #d1495b.")
    if key and (len(key) != 1 or key not in KEYS):
        raise InputError(f"{repr(key)[:80]} is not a key from 1 to 9.")
    if len(description) > LONGEST:
        problem = f"The description has {len(description):,} characters; at most {LONGEST:,} are allowed."
        raise InputError(problem, at=tag)
    given = {name: v for name, v in (("description", description), ("color", color), ("key", key)) if v}

    def change(noted: Any) -> list[dict[str, str]]:
        known = _by_tag(noted)
        if key:
            known = {name: {k: v for k, v in about.items() if (k, v) != ("key", key)} for name, about in known.items()}
        known[tag] = {k: v for k, v in known.get(tag, {}).items() if k != UNSAID} | given
        return _listed(completed(known, known))

    store.change_note(dataset, NOTE, change, _NOTED)


def described(dataset: Dataset) -> dict[str, dict[str, str]]:
    """What is known of failure scenarios, by tag: description, colour and key, in the order in which they came up."""
    return _by_tag(store.note(dataset, NOTE, _NOTED))


def remembered(dataset: Dataset, tags: Collection[str]) -> dict[str, dict[str, str]]:
    """As ``described``, after every failure scenario of these tags has got a colour and a key of its own, for good.

    Args:
        dataset: the dataset.
        tags: all tags that samples carry. Keys of scenarios that no sample carries are given away when all are taken.
    """
    known = described(dataset)
    if completed(known, tags, tags) != known:
        known = _by_tag(
            store.change_note(dataset, NOTE, lambda noted: _listed(completed(_by_tag(noted), tags, tags)), _NOTED)
        )
    return known


def remember(dataset: Dataset, tag: str) -> None:
    """Give a failure scenario its colour and key when it is first tagged; other tags have none."""
    if tag.startswith(FAILURE) and tag not in (known := described(dataset)) and completed(known, [tag]) != known:
        store.change_note(dataset, NOTE, lambda noted: _listed(completed(_by_tag(noted), [tag])), _NOTED)


def completed(
    known: Mapping[str, Mapping[str, str]], tags: Iterable[str], carried: Collection[str] | None = None
) -> dict[str, dict[str, str]]:
    """What is known of failure scenarios, and a colour and a key for those of ``tags`` that lack them.

    No other scenario changes, but one that no sample carries and nobody described loses its key when all are taken.

    Args:
        known: colour, key and description by tag.
        tags: who gets a colour and a key, the first in the alphabet first; tags that are no scenarios are left out.
        carried: all tags that samples carry, where these are known.

    >>> completed({"failure:b": {"key": "1", "color": "#d1495b"}}, ["failure:a"])["failure:a"]
    {'unsaid': 'yes', 'color': '#e08e0b', 'key': '2'}
    """
    result = {tag: dict(about) for tag, about in known.items()}
    for tag in sorted(tag for tag in tags if tag.startswith(FAILURE)):
        about = result.setdefault(tag, {UNSAID: "yes"})
        if not about.get("color"):
            colors = [other["color"].lower() for other in result.values() if other.get("color")]
            about["color"] = min(COLORS, key=colors.count)
        if not about.get("key") and (key := _free_key(result, carried)):
            about["key"] = key
    return result


def _free_key(known: dict[str, dict[str, str]], carried: Collection[str] | None) -> str:
    taken = {about["key"]: tag for tag, about in known.items() if about.get("key")}
    if free := [key for key in KEYS if key not in taken]:
        return free[0]
    for key, tag in taken.items():
        if carried is not None and tag not in carried and UNSAID in known[tag]:
            return known[tag].pop("key") and key
    return ""


def _by_tag(noted: Any) -> dict[str, dict[str, str]]:
    return {about["tag"]: {k: v for k, v in about.items() if k != "tag"} for about in noted or []}


def _listed(known: Mapping[str, Mapping[str, str]]) -> list[dict[str, str]]:
    """A list, because the database refuses some names as keys."""
    return [{"tag": name, **about} for name, about in known.items()]


def scenarios(counts: Mapping[str, int], known: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """Failure scenarios that samples carry or somebody described, in the order in which they came up.

    Args:
        counts: samples by tag; other tags are left out.
        known: what ``remembered`` says.

    >>> [scenario["key"] for scenario in scenarios({"failure:a": 2, "failure:b": 1}, {"failure:b": {"key": "1"}})]
    ['1', '2']
    """
    return [
        {
            "tag": tag,
            "count": counts.get(tag, 0),
            "key": about.get("key", ""),
            "color": about["color"],
            "description": about.get("description", ""),
        }
        for tag, about in completed(known, {**counts, **known}).items()
        if counts.get(tag) or UNSAID not in about
    ]
