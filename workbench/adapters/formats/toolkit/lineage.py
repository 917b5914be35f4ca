"""How a generated image came to be, as its data says it: taken over when the rest of the product can rely on it."""

from __future__ import annotations

from typing import Any

from workbench.adapters.formats.toolkit.problems import Problems
from workbench.base.shapes import PLAIN, fault

_TEXTS = ([str], None)
_SHAPE = {
    "params?": {str: PLAIN},
    "parent_sample_id?": (str, None),
    "parent_sample_ids?": _TEXTS,
    "parent_tags?": _TEXTS,
    "scenario_name?": (str, None),
    "scenario_sha256?": (str, None),
}


def lineage_of(value: Any, where: str, problems: Problems) -> dict[str, Any]:
    """The lineage of an image; empty when there is none, or one that cannot be used, which is reported."""
    if value is None:
        return {}
    if problem := fault(value, {str: PLAIN}) or fault(value, _SHAPE):
        problems.add("broken_annotation", where, f"The lineage cannot be used ({problem:.120}); lineage left out.")
        return {}
    return dict(value)
