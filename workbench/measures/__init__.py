"""Numbers computed from the pixels, and the attributes derived from them. Pure: arrays in, numbers out."""

from workbench.measures.attributes import derive
from workbench.measures.picture import Picture
from workbench.measures.registry import MEASURES, Measure, measure_all

__all__ = ["MEASURES", "Measure", "Picture", "derive", "measure_all"]
