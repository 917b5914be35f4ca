"""Generate labelled samples from a scenario, append them with their lineage, look at them before, redo them after."""

from workbench.actions.generate.cluster import cluster
from workbench.actions.generate.develop import develop
from workbench.actions.generate.frame import NotAccepted
from workbench.actions.generate.job import Job, Result, generate
from workbench.actions.generate.preview import preview
from workbench.actions.generate.reproduce import Reproduction, reproduce

__all__ = [
    "Job",
    "NotAccepted",
    "Reproduction",
    "Result",
    "cluster",
    "develop",
    "generate",
    "preview",
    "reproduce",
]
