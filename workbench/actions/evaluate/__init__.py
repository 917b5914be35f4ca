"""Where does it fail: predictions against the truth, metrics per slice, slices nobody named, the gap of two slices."""

from workbench.actions.evaluate.discover import Discovery, discover
from workbench.actions.evaluate.evaluate import Evaluation, evaluate
from workbench.actions.evaluate.gap import Gaps, gap
from workbench.actions.evaluate.heatmap import Heatmap, heatmap
from workbench.actions.evaluate.slices import slices

__all__ = [
    "Discovery",
    "Evaluation",
    "Gaps",
    "Heatmap",
    "discover",
    "evaluate",
    "gap",
    "heatmap",
    "slices",
]
