"""The anchor: the tagged samples that a scenario recreates, and what was measured on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.base.errors import ScenarioError, one_of

CONFIDENCE = {"high": 1.0, "medium": 2.0, "low": 4.0}  # factor of the spread; unknown gives no value at all
KEYS = ("sample_id", "sample_ids", "dataset", "tags", "measured", "predictions")


@dataclass(frozen=True)
class Measured:
    """A value measured on the anchor.

    Attributes:
        value: in the unit of the parameter.
        confidence: ``high``, ``medium``, ``low`` or ``unknown``.
    """

    value: float
    confidence: str = "high"


@dataclass(frozen=True)
class Anchor:
    """What a scenario recreates.

    Attributes:
        sample_ids: the tagged samples.
        dataset: where they lie.
        tags: that led here, e.g. ``failure:specular_glare``.
        measured: by parameter path, or by another name that a distribution refers to.
        predictions: what a model got wrong there, for people.
    """

    sample_ids: tuple[str, ...] = ()
    dataset: str = ""
    tags: tuple[str, ...] = ()
    measured: Mapping[str, Measured] = field(default_factory=dict)
    predictions: Mapping[str, Any] = field(default_factory=dict)

    def spreads(self) -> dict[str, tuple[float, float]]:
        """Value and spread factor by name, for what is known."""
        return {
            name: (found.value, CONFIDENCE[found.confidence])
            for name, found in self.measured.items()
            if found.confidence in CONFIDENCE
        }

    def parent(self, frame: int) -> str | None:
        """The sample that this frame recreates: each in turn."""
        return self.sample_ids[frame % len(self.sample_ids)] if self.sample_ids else None

    def document(self) -> dict[str, Any]:
        """As it stands in a scenario."""
        said = {
            "sample_ids": list(self.sample_ids),
            "dataset": self.dataset,
            "tags": list(self.tags),
            "measured": {n: {"value": m.value, "confidence": m.confidence} for n, m in self.measured.items()},
            "predictions": dict(self.predictions),
        }
        return {key: value for key, value in said.items() if value}


NO_ANCHOR = Anchor()


def parse_anchor(given: Any) -> Anchor:
    """Read the ``anchor`` section of a document.

    Raises:
        ScenarioError: an unknown key or a value that cannot be.
    """
    if given is None:
        return NO_ANCHOR
    if not isinstance(given, Mapping):
        raise ScenarioError("a mapping", found=repr(given)[:80], where="anchor")
    for key in given:
        if key not in KEYS:
            raise ScenarioError("a key of the anchor", found=repr(key), where="anchor", fix=one_of(str(key), KEYS))
    single = [given["sample_id"]] if given.get("sample_id") else []
    return Anchor(
        sample_ids=_texts(given.get("sample_ids", single), "anchor.sample_ids"),
        dataset=str(given.get("dataset", "")),
        tags=_texts(given.get("tags", []), "anchor.tags"),
        measured={str(name): _measured(str(name), value) for name, value in (given.get("measured") or {}).items()},
        predictions=dict(given.get("predictions") or {}),
    )


def _texts(given: Any, where: str) -> tuple[str, ...]:
    if not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        raise ScenarioError("a list of texts", found=repr(given)[:80], where=where)
    return tuple(given)


def _measured(name: str, given: Any) -> Measured:
    where = f"anchor.measured.{name}"
    if not isinstance(given, Mapping) or set(given) - {"value", "confidence"} or "value" not in given:
        raise ScenarioError("{value: ..., confidence: ...}", found=repr(given)[:80], where=where)
    value, confidence = given["value"], given.get("confidence", "high")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ScenarioError("a number", found=repr(value), where=where)
    if confidence not in (*CONFIDENCE, "unknown"):
        raise ScenarioError(
            "a confidence", found=repr(confidence), where=where, fix=one_of(str(confidence), CONFIDENCE)
        )
    return Measured(float(value), confidence)
