"""FiftyOne's data set folder: every field, choice of fields, groups, and every kind of problem."""

from __future__ import annotations

import base64
import json
import math
import pickle
import zlib
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from tests.adapters.formats.seeds import H, W, fiftyone, npy, packed, png
from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import InputError

NAN = {"$numberDouble": "NaN"}


def kinds(problems):
    return Counter(problem.kind for problem in problems)


def detections(*entries):
    return {"_cls": "Detections", "detections": list(entries)}


def box(**changed):
    return {"_cls": "Detection", "label": "cat", "bounding_box": [0.25, 0.25, 0.25, 0.5], **changed}


def polyline(*shapes, **changed):
    return {"_cls": "Polyline", "label": "cat", "points": list(shapes), "closed": True, **changed}


def binary(data):
    return {"$binary": {"base64": base64.b64encode(data).decode(), "subType": "00"}}


@pytest.fixture
def exported(tmp_path, picture):
    """A data set with one sample changed; ``None`` takes a field away."""

    def make(*samples, files=(), meta=None, **changed):
        picture(tmp_path / "data" / "a.jpg")
        for file, data in {**fiftyone(), **dict(files)}.items():
            (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / file).write_bytes(data)
        given = json.loads(fiftyone(**changed)["samples.json"])["samples"]
        given[0] = {key: value for key, value in given[0].items() if value is not None}
        (tmp_path / "samples.json").write_text(json.dumps({"samples": [*given, *samples]}))
        if meta is not None:
            said = json.loads((tmp_path / "metadata.json").read_text()) | meta
            (tmp_path / "metadata.json").write_text(json.dumps(said))
        return tmp_path

    return make


def only(exported, reading, **changed):
    """Labels and problems of a data set whose only labels are these."""
    records, problems = reading("fiftyone", exported(keypoints=None, **changed))
    (record,) = records
    return record.labels, problems


def test_everything_of_a_sample_is_read(exported, reading):
    folder = exported()
    assert choose(Source(folder))[0] == choose(Source(folder / "samples.json"))[0] == "fiftyone"
    (record,), problems = reading("fiftyone", folder)
    assert list(problems) == []
    assert (record.origin, record.classification, record.split, record.tags) == ("data/a.jpg", "bin", "val", ("val",))
    assert record.attributes == {"weather": "rain"}
    assert (record.camera.fx, record.camera.cx, record.camera.width) == (50, 31.5, W)
    assert {name: path.name for name, path in record.maps.items()} == {"depth": "d.png", "instances": "i.png"}
    assert record.cloud.name == "c.pcd"
    (label,) = record.labels
    assert (label.name, label.xyxy, label.confidence, label.instance_id) == ("cat", (16, 12, 32, 36), 0.5, 3)
    assert label.attributes == {"hue": "red", "gain": 2}
    assert label.mask.shape == (24, 16)
    assert label.mask.all()
    assert label.keypoints.tolist() == [[pytest.approx(19.2), pytest.approx(14.4), 2], [0, 0, 0]]


def test_one_file_per_sample(exported, reading):
    folder = exported()
    (folder / "samples").mkdir()
    for at, sample in enumerate(json.loads((folder / "samples.json").read_text())["samples"]):
        (folder / "samples" / f"{at:06}-x.json").write_text(json.dumps(sample))
    (folder / "samples" / "000001-y.json").write_text("{")
    (folder / "samples.json").unlink()
    (record,), problems = reading("fiftyone", folder)
    assert record.labels[0].xyxy == (16, 12, 32, 36)
    assert kinds(problems) == {"broken_annotation": 1}
    assert problems.records_lost == 1


def test_a_data_set_may_lie_in_a_folder_of_its_own(exported, reading, tmp_path):
    inner = exported()
    outer = tmp_path.parent / f"{tmp_path.name}-outer"
    outer.mkdir()
    inner.rename(outer / "export")
    assert choose(Source(outer))[0] == "fiftyone"
    (record,), problems = reading("fiftyone", outer)
    assert record.origin == "export/data/a.jpg"
    assert (len(record.maps), record.cloud is not None, len(problems)) == (2, True, 0)


