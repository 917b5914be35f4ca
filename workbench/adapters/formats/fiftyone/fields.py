"""Which fields of FiftyOne's samples become labels, and which become facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.adapters.formats.fiftyone.labels import OBJECTS, POINTS, entries_of
from workbench.adapters.formats.toolkit.names import attributes_of
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.base.plurals import counted
from workbench.core.schema import fields
from workbench.core.schema.labels import Attribute

_ALWAYS = frozenset({"id", "filepath", "tags", "metadata", "media_type", "created_at", "last_modified_at"})
_OWN = frozenset(
    {fields.ORIGIN, fields.SOURCE_KEY, fields.CONTENT_SHA256, fields.LABELS_LOADED, fields.SCENE_ID, fields.SPLIT,
     fields.ATTRIBUTES_FROM, fields.CAMERA, fields.GENERATION, fields.GENERATION_PARAMS, fields.POINT_CLOUD}
)  # fmt: skip
_MEASURED = "measured"
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Chosen:
    """Names of the fields that are read; ``None`` where the samples have none.

    Attributes:
        objects: boxes or outlines.
        points: keypoints.
        classification: class of the whole image.
        depth: heat map whose file holds depth.
        instances: segmentation whose file holds instances.
    """

    objects: str | None = None
    points: str | None = None
    classification: str | None = None
    depth: str | None = None
    instances: str | None = None

    @property
    def names(self) -> frozenset[str]:
        """The names of all fields that are read."""
        all_fields = (self.objects, self.points, self.classification, self.depth, self.instances)
        return frozenset(name for name in all_fields if name is not None)


def choose_fields(samples: Iterable[Mapping[str, Any]]) -> Chosen:
    """One field of each family: the one of the workbench's name, else the only one, else the first without confidence.

    >>> choose_fields([{"yolo": {"_cls": "Detections"}, "best": {"_cls": "Classification"}}])
    Chosen(objects='yolo', points=None, classification='best', depth=None, instances=None)
    """
    kinds: dict[str, str] = {}
    guessed: set[str] = set()
    for sample in samples:
        for name, value in sample.items():
            if isinstance(value, dict) and isinstance(value.get("_cls"), str):
                kinds.setdefault(name, value["_cls"])
                if name not in guessed and any(entry.get("confidence") is not None for entry in entries_of(value)):
                    guessed.add(name)

    def first(wanted: frozenset[str], *usual: str) -> str | None:
        fitting = [name for name, kind in kinds.items() if kind in wanted]
        named = [name for name in usual if name in fitting]
        return next(iter([*named, *sorted(fitting, key=lambda name: name in guessed)]), None)

    def exact(name: str, kind: str) -> str | None:
        return name if kinds.get(name) == kind else None

    return Chosen(
        objects=first(OBJECTS, fields.GROUND_TRUTH),
        points=first(POINTS, fields.KEYPOINTS, fields.GROUND_TRUTH),
        classification=first(frozenset({"Classification"}), fields.CLASSIFICATION, fields.GROUND_TRUTH),
        depth=exact(fields.DEPTH, "Heatmap"),
        instances=exact(fields.INSTANCES, "Segmentation"),
    )


def is_own(sample: Mapping[str, Any]) -> bool:
    """Whether the workbench itself made this sample."""
    return all(isinstance(sample.get(name), str) for name in (fields.SOURCE_KEY, fields.CONTENT_SHA256, fields.ORIGIN))


def facts_of(sample: Mapping[str, Any], chosen: Chosen, group_field: str | None) -> dict[str, Attribute]:
    """Plain values of a sample."""
    known = _ALWAYS | chosen.names | _used(sample) | {group_field or ""}
    plain = {key: value for key, value in sample.items() if not key.startswith("_") and _is_plain(value)}
    return attributes_of(plain, known=known | _remeasured(sample))


def name_others(
    samples: Iterable[Mapping[str, Any]], chosen: Chosen, group_field: str | None, where: str, problems: Problems
) -> None:
    """Report all fields that are left out, once."""
    others: dict[str, None] = {}
    made_here = False
    for sample in samples:
        made_here = made_here or is_own(sample)
        known = _ALWAYS | chosen.names | _used(sample) | {group_field}
        for key, value in sample.items():
            if key not in known and not key.startswith("_") and value not in ({}, []) and not _is_plain(value):
                others[key] = None
        others |= dict.fromkeys(f"{key} (measured)" for key in sorted(_remeasured(sample)) if sample.get(key))
    if made_here:
        others.pop(fields.BOXES_3D, None)  # made of the poses of the labels, and made again
    if others:
        names = ", ".join(list(others)[:_SHOWN])
        labels = f"labels come from '{chosen.objects}'" if chosen.objects else "no field holds labels"
        message = f"{counted(len(others), 'field')} with values that cannot be loaded ({names}); left out, {labels}."
        problems.add("unsupported_annotation", where, message)


def _used(sample: Mapping[str, Any]) -> frozenset[str]:
    """Fields with a place of their own in a record; those of others stay facts unless they fit."""
    if is_own(sample):
        return _OWN
    own = {name for name in (fields.SPLIT, fields.SCENE_ID, fields.POINT_CLOUD) if isinstance(sample.get(name), str)}
    return frozenset(own | {name for name in (fields.CAMERA,) if isinstance(sample.get(name), dict)})


def _remeasured(sample: Mapping[str, Any]) -> frozenset[str]:
    """Attributes that the workbench measured: it measures them again, and they must not pass for the data's own."""
    return frozenset(fields.ATTRIBUTES) if sample.get(fields.ATTRIBUTES_FROM) == _MEASURED else frozenset()


def _is_plain(value: Any) -> bool:
    if isinstance(value, (dict, bytes)):
        return False
    return not (isinstance(value, list) and any(isinstance(item, (dict, list, bytes)) for item in value))
