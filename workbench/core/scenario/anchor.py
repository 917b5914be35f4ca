"""The anchor: the tagged samples that a scenario recreates, and what was measured on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.base.errors import ScenarioError, one_of
from workbench.base.shapes import PLAIN, Shape, fault, is_number, is_text

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
        dataset: name of their dataset.
        tags: the tags that selected them, e.g. ``failure:specular_glare``.
        measured: measured values by parameter path, or by another name that a distribution refers to.
        predictions: what a model got wrong in them, for people.
    """

    sample_ids: tuple[str, ...] = ()
    dataset: str = ""
    tags: tuple[str, ...] = ()
    measured: Mapping[str, Measured] = field(default_factory=dict)
    predictions: Mapping[str, Any] = field(default_factory=dict)

    def spreads(self) -> dict[str, tuple[float, float]]:
        """Value and spread factor by name, for what is known."""
        return {
            name: (measured.value, CONFIDENCE[measured.confidence])
            for name, measured in self.measured.items()
            if measured.confidence in CONFIDENCE
        }

    def parent(self, frame: int) -> str | None:
        """The sample that this frame recreates: each in turn."""
        return self.sample_ids[frame % len(self.sample_ids)] if self.sample_ids else None

    def document(self) -> dict[str, Any]:
        """The ``anchor`` section of a scenario document."""
        section = {
            "sample_ids": list(self.sample_ids),
            "dataset": self.dataset,
            "tags": list(self.tags),
            "measured": {n: {"value": m.value, "confidence": m.confidence} for n, m in self.measured.items()},
            "predictions": dict(self.predictions),
        }
        return {key: value for key, value in section.items() if value}


NO_ANCHOR = Anchor()


def parse_anchor(given: Any) -> Anchor:
    """Read the ``anchor`` section of a document.

    Raises:
        ScenarioError: an unknown key or a value that cannot be.
    """
    if given is None:
        return NO_ANCHOR
    if not isinstance(given, Mapping):
        raise ScenarioError(f"{repr(given)[:80]} is not a mapping.", at="anchor", fix=one_of("", KEYS))
    for key in given:
        if key not in KEYS:
            raise ScenarioError(f"Unknown key {key!r}.", at="anchor", fix=one_of(str(key), KEYS))
    single = [given["sample_id"]] if given.get("sample_id") else []
    return Anchor(
        sample_ids=_texts(given.get("sample_ids", single), "anchor.sample_ids"),
        dataset=_text(given.get("dataset", ""), "anchor.dataset"),
        tags=_texts(given.get("tags", []), "anchor.tags"),
        measured={name: _measured(name, value) for name, value in _object(given, "measured", object).items()},
        predictions=_object(given, "predictions", PLAIN),
    )


def _text(given: Any, at: str) -> str:
    if not is_text(given):
        raise ScenarioError(f"{repr(given)[:80]} is not a text.", at=at)
    return str(given)


def _texts(given: Any, at: str) -> tuple[str, ...]:
    if fault(given, [str]):
        raise ScenarioError(f"{repr(given)[:80]} is not a list of texts.", at=at)
    return tuple(given)


def _object(given: Mapping[str, Any], key: str, shape: Shape) -> dict[str, Any]:
    value = given.get(key) or {}
    if problem := fault(value, {str: shape}, f"anchor.{key}"):
        raise ScenarioError(f"{problem}.", at="anchor", fix=f"Write {key}: {{name: value}}.")
    return dict(value)


def _measured(name: str, given: Any) -> Measured:
    at = f"anchor.measured.{name}"
    if not isinstance(given, Mapping) or set(given) - {"value", "confidence"} or "value" not in given:
        raise ScenarioError(f"Write {{value: ..., confidence: ...}}, not {repr(given)[:80]}.", at=at)
    value, confidence = given["value"], given.get("confidence", "high")
    if not is_number(value):
        raise ScenarioError(f"{value!r} is not a number.", at=at)
    if confidence not in (*CONFIDENCE, "unknown"):
        fix = one_of(str(confidence), (*CONFIDENCE, "unknown"))
        raise ScenarioError(f"Unknown confidence {confidence!r}.", at=at, fix=fix)
    return Measured(float(value), confidence)
