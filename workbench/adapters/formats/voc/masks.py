"""Masks of VOC: an image in ``SegmentationObject`` has one value per object, in the order of the XML file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from workbench.adapters.formats.toolkit.arrays import box_of, cut_out, packed, read_map
from workbench.adapters.formats.toolkit.boxes import Frame, rounded_out
from workbench.adapters.formats.toolkit.tree import Tree
from workbench.core.metrics.overlap import iou
from workbench.core.schema.labels import Label

_VOID = (0, 255, 0xE0E0C0)  # background, and the seam between objects as index and as colour
_LEAST_IOU = 0.3  # of the mask's box with the label's


def with_masks(tree: Tree, file: str, labels: Sequence[Label], frame: Frame) -> list[Label]:
    """The labels, each with the mask whose box fits it best; masks of no label are counted.

    Args:
        tree: the files.
        file: the image of masks.
        labels: of the image.
        frame: size of the image, and where problems are reported.
    """
    pixels = read_map(tree.path(file), file, frame.problems)
    if pixels is None:
        return list(labels)
    if pixels.shape[:2] != (frame.height, frame.width):
        message = f"The mask has {pixels.shape[1]} x {pixels.shape[0]} pixels, its image does not; mask left out."
        frame.problems.add("unreadable_map", file, message)
        return list(labels)
    numbers = packed(pixels[..., :3] if pixels.ndim == 3 else pixels)
    masked = list(labels)
    boxes = np.array([label.xyxy for label in labels], float).reshape(-1, 4)
    free = np.ones(len(labels), bool)
    for value in [int(value) for value in np.unique(numbers) if value not in _VOID]:
        mask = numbers == value
        box = box_of(mask)
        assert box is not None  # the value occurs
        overlaps = np.where(free, iou(boxes, np.array([box]))[:, 0], 0.0)
        if not len(labels) or overlaps.max() < _LEAST_IOU:
            frame.problems.count("unsupported_annotation", f"{file}, mask {value}")
            continue
        best = int(overlaps.argmax())
        free[best] = False
        left, top, right, bottom = rounded_out(labels[best].xyxy)
        inside = np.zeros_like(mask)
        inside[top:bottom, left:right] = mask[top:bottom, left:right]
        masked[best] = replace(labels[best], mask=cut_out(inside, labels[best].xyxy), instance_id=value)
    return masked