@pytest.mark.parametrize(
    ("mask", "rows"),
    [
        pytest.param(np.array([[True, False], [False, True]]), [(0, 12, 0, 8), (12, 24, 8, 16)], id="stretched"),
        pytest.param(np.array([[0, 255]], np.uint8), [(0, 24, 8, 16)], id="numbers"),
        pytest.param(np.array([[0.0, 0.5]]), [(0, 24, 8, 16)], id="floats"),
    ],
)
def test_masks_of_any_size_cover_their_box(exported, reading, mask, rows):
    expected = np.zeros((24, 16), bool)
    for top, bottom, left, right in rows:
        expected[top:bottom, left:right] = True
    (label,), problems = only(exported, reading, ground_truth=detections(box(mask=packed(mask))))
    assert (label.mask == expected).all()
    assert len(problems) == 0


def test_a_mask_is_cut_with_its_box(exported, reading):
    mask = np.zeros((24, 32), bool)
    mask[:, 16:] = True  # the part beyond the picture's right edge
    given = box(bounding_box=[0.75, 0.25, 0.5, 0.5], mask=packed(mask))
    (label,), problems = only(exported, reading, ground_truth=detections(given))
    assert (label.xyxy, label.mask.shape, label.mask.any()) == ((48, 12, 64, 36), (24, 16), False)
    assert kinds(problems) == {"box_outside_image": 1}


def test_a_mask_may_be_a_file(exported, reading):
    paths = ("fields/m.png", "fields/absent.png", "/etc/m.png")
    folder_files = {"fields/m.png": png(np.full((24, 16), 255, np.uint8))}
    given = detections(*(box(mask_path=path, index=at) for at, path in enumerate(paths)))
    found, problems = only(exported, reading, ground_truth=given, files=folder_files)
    assert [label.mask is not None for label in found] == [True, False, True]  # m.png inside is taken for the last
    assert kinds(problems) == {"missing_map": 1}


def test_closed_outlines_are_polygons_and_open_ones_are_counted(exported, reading):
    triangles = [[[0.25, 0.25], [0.5, 0.25], [0.5, 0.5]], [[0.5, 0.5], [0.75, 0.5], [0.75, 0.75]]]
    lines = [polyline(*triangles), polyline(triangles[0], closed=False, filled=True), polyline([[0, 0]], closed=False)]
    field = {"_cls": "Polylines", "polylines": lines}
    found, problems = only(exported, reading, ground_truth=field)
    assert [label.xyxy for label in found] == [(16, 12, 48, 36), (16, 12, 32, 24)]
    assert [len(label.polygons) for label in found] == [2, 1]
    assert kinds(problems) == {"unsupported_annotation": 1}


def test_keypoints_alone_are_labels(exported, reading):
    entries = [
        {"_cls": "Keypoint", "label": "a", "points": [[0.25, 0.25], [0.5, 0.5], [NAN, NAN]], "confidence": [1, 0, 1]},
        {"_cls": "Keypoint", "label": "b", "points": [[0.5, 0.5]]},
        {"_cls": "Keypoint", "label": "c", "points": [[NAN, NAN]]},
        {"_cls": "Keypoint", "label": "d", "points": [[0.5]]},
        {"_cls": "Keypoint", "label": "e", "points": [[0.5, 0.5]], "visibility": [7]},
    ]
    folder = exported(
        ground_truth=None,
        keypoints={"_cls": "Keypoints", "keypoints": entries},
        meta={"skeletons": {"keypoints": {"labels": ["x", "y", "z"], "edges": []}}},
    )
    (record,), problems = reading("fiftyone", folder)
    assert [(label.name, label.xyxy) for label in record.labels] == [
        ("a", (16, 12, 32, 24)),
        ("b", (31.5, 23.5, 32.5, 24.5)),
    ]
    assert record.labels[0].keypoints[:, 2].tolist() == [2, 2, 0]
    assert [label.keypoint_names for label in record.labels] == [("x", "y", "z"), ()]
    assert {label.attributes["box_from"] for label in record.labels} == {"keypoints"}
    assert kinds(problems) == {"hidden_object": 1, "broken_annotation": 2}


