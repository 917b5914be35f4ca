"""Where does it fail: predictions against the truth, metrics per slice, slices nobody named, the gap of two slices."""

from workbench.evaluating.colours import Heatmap, heatmap
from workbench.evaluating.discover import Discovery, discover
from workbench.evaluating.gap import Gaps, gap
from workbench.evaluating.run import Evaluation, evaluate
from workbench.evaluating.tables import slices

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
