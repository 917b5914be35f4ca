"""The nouns: what a sample, a label, a camera, a scene and a report are. No behaviour beyond checks."""