@pytest.mark.parametrize(
    ("changed", "names", "others"),
    [
        ({"ground_truth": detections(box(label="t")), "yolo": detections(box(label="y"))}, ["t"], "yolo"),
        ({"ground_truth": None, "yolo": detections(box(label="y"))}, ["y"], None),
        ({"ground_truth": None, "best_guess": detections(box(label="y", confidence=0.5)),
          "people": detections(box(label="p"))}, ["p"], "best_guess"),
        ({"ground_truth": box(label="one")}, ["one"], None),
        ({"ground_truth": None}, [], None),
        ({"vector": binary(b"x"), "place": {"_cls": "GeoLocation"}, "nested": {"a": 1}}, ["cat"],
         "vector, place, nested"),
    ],
)  # fmt: skip
def test_one_field_of_labels_is_read_and_the_others_are_named(exported, reading, changed, names, others):
    found, problems = only(exported, reading, **changed)
    assert [label.name for label in found] == names
    messages = [problem.message for problem in problems]
    assert all(f"({others})" in message and "labels come from '" in message for message in messages)
    assert len(messages) == (others is not None)


def test_other_fields_become_facts(exported, reading):
    changed = {"gain": 1.5, "flag": True, "n": {"$numberLong": "7"}, "when": {"$date": "2026-01-01T00:00:00Z"},
               "list": [1, 2], "none": None, "nan": NAN, "split": "valid", "scene_id": "s1", "lighting": "dim",
               "source": "synthetic", "origin": "kitchen", "tags": ["train", "night"]}  # fmt: skip
    (record,), problems = reading("fiftyone", exported(**changed))
    assert record.attributes == {
        "weather": "rain", "gain": 1.5, "flag": True, "n": 7, "when": "2026-01-01T00:00:00Z", "list": "[1,2]",
        "lighting": "dim", "source": "synthetic", "origin": "kitchen",
    }  # fmt: skip
    assert (record.split, record.scene_id, record.origin) == ("val", "s1", "data/a.jpg")
    assert len(problems) == 0


def test_what_the_workbench_measured_is_measured_again(exported, reading):
    own = {"source_key": "k", "content_sha256": "c", "origin": "photos/1.jpg", "lighting": "dim"}
    (record,), problems = reading("fiftyone", exported(**own, attributes_from="measured", measures={"blur_px": 1.5}))
    assert (record.origin, record.source_key, "lighting" in record.attributes) == ("photos/1.jpg", "k", False)
    assert "(measures, lighting (measured))" in next(iter(problems)).message
    (record,), problems = reading("fiftyone", exported(**own, attributes_from="curator"))
    assert record.attributes["lighting"] == "dim"
    assert len(problems) == 0


def element(name):
    return {"_cls": "Group", "_id": {"$oid": "6b03b4651b92bfd24438291f"}, "name": name}


def scene(path):
    return json.dumps({"children": [{"_type": "Light"}, {"children": [{"pcdPath": path}]}]}).encode()


@pytest.mark.parametrize(
    ("cloud", "files", "told"),
    [
        ("fields/c.pcd", {}, {}),
        ("data/s.fo3d", {"data/s.fo3d": scene("../fields/c.pcd")}, {}),
        ("data/s.fo3d", {"data/s.fo3d": scene("absent.pcd")}, {"missing_map": 1}),
        ("data/s.fo3d", {"data/s.fo3d": b"[]"}, {"broken_annotation": 1, "missing_map": 1}),
        ("data/s.fo3d", {"data/s.fo3d": b"{}"}, {"missing_map": 1}),
        ("data/c.pcd", {"data/c.pcd": b"junk"}, {"unreadable_cloud": 1}),
    ],
)
def test_a_group_is_a_picture_with_its_cloud(exported, reading, cloud, files, told):
    other = {"_media_type": "3d", "filepath": cloud, "group": element("cloud")}
    meta = {"media_type": "group", "group_field": "group", "default_group_slice": "image"}
    folder = exported(other, meta=meta, files=files, group=element("image"), point_cloud=None)
    (record,), problems = reading("fiftyone", folder)
    assert (record.cloud is not None) == (not told)
    unused = {"unread_file": 1} if told else {}  # fields/c.pcd, which nothing names
    assert kinds(problems) == told | unused
    assert problems.records_lost == 0


def test_boxes_of_a_cloud_are_named_unless_the_workbench_made_them(exported, reading):
    cloud = {"_media_type": "3d", "filepath": "fields/c.pcd", "group": element("cloud"), "boxes_3d": detections(box())}
    given = {"meta": {"group_field": "group"}, "group": element("image"), "point_cloud": None, "ground_truth": None}
    (record,), problems = reading("fiftyone", exported(cloud, **given))
    assert [label.name for label in record.labels] == ["cat"]  # the keypoints alone
    assert [p.kind for p in problems] == ["unsupported_annotation"]
    assert (
        "1 field with values that cannot be loaded (boxes_3d); left out, no field holds labels"
        in next(iter(problems)).message
    )
    own = {"source_key": "k", "content_sha256": "c", "origin": "a.jpg"}
    assert len(reading("fiftyone", exported(cloud, **given, **own))[1]) == 0


