"""What a calibration found: a row per measure and per attribute, as text, JSON and a page with plots."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.tools.calibration import photos as photo_tests
from tests.tools.calibration import words
from tests.tools.calibration.plots import page
from tests.tools.calibration.score import balanced_accuracy, confusion, interval, rank_correlation, roc_auc
from workbench.base.files import write_bytes, write_json
from workbench.base.plurals import counted
from workbench.core.measures import DerivedAttribute
from workbench.core.measures.attributes import DARK_EV
from workbench.core.measures.model import models

Shot = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Relation:
    """A measure and the truth that it should follow.

    Attributes:
        measure: name of the measure.
        truth: what is true, in words.
        of: the true value of a shot.
        goal: rank correlation to reach, if one is set.
        where: shots to look at.
        faults: the truth is a fault that most pictures lack; then how well it is found counts too.
    """

    measure: str
    truth: str
    of: Callable[[Shot], float]
    goal: float | None = None
    where: Callable[[Shot], bool] = lambda shot: True
    faults: bool = False


def _still(shot: Shot) -> bool:
    return bool(shot["motion_px"] == 0)


def _still_and_lit(shot: Shot) -> bool:
    return _still(shot) and shot["exposure_ev"] > DARK_EV


RELATIONS = (
    Relation("exposure_ev", "radiance through the lens, exposed, EV", lambda s: s["exposure_ev"], 0.9),
    Relation("exposure_ev", "light on the scene, exposed, whatever its colours, EV", lambda s: s["stops"]),
    Relation("contrast", "contrast of the radiance shown without faults", lambda s: s["contrast"], 0.9),
    Relation("dynamic_range_stops", "range of the radiance, EV", lambda s: s["dynamic_range_stops"]),
    Relation("clipped_bright", "share of radiance above white", lambda s: s["clipped_bright"]),
    Relation("noise", "noise in the file, gray levels", lambda s: s["noise_in_file"], 0.9),
    Relation("noise", "noise before compression, gray levels", lambda s: s["noise"]),
    Relation("blur_px", "lens blur, camera still, picture not dark, px", lambda s: s["blur_px"], 0.9, _still_and_lit),
    Relation("blur_px", "lens blur, camera still, px", lambda s: s["blur_px"], None, _still),
    Relation("blur_px", "lens blur, all, px", lambda s: s["blur_px"]),
    Relation("motion_px", "length of motion, px", lambda s: s["motion_px"], faults=True),
    Relation("banding", "amplitude of bands, gray levels", lambda s: s["banding"], faults=True),
    Relation("blockiness", "JPEG quality below 100", lambda s: 100.0 - s["jpeg_quality"]),
    Relation("vignetting", "light lost in the corners", lambda s: s["vignette"], faults=True),
    Relation("color_temperature_k", "colour temperature of the key light, K", lambda s: s["temperature_k"]),
    Relation("unevenness_stops", "spread of the light over the scene, EV", lambda s: s["light"]["light_spread_stops"]),
    Relation("shadow_share", "share of hard key light", lambda s: s["light"]["hardness"]),
    Relation("shadow_depth_stops", "share of hard key light", lambda s: s["light"]["hardness"]),
    Relation("backlight_stops", "how far the key light faces the camera", lambda s: s["light"]["facing"]),
    Relation("highlight_share", "share of specular highlights", lambda s: s["highlight_share"]),
    Relation("highlight_size", "largest specular highlight", lambda s: s["highlight_size"], 0.7),
    Relation("gloss", "spread of the reflected light", lambda s: s["gloss"], 0.7),
    Relation("gloss", "one minus roughness of the working surface", lambda s: s["material_gloss"]),
)
ATTRIBUTES: Mapping[str, tuple[Callable[[Shot], str], tuple[str, ...], float | None]] = {
    "lighting": (words.lighting, words.LIGHTING, 0.85),
    "sensor": (words.sensor, words.SENSOR, None),
}


@dataclasses.dataclass(frozen=True)
class Report:
    """Outcome of a calibration.

    Attributes:
        frames, pictures: held out, which is what all figures are of.
        measures: rows with ``measure``, ``truth``, ``rho``, ``low``, ``high``, ``goal``, ``auc``, ``per_backend``.
        attributes: rows with ``attribute``, ``balanced_accuracy``, ``answered``, ``accuracy_of_answers``, ``goal``,
            ``words`` and ``confusion``.
        photos: figures on real photos, if asked for.
        plots: points of each relation, for the page.
    """

    frames: int
    pictures: int
    frames_fitted: int
    measures: list[dict[str, Any]]
    attributes: list[dict[str, Any]]
    photos: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    plots: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    def with_photos(self, folder: Path, shots: Sequence[Shot]) -> Report:
        """The report with the tests on real photos and on renders of ``shots`` that are sharp and clean."""
        clean = [shot["path"] for shot in shots if photo_tests.is_clean(shot)]
        return dataclasses.replace(self, photos=photo_tests.added_faults(folder, clean))

    def document(self) -> dict[str, Any]:
        """The figures as plain values."""
        said = dataclasses.asdict(self)
        del said["plots"]
        return said

    def text(self) -> str:
        """The figures as a table for people."""
        lines = [f"{counted(self.frames, 'scene')}, {counted(self.pictures, 'picture')}, none used for fitting", ""]
        lines += [f"{'measure':<21}{'rank correlation (95 %)':<26}{'goal':<7}{'AUC':<7}truth"]
        for row in self.measures:
            rho = f"{row['rho']:.3f} ({row['low']:.2f} .. {row['high']:.2f})"
            auc = "" if row["auc"] is None else f"{row['auc']:.3f}"
            lines += [f"{row['measure']:<21}{rho:<26}{_goal(row['goal'], row['rho']):<7}{auc:<7}{row['truth']}"]
        lines += ["", f"{'attribute':<11}{'balanced accuracy':<19}{'goal':<7}{'answered':<10}of those answered"]
        for row in self.attributes:
            lines += [
                f"{row['attribute']:<11}{row['balanced_accuracy']:<19.3f}"
                f"{_goal(row['goal'], row['balanced_accuracy']):<7}{row['answered']:<10.2f}"
                f"{row['accuracy_of_answers']:.3f}"
            ]
        if self.photos:
            lines += ["", f"{'on real photos':<58}{'found':<9}goal"]
        lines += [f"{row['test']:<58}{row['value']:<9.3f}{row['goal']}" for row in self.photos]
        return "\n".join(lines) + "\n"

    def write(self, out: Path) -> None:
        """``report.json``, ``report.txt`` and ``report.html``."""
        write_json(out / "report.json", self.document())
        write_bytes(out / "report.txt", self.text().encode())
        write_bytes(out / "report.html", page(self.text(), self.plots, self.attributes).encode())


def report_of(
    shots: Sequence[Shot],
    measured: Sequence[Mapping[str, Any]],
    answers: Sequence[Mapping[str, DerivedAttribute]],
    *,
    frames_fitted: int,
) -> Report:
    """Compare measures and words with the truth, on pictures that took no part in fitting."""
    rows, plots = [], []
    for relation in RELATIONS:
        row, plot = _relation(relation, shots, measured)
        rows.append(row)
        plots.append(plot)
    for name in ("highlight_share", "gloss"):
        row, plot = _labels(name, shots, measured)
        rows.append(row)
        plots.append(plot)
    rows.append(_direction(shots, measured))
    attributes = [_attribute(name, shots, answers) for name in ATTRIBUTES]
    frames = len({(shot["backend"], shot["frame"]) for shot in shots})
    return Report(frames, len(shots), frames_fitted, rows, attributes, plots=plots)


def _relation(
    relation: Relation, shots: Sequence[Shot], measured: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    chosen = [k for k, shot in enumerate(shots) if relation.where(shot)]
    true = np.array([relation.of(shots[k]) for k in chosen], float)
    found = np.array([measured[k][relation.measure] for k in chosen], float)
    frames = np.array([shots[k]["frame"] for k in chosen])
    backends = np.array([shots[k]["backend"] for k in chosen])
    row = _row(relation.measure, relation.truth, true, found, frames, relation.goal)
    row["per_backend"] = {
        name: rank_correlation(found[backends == name], true[backends == name])
        for name in sorted(set(backends.tolist()))
    }
    if relation.faults and 0 < (true > 0).sum() < len(true):
        row["auc"] = round(roc_auc(found[true == 0], found[true > 0]), 4)
    return row, {
        "title": f"{relation.measure}: {relation.truth}",
        "x": true.tolist(),
        "y": found.tolist(),
        "rho": row["rho"],
    }


def _row(
    name: str, truth: str, true: np.ndarray, found: np.ndarray, frames: np.ndarray, goal: float | None
) -> dict[str, Any]:
    low, high = interval(found, true, frames, rng=np.random.default_rng(0))
    rho = rank_correlation(found, true)
    found_row = {"measure": name, "truth": truth, "rho": round(rho, 4), "low": round(low, 4), "high": round(high, 4)}
    return {**found_row, "goal": goal, "auc": None, "n": len(true), "per_backend": {}}


def _labels(
    name: str, shots: Sequence[Shot], measured: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    model = models()["label_gloss"]
    pairs = [
        (truth[name], features[name] if name != "gloss" else float(np.exp(model.scores(features)[0])), shot["frame"])
        for shot, values in zip(shots, measured, strict=True)
        for truth, features in zip(shot["labels"], values["labels"], strict=True)
        if features is not None
    ]
    true, found, frames = (np.array(column) for column in zip(*pairs, strict=True))
    row = _row(f"label {name}", "the same, inside the box", true, found, frames, None)
    return row, {"title": f"label {name}", "x": true.tolist(), "y": found.tolist(), "rho": row["rho"]}


def _direction(shots: Sequence[Shot], measured: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Motion direction as the share within 20 degrees (chance 0.22), in the place of a correlation."""
    moved = [k for k, shot in enumerate(shots) if shot["motion_px"] > 0]
    away = [
        abs((measured[k]["motion_direction_deg"] - shots[k]["motion_direction_deg"] + 90) % 180 - 90) for k in moved
    ]
    share = round(float(np.mean(np.array(away) < 20)), 4) if away else 0.0
    truth = "share of moving cameras whose direction is within 20 degrees (chance 0.22)"
    name = "motion_direction_deg"
    found = {"measure": name, "truth": truth, "rho": share, "low": share, "high": share, "goal": None}
    return {**found, "auc": None, "n": len(moved), "per_backend": {}}


def _attribute(name: str, shots: Sequence[Shot], answers: Sequence[Mapping[str, DerivedAttribute]]) -> dict[str, Any]:
    true_word, known, goal = ATTRIBUTES[name]
    true, found = [true_word(shot) for shot in shots], [answer[name].word for answer in answers]
    table = confusion(true, found, known)
    answered = [k for k, word in enumerate(found) if word != "unknown"]
    return {
        "attribute": name,
        "balanced_accuracy": round(balanced_accuracy(table), 4),
        "answered": round(len(answered) / max(len(found), 1), 4),
        "accuracy_of_answers": round(balanced_accuracy(table, unknown_counts=False), 4),
        "goal": goal,
        "words": list(known),
        "confusion": table,
    }


def _goal(goal: float | None, value: float) -> str:
    return "" if goal is None else f"{goal:g} {'ok' if value >= goal else 'NO'}"
