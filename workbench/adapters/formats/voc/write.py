"""Write Pascal VOC as the devkit counts: from 1, far edge included. See ``voc`` for the dialects."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from workbench.adapters.formats.toolkit import fidelity as losses
from workbench.adapters.formats.toolkit.boxes import ROUNDING_PX
from workbench.adapters.formats.toolkit.contract import NamedRecord, everything, survey
from workbench.adapters.formats.toolkit.tree import stem_of
from workbench.base.files import write_bytes
from workbench.core.schema.labels import Attribute, Label, Record

name = "voc"
numbered = embeds = False
holds = everything
tolerance_px = ROUNDING_PX
takes: frozenset[str] | None = frozenset({".png", ".jpg", ".jpeg"})

_FLAGS = ("truncated", "difficult", "occluded")
_NO_POSE = "Unspecified"


def picture_path(split: str, name: str) -> str:
    """Where an image belongs; splits are lists of names.

    >>> picture_path("val", "a.jpg")
    'JPEGImages/a.jpg'
    """
    return f"JPEGImages/{name}"


def lost(records: Sequence[Record]) -> list[str]:
    """VOC holds boxes with four attributes."""
    labels = losses.AllLabels(records)
    counts = {"confidence of {n} labels": sum(label.confidence is not None for label in labels)}
    return losses.of_boxes(labels, _keeps) + losses.sentences(counts) + losses.of_samples(records)


def _keeps(label: Label, key: str, value: Attribute) -> bool:
    """A flag that is not set is not written; no other value has a place."""
    if key == "pose":
        return isinstance(value, str) and value.strip() == value != "" and value.lower() != _NO_POSE.lower()
    return key in _FLAGS and value in (True, False)


def write(folder: Path, items: Sequence[NamedRecord]) -> None:
    """Write one XML file per image, one list per split and one of classes; see ``contract.Writer.write``."""
    (folder / "Annotations").mkdir(exist_ok=True)
    (folder / "ImageSets" / "Main").mkdir(parents=True, exist_ok=True)
    for item in items:
        root = _annotation(item)
        ET.indent(root)
        write_bytes(folder / "Annotations" / f"{stem_of(item.name)}.xml", ET.tostring(root, encoding="utf-8") + b"\n")
    overview = survey(items)
    labelmap = "# label:color_rgb:parts:actions\n" + "".join(f"{name}:::\n" for name in overview.names)
    write_bytes(folder / "labelmap.txt", labelmap.encode())  # where CVAT and datumaro look for classes
    for split, own in overview.by_split.items():
        stems = [stem_of(item.name) for item in own]
        write_bytes(folder / "ImageSets" / "Main" / f"{split}.txt", "".join(f"{stem}\n" for stem in stems).encode())


def _annotation(item: NamedRecord) -> ET.Element:
    root = ET.Element("annotation")
    _add(root, "folder", "JPEGImages")
    _add(root, "filename", item.name)
    size = ET.SubElement(root, "size")
    for tag, value in (("width", item.record.width), ("height", item.record.height), ("depth", 3)):
        _add(size, tag, str(value))
    _add(root, "segmented", "0")
    for label in item.record.labels:
        root.append(_object(label))
    return root


def _object(label: Label) -> ET.Element:
    node = ET.Element("object")
    _add(node, "name", label.name)
    _add(node, "pose", str(label.attributes.get("pose", _NO_POSE)))
    for flag in _FLAGS:
        _add(node, flag, str(int(bool(label.attributes.get(flag)))))
    left, top, right, bottom = label.xyxy
    box = ET.SubElement(node, "bndbox")
    for tag, value in (("xmin", left + 1), ("ymin", top + 1), ("xmax", right), ("ymax", bottom)):
        _add(box, tag, f"{value:.6f}".rstrip("0").rstrip("."))
    return node


def _add(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text
