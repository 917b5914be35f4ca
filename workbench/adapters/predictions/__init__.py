"""Files of predictions: COCO results, COCO with scores, what Ultralytics writes, folders of YOLO rows.

Such files name images and classes by number; what the numbers mean stands in the file that the model was given
(``reference``). Nothing here guesses: a number with two meanings, or with none, is refused.
"""

from workbench.adapters.predictions.files import read
from workbench.adapters.predictions.prediction import Prediction, Results
from workbench.adapters.predictions.reference import (
    GIVE,
    Reference,
    class_names,
    counted_from,
    plain_id,
    read_reference,
    read_references,
    references_in,
)

__all__ = [
    "GIVE",
    "Prediction",
    "Reference",
    "Results",
    "class_names",
    "counted_from",
    "plain_id",
    "read",
    "read_reference",
    "read_references",
    "references_in",
]
