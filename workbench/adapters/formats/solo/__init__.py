"""Unity Perception's SOLO."""
