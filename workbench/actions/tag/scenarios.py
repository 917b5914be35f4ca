"""Failure scenarios: what a ``failure:`` tag means, its colour, and the key that gives it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workbench.adapters import store
from workbench.adapters.store import Dataset, opened
from workbench.base.errors import InputError
from workbench.core.schema import fields

NOTE = "scenarios"
COLORS = ("#d1495b", "#e08e0b", "#2a9d6f", "#3a7ca5", "#8d5bb5", "#b5651d", "#c2418f", "#5f7f1f", "#4a6fd4")
KEYS = "123456789"
LONGEST = 2_000


def describe(dataset: Dataset | str, tag: str, *, description: str = "", color: str = "", key: str = "") -> None:
    """Say what a failure scenario is; what is not given stays as it was.

    Args:
        dataset: the dataset.
        tag: ``failure:<name>``.
        description: what is meant, for people.
        color: ``#rrggbb``.
        key: one of 1 to 9; the scenario that had it loses it.

    Raises:
        InputError: not a failure tag, colour or key.
    """
    dataset = opened(dataset)
    if not tag.startswith(fields.FAILURE_PREFIX) or tag == fields.FAILURE_PREFIX:
        raise InputError(f"{repr(tag)[:80]} is not a failure tag.", fix="Write for example failure:glare.")
    if color and not re.fullmatch(r"#[0-9a-fA-F]{6}", color):
        raise InputError(f"{repr(color)[:80]} is not a colour.", fix="Write for example #d1495b.")
    if key and (len(key) != 1 or key not in KEYS):
        raise InputError(f"{repr(key)[:80]} is not a key from 1 to 9.")
    if len(description) > LONGEST:
        problem = f"The description has {len(description):,} characters; at most {LONGEST:,} are allowed."
        raise InputError(problem, at=tag)
    known = described(dataset)
    given = {name: v for name, v in (("description", description), ("color", color), ("key", key)) if v}
    if key:
        known = {name: {k: v for k, v in about.items() if (k, v) != ("key", key)} for name, about in known.items()}
    known[tag] = {**known.get(tag, {}), **given}
    # a list, because the database refuses some names as keys
    store.set_note(dataset, NOTE, [{"tag": name, **about} for name, about in known.items()])


def described(dataset: Dataset) -> dict[str, dict[str, str]]:
    """What has been said of failure scenarios, by tag."""
    return {about["tag"]: {k: v for k, v in about.items() if k != "tag"} for about in store.note(dataset, NOTE) or []}


def scenarios(counts: Mapping[str, int], known: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """Failure scenarios by name; keys that nobody has chosen go to those without, in order.

    Args:
        counts: samples by tag; other tags are left out.
        known: what ``described`` says.

    >>> [scenario["key"] for scenario in scenarios({"failure:a": 2, "failure:b": 1}, {"failure:b": {"key": "1"}})]
    ['2', '1']
    """
    tags = sorted(tag for tag in {*counts, *known} if tag.startswith(fields.FAILURE_PREFIX))
    taken = {about["key"] for about in known.values() if about.get("key")}
    free = iter(key for key in KEYS if key not in taken)
    rows = []
    for rank, tag in enumerate(tags):
        about = known.get(tag, {})
        key = about.get("key") or next(free, "")
        color = about.get("color") or COLORS[rank % len(COLORS)]
        rows.append(
            {
                "tag": tag,
                "count": counts.get(tag, 0),
                "key": key,
                "color": color,
                "description": about.get("description", ""),
            }
        )
    return rows
