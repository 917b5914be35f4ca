"""The annotations that a frame can have. Most are always written; large or rarely used ones only on request."""

from __future__ import annotations

from typing import Any

from workbench.base.errors import ScenarioError, one_of
from workbench.base.shapes import fault

ALWAYS = {
    "rgb": "the picture",
    "bounding_box_2d_tight": "edges of the visible pixels of each object",
    "bounding_box_2d_loose": "edges of its whole silhouette, hidden parts too",
    "instance_segmentation": "map of instance ids, and a mask for each object",
    "distance_to_image_plane": "map of depth along the optical axis, millimetres",
    "bounding_box_3d": "centre, axes and extents of each object in the camera frame",
    "pose_6d": "rotation and translation of each object in the camera frame",
    "occlusion": "visible and hidden share of the silhouette of each object",
    "camera_params": "intrinsics, distortion and pose of the camera",
}
ON_REQUEST = {
    "semantic_segmentation": "map of class numbers; the record has the class of each number",
    "normals": "map of unit normals in the camera frame, (n + 1) / 2 as 8-bit RGB",
    "keypoints": "the eight corners of each object's 3D box, in pixels, hidden ones marked",
    "point_cloud": "coloured points of all pixels in the camera frame, as PCD; the dataset becomes a grouped one",
}
ANNOTATORS = ALWAYS | ON_REQUEST


def parse_annotators(given: Any) -> tuple[str, ...]:
    """Read the ``annotators`` section: the requested ones, in the order of the registry.

    Raises:
        ScenarioError: no list, or an unknown name.

    >>> parse_annotators(["rgb", "normals"])
    ('normals',)
    """
    if fault(given, [str]):
        raise ScenarioError(f"{repr(given)[:80]} is not a list of annotators.", at="annotators")
    for name in given:
        if name not in ANNOTATORS:
            raise ScenarioError(f"Unknown annotator {name!r}.", at="annotators", fix=one_of(str(name), ANNOTATORS))
    return tuple(name for name in ON_REQUEST if name in given)
