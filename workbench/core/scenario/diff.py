"""What two scenarios draw differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workbench.core.scenario.document import distribution_document
from workbench.core.scenario.model import Scenario
from workbench.core.scenario.parameters import PARAMETERS

OTHERS = ("name", "seed", "frames", "modes", "accept", "annotators", "anchor", "content", "donors")


@dataclass(frozen=True)
class Difference:
    """One entry in which two scenarios differ.

    Attributes:
        path: of the parameter, or a key of the document.
        first, second: its value in each document, defaults written out.
        redraws: whether it changes all draws (name, seed), not only its own.
    """

    path: str
    first: Any
    second: Any
    redraws: bool = False


def differences(first: Scenario, second: Scenario) -> list[Difference]:
    """Keys of the document, then parameters, in which two scenarios differ; words for people do not count.

    >>> a = Scenario("a").replace({"sensor.exposure.ev": 1})
    >>> [(d.path, d.first, d.second) for d in differences(a, a.replace({"sensor.exposure.ev": {"uniform": [0, 1]}}))]
    [('sensor.exposure.ev', 1, {'uniform': [0, 1]})]
    """
    old, new = first.document(full=True), second.document(full=True)
    keys = [
        Difference(key, old.get(key), new.get(key), key in ("name", "seed"))
        for key in OTHERS
        if old.get(key) != new.get(key)
    ]
    changed = [path for path in PARAMETERS if first.draws.get(path) != second.draws.get(path)]
    return keys + [Difference(path, *(_document(scenario, path) for scenario in (first, second))) for path in changed]


def _document(scenario: Scenario, path: str) -> Any:
    return distribution_document(scenario.draws[path]) if path in scenario.draws else None
