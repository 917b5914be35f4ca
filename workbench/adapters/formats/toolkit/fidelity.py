"""What is lost in formats that cannot hold everything, as sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from workbench.base.plurals import counted, filled
from workbench.core.schema.labels import Attribute, Label, Record


def sentences(counts: Mapping[str, int]) -> list[str]:
    """The sentences whose number is not zero, with ``{n}`` filled in.

    >>> sentences({"masks of {n} labels": 2, "tags of {n} samples": 0, "outlines of {n} labels": 1})
    ['masks of 2 labels', 'outlines of 1 label']
    """
    return [filled(text, n) for text, n in counts.items() if n]


class AllLabels(Iterable[Label]):
    """The labels of records, as often as they are gone through; none is kept."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records

    def __iter__(self) -> Iterator[Label]:
        return (label for record in self._records for label in record.labels)


Keeps = Callable[[Label, str, Attribute], bool]


def nothing_kept(label: Label, key: str, value: Attribute) -> bool:
    """``keeps`` of formats without attributes."""
    return False


def of_boxes(labels: Iterable[Label], keeps: Keeps = nothing_kept) -> list[str]:
    """What is lost of labels where a format knows boxes with some attributes and a score only.

    Args:
        labels: what is to be written.
        keeps: whether an attribute of a label comes back as it is.
    """
    counts = dict.fromkeys(
        (
            "outlines of {n} labels",
            "masks of {n} labels",
            "keypoints of {n} labels",
            "other attributes of {n} labels",
            "instance ids of {n} labels",
            "boxes of whole objects of {n} labels",
        ),
        0,
    )
    for label in labels:
        if not label.is_plain:
            lacks = (
                bool(label.polygons),
                label.mask is not None,
                label.keypoints is not None,
                not all(keeps(label, key, value) for key, value in label.attributes.items()),
                label.instance_id is not None,
                label.xyxy_loose is not None,
            )
            counts = {text: n + lack for (text, n), lack in zip(counts.items(), lacks, strict=True)}
    return sentences(counts)


def of_samples(
    records: Iterable[Record], *, cameras: bool = False, maps: Collection[str] = (), solids: bool = False
) -> list[str]:
    """What is lost where a format knows images, classes and boxes only.

    Args:
        records: what is to be written.
        cameras: the format holds cameras.
        maps: names of per-pixel maps that it holds.
        solids: it holds 3D boxes.
    """
    counts = dict.fromkeys(
        (
            "classes of {n} whole images",
            "attributes of {n} samples (counted in the manifest)",
            "scene ids of {n} samples",
            "tags of {n} samples",
            "cameras of {n} samples",
            "per-pixel maps of {n} samples",
            "point clouds of {n} samples",
            "3D boxes of {n} labels",
            "lineage of {n} samples (kept in the manifest)",
        ),
        0,
    )
    for record in records:
        lacks = (
            record.classification is not None,
            bool(record.attributes),
            record.scene_id is not None,
            bool(record.tags),
            not cameras and record.camera is not None,
            not record.maps.keys() <= set(maps),
            record.cloud is not None,
            0 if solids else sum(pose is not None for pose in record.labels.columns.get("T_cam_obj", ())),
            bool(record.generation),
        )
        counts = {text: n + lack for (text, n), lack in zip(counts.items(), lacks, strict=True)}
    return sentences(counts) + of_classes(records)


def of_classes(records: Iterable[Record]) -> list[str]:
    """What is lost of classes where a format knows nothing but their names."""
    names: dict[str, set[str]] = {
        "supercategories of {n} classes": set(),
        "keypoint names of {n} classes": set(),
        "skeletons of {n} classes": set(),
        "further facts of {n} classes": set(),
    }
    for record in records:
        for name, facts in record.class_facts.items():
            lacks = (facts.supercategory, facts.keypoints, facts.skeleton, facts.attributes)
            for known, lack in zip(names.values(), lacks, strict=True):
                known.update((name,) if lack else ())
    return sentences({text: len(known) for text, known in names.items()})


def of_files(records: Sequence[Record]) -> list[str]:
    """What is lost where everything but further files is kept."""
    counts: Counter[str] = Counter()
    clouds = 0
    for record in records:
        counts.update(record.maps.keys())
        clouds += record.cloud is not None
    lost = [f"{name} maps of {counted(n, 'sample')}" for name, n in sorted(counts.items())]
    return lost + sentences({"point clouds of {n} samples": clouds})
