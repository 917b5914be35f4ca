"""Look around in a dataset: more like this, a map of all pictures, attributes taught by a few marks."""

from workbench.actions.embed.embed import EmbedReport, embed, keep_vectors
from workbench.actions.embed.similar import picture_map, similar
from workbench.actions.embed.teach import Taught, teach

__all__ = ["EmbedReport", "Taught", "embed", "keep_vectors", "picture_map", "similar", "teach"]
