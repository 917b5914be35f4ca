"""Where does it fail: predictions against the truth, and metrics per slice of a dataset."""

from workbench.evaluating.colours import Heatmap, heatmap
from workbench.evaluating.run import Evaluation, evaluate
from workbench.evaluating.tables import slices

__all__ = ["Evaluation", "Heatmap", "evaluate", "heatmap", "slices"]
