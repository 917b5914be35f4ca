"""Generate labelled samples from a scenario, append them with their lineage, look at them before, redo them after."""

from workbench.generating.cluster import cluster
from workbench.generating.frame import NotAccepted
from workbench.generating.job import Job, Result, generate
from workbench.generating.preview import preview
from workbench.generating.reproduce import Reproduction, reproduce

__all__ = [
    "Job",
    "NotAccepted",
    "Reproduction",
    "Result",
    "cluster",
    "generate",
    "preview",
    "reproduce",
]
