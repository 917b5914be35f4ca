"""What formats without room for samples' facts lose, told in sentences."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from workbench.counting import counted, filled
from workbench.schema.labels import Label, Record


def told(counts: Mapping[str, int]) -> list[str]:
    """The sentences whose number is not zero, with ``{n}`` filled in.

    >>> told({"masks of {n} labels": 2, "tags of {n} samples": 0, "outlines of {n} labels": 1})
    ['masks of 2 labels', 'outlines of 1 label']
    """
    return [filled(text, n) for text, n in counts.items() if n]


def of_boxes(labels: Sequence[Label], kept: Collection[str]) -> list[str]:
    """What is lost of labels where a format knows boxes with these attributes and a score only."""
    return told(
        {
            "outlines of {n} labels": sum(bool(label.polygons) for label in labels),
            "masks of {n} labels": sum(label.mask is not None for label in labels),
            "keypoints of {n} labels": sum(label.keypoints is not None for label in labels),
            "other attributes of {n} labels": sum(bool(set(label.attributes) - set(kept)) for label in labels),
            "instance ids of {n} labels": sum(label.instance_id is not None for label in labels),
        }
    )


def of_samples(
    records: Sequence[Record], *, cameras: bool = False, maps: Collection[str] = (), solids: bool = False
) -> list[str]:
    """What is lost where a format knows pictures, classes and boxes only.

    Args:
        records: what is to be written.
        cameras: the format holds cameras.
        maps: names of per-pixel maps that it holds.
        solids: it holds 3D boxes.
    """
    labels = [label for record in records for label in record.labels]
    return told(
        {
            "classes of {n} whole pictures": sum(record.classification is not None for record in records),
            "attributes of {n} samples (counted in the manifest)": sum(bool(record.attributes) for record in records),
            "scene ids of {n} samples": sum(record.scene_id is not None for record in records),
            "tags of {n} samples": sum(bool(record.tags) for record in records),
            "cameras of {n} samples": 0 if cameras else sum(record.camera is not None for record in records),
            "per-pixel maps of {n} samples": sum(bool(set(record.maps) - set(maps)) for record in records),
            "point clouds of {n} samples": sum(record.cloud is not None for record in records),
            "3D boxes of {n} labels": 0 if solids else sum(label.T_cam_obj is not None for label in labels),
            "lineage of {n} samples (kept in the manifest)": sum(bool(record.generation) for record in records),
        }
    )


def of_files(records: Sequence[Record]) -> list[str]:
    """What is lost where everything but further files is kept."""
    maps = sorted({name for record in records for name in record.maps})
    found = [f"{name} maps of {counted(sum(name in record.maps for record in records), 'sample')}" for name in maps]
    return found + told({"point clouds of {n} samples": sum(record.cloud is not None for record in records)})
