"""A data set that FiftyOne exports by its own public calls comes back as it was."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image

from workbench.actions.load import load
from workbench.adapters import store
from workbench.core.schema.labels import Camera, Label, Labels, Record

W, H = 64, 48
PCD = b"VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\nWIDTH 2\nHEIGHT 1\nPOINTS 2\nDATA ascii\n"


def random_label(rng):
    left, right = sorted(rng.choice(W, 2, replace=False).tolist())
    top, bottom = sorted(rng.choice(H, 2, replace=False).tolist())
    kind = rng.integers(4)
    box = (float(left), float(top), float(right), float(bottom))
    corners = np.array([[left, top], [right, top], [right, bottom]], float)
    points = np.column_stack([rng.integers(0, W, 2), rng.integers(0, H, 2), rng.integers(0, 3, 2)]).astype(float)
    return Label(
        name=str(rng.choice(["nut", "Ä ö", "<b>"])),
        xyxy=box,
        polygons=(corners,) if kind == 1 else (),
        mask=rng.random((bottom - top, right - left)) < 0.5 if kind == 2 else None,
        attributes={"occlusion": float(rng.random()), "iscrowd": True, "surface": "metal"} if kind == 3 else {},
        confidence=float(rng.random()) if kind == 3 else None,
        instance_id=int(rng.integers(1, 99)) if kind == 2 else None,
        keypoints=points if kind == 1 else None,
        keypoint_names=("head", "tail") if kind == 1 else (),
        T_cam_obj=np.eye(4) * [1, 1, 1, 1] + 0.25 * np.eye(4, k=3) if kind == 3 else None,
        size_m=(0.1, 0.2, 0.3) if kind == 3 else None,
    )


def random_record(folder, at, rng, *, clouds):
    name = f"{at}.png"
    Image.fromarray(rng.integers(0, 255, (H, W, 3), np.uint8)).save(folder / name)
    Image.fromarray(rng.integers(0, 9000, (H, W), np.uint16)).save(folder / f"depth-{name}")
    Image.fromarray(rng.integers(0, 9, (H, W), np.uint16)).save(folder / f"instances-{name}")
    (folder / f"{at}.pcd").write_bytes(PCD + b"%d 2 3\n4 5 6\n" % at)
    full = bool(rng.integers(2))
    camera = Camera(W, H, 50.5, 51.5, 31.5, 23.5, (0.1, 0.0, 0.0, 0.01), np.eye(4) + 0.5 * np.eye(4, k=3))
    return Record(
        image_path=folder / name,
        origin=f"shelf/{name}",
        width=W,
        height=H,
        labels=tuple(random_label(rng) for _ in range(rng.integers(0, 5))),
        classification="bin" if full else None,
        split=str(rng.choice(["train", "test"])) if full else None,
        scene_id=f"scene {at % 3}" if full else None,
        attributes={"lighting": "dim", "gain": 1.5, "flag": True, "note": "x, y"} if full else {},
        camera=camera if full else None,
        maps={"depth": folder / f"depth-{name}", "instances": folder / f"instances-{name}"} if full else {},
        generation={"seed": at, "params": {"exposure.ev": -1.5}, "list": [1, {"a": None}]} if at % 2 else {},
        tags=("failure:glare", "train") if full else (),
        cloud=folder / f"{at}.pcd" if clouds and full else None,
        T_cam_cloud=np.eye(4) + 0.25 * np.eye(4, k=3) if clouds and full else None,
    )


def plain(value):
    """A record as literals: arrays as lists, paths as the content of their files."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if hasattr(value, "read_bytes"):
        return value.read_bytes()
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, (tuple, list, Labels)) else value


def close(before, after):
    """Equal, but for the rounding of a box that is stored as shares of the picture."""
    if isinstance(before, float) and isinstance(after, float):
        return after == pytest.approx(before, abs=1e-9)
    if isinstance(before, dict) and isinstance(after, dict):
        return before.keys() == after.keys() and all(close(before[key], after[key]) for key in before)
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(close, before, after))
    return before == after


@pytest.mark.parametrize(("use_dirs", "clouds"), [(False, False), (True, False), (False, True)])
def test_a_data_set_comes_back_as_it_was(dataset, dataset_name, tmp_path, use_dirs, clouds):
    import fiftyone as fo

    rng = np.random.default_rng(7)
    (tmp_path / "pictures").mkdir()
    made = [random_record(tmp_path / "pictures", at, rng, clouds=clouds) for at in range(24)]
    store.add(dataset, made[0::2], source="real")
    store.add(dataset, made[1::2], source="synthetic")
    before = list(store.read(dataset))
    target = str(tmp_path / "exported")
    dataset.export(export_dir=target, dataset_type=fo.types.FiftyOneDataset, use_dirs=use_dirs)
    report = load(dataset_name, target, source="real")
    assert (report.format, report.samples, report.already_there) == ("fiftyone", 24, 0)
    assert [problem.kind for problem in report.problems] == ["source_conflict"]  # it says which are synthetic
    assert report.labels == sum(len(r.labels) + (r.classification is not None) for r in made)
    after = list(store.read(store.require_dataset(dataset_name)))
    found = {stored.source_key: stored for stored in after}
    for wanted in before:
        stored = found[wanted.source_key]
        for name in ("source", "content_sha256", "tags", "attributes_from"):
            assert getattr(stored, name) == getattr(wanted, name), name
        one, two = plain(wanted.record), plain(stored.record)
        assert one.keys() == two.keys()
        for key in one:
            assert close(one[key], two[key]), (key, one[key], two[key])
    again = load(dataset_name, target, source="real")
    assert (again.samples, again.already_there) == (0, 24)


def test_a_data_set_of_others_gives_its_labels(dataset_name, tmp_path):
    import fiftyone as fo

    Image.new("RGB", (W, H)).save(tmp_path / "a.png")
    sample = fo.Sample(str(tmp_path / "a.png"), tags=["validation"], weather="sun")
    mask = np.array([[True, False]])
    sample["boxes"] = fo.Detections(
        detections=[fo.Detection(label="nut", bounding_box=[0.25, 0.25, 0.5, 0.5], mask=mask, hue="red", index=4)]
    )
    sample["kind"] = fo.Classification(label="bin")
    sample["heat"] = fo.Heatmap(map=np.ones((H, W)))
    other = fo.Dataset()
    try:
        other.add_sample(sample)
        other.export(export_dir=str(tmp_path / "exported"), dataset_type=fo.types.FiftyOneDataset)
    finally:
        other.delete()
    report = load(dataset_name, tmp_path / "exported", source="real")
    assert report.labels_per_class == {"nut": 1, "bin": 1}
    assert [problem.kind for problem in report.problems] == ["unsupported_annotation"]
    assert (
        "1 field with values that cannot be loaded (heat); left out, labels come from 'boxes'"
        in report.problems[0].message
    )
    (stored,) = store.read(store.require_dataset(dataset_name))
    assert (stored.record.split, stored.record.attributes) == ("val", {"weather": "sun"})
    (label,) = stored.record.labels
    assert (label.xyxy, label.instance_id, label.attributes) == ((16, 12, 48, 36), 4, {"hue": "red"})
    assert label.mask.tolist() == [[True] * 16 + [False] * 16] * 24
