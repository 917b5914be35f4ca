"""Fit the small linear models of ``workbench.core.measures`` on one part of a calibration set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.tools.calibration import words
from workbench.core.measures.attributes import DIM_EV
from workbench.core.measures.gloss import FEATURES
from workbench.core.measures.model import CUT, Model, feature
from workbench.core.measures.registry import MEASURES

Floats = NDArray[np.float64]
LEAST_GLOSS = 0.01
RIDGE, SOFTMAX_RIDGE = 10.0, 6.0
STEPS = 600
NOT_FEATURES = ("bit_depth", "light_direction_deg", "motion_direction_deg")
ALL_FEATURES = tuple(name for name in MEASURES if name not in NOT_FEATURES)


def fit_models(shots: Sequence[Mapping[str, Any]], measured: Sequence[Mapping[str, float]]) -> dict[str, Model]:
    """All models, by the name under which ``workbench.core.measures`` looks for them.

    Args:
        shots: what is true of each picture.
        measured: its measures, with ``labels`` as ``label_features`` gives them.
    """
    light = [k for k, m in enumerate(measured) if m["exposure_ev"] > DIM_EV]
    boxes = [(t, f) for s, m in zip(shots, measured, strict=True) for t, f in _boxes(s, m)]
    gloss = _gloss_model(measured, [s["gloss"] for s in shots])
    return {
        "gloss": gloss,
        "label_gloss": _gloss_model([f for _, f in boxes], [t["gloss"] for t, _ in boxes]),
        "light": softmax_model(
            [measured[k] for k in light], [words.light_kind(shots[k]) for k in light], ALL_FEATURES, words.LIGHT_KINDS
        ),
        "motion": softmax_model(
            measured, [words.moved(shot) for shot in shots], ALL_FEATURES, words.MOTION, balanced=False
        ),
    }


def _boxes(shot: Mapping[str, Any], measured: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    return [(t, f) for t, f in zip(shot["labels"], measured["labels"], strict=True) if f is not None]


def _gloss_model(measured: Sequence[Mapping[str, float]], truth: Sequence[float]) -> Model:
    return ridge_model(measured, np.log(np.maximum(truth, LEAST_GLOSS)), tuple(FEATURES))


def ridge_model(measured: Sequence[Mapping[str, float]], target: Floats, features: Sequence[str]) -> Model:
    """Least squares with a penalty on the weights."""
    standard, mean, scale = _standard(measured, features)
    inner = standard.T @ standard + RIDGE * np.eye(len(features))
    weights = np.linalg.solve(inner, standard.T @ (target - target.mean()))
    bias = np.array([float(target.mean() - standard.mean(axis=0) @ weights)])
    return Model(tuple(features), mean, scale, (), weights[None, :], bias)


def softmax_model(
    measured: Sequence[Mapping[str, float]],
    true: Sequence[str],
    features: Sequence[str],
    known: Sequence[str],
    *,
    balanced: bool = True,
) -> Model:
    """Multinomial logistic regression with a ridge; where ``balanced``, every word weighs the same.

    Newton's method with a bounded Hessian: the curvature of the likelihood never exceeds that of ``(I - 11'/k) / 2``
    (Boehning 1992), so one factorised matrix serves all steps and each step goes uphill.
    """
    standard, mean, scale = _standard(measured, features)
    design = np.column_stack([standard, np.ones(len(standard))])
    target = np.array([[word == name for name in known] for word in true], float)
    weight = (target / np.maximum(target.sum(axis=0), 1)).sum(axis=1) * len(true) / len(known)
    weight = weight if balanced else np.ones(len(true))
    ridge = np.diag([SOFTMAX_RIDGE] * len(features) + [1e-6])
    bound = np.linalg.inv(design.T @ (design * weight[:, None]) / 2 + ridge)
    rows = np.zeros((len(known), design.shape[1]))
    for _ in range(STEPS):
        scores = design @ rows.T
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        slope = (weight[:, None] * (target - shares)).T @ design - rows @ ridge
        rows += slope @ bound
    return Model(tuple(features), mean, scale, tuple(known), rows[:, :-1], rows[:, -1])


def _standard(measured: Sequence[Mapping[str, float]], features: Sequence[str]) -> tuple[Floats, Floats, Floats]:
    values = np.array([[feature(name, m[name]) for name in features] for m in measured], float)
    mean, scale = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-6)
    return np.clip((values - mean) / scale, -CUT, CUT), mean, scale
