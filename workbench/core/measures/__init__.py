"""Numbers computed from the pixels, and the attributes derived from them. Pure: arrays in, numbers out.

A measure is one function of a ``Picture`` and one line in ``registry.MEASURES``. All measures share the planes of
one picture: a reduced one in colour for light and surfaces, one gray at full size for the sensor. A JPEG is decoded
to these two alone.

**How far they can be trusted.** ``python -m tests.tools calibrate OUT`` draws work cells with Open3D and Mitsuba, takes
three pictures of each with known faults (exposure, lens blur, motion, noise, vignette, bands, JPEG 70 to 98, several at
once) and compares. Models were fitted on 246 scenes; these are the rank correlations (Spearman) on 372 pictures of
124 others:

====================  =====  ===========================================================================
exposure_ev           0.99   radiance through the lens; 0.89 with the light alone, whatever the colours
contrast              0.99   contrast of the radiance, shown without faults
dynamic_range_stops   0.95
clipped_bright        0.96
noise                 0.93   noise that survived compression; 0.89 noise before it
blur_px               0.93   lens blur, camera still, picture not dark; 0.89 dark ones too; 0.85 all
highlight_share       0.88   specular part by rendering without gloss; 0.79 inside labels' boxes
highlight_size        0.85
gloss                 0.79   spread of the reflected light; 0.63 inside boxes; 0.28 roughness of the material
blockiness            0.83
unevenness_stops      0.68
motion_px             0.57   AUC 0.87 moving or not; direction within 20 degrees in 74 % (chance 22 %)
banding               0.52   AUC 0.92 bands or none
vignetting            0.48   AUC 0.75
shadow_depth_stops    0.54   share of hard light
color_temperature_k   0.33   a cast, not the lamp: coloured surfaces weigh more
backlight_stops       0.11   nothing alone; the model of ``lighting`` uses it with others
====================  =====  ===========================================================================

Attributes, balanced accuracy on the same pictures, ``unknown`` counted as wrong: ``lighting`` 0.78 of seven words
(dark 0.96, dim 0.99, normal 0.89, bright 0.79, harsh 0.67, backlit 0.72, uneven 0.46: the last three shade into
each other), ``sensor`` 0.70 of four words. The goal of 0.85 is not reached. Support vector machines, extra trees and a
small network on the same measures, with light of a 4 x 4 grid and histograms added, gave 0.73 to 0.78 for the kind of
light and 0.55 to 0.63 for the surface in cross-validation: what is missing is not in whole-picture statistics.

``surface`` is not derived. A linear model of the measures had a balanced accuracy of 0.46 of four words on held-out
calibration pictures, and on the 240 of ``sample_data/real`` (another camera, renderer and parts) 27 % of its answers
were right, 42 % of those with a confidence of 0.9, where chance is 25 %. Distances of the measures from those of the
calibration set (Mahalanobis) tell no photo from a picture where it is right: 0 of 198 photos of cones, cards, cells and
nuts lie beyond 95 % of the held-out calibration pictures.

On 18 real photos and 24 renders: Gaussian blur of 2 px and more against none, AUC 1.00; noise of 2, 5 and 10 gray
levels, mean absolute error 0.95, 0.69 and 0.69; dark pictures with a saturated spot of 0.5 to 3 % are dark or dim,
100 %.

**How fast** (2 cores, no GPU; 2,000 JPEG pictures of 640 x 480, median of two rounds, ``make bench``): all 40 measures
311 images/s in two worker processes and 169 in one, of which decoding is 26 %. CleanVision 0.3.7 in the same rounds:
45 with one job, 71 with two; so 4.4 times its faster setting. The goal of 7 times is not reached: what is left is
spread over all measures, none above a tenth.

Cell size and step of the highlights and the smoothing of motion were chosen with the 372 pictures in sight, so those
figures are somewhat optimistic.
"""

from workbench.core.measures.attributes import DerivedAttribute, derive, derive_attributes
from workbench.core.measures.decoding import decode
from workbench.core.measures.gloss import LABEL_MEASURES, measure_labels, over_labels
from workbench.core.measures.picture import Picture
from workbench.core.measures.registry import MEASURES, Measure, measure_all

__all__ = [
    "LABEL_MEASURES",
    "MEASURES",
    "DerivedAttribute",
    "Measure",
    "Picture",
    "decode",
    "derive",
    "derive_attributes",
    "measure_all",
    "measure_labels",
    "over_labels",
]
