"""One draw of all parameters: from distributions to constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.base.errors import ScenarioError
from workbench.core.scenario.distribution import At, Distribution, Objects
from workbench.core.scenario.parameter import Owner, Parameter
from workbench.core.scenario.parameters import PARAMETERS
from workbench.core.scenario.randomness import rng_for

Spreads = Mapping[str, tuple[float, float]]


def draw_frame(
    draws: Mapping[str, Distribution],
    salt: str,
    frame: int,
    attempt: int,
    measured: Spreads,
    donor_ids: Sequence[str] = (),
    objects: Objects | None = None,
) -> dict[str, Any]:
    """A constant for every parameter; a list with one value per object where objects have their own.

    Args:
        draws: distributions in an order in which what a draw needs comes first.
        salt: name and seed of the scenario.
        frame, attempt: numbers of the draw.
        measured: values and spread factors of the anchor.
        donor_ids: samples that may be drawn as donors.
        objects: of these, labelled objects that may be drawn.
    """
    values: dict[str, Any] = {}
    for path, distribution in draws.items():
        parameter = PARAMETERS[path]
        keys = [""] if parameter.per == "frame" else object_keys(values, parameter.per)
        contexts = [
            At(
                rng_for(salt, frame=frame, attempt=attempt, path=path + key),
                frame,
                parameter,
                values,
                i,
                measured,
                donor_ids,
                objects,
            )
            for i, key in enumerate(keys)
        ]
        drawn = _drawn(parameter, distribution, contexts)
        values[path] = drawn[0] if parameter.per == "frame" else drawn
    return values


def object_keys(values: Mapping[str, Any], per: Owner) -> list[str]:
    """Keys of the objects in order, ``[t0]`` for targets and ``[d0]`` for distractors.

    >>> object_keys({"assets.targets.count": 1, "assets.distractors.count": 2}, "object")
    ['[t0]', '[d0]', '[d1]']
    """
    targets = [f"[t{i}]" for i in range(values["assets.targets.count"])]
    distractors = [f"[d{i}]" for i in range(values.get("assets.distractors.count", 0))]
    return {"target": targets, "distractor": distractors}.get(per, targets + distractors)


def _drawn(parameter: Parameter, distribution: Distribution, contexts: Sequence[At]) -> list[Any]:
    try:
        drawn = distribution.draw_all(contexts)
    except ValueError as cause:
        raise ScenarioError(str(cause), at=parameter.path) from cause
    for value in drawn:
        if not parameter.accepts(value):
            fix = "Change the expression or the distribution."
            raise ScenarioError(f"{value!r} is not {parameter.expects()}.", at=parameter.path, fix=fix)
    return [parameter.normal(value) for value in drawn]
