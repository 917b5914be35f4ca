"""Folders of point clouds without images."""
