"""No writer loses anything that its list of losses does not say, and none lists what it keeps."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.formats.reading import through
from tests.strategies import HEIGHT, POINTS, WIDTH, keypoints, names
from workbench.adapters.formats.registry import WRITERS
from workbench.adapters.formats.toolkit.boxes import rounded_out
from workbench.core.schema.classes import ClassFacts
from workbench.core.schema.labels import Camera, Label, Labels, Record

SENTENCES = {  # what a sentence speaks of
    r"outlines of": "polygons",
    r"masks of .* labels?": "mask",
    r"keypoints of": "keypoints",
    r"(other )?attributes of .* labels?": "label attributes",
    r"instance ids of": "instance_id",
    r"confidence of": "confidence",
    r"3D boxes of": "T_cam_obj",
    r"sizes of .* 3D boxes|sizes of .* labels?": "size_m",
    r"boxes of whole objects of": "xyxy_loose",
    r"fractions of pixels|boxes of .* written as outlines": "xyxy",
    r"classes of .* whole images?": "classification",
    r"attributes of .* samples?": "attributes",
    r"scene ids of": "scene_id",
    r"tags of": "tags",
    r"cameras of": "camera",
    r"lens distortion of": "distortion",
    r"poses of .* cameras?": "camera pose",
    r"lineage of": "generation",
    r"supercategories of": "supercategory",
    r"keypoint names of": "class keypoints",
    r"skeletons of": "skeleton",
    r"further facts of": "facts",
    r"plain names of": "",  # said, though the name comes back
    r".* without a pose": "",
    r".* without a camera": "",
}  # fmt: skip
KEYS = st.sampled_from([
    "light", "note", "occlusion", "truncated", "difficult", "occluded", "pose", "alpha", "visible_fraction",
    "visible_px", "iscrowd", "score", "area", "id", "bbox", "category_id", "attributes", "split", "width", "tags",
])  # fmt: skip
FLAGS = ("truncated", "difficult", "occluded")
TEXTS = st.sampled_from(["dim", "x y", "<b>", "Left", "Unspecified", "0"])
VALUES = TEXTS | st.booleans() | st.integers(-2, 3) | st.sampled_from([0.0, 0.25, 1.0, -1.5, 7.5])
ATTRIBUTES = st.dictionaries(KEYS, VALUES, max_size=2)
UPRIGHT = np.array([[0, 0, 1, 0.5], [0, 1, 0, -2], [-1, 0, 0, 3.25], [0, 0, 0, 1.0]])
TILTED = np.array([[0, -1, 0, 0.5], [1, 0, 0, -2], [0, 0, 1, 3.25], [0, 0, 0, 1.0]])
BOXES = st.sampled_from(
    [(3.0, 4.0, 20.0, 30.0), (3.0, 4.0, 64.0, 48.0), (0.5, 4.25, 20.0, 30.0), (40.0, 2.0, 50.0, 9.0)]
)


@st.composite
def full_labels(draw):
    """A label with every field set or not."""
    xyxy = draw(BOXES)
    left, top, right, bottom = rounded_out(xyxy)
    pose = draw(st.none() | st.sampled_from([UPRIGHT, TILTED]))
    points = draw(st.none() | keypoints())
    outline = np.array([[xyxy[0], xyxy[1]], [xyxy[2], xyxy[1]], [xyxy[2], xyxy[3]]])
    kind = draw(st.sampled_from(["", "outline", "outlines", "mask"]))
    return Label(
        draw(st.sampled_from(["nut", "bolt"])),
        xyxy,
        polygons={"outline": (outline,), "outlines": (outline, outline)}.get(kind, ()),
        mask=np.ones((bottom - top, right - left), bool) if kind == "mask" else None,
        attributes=draw(ATTRIBUTES),
        confidence=draw(st.none() | st.floats(0, 1)),
        instance_id=draw(st.none() | st.integers(101, 109)),
        keypoints=points,
        keypoint_names=() if points is None else draw(st.sampled_from([(), POINTS[: len(points)]])),
        T_cam_obj=pose,
        size_m=None if pose is None else draw(st.none() | st.just((0.1, 0.2, 0.3))),
        xyxy_loose=draw(st.none() | st.just((1.0, 2.0, 40.0, 41.0))),
    )


FACTS = st.builds(
    ClassFacts,
    supercategory=st.none() | st.just("tool"),
    keypoints=st.just(()) | st.just(POINTS),
    skeleton=st.just(()) | st.just(((0, 1), (1, 2))),
    attributes=st.just({}) | st.just({"color": "red", "isthing": 1}),
).map(lambda facts: facts if facts.keypoints else replace(facts, skeleton=()))
CAMERAS = st.none() | st.builds(
    Camera, st.just(WIDTH), st.just(HEIGHT), st.just(50.0), st.just(60.5), st.just(31.5), st.just(23.5),
    st.sampled_from([(0.0, 0.0, 0.0, 0.0), (0.1, 0.0, 0.0, 0.0)]), st.none() | st.just(np.eye(4)) | st.just(UPRIGHT),
)  # fmt: skip
full_records = st.builds(
    Record,
    image_path=st.just(Path("unused")),
    origin=st.just("unused"),
    width=st.just(WIDTH),
    height=st.just(HEIGHT),
    labels=st.lists(full_labels(), max_size=3).map(Labels.of),
    classification=st.none() | st.just("bin"),
    split=st.sampled_from(["train", "val"]),
    scene_id=st.none() | names,
    attributes=ATTRIBUTES,
    camera=CAMERAS,
    generation=st.just({}) | st.just({"seed": 7}),
    tags=st.just(()) | st.just(("night",)),
)


@st.composite
def full_data(draw):
    facts = {name: own for name in ("nut", "bolt") if (own := draw(FACTS))}
    given = draw(st.lists(full_records, min_size=1, max_size=3))
    return [
        replace(each, class_facts={name: facts[name] for name in facts if name in each.labels.names}) for each in given
    ]


def differs(before, after, tolerance):
    if before is None or after is None or len(before) != len(after):
        return (before is None) != (after is None) or before is not None
    return any(not np.allclose(a, b, rtol=0, atol=tolerance) for a, b in zip(before, after, strict=True))


def of_label(before: Label, after: Label, is_voc: bool):
    """What of a label is lost."""
    if before.polygons and differs(before.polygons, after.polygons, 1e-4):
        yield "polygons"
    if before.mask is not None and (after.mask is None or not np.array_equal(before.mask, after.mask)):
        yield "mask"
    seen = None if before.keypoints is None else before.keypoints[before.keypoints[:, 2] > 0]
    found = None if after.keypoints is None else after.keypoints[after.keypoints[:, 2] > 0]
    if seen is not None and (
        after.keypoints is None or len(seen) != len(found) or differs(seen, found, 1e-4)
        or (before.keypoint_names and before.keypoint_names != after.keypoint_names)
    ):  # fmt: skip
        yield "keypoints"
    absent = False if is_voc else ...  # a flag that is not set is absent
    same = {key for key, value in before.attributes.items() if after.attributes.get(key, absent) == value
            and (not is_voc or (value != "" and (key in after.attributes or key in FLAGS)))}  # fmt: skip
    if same != before.attributes.keys():
        yield "label attributes"
    for key in ("instance_id", "confidence"):
        value = getattr(before, key)
        if value is not None and value != getattr(after, key):
            yield key
    for key, tolerance in (("T_cam_obj", 1e-5), ("size_m", 1e-5), ("xyxy_loose", 1e-5)):
        value = getattr(before, key)
        if key == "size_m" and before.T_cam_obj is not None and value is None and after.size_m is not None:
            yield key  # BOP knows one size of a class
        if key == "size_m" and before.T_cam_obj is not None and after.T_cam_obj is None:
            continue  # said with its 3D box
        if value is not None and (getattr(after, key) is None or differs(value, getattr(after, key), tolerance)):
            yield key
    if differs(before.xyxy, after.xyxy, 0.0101):
        yield "xyxy"


def of_record(before: Record, after: Record):
    """What of a record, its labels aside, is lost."""
    for key in ("classification", "scene_id"):
        value = getattr(before, key)
        if value is not None and value != getattr(after, key):
            yield key
    if any(after.attributes.get(key, ...) != value for key, value in before.attributes.items()):
        yield "attributes"
    for key in ("tags", "generation"):
        if getattr(before, key) and getattr(before, key) != getattr(after, key):
            yield key
    a, b = before.camera, after.camera
    if a is None:
        return
    if b is None or not np.allclose(a.matrix, b.matrix, atol=1e-5):
        yield "camera"
        return
    if a.distortion != b.distortion:
        yield "distortion"
    if a.T_world_cam is not None and (
        b.T_world_cam is None or not np.allclose(a.T_world_cam, b.T_world_cam, atol=1e-5)
    ):
        yield "camera pose"


def of_classes(given, found):
    """What of the facts of classes is lost."""
    before = {name: own for record in given for name, own in record.class_facts.items()}
    after = {name: own for record in found for name, own in record.class_facts.items()}
    for name, own in before.items():
        other = after.get(name, ClassFacts())
        names = {"supercategory": "supercategory", "keypoints": "class keypoints", "skeleton": "skeleton",
                 "attributes": "facts"}  # fmt: skip
        for key, category in names.items():
            if getattr(own, key) and getattr(own, key) != getattr(other, key):
                yield category


@pytest.mark.parametrize("name", sorted(WRITERS))
@settings(max_examples=50, deadline=None)
@given(records=full_data())
def test_each_loss_is_announced_and_nothing_else(name, records):
    writer = WRITERS[name]
    found, _, _ = through(name, records)
    lost: Counter[str] = Counter(of_classes(records, found.values()))
    for at, before in enumerate(records):
        after = found[f"{at}.png"]
        lost.update(of_record(before, after))
        meant = [label for label in before.labels if writer.holds(label)]
        assert [label.name for label in after.labels] == [label.name for label in meant]
        for one, other in zip(meant, after.labels, strict=True):
            lost.update(of_label(one, other, name == "voc"))
    announced: Counter[str] = Counter()
    for sentence in writer.lost(records):
        (category,) = {what for pattern, what in SENTENCES.items() if re.match(pattern, sentence)}
        numbers = re.findall(r"[\d,]+", sentence.replace("3D", ""))
        if category:
            announced[category] += int(numbers[0].replace(",", ""))
    assert announced == lost
