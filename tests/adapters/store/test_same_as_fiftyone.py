"""What the bulk path writes equals, field by field, what FiftyOne's public calls write."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fiftyone as fo
import numpy as np
import pytest

from workbench.adapters import store
from workbench.core.schema.labels import Camera, Label, Record

Write = Callable[..., Path]
CHANGING = {"labels_loaded", "_id", "id", "_rand", "_dataset_id", "created_at", "last_modified_at"}  # of each sample

UNDECLARED = {  # stored, but nothing that one filters by in the App
    "camera.T_world_cam",
    "camera.distortion",
    "ground_truth.detections.T_cam_obj",
    "ground_truth.detections.size_m",
    "keypoints.keypoints.names",
    "keypoints.keypoints.of",
    "keypoints.keypoints.visibility",
}


def records(picture: Write) -> list[Record]:
    """A bare one, and one with everything that FiftyOne has a public class for."""
    label = Label(
        "mug",
        (1.0, 2.0, 31.5, 40.25),
        mask=np.eye(39, 31, dtype=bool),
        attributes={"surface": "metal", "visible_fraction": 0.5, "crowd": False},
        confidence=0.75,
        instance_id=3,
        keypoints=np.array([[1.0, 2.0, 2.0], [30.0, 40.0, 1.0]]),
        keypoint_names=("handle", "rim"),
        T_cam_obj=np.eye(4),
        size_m=(0.1, 0.2, 0.3),
    )
    full = Record(
        picture("full.png", seed=1),
        "full.png",
        64,
        48,
        labels=(label, Label("nut", (0.0, 0.0, 64.0, 48.0))),
        classification="tray",
        split="train",
        scene_id="s1",
        attributes={"lighting": "dim", "weather": "ok", "n": 3, "outdoor": True},
        camera=Camera(64, 48, 60.0, 61.0, 31.5, 23.5, (0.1, 0.0, 0.0, 0.0), np.eye(4)),
        maps={"depth": picture("depth.png"), "instances": picture("instances.png")},
        tags=("failure:glare",),
        source_key="full",
    )
    return [Record(picture("bare.png"), "bare.png", 64, 48, source_key="bare"), full]


def public_sample(record: Record, stored: store.Stored) -> fo.Sample:
    """The same sample by public calls only."""
    fields: dict[str, Any] = {
        "source": "real",
        "origin": record.origin,
        "source_key": record.source_key,
        "content_sha256": stored.content_sha256,
        "scene_id": record.scene_id,
        "split": record.split,
        "ground_truth": fo.Detections(detections=[public_detection(label) for label in record.labels]),
        "attributes_from": "data" if "lighting" in record.attributes else None,
        **record.attributes,
    }
    if record.classification:
        fields["classification"] = fo.Classification(label=record.classification)
    if record.maps:
        fields["depth"] = fo.Heatmap(map_path=str(record.maps["depth"]))
        fields["instances"] = fo.Segmentation(mask_path=str(record.maps["instances"]))
    points = [(place, label) for place, label in enumerate(record.labels) if label.keypoints is not None]
    if points:
        fields["keypoints"] = fo.Keypoints(keypoints=[public_keypoint(place, label) for place, label in points])
    if record.camera:
        given = record.camera
        fields["camera"] = fo.DynamicEmbeddedDocument(
            **{name: getattr(given, name) for name in ("width", "height", "fx", "fy", "cx", "cy")},
            distortion=list(given.distortion),
            T_world_cam=given.T_world_cam.tolist() if given.T_world_cam is not None else None,
        )
    metadata = fo.ImageMetadata.build_for(str(record.image_path))
    metadata.num_channels = None
    return fo.Sample(filepath=str(record.image_path), tags=list(record.tags), metadata=metadata, **fields)


def public_detection(label: Label) -> fo.Detection:
    left, top, right, bottom = label.xyxy
    extra: dict[str, Any] = dict(label.attributes)
    if label.T_cam_obj is not None and label.size_m is not None:
        extra |= {"T_cam_obj": label.T_cam_obj.tolist(), "size_m": list(label.size_m)}
    box = [left / 64, top / 48, (right - left) / 64, (bottom - top) / 48]
    known = {"mask": label.mask, "confidence": label.confidence, "index": label.instance_id}
    return fo.Detection(label=label.name, bounding_box=box, **known, **extra)


def public_keypoint(place: int, label: Label) -> fo.Keypoint:
    assert label.keypoints is not None
    points = [(float(x) / 64, float(y) / 48) for x, y, _ in label.keypoints]
    visibility = label.keypoints[:, 2].tolist()
    return fo.Keypoint(
        label=label.name, points=points, of=place, visibility=visibility, names=list(label.keypoint_names)
    )


def plain(value: Any) -> Any:
    """Without ids and times, and without what is empty: FiftyOne writes ``None`` where we write nothing."""
    if isinstance(value, dict):
        found = {key: plain(item) for key, item in value.items() if key not in CHANGING}
        return {key: item for key, item in found.items() if item not in (None, {}, [])}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


@pytest.fixture
def public() -> Iterator[Any]:
    """A dataset of FiftyOne's own making."""
    made = fo.Dataset(f"public-{uuid.uuid4().hex[:8]}")
    yield made
    made.delete()


