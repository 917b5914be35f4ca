"""Labels of objects that several files of one frame describe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.toolkit.arrays import box_of, cut_out
from workbench.adapters.formats.toolkit.boxes import Frame, Xyxy
from workbench.adapters.formats.toolkit.space import Floats, seen_box
from workbench.core.schema.labels import Attribute, Camera, Label, Labels

BOX_FROM = "box_from"  # attribute of labels whose box was not given: what it was made of


@dataclass(slots=True)
class PartialLabel:
    """What is known of one object in one image.

    Attributes:
        where: file and row, for problems.
        name: class name.
        xyxy: the box as given, or ``None``.
        mask: bool ``(H, W)`` of the whole image, or ``None``.
        attributes, instance_id, keypoints, keypoint_names, T_cam_obj, size_m, confidence, xyxy_loose: as in ``Label``.
    """

    where: str
    name: str
    xyxy: Xyxy | None = None
    mask: NDArray[np.bool_] | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    instance_id: int | None = None
    keypoints: NDArray[np.float64] | None = None
    keypoint_names: tuple[str, ...] = ()
    T_cam_obj: Floats | None = None
    size_m: tuple[float, float, float] | None = None
    confidence: float | None = None
    xyxy_loose: Xyxy | None = None


def labels_of(parts: Iterable[PartialLabel], camera: Camera | None, frame: Frame) -> Labels:
    """Labels of all objects that have a place in the image; see ``label_of``."""
    labels = (label_of(part, camera, frame) for part in parts)
    return Labels.of(label for label in labels if label is not None)


def label_of(part: PartialLabel, camera: Camera | None, frame: Frame) -> Label | None:
    """The label of an object, or ``None`` when it has no place in the image: counted as hidden, or reported.

    An object without a box of its own gets that of its mask, of its keypoints or of its 3D box,
    and says so in the attribute ``box_from``.
    """
    given, made_of = (part.xyxy, None) if part.xyxy is not None else _box(part, camera)
    if given is None:
        if part.mask is None and part.keypoints is None and part.T_cam_obj is not None:
            _name_unprojected(part, camera, frame)
        else:
            frame.problems.count("hidden_object", part.where)
        return None
    xyxy = frame.box(given, part.where)
    if xyxy is None:
        return None
    mask = None if part.mask is None or not part.mask.any() else cut_out(part.mask, xyxy)
    return Label(
        name=part.name,
        xyxy=xyxy,
        mask=mask,
        attributes={**part.attributes, **({BOX_FROM: made_of} if made_of else {})},
        confidence=part.confidence,
        instance_id=part.instance_id,
        keypoints=part.keypoints,
        keypoint_names=part.keypoint_names if part.keypoints is not None else (),
        T_cam_obj=part.T_cam_obj,
        size_m=part.size_m if part.T_cam_obj is not None else None,
        xyxy_loose=part.xyxy_loose,
    )


def _name_unprojected(part: PartialLabel, camera: Camera | None, frame: Frame) -> None:
    """Report an object of which only the pose is known and that has no 2D box for that."""
    lacking = "no camera calibration" if camera is None else "no size" if part.size_m is None else None
    if lacking is None:
        frame.problems.count("hidden_object", part.where)
        return
    message = f"The object has no 2D box, and {lacking} to project its 3D box with; label left out."
    frame.problems.add("broken_annotation", part.where, message)


def _box(part: PartialLabel, camera: Camera | None) -> tuple[Xyxy | None, str]:
    if part.mask is not None:
        return box_of(part.mask), "mask"
    if part.keypoints is not None and (part.keypoints[:, 2] > 0).any():
        points = part.keypoints[part.keypoints[:, 2] > 0, :2]
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        return (float(left), float(top), float(right), float(bottom)), "keypoints"
    if camera is not None and part.T_cam_obj is not None and part.size_m is not None:
        return seen_box(camera, part.T_cam_obj, part.size_m), "3d box"
    return None, ""
