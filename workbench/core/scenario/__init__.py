"""Scenarios: what to generate, drawn reproducibly, and the scenes they make."""

from workbench.core.scenario.accept import Accept
from workbench.core.scenario.anchor import Anchor, Measured
from workbench.core.scenario.annotators import ANNOTATORS
from workbench.core.scenario.build import build, noise_rng, sensor_settings
from workbench.core.scenario.categories import lighting_category, sensor_category
from workbench.core.scenario.document import preset_names
from workbench.core.scenario.model import Mark, ResolvedFrame, Scenario
from workbench.core.scenario.parameter import CONTENTS, Parameter
from workbench.core.scenario.parameters import PARAMETERS
from workbench.core.scenario.placement import Unplaceable

__all__ = [
    "ANNOTATORS",
    "CONTENTS",
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
    "lighting_category",
    "noise_rng",
    "preset_names",
    "sensor_category",
    "sensor_settings",
]
