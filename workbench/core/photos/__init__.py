"""A photo as light again, moved and changed, with its labels: what the content ``photos`` is made of."""

from workbench.core.photos.donor import Donor
from workbench.core.photos.file import JpegCoding, Photo, read_photo
from workbench.core.photos.light import relit
from workbench.core.photos.move import Move, move_of, moved_camera, moved_labels, moved_light
from workbench.core.photos.tone import Tone, tone_of, toned

__all__ = [
    "Donor",
    "JpegCoding",
    "Move",
    "Photo",
    "Tone",
    "move_of",
    "moved_camera",
    "moved_labels",
    "moved_light",
    "read_photo",
    "relit",
    "tone_of",
    "toned",
]
