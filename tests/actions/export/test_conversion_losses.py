"""What a conversion to PNG leaves out besides pixels is said: EXIF data, further frames and pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from workbench.actions.export import export
from workbench.actions.load import load


def frames(n: int) -> list[Image.Image]:
    random = np.random.default_rng(n)
    return [Image.fromarray(random.integers(0, 255, (48, 64, 3), np.uint8)) for _ in range(n)]


def save(path: Path, n: int = 1, *, camera: str = "", orientation: int = 1, **options: Any) -> None:
    first, *others = frames(n)
    exif = Image.Exif()
    if camera:
        exif[ExifTags.Base.Make] = camera
    if orientation != 1:
        exif[ExifTags.Base.Orientation] = orientation
    more = {"save_all": True, "append_images": others} if others else {}
    first.save(path, **more, **({"exif": exif} if len(exif) else {}), **options)


EXIF = "EXIF data of 1 image left out by the conversion"
FRAMES = "frames after the first of 1 image (animated or of several pages) left out by the conversion"


@pytest.mark.parametrize(
    ("suffix", "given", "expected"),
    [
        (".gif", {"n": 3}, [FRAMES]),
        (".webp", {"n": 2}, [FRAMES]),
        (".tiff", {"n": 2}, [FRAMES]),
        (".webp", {"camera": "Maker"}, [EXIF]),
        (".webp", {"n": 2, "camera": "Maker"}, [EXIF, FRAMES]),
        (".webp", {"orientation": 6}, []),
        (".gif", {}, []),
    ],
    ids=str,
)
def test_what_a_converted_image_loses_is_said(
    dataset: Any, tmp_path: Path, suffix: str, given: dict[str, Any], expected: list[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    save(folder / f"a{suffix}", **given)
    load(dataset, folder, source="real", format="folder")
    report = export(dataset, tmp_path / "out", format="kitti", near_duplicates=False, splits={"train": 1.0})
    assert [note for note in report.notes if "left out by the conversion" in note] == expected
    assert any("converted to PNG" in note for note in report.notes)
    kept = export(dataset, tmp_path / "coco", format="coco", near_duplicates=False, splits={"train": 1.0})
    assert not any("conversion" in note for note in kept.notes)
