"""What formats without room for samples' facts lose, told in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workbench.schema.labels import Record


def told(counts: Mapping[str, int]) -> list[str]:
    """The sentences whose number is not zero, with ``{n}`` filled in.

    >>> told({"masks of {n} labels": 2, "tags of {n} samples": 0})
    ['masks of 2 labels']
    """
    return [text.replace("{n}", f"{n:,}") for text, n in counts.items() if n]


def of_samples(records: Sequence[Record]) -> list[str]:
    """What is lost where a format knows pictures, classes and boxes only."""
    return told(
        {
            "classes of {n} whole pictures": sum(record.classification is not None for record in records),
            "attributes of {n} samples (counted in the manifest)": sum(bool(record.attributes) for record in records),
            "scene ids of {n} samples": sum(record.scene_id is not None for record in records),
            "tags of {n} samples": sum(bool(record.tags) for record in records),
            "cameras of {n} samples": sum(record.camera is not None for record in records),
            "per-pixel maps of {n} samples": sum(bool(record.maps) for record in records),
            "point clouds of {n} samples": sum(record.cloud is not None for record in records),
            "3D boxes of {n} labels": sum(label.T_cam_obj is not None for record in records for label in record.labels),
            "lineage of {n} samples (kept in the manifest)": sum(bool(record.generation) for record in records),
        }
    )
