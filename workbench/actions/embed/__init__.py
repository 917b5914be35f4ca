"""Look around in a dataset: more like this, a map of all pictures, attributes taught by a few marks."""

from workbench.actions.embed.embed import EmbedReport, add_embeddings, embed
from workbench.actions.embed.similar import embedding_map, similar
from workbench.actions.embed.teach import Taught, teach

__all__ = ["EmbedReport", "Taught", "add_embeddings", "embed", "embedding_map", "similar", "teach"]
