"""Explore a dataset: similar samples, a map of all images, attributes learned from a few tags."""

from workbench.actions.embed.embed import EmbedReport, add_embeddings, embed
from workbench.actions.embed.similar import embedding_map, similar
from workbench.actions.embed.teach import Taught, teach

__all__ = ["EmbedReport", "Taught", "add_embeddings", "embed", "embedding_map", "similar", "teach"]
