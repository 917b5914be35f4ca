"""Pictures with masks, depth maps and clouds beside them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from PIL import Image

from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.source import Source

W, H = 64, 48


def kinds(problems):
    return Counter(problem.kind for problem in problems)


def save(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values) if path.suffix == ".npy" else Image.fromarray(values).save(path)


def instances(*values, dtype=np.uint8):
    found = np.zeros((H, W), dtype)
    for at, value in enumerate(values):
        found[10 * at : 10 * at + 5, 8:20] = value
    return found


@pytest.mark.parametrize(
    ("picture_path", "mask_path"),
    [
        ("a.jpg", "a_mask.png"),
        ("a.jpg", "masks/a.png"),
        ("images/a.jpg", "masks/a.png"),
        ("images/train/a.jpg", "masks/train/a.tif"),
        ("train/images/a.jpg", "train/mask/a.png"),
    ],
)
def test_masks_are_found_by_name(tmp_path, reading, picture, picture_path, mask_path):
    picture(tmp_path / picture_path)
    save(tmp_path / mask_path, instances(3, 7))
    assert "1 image, 1 with masks" in choose(Source(tmp_path))[1].why
    (record,), problems = reading("folder", tmp_path)
    assert len(problems) == 0
    assert record.origin == picture_path
    assert record.classification is None
    assert [(label.name, label.xyxy, label.instance_id) for label in record.labels] == [
        ("object", (8, 0, 20, 5), 3),
        ("object", (8, 10, 20, 15), 7),
    ]
    assert record.labels[0].mask.shape == (5, 12)
    assert record.labels[0].mask.all()


@pytest.mark.parametrize(
    ("values", "boxes"),
    [
        pytest.param(instances(255, 255), [(8, 0, 20, 15)], id="two values are one object"),
        pytest.param(instances(0), [], id="nothing"),
        pytest.param(instances(300, 4, dtype=np.uint16), [(8, 10, 20, 15), (8, 0, 20, 5)], id="16 bits"),
        pytest.param(np.stack([instances(9), instances(0, 9), instances(0)], -1), [(8, 10, 20, 15), (8, 0, 20, 5)],
                     id="colours"),
        pytest.param(np.stack([instances(9)] * 3 + [np.full((H, W), 255, np.uint8)], -1), [(8, 0, 20, 5)], id="alpha"),
        pytest.param(instances(1).astype(bool), [(8, 0, 20, 5)], id="1 bit"),
    ],
)  # fmt: skip
def test_values_of_masks_are_objects(tmp_path, reading, picture, values, boxes):
    picture(tmp_path / "a.jpg")
    save(tmp_path / "a_mask.png", values)
    (record,), problems = reading("folder", tmp_path)
    assert [label.xyxy for label in record.labels] == boxes
    assert len(problems) == 0


def test_palette_masks_give_their_indices(tmp_path, reading, picture):
    picture(tmp_path / "a.jpg")
    palette = Image.fromarray(instances(1, 2)).convert("P")
    palette.putpalette([0, 0, 0, 255, 0, 0, 255, 0, 0])  # two indices of one colour
    palette.save(tmp_path / "a_mask.png")
    (record,), _ = reading("folder", tmp_path)
    assert [label.instance_id for label in record.labels] == [1, 2]


def test_depth_of_every_kind_becomes_millimetres(tmp_path, reading, picture):
    made = {
        "mm.png": np.full((H, W), 1500, np.uint16),
        "metres.npy": np.full((H, W), 1.5, np.float32),
        "float.tiff": np.full((H, W), 1.5, np.float32),
    }
    for name, values in made.items():
        picture(tmp_path / "rgb" / f"{name.partition('.')[0]}.png")
        save(tmp_path / "depth" / name, values)
    records, problems = reading("folder", tmp_path)
    assert len(problems) == 0
    assert len(records) == 3
    for record in records:
        assert record.classification is None
        assert np.unique(np.asarray(Image.open(record.maps["depth"]))).tolist() == [1500]
    plain = next(record for record in records if "mm" in record.origin)
    assert plain.maps["depth"] == (tmp_path / "depth" / "mm.png").resolve()


def test_tum_pairs_by_time_and_counts_in_fifths_of_millimetres(tmp_path, reading, picture):
    for stamp in ("1305031102.175304", "1305031102.211214", "1305031109.000000"):
        picture(tmp_path / "rgb" / f"{stamp}.png")
    for stamp, value in (("1305031102.160407", 5000), ("1305031102.226738", 10000)):
        save(tmp_path / "depth" / f"{stamp}.png", np.full((H, W), value, np.uint16))
    records, problems = reading("folder", tmp_path)
    depths = [np.asarray(Image.open(r.maps["depth"])).max() if r.maps else None for r in records]
    assert depths == [1000, 2000, None]
    assert kinds(problems) == {"missing_map": 1}


def test_clouds_beside_pictures(tmp_path, reading, picture):
    for name in ("a", "b", "c"):
        picture(tmp_path / "images" / f"{name}.png")
    (tmp_path / "lidar").mkdir()
    (tmp_path / "lidar" / "a.bin").write_bytes(bytes(32))
    (tmp_path / "images" / "b.xyz").write_text("1 2 3\n")
    (tmp_path / "lidar" / "c.bin").write_bytes(b"")
    records, problems = reading("folder", tmp_path)
    assert [record.cloud and record.cloud.name for record in records] == ["a.bin", "b.xyz", None]
    assert kinds(problems) == {"empty_cloud": 1}


@pytest.mark.parametrize(
    ("file", "values", "kind"),
    [
        ("masks/a.png", np.zeros((3, 3), np.uint8), "unreadable_map"),
        ("masks/a.png", np.arange(H * W, dtype=np.uint16).reshape(H, W), "unreadable_map"),
        ("depth/a.png", np.full((H, W), 9, np.uint8), "unreadable_map"),
        ("depth/a.png", np.zeros((H, W, 3), np.uint8), "unreadable_map"),
        ("depth/a.png", b"nothing", "unreadable_map"),
        ("masks/a.png", b"version https://git-lfs.github.com/spec/v1\n", "lfs_pointer"),
    ],
)
def test_problems_of_sidecars_are_named(tmp_path, reading, picture, file, values, kind):
    picture(tmp_path / "images" / "a.png")
    path = tmp_path / file
    path.parent.mkdir()
    path.write_bytes(values) if isinstance(values, bytes) else save(path, values)
    (record,), problems = reading("folder", tmp_path)
    assert kinds(problems) == {kind: 1}
    assert record.labels == ()
    assert record.maps == {}


def test_every_picture_ends_in_an_outcome(tmp_path, reading, picture):
    for name in ("a", "b"):
        picture(tmp_path / "images" / f"{name}.png")
    for name in ("a", "c"):
        save(tmp_path / "masks" / f"{name}.png", instances(1))
    records, problems = reading("folder", tmp_path)
    assert [record.origin for record in records] == ["images/a.png", "images/b.png"]
    assert kinds(problems) == {"missing_image": 1, "missing_map": 1}
    assert problems.records_lost == 1


def test_a_folder_called_masks_alone_is_pictures(tmp_path, reading, picture):
    picture(tmp_path / "masks" / "a.png")
    records, problems = reading("folder", tmp_path)
    assert len(records) == 1
    assert len(problems) == 0
