"""What everything else stands on: errors, files, progress, processes. Knows nothing of datasets."""
