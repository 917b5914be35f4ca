"""The objects of one XML file: boxes, outlines, rotated boxes and attributes, in the dialects of VOC's tools.

Beside the devkit's ``bndbox``, ``pose`` and flags: polygons of Roboflow (``x1 y1 x2 y2 ...``) and LabelMe (``pt``),
rotated boxes of roLabelImg (``robndbox``), attributes of CVAT, and actions of VOC 2012. Further tags that hold a plain
value are attributes too.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from workbench.adapters.formats.toolkit.boxes import Frame, Xyxy, hull
from workbench.adapters.formats.toolkit.names import attribute_value
from workbench.core.schema.labels import Attribute, Label

FLAGS = ("difficult", "truncated", "occluded")
EDGES = ("xmin", "ymin", "xmax", "ymax")
_READ = frozenset({"name", "bndbox", "polygon", "robndbox", "attributes", "actions", "part", "pose", "type", *FLAGS})
_COORDINATE = re.compile(r"([xy])(\d+)")


@dataclass(frozen=True, slots=True)
class VocObject:
    """An ``<object>`` as written.

    Attributes:
        name: class.
        xyxy: of ``bndbox``, else ``None``.
        outline: ``(n, 2)`` points of its polygon or rotated box, or ``None``.
        attributes: flags, pose, actions and further values.
        parts: number of ``<part>`` elements, which are not read.
    """

    name: str
    xyxy: Xyxy | None
    outline: NDArray[np.float64] | None = None
    attributes: dict[str, Attribute] = field(default_factory=dict)
    parts: int = 0


def parse_object(node: ET.Element) -> VocObject | None:
    """An object, or ``None`` without a name or without a box and an outline of numbers.

    >>> node = ET.fromstring("<object><name>nut</name><robndbox><cx>4</cx><cy>3</cy><w>4</w><h>2</h><angle>0</angle>"
    ...                      "</robndbox></object>")
    >>> parse_object(node).outline.tolist()
    [[2.0, 2.0], [6.0, 2.0], [6.0, 4.0], [2.0, 4.0]]
    """
    class_name = (node.findtext("name") or "").strip()
    left, top, right, bottom = (number(node.findtext(f"bndbox/{edge}")) for edge in EDGES)
    given = left is not None and top is not None and right is not None and bottom is not None
    xyxy: Xyxy | None = (left, top, right, bottom) if given else None  # type: ignore[assignment]
    outline = _polygon(node.find("polygon"))
    if outline is None:
        outline = _rotated(node.find("robndbox"))
    if not class_name or (xyxy is None and outline is None):
        return None
    return VocObject(class_name, xyxy, outline, _attributes(node), len(node.findall("part")))


def label_of(entry: VocObject, shift_px: float, where: str, frame: Frame) -> Label | None:
    """The label of an object, whose pixels count from ``shift_px``; faults are reported."""
    polygons: tuple[NDArray[np.float64], ...] = ()
    if entry.outline is not None:
        outline = frame.polygon((entry.outline - shift_px / 2).ravel().tolist(), f"{where}, polygon")
        polygons = () if outline is None else (outline,)
    if entry.xyxy is None:
        box = frame.box(hull(polygons), where) if polygons else None
    else:
        left, top, right, bottom = entry.xyxy
        if shift_px and (left == right or top == bottom):
            edges = ", ".join(f"{edge} {value:g}" for edge, value in zip(EDGES, entry.xyxy, strict=True))
            message = f"The box is empty ({edges}); kept as one pixel wide, as VOC includes the far edge."
            frame.problems.add("zero_area_box", where, message)
        box = frame.box((left - shift_px, top - shift_px, right, bottom), where)
    return None if box is None else Label(entry.name, box, polygons, attributes=entry.attributes)


def number(text: str | None) -> float | None:
    """The number that a text says, or ``None``.

    >>> number("1.5"), number(""), number("x"), number(None)
    (1.5, None, None, None)
    """
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _polygon(node: ET.Element | None) -> NDArray[np.float64] | None:
    if node is None:
        return None
    points = [(number(point.findtext("x")), number(point.findtext("y"))) for point in node.findall("pt")]
    if not points:
        values = {match[0]: number(child.text) for child in node if (match := _COORDINATE.fullmatch(child.tag))}
        ends = sorted({int(key[1:]) for key in values})
        points = [(values.get(f"x{end}"), values.get(f"y{end}")) for end in ends]
    whole = [(x, y) for x, y in points if x is not None and y is not None]
    return np.array(whole) if whole and len(whole) == len(points) else None


def _rotated(node: ET.Element | None) -> NDArray[np.float64] | None:
    """Corners of a box that is turned by ``angle`` (radians, clockwise in the image) around its centre."""
    if node is None:
        return None
    x, y, width, height, angle = (number(node.findtext(key)) for key in ("cx", "cy", "w", "h", "angle"))
    if x is None or y is None or width is None or height is None:
        return None
    cos, sin = math.cos(angle or 0.0), math.sin(angle or 0.0)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (width / 2, height / 2)
    turned: NDArray[np.float64] = corners @ np.array([(cos, sin), (-sin, cos)]) + (x, y)
    return turned


def _attributes(node: ET.Element) -> dict[str, Attribute]:
    attributes: dict[str, Attribute] = {flag: True for flag in FLAGS if number(node.findtext(flag))}
    pose = (node.findtext("pose") or "").strip()
    if pose and pose.lower() != "unspecified":
        attributes["pose"] = pose
    attributes.update(_named(node))
    for action in node.find("actions") if node.find("actions") is not None else ():  # type: ignore[union-attr]
        if number(action.text):
            attributes[f"action.{action.tag}"] = True
    return attributes


def _named(node: ET.Element) -> Iterator[tuple[str, Attribute]]:
    """Attributes of CVAT by name, and the value of every other tag that holds one."""
    for entry in node.findall("attributes/attribute"):
        key, value = (entry.findtext("name") or "").strip(), _value(entry.findtext("value"))
        if key and value is not None:
            yield key, value
    alone = node.find("attributes")
    if alone is not None and not len(alone) and (text := _value(alone.text)) is not None:
        yield "attributes", text
    for child in node:
        if child.tag not in _READ and not len(child) and (value := _value(child.text)) is not None:
            yield child.tag, value


def _value(text: str | None) -> Attribute | None:
    """A flag, a number or a text.

    >>> _value("true"), _value("3"), _value(" red "), _value("")
    (True, 3, 'red', None)
    """
    plain = (text or "").strip()
    if plain.lower() in ("true", "false"):
        return plain.lower() == "true"
    value = number(plain) if re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", plain) else None
    if value is not None and math.isfinite(value):
        return int(value) if re.fullmatch(r"[-+]?\d{1,15}", plain) else value
    return attribute_value(plain)
