"""How far two groups of samples are apart: by measures, by embeddings, by their objects."""
