"""Look around in a dataset: more like this, a map of all pictures, attributes taught by a few marks."""

from workbench.exploring.likeness import picture_map, similar
from workbench.exploring.teaching import Taught, teach
from workbench.exploring.vectors import EmbedReport, embed, keep_vectors

__all__ = ["EmbedReport", "Taught", "embed", "keep_vectors", "picture_map", "similar", "teach"]
