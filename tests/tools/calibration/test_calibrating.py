"""Calibration: scores on hand-computed values, fits that recover what was planted, and a tiny set from end to end."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.bench.bench_measures import print_table
from tests.tools.calibration import calibrate, photos, words
from tests.tools.calibration.fit import ridge_model, softmax_model
from tests.tools.calibration.plots import page
from tests.tools.calibration.run import Pictures
from tests.tools.calibration.scenes import LIGHTS, fault_of, scene_of
from tests.tools.calibration.score import balanced_accuracy, confusion, interval, rank_correlation, roc_auc
from tests.tools.calibration.truth import highlights, largest, visible_gloss
from workbench.base.errors import InputError
from workbench.core.measures.model import Model
from workbench.core.schema import fields


@pytest.mark.parametrize(
    ("one", "other", "rho"),
    [
        ([1, 2, 3, 4], [10, 20, 30, 45], 1.0),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1.0),
        ([1, 2, 3], [2, 1, 3], 0.5),
        ([1, 1, 1], [1, 2, 3], 0.0),
        ([1, 1, 2, 2], [1, 2, 3, 4], 0.894427),
    ],
)
def test_rank_correlation(one: list[float], other: list[float], rho: float) -> None:
    assert rank_correlation(one, other) == pytest.approx(rho, abs=1e-5)


def test_scores_of_words() -> None:
    table = confusion(["a", "a", "b", "b"], ["a", "unknown", "b", "a"], ["a", "b"])
    assert table == [[1, 0, 1], [1, 1, 0]]
    assert balanced_accuracy(table) == 0.5
    assert balanced_accuracy(table, unknown_counts=False) == 0.75
    assert balanced_accuracy([[0, 0, 0], [0, 2, 0]]) == 1.0
    assert roc_auc([1, 2, 3], [4, 5]) == 1.0
    assert roc_auc([1], [1]) == 0.5


def test_interval_holds_the_value() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=120)
    y = x + rng.normal(size=120)
    low, high = interval(x, y, np.arange(120) // 3, rng=rng)
    assert -1 < low < rank_correlation(x, y) < high < 1


def test_fits_recover_what_was_planted(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rows = [{"exposure_ev": float(a), "contrast": float(b)} for a, b in rng.normal(size=(400, 2))]
    target = np.array([3 * r["exposure_ev"] - r["contrast"] for r in rows])
    number = ridge_model(rows, target, ("exposure_ev", "contrast"))
    assert rank_correlation([number.scores(r)[0] for r in rows], target) > 0.99
    true = ["up" if value > 0 else "down" for value in target]
    word = softmax_model(rows, true, ("exposure_ev", "contrast"), ("up", "down"))
    found = [max(word.shares(r), key=word.shares(r).__getitem__) for r in rows]
    assert balanced_accuracy(confusion(true, found, ("up", "down"))) > 0.95
    again = Model.of(json.loads(json.dumps(word.document())))
    assert again.shares(rows[0]) == pytest.approx(word.shares(rows[0]), abs=1e-3)


def test_highlights_are_specular_and_bright() -> None:
    full, dull = np.full((10, 10, 3), 0.2, np.float32), np.full((10, 10, 3), 0.2, np.float32)
    full[2:4, 2:4] = 1.2
    full[6, 6] = 0.4  # shines, but is not bright
    dull[8], full[8] = 0.9, 0.9  # bright, but does not shine
    mask = highlights(full, dull, 1.0)
    assert mask.sum() == 4
    assert largest(mask) == pytest.approx(0.04)
    assert visible_gloss(full, dull, 1.0) > visible_gloss(dull, dull, 1.0) == 0.0


def test_words_of_the_truth_are_known_words() -> None:
    assert set(words.LIGHTING) | {"unknown"} == set(fields.LIGHTING_WORDS)
    assert set(words.SENSOR) | {"unknown"} == set(fields.SENSOR_WORDS)
    light = {"facing": 0.0, "key_share": 0.2, "light_spread_stops": 0.1, "hardness": 0.2}
    shot = {"exposure_ev": 0.0, "light": light}
    assert words.lighting(shot) == "normal"
    assert words.lighting(shot | {"exposure_ev": -3.0}) == "dim"
    assert words.lighting(shot | {"light": light | {"facing": 0.9, "key_share": 0.9}}) == "backlit"
    assert words.lighting(shot | {"light": light | {"light_spread_stops": 2.0}}) == "uneven"
    assert words.lighting(shot | {"light": light | {"hardness": 0.9}}) == "harsh"


def test_faults_hang_on_frame_and_shot_alone() -> None:
    assert fault_of(3, 1) == fault_of(3, 1) != fault_of(3, 2)
    assert [scene_of(k)[1] for k in range(4)] == list(LIGHTS)


def test_no_scene_is_fitted_and_reported_on() -> None:
    shots = [{"frame": k, "backend": "flat"} for k in range(60) for _ in range(3)]
    pictures = Pictures(shots, [{} for _ in shots])
    one, other = ({s["frame"] for s in pictures.part(side).shots} for side in (True, False))
    assert one and other and not one & other
    assert len(one) + len(other) == 60


def test_a_page_shows_text_as_text() -> None:
    plot = {"title": "<b>", "x": [1.0, 2.0], "y": [1.0, 3.0], "rho": 1.0}
    row = {"attribute": "a", "balanced_accuracy": 1.0, "words": ["<i>"], "confusion": [[1, 0]]}
    found = page("a < b", [plot], [row])
    assert "a &lt; b" in found and "&lt;b&gt;" in found and "<i>" not in found


def test_dark_pictures_with_a_highlight_are_dark() -> None:
    rng = np.random.default_rng(0)
    pictures = [
        np.repeat(
            cv2.resize(rng.integers(30, 220, (12, 16), np.uint8), (640, 480), interpolation=0)[..., None], 3, axis=2
        )
        for _ in range(9)
    ]
    assert photos.dark_recall(pictures) == 1.0
    assert min(photos.blur_aucs(pictures).values()) >= 0.98
    assert max(photos.noise_errors(pictures).values()) <= 1.0


@pytest.mark.shared_data
def test_faults_added_to_real_photos_are_found(shared_data: Path) -> None:
    pictures = photos.read_photos(shared_data / "coco_nuts")
    assert min(photos.blur_aucs(pictures).values()) >= 0.98
    assert photos.dark_recall(pictures) >= 0.95


def test_a_folder_without_photos_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="photos"):
        photos.read_photos(tmp_path)


def test_the_benchmark_says_when_its_rival_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    rates = {"all measures": [300.0, 310.0], "decoding as needed": [900.0, 930.0]}
    print_table(rates, 2000, 2)
    assert "not installed" in capsys.readouterr().out
    print_table(rates | {"CleanVision, 2 jobs": [30.0, 31.0]}, 2000, 2)
    assert "10.0 x" in capsys.readouterr().out


@pytest.mark.long  # a tool of the developers'
def test_a_tiny_set_from_end_to_end(tmp_path: Path) -> None:
    report = calibrate(tmp_path, frames=16, backends=("flat",))
    again = calibrate(tmp_path, frames=16, backends=("flat",))
    assert again.document() == report.document()  # nothing was drawn anew
    said = json.loads((tmp_path / "report.json").read_text())
    assert said == json.loads(json.dumps(report.document()))
    rho = {row["measure"] + ": " + row["truth"]: row["rho"] for row in said["measures"]}
    assert rho["exposure_ev: radiance through the lens, exposed, EV"] > 0.9
    assert rho["contrast: contrast of the radiance shown without faults"] > 0.8
    assert {row["attribute"] for row in said["attributes"]} == {"lighting", "sensor"}
    assert "exposure_ev" in (tmp_path / "report.txt").read_text()
    assert (tmp_path / "report.html").read_text().count("<svg") == len(report.plots)


def test_too_few_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="frames"):
        calibrate(tmp_path, frames=0, backends=("flat",))