def test_every_field_is_the_same(dataset: Any, public: Any, picture: Write) -> None:
    given = records(picture)
    ids = store.add(dataset, given, source="real").ids
    stored = list(store.read(dataset, ids))
    public.add_samples([public_sample(record, one) for record, one in zip(given, stored, strict=True)], dynamic=True)
    for ours, theirs in zip(dataset, public, strict=True):
        assert plain(ours.to_mongo_dict()) == plain(theirs.to_mongo_dict())
    raw = [list(one._sample_collection.find({}).sort("_id", 1)) for one in (dataset, public)]
    for ours, theirs in zip(*raw, strict=True):
        assert plain(ours) == plain(theirs)
        assert {"_id", "_rand", "_dataset_id", "_media_type", "created_at", "last_modified_at"} <= ours.keys()
        assert {key: type(value) for key, value in ours.items() if value is not None and key in theirs} == {
            key: type(theirs[key]) for key, value in ours.items() if value is not None and key in theirs
        }


def test_the_fields_are_declared_the_same(dataset: Any, public: Any, picture: Write) -> None:
    given = records(picture)
    ids = store.add(dataset, given, source="real").ids
    stored = list(store.read(dataset, ids))
    public.add_samples([public_sample(record, one) for record, one in zip(given, stored, strict=True)], dynamic=True)
    ours, theirs = (one.get_field_schema(flat=True) for one in (dataset, public))
    kinds = {path: type(theirs[path]) for path in theirs if path in ours and path.count(".") == 0}
    assert {path: type(ours[path]) for path in kinds} == kinds | {
        "n": fo.FloatField
    }  # one kind of number for all loads
    missing = {path for path in set(theirs) - set(ours) if not path.startswith("metadata")}
    assert missing == UNDECLARED


def test_fiftyones_own_calls_work_on_it(dataset: Any, picture: Write) -> None:
    store.add(dataset, records(picture), source="real")
    assert dataset.match_tags("failure:glare").count() == 1
    assert dataset.count_values("ground_truth.detections.label") == {"mug": 1, "nut": 1}
    assert dataset.filter_labels("ground_truth", fo.ViewField("label") == "nut").count("ground_truth.detections") == 1
    assert dataset.bounds("n") == (3, 3)
    clone = dataset.clone(f"{dataset.name}-clone")
    try:
        assert [plain(one.to_mongo_dict()) for one in clone] == [plain(one.to_mongo_dict()) for one in dataset]
    finally:
        clone.delete()
    for sample in dataset.iter_samples(autosave=True):
        sample["note"] = "seen"
    assert dataset.count_values("note") == {"seen": 2}
