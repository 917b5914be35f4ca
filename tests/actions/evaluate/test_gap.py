"""``wb.gap`` and ``workbench gap``: sides, slices of a facet, clear refusals, a plot that opens anywhere."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.actions.evaluate import gap
from workbench.actions.evaluate.gap import Gaps
from workbench.actions.evaluate.gap_text import measure_sentence
from workbench.base.errors import InputError
from workbench.core.gap.gap import Gap, MeasureGap

NAMES = ("luminance", "noise", "blur_px", "light_direction_deg")
FAR = MeasureGap("blur_px", 1.5, 0.1, 1.0, 2.2, 0.01)
APART = Gap(50, 40, 0.9, 0.84, 0.96, 0.01, 0.3, 0.01, 0.5, 0.01, (FAR, MeasureGap("noise", 0.1, 0.1, 2, 2, 0.9)))
ALIKE = Gap(50, 40, 0.52, 0.41, 0.63, 0.4, 0.0, 0.5, 0.1, 0.5, (MeasureGap("noise", 0.1, 0.1, 2, 2, 0.9),))
FEW = Gap(50, 3, note="Too few samples: 50 and 3, at least 10 on each side.")


@pytest.fixture
def mixed(dataset: Any) -> Any:
    """80 real and 60 synthetic samples; synthetic mirrors are sharper than real ones."""
    import fiftyone as fo

    rng, samples = np.random.default_rng(0), []
    for i in range(140):
        source, surface = ("real" if i < 80 else "synthetic"), ("mirror", "wood")[i % 2]
        values = dict(zip(NAMES, rng.normal(size=4), strict=True))
        values["blur_px"] += 4.0 * ((source, surface) == ("synthetic", "mirror"))
        values["light_direction_deg"] = 350.0 * (source == "real")  # a direction is no number on a line
        measures = fo.DynamicEmbeddedDocument(**values)
        samples.append(fo.Sample(f"/nowhere/{i:04}.png", source=source, surface=surface, measures=measures))
    dataset.add_samples(samples, dynamic=True, progress=False)
    return dataset


def test_real_against_synthetic_per_slice(mixed: Any) -> None:
    found = gap(mixed, by="surface")
    rows = {row["surface"]: row for row in found.rows}
    assert rows["mirror"]["different"] and rows["mirror"]["low"] > 0.75 and not rows["wood"]["different"]
    assert next(iter(rows["mirror"]["per_measure"])) == "blur_px" and len(rows["mirror"]["per_measure"]) == 3
    assert "blur_px" in rows["mirror"]["words"] and "no significant difference" in rows["wood"]["words"]
    assert rows["wood"]["low"] <= 0.5 <= rows["wood"]["high"]
    assert (rows["mirror"]["samples"], rows["mirror"]["against"]) == (40, 30)
    frame = found.frame.set_index("surface")
    assert frame.loc["mirror", "auc"] == rows["mirror"]["auc"]
    assert f">{rows['mirror']['auc']:.2f}<" in found._repr_html_()
    (whole,) = gap(mixed).rows
    assert whole["different"] and whole["samples"] + whole["against"] == 140
    pd.testing.assert_frame_equal(gap(mixed).measures, gap(mixed).measures)


def test_any_filter_against_any_other(mixed: Any) -> None:
    mirrors, wood = ("source == 'synthetic' and surface == " + repr(word) for word in ("mirror", "wood"))
    found = gap(mixed, where=mirrors, against=wood)
    assert found.rows[0]["different"] and found.sides == (mirrors, wood)
    inside = gap(mixed, where="surface == 'wood'")
    assert not inside.rows[0]["different"] and inside.sides == ("real", "synthetic")
    with pytest.raises(InputError, match="30 samples in common"):
        gap(mixed, where="source == 'synthetic'", against=wood)
    with pytest.raises(InputError, match="The side 'synthetic' has no samples"):
        gap(mixed, where="source == 'real'")


def labelled(dataset: Any, sides: dict[str, float]) -> None:
    """40 samples of each source with two boxes of about a size each, measured alike; no boxes where the size is 0."""
    import fiftyone as fo

    rng, samples = np.random.default_rng(1), []
    for source, side in sides.items():
        for i in range(40):
            sizes = side * np.exp(rng.normal(0, 0.1, 2)) if side else []
            boxes = [
                fo.Detection(
                    label="ab"[k], bounding_box=[*rng.uniform(0, 0.5, 2), s, s * rng.uniform(0.95, 1.05)], gloss=0.3
                )
                for k, s in enumerate(sizes)
            ]
            crowd = fo.Detection(label="crowd", bounding_box=[0.0, 0.0, 1.0, 1.0], iscrowd=True)
            sample = fo.Sample(f"/nowhere/{source}{i}.png", source=source, surface=("mirror", "wood")[i % 2])
            sample["ground_truth"] = fo.Detections(detections=[*boxes, crowd])
            sample["metadata"] = fo.ImageMetadata(width=200, height=100)
            values = dict(zip(NAMES, rng.normal(size=4), strict=True))
            sample["measures"] = fo.DynamicEmbeddedDocument(**values)
            samples.append(sample)
    dataset.add_samples(samples, dynamic=True, progress=False)


def test_equal_pictures_with_larger_boxes_are_told_by_objects(dataset: Any, tmp_path: Path) -> None:
    labelled(dataset, {"real": 0.2, "synthetic": 0.3})
    found = gap(dataset)
    (row,) = found.rows
    assert not row["different"] and row["object_auc"] > 0.9 and row["object_p_value"] <= 0.05
    assert next(iter(row["per_object"])) == "size" and row["per_object"]["size"] > 2
    assert row["distance"] == pytest.approx(row["distance_pictures"] + row["distance_objects"])
    told = str(found)
    assert "no significant difference" in told
    assert re.search(r"size \(median [\d.]+ against [\d.]+ of the image, ", told)
    assert f"Distance {row['distance']:.2f} standard deviations: {row['distance_pictures']:.2f} of the images" in told
    quantities = found.measures.set_index("measure")
    assert quantities.loc["aspect", "reference"] == pytest.approx(2, rel=0.05)  # of pixels, in a picture of 2 : 1
    assert "distance per label property" in found.save(tmp_path / "gap.html").read_text()
    assert found.frame["object_auc"].tolist() == [row["object_auc"]] and "crowd" not in str(row["per_object"])
    per_slice = gap(dataset, by="surface").frame
    assert per_slice["distance_objects"].notna().all() and per_slice["distance"].notna().all()
    pd.testing.assert_frame_equal(gap(dataset).measures, found.measures)


def test_labels_of_many_samples_are_read_of_some(dataset: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    labelled(dataset, {"real": 0.2, "synthetic": 0.3})
    monkeypatch.setattr(sys.modules["workbench.actions.evaluate.gap"], "MOST_READ", 15)
    (row,) = gap(dataset).rows
    assert row["samples"] > 15 and row["object_auc"] > 0.9
    assert "Labels of 15 and 15 samples, drawn at random." in str(gap(dataset))
    assert gap(dataset).rows == gap(dataset).rows


def test_a_side_without_labels_is_compared_by_pictures_alone(dataset: Any) -> None:
    labelled(dataset, {"real": 0.0, "synthetic": 0.3})
    (row,) = gap(dataset).rows
    assert row["distance"] == row["distance_pictures"] > 0 and row["distance_objects"] is None
    assert "per_object" not in row and "of the images alone" in str(gap(dataset))


def test_not_measured(dataset: Any) -> None:
    with pytest.raises(InputError, match="Measure first"):
        gap(dataset)


def test_command_line(mixed: Any, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "workbench.ui.cli", "gap", mixed.name, "--json"]
    saved = str(tmp_path / "gap.html")
    ran = subprocess.run([*command, "--by", "surface", "--save", saved], capture_output=True, text=True, check=True)
    rows = json.loads(ran.stdout)["rows"]
    assert [row["surface"] for row in rows] == ["mirror", "wood"]
    assert all({"auc", "low", "high", "per_measure", "distance", "distance_objects"} <= set(row) for row in rows)
    assert "://" not in Path(saved).read_text()
    failed = subprocess.run([*command, "--where", "surface == 'tin'"], capture_output=True, text=True, check=False)
    assert failed.returncode == 1 and "The side 'real' has no samples" in json.loads(failed.stdout)["error"]


def test_words() -> None:
    sides = ("real", "synthetic")
    assert measure_sentence(FEW, sides) == f"50 real against 3 synthetic. {FEW.note}"
    told = measure_sentence(APART, sides)
    assert "significantly different, AUC 0.90 (0.84 to 0.96)" in told
    assert "blur_px (median 1 against 2.2 px, 1.5 SD apart)" in told and "noise" not in told
    assert "no significant difference" in measure_sentence(ALIKE, sides)


def test_plot(tmp_path: Path) -> None:
    found = Gaps(("real", "synthetic"), "surface", (("<b>wood", APART), ("tin", ALIKE), (None, FEW)))
    page = found.save(tmp_path / "gap.html").read_text()
    assert page.startswith("<!doctype html>") and "://" not in page and "<b>wood" not in page
    assert len(re.findall("<circle", page)) == 2 and page.count("<svg") == 3
    assert found.frame["auc"].isna().tolist() == [False, False, True] and len(found.measures) == 3
    assert "<svg" not in Gaps(("a", "b"), None, ((None, FEW),))._repr_html_()


def test_looks_beside_measures(mixed: Any) -> None:
    from workbench.adapters import store
    from workbench.adapters.store.vectors import add_vectors
    from workbench.core.embeddings import NETWORK

    ids, rng = store.select(mixed), np.random.default_rng(0)
    vectors = rng.normal(size=(140, 80))
    vectors[80:] += 1.0
    add_vectors(mixed, NETWORK, ids, ["s"] * 140, vectors)
    (row,) = gap(mixed).rows
    assert row["look_auc"] > 0.8 and row["look_p_value"] <= 0.05 and row["frechet"] is None
    assert "Embeddings: AUC" in str(gap(mixed)) and "mostly bias" in str(gap(mixed))
    assert gap(mixed, by="surface").frame["look_auc"].notna().all()
