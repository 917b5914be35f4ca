"""Numbers computed from the pixels, and the attributes derived from them. Pure: arrays in, numbers out."""

from workbench.measures.attributes import Judgement, derive, judge
from workbench.measures.decoding import decode
from workbench.measures.gloss import LABEL_MEASURES, measure_labels, over_labels
from workbench.measures.picture import Picture
from workbench.measures.registry import MEASURES, Measure, measure_all

__all__ = [
    "LABEL_MEASURES",
    "MEASURES",
    "Judgement",
    "Measure",
    "Picture",
    "decode",
    "derive",
    "judge",
    "measure_all",
    "measure_labels",
    "over_labels",
]
