"""Metrics of detection and of samples, with intervals; outcomes, comparison of rounds."""
