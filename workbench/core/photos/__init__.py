"""A photo as light again, moved and changed, with its labels, and objects cut out of it: what own photos become."""

from workbench.core.photos.cutout import Cutout, cut_out, outline_of, unfit
from workbench.core.photos.donor import Donor, read_donor
from workbench.core.photos.file import JpegCoding, Photo, read_photo
from workbench.core.photos.light import relit
from workbench.core.photos.move import Move, move_of, moved_camera, moved_labels, moved_light, seen_labels
from workbench.core.photos.occlusion import uncovered
from workbench.core.photos.paste import Ground, Placed, pasted, placed, visible
from workbench.core.photos.plate import elevation_of, plated
from workbench.core.photos.tone import Tone, tone_of, toned

__all__ = [
    "Cutout",
    "Donor",
    "Ground",
    "JpegCoding",
    "Move",
    "Photo",
    "Placed",
    "Tone",
    "cut_out",
    "elevation_of",
    "move_of",
    "moved_camera",
    "moved_labels",
    "moved_light",
    "outline_of",
    "pasted",
    "placed",
    "plated",
    "read_donor",
    "read_photo",
    "relit",
    "seen_labels",
    "tone_of",
    "toned",
    "uncovered",
    "unfit",
    "visible",
]