def test_several_pictures_of_a_group_stay_together(exported, reading, picture):
    folder = exported(
        {"_media_type": "image", "filepath": "data/b.jpg", "group": element("right")},
        {"_media_type": "3d", "filepath": "fields/c.pcd", "group": element("lidar")},
        {"_media_type": "video", "filepath": "data/v.mp4", "group": element("film")},
        {"filepath": "data/w.mp4"},
        meta={"group_field": "group", "default_group_slice": "right"},
        group=element("left"),
        point_cloud=None,
    )
    picture(folder / "data" / "b.jpg")
    records, problems = reading("fiftyone", folder)
    assert {record.scene_id for record in records} == {"6b03b4651b92bfd24438291f"}
    assert [record.cloud is not None for record in records] == [False, True]
    assert kinds(problems) == {"unsupported_media": 2}
    assert "of type 'video' and belongs to no image (data/v.mp4)" in next(iter(problems)).message
    assert len(records) + problems.records_lost == 4  # the cloud came with its picture


@pytest.mark.parametrize(
    ("entry", "kind", "message", "kept"),
    [
        (box(bounding_box=[0.2, 0.2, 0, 0.1]), "zero_area_box", "12.8, 9.6, 12.8, 14.4); label left out", 0),
        (box(bounding_box=[0.2, 0.2, -0.1, 0.1]), "inverted_box", "12.8, 9.6, 6.4, 14.4); label left out", 0),
        (box(bounding_box=[0.9, 0.2, 0.2, 0.1]), "box_outside_image", "clipped to", 1),
        (box(bounding_box=[NAN, 0.2, 0.2, 0.1]), "nan_box", "nan, 9.6, nan, 14.4); label left out", 0),
        (box(bounding_box=[1, 2, 3]), "broken_annotation", "shares of the image ([1, 2, 3])", 0),
        (box(bounding_box=None), "broken_annotation", "bounding_box is not", 0),
        (box(bounding_box=None, location=[1, 2, 3]), "unsupported_annotation", "a box in a cloud", 0),
        (box(label=None), "unknown_category", "no class name (None)", 0),
        (box(confidence="high"), "broken_annotation", "The confidence 'high' is not a number from 0 to 1", 1),
        (box(polygons=[[1, 2, 3, 4]]), "two_point_polygon", "has 2 points", 1),
        (box(T_cam_obj=[[1]]), "broken_annotation", "3D box left out", 1),
        (polyline([[0.1, 0.1], [0.2, 0.2]]), "two_point_polygon", "has 2 points", 0),
        (polyline([[0.1, 0.1], [0.2], 3]), "broken_annotation", "outline left out", 0),
        (box(mask={"$binary": {"base64": "!"}}), "unreadable_map", "dict instead of bytes", 1),
        (box(mask=binary(b"junk")), "unreadable_map", "cannot be unpacked", 1),
        (box(mask=binary(zlib.compress(b"x"))), "unreadable_map", "no array", 1),
        (box(mask=binary(zlib.compress(pickle.dumps([1])))), "unreadable_map", "no array", 1),
        (box(mask=binary(zlib.compress(npy(np.array([{"a": 1}]))))), "unreadable_map", "never unpickled", 1),
        (box(mask=binary(zlib.compress(bytes(1 << 27), 9))), "unreadable_map", "more than 64 MB", 1),
        (box(mask=binary(zlib.compress(npy(np.ones(9, bool)).replace(b"(9,)", b"(9999999999,)")[:99]))),
         "unreadable_map", "array", 1),
        (box(mask=packed(np.ones((2, 2, 2)))), "unreadable_map", "array (2, 2, 2) of float64 is not a mask", 1),
        (box(mask_path="../../etc/passwd"), "path_outside_folder", "'../../etc/passwd' leads out of the folder", 1),
    ],
)  # fmt: skip
def test_bad_labels_are_named(exported, reading, entry, kind, message, kept):
    found, problems = only(exported, reading, ground_truth=detections(entry))
    assert kinds(problems) == {kind: 1}
    assert message in next(iter(problems)).message
    assert len(found) == kept


