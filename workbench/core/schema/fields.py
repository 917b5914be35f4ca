"""Names of the fields that every sample carries, and the words that attributes may take."""

from __future__ import annotations

from typing import Literal

SourceName = Literal["real", "synthetic"]
SOURCES: tuple[SourceName, ...] = ("real", "synthetic")

SOURCE = "source"
ORIGIN = "origin"
SOURCE_KEY = "source_key"
CONTENT_SHA256 = "content_sha256"
LABELS_LOADED = "labels_loaded"  # hashes of the labels: as the data gave them, and as they were stored then
SCENE_ID = "scene_id"
SPLIT = "split"
ATTRIBUTES_FROM = "attributes_from"
LIGHTING_CONFIDENCE = "lighting_confidence"  # 0..1, of an attribute that was measured; none for one that was given
SURFACE_CONFIDENCE = "surface_confidence"
SENSOR_CONFIDENCE = "sensor_confidence"
MEASURED_FILE = "measured_file"  # size and time of the picture when it was measured
MEASURES = "measures"
GROUND_TRUTH = "ground_truth"  # boxes and masks as given
CLASSIFICATION = "classification"  # one class for the whole picture, as given by class folders
KEYPOINTS = "keypoints"
DEPTH = "depth"
INSTANCES = "instances"
SEMANTIC = "semantic"  # map of class numbers
NORMALS = "normals"  # map of unit normals in the camera frame, (n + 1) / 2 as 8-bit RGB
POINT_CLOUD = "point_cloud"
BOXES_3D = "boxes_3d"  # in the slice of the clouds: the labels that have a pose, in the cloud's frame
GROUP = "group"  # which picture and cloud belong together
CAMERA = "camera"
GENERATION = "generation"
GENERATION_PARAMS = "generation_params"  # values that a scenario drew; "generation.params" in filters
TAGS = "tags"

LIGHTING, SURFACE, SENSOR = "lighting", "surface", "sensor"
ATTRIBUTES = (LIGHTING, SURFACE, SENSOR)
CONFIDENCE = {LIGHTING: LIGHTING_CONFIDENCE, SURFACE: SURFACE_CONFIDENCE, SENSOR: SENSOR_CONFIDENCE}
LABEL_MEASURES = ("highlight_share", "gloss")  # numbers that measuring sets on each label

LIGHTING_WORDS = ("dark", "dim", "normal", "bright", "harsh", "backlit", "uneven", "unknown")
SURFACE_WORDS = ("matte", "glossy", "metal", "mirror", "cardboard", "wood", "glass", "unknown")
SENSOR_WORDS = ("clean", "noisy", "blurred", "motion", "unknown")

FAILURE_PREFIX = "failure:"
