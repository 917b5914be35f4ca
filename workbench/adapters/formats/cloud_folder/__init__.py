"""Folders of point clouds without pictures."""
