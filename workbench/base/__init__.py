"""The base of all other packages: errors, files, progress, processes. Independent of datasets."""
