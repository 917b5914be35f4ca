"""Scenarios: what to generate, drawn reproducibly, and the scenes they make."""

from workbench.scenario.accept import Accept
from workbench.scenario.anchor import Anchor, Measured
from workbench.scenario.annotators import ANNOTATORS
from workbench.scenario.build import build, noise_rng, sensor_settings
from workbench.scenario.document import preset_names
from workbench.scenario.model import Mark, ResolvedFrame, Scenario
from workbench.scenario.parameters import PARAMETERS, Parameter
from workbench.scenario.placement import Unplaceable
from workbench.scenario.words import lighting_word, sensor_word

__all__ = [
    "ANNOTATORS",
    "PARAMETERS",
    "Accept",
    "Anchor",
    "Mark",
    "Measured",
    "Parameter",
    "ResolvedFrame",
    "Scenario",
    "Unplaceable",
    "build",
    "lighting_word",
    "noise_rng",
    "preset_names",
    "sensor_settings",
    "sensor_word",
]
