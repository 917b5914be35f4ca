"""Near duplicates: fingerprints, candidates, and what counts as the same picture."""