@pytest.mark.parametrize(
    ("sample", "kind", "message"),
    [
        ({}, "broken_annotation", "not an object with a 'filepath'"),
        (3, "broken_annotation", "not an object with a 'filepath'"),
        ({"filepath": "data/absent.jpg"}, "missing_image", "There is no image 'data/absent.jpg'"),
        ({"filepath": "../../absent.jpg"}, "path_outside_folder", "Export the data set with its media"),
        ({"filepath": "/home/somebody/absent.jpg"}, "path_outside_folder", "Export the data set with its media"),
        ({"filepath": "data/a.jpg"}, "duplicate_id", "'data/a.jpg' is also the image of samples.json, sample 0"),
        ({"filepath": "data/film.mp4", "_media_type": "video"}, "unsupported_media", "of type 'video'"),
        ({"filepath": "data/s.fo3d"}, "unsupported_media", "of type '3d'"),
    ],
)
def test_bad_samples_lose_one_record_and_are_named(exported, reading, sample, kind, message):
    records, problems = reading("fiftyone", exported(sample))
    assert kinds(problems) == {kind: 1}
    assert message in next(iter(problems)).message
    assert (len(records), problems.records_lost) == (1, 1)


@pytest.mark.parametrize(
    ("changed", "kind", "message"),
    [
        ({"camera": {"fx": 1}}, "broken_annotation", "camera left out"),
        ({"camera": {"fx": 1, "fy": 1, "cx": 1, "cy": 1, "T_world_cam": [1]}}, "broken_annotation", "camera left out"),
        ({"metadata": {"width": 3, "height": 4}}, "size_mismatch", "says 3 x 4, the upright image is 64 x 48"),
        ({"depth": {"_cls": "Heatmap", "map_path": "fields/i.png"}}, "unreadable_map", "has 8 bits"),
        ({"depth": {"_cls": "Heatmap", "map": binary(b"x")}}, "unsupported_annotation", "depth inside samples.json"),
        ({"instances": {"_cls": "Segmentation", "mask_path": "absent.png"}}, "missing_map", "no file 'absent.png'"),
        ({"instances": {"_cls": "Segmentation", "mask_path": "samples.json"}}, "unreadable_map", "map left out"),
        ({"point_cloud": "fields/absent.pcd"}, "missing_map", "no file 'fields/absent.pcd'"),
        ({"source_key": "k", "content_sha256": "c", "origin": "o", "generation": {"record": "{"}},
         "broken_annotation", "lineage left out"),
    ],
)  # fmt: skip
def test_bad_facts_are_named_and_the_rest_is_loaded(exported, reading, changed, kind, message):
    records, problems = reading("fiftyone", exported(**changed))
    unused = ("unread_file", "unlisted_image")  # files that the changed field named
    assert {name: n for name, n in kinds(problems).items() if name not in unused} == {kind: 1}
    assert message in next(iter(problems)).message
    assert len(records[0].labels) == 1


def test_an_origin_that_leads_out_is_not_taken(exported, reading):
    (record,), _ = reading("fiftyone", exported(source_key="k", content_sha256="c", origin="../../etc/x.jpg"))
    assert record.origin == "data/a.jpg"


def test_pictures_that_no_sample_names_are_counted(exported, reading, picture):
    folder = exported()
    picture(folder / "data" / "b.jpg")
    _, problems = reading("fiftyone", folder)
    assert kinds(problems) == {"unlisted_image": 1}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{", "line 1"),
        ('{"samples": 3}', "no list 'samples'"),
        ("[" * 100_000, "RecursionError"),
        ("3", "no list 'samples'"),
    ],
)
def test_broken_files_are_one_clear_error(exported, reading, text, found):
    folder = exported()
    (folder / "samples.json").write_text(text)
    with pytest.raises(InputError, match=found):
        reading("fiftyone", folder)


def test_exif_orientation_turns_the_shares(exported, reading, picture):
    folder = exported(depth=None, instances=None, metadata=None)
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(folder / "data" / "a.jpg", exif=exif)
    (record,), _ = reading("fiftyone", folder)
    assert (record.width, record.height) == (H, W)
    assert record.labels[0].xyxy == (12, 16, 24, 48)
    assert math.isfinite(record.labels[0].keypoints.sum())
