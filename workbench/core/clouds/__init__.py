"""Point clouds on disk (PCD, PLY, velodyne ``.bin``, XYZ): headers, points, a picture of them, and PCD to write.

Formats: https://pointclouds.org/documentation/tutorials/pcd_file_format.html,
https://paulbourke.net/dataformats/ply/, the KITTI object devkit.
"""

from workbench.core.clouds.headers import SUFFIXES, CloudHeader, is_cloud, read_header
from workbench.core.clouds.picture import picture_of
from workbench.core.clouds.points import Cloud, pcd_bytes, read_cloud

__all__ = ["SUFFIXES", "Cloud", "CloudHeader", "is_cloud", "pcd_bytes", "picture_of", "read_cloud", "read_header"]
