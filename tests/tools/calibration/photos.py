"""Tests on real photos: faults are added to them, so that what was added is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.tools.calibration.score import roc_auc
from workbench.base.errors import InputError
from workbench.core.measures import Picture, decode, derive, measure_all
from workbench.core.measures.sensor import blur_px, noise

Rgb8 = NDArray[np.uint8]
SIZE = (640, 480)
PHOTOS, RENDERS = 40, 24
SHARP_PX, QUIET_LEVELS, LIT_EV = 0.7, 1.2, -2.0  # of a render that may stand for a good picture
BLURS_PX, NOISES = (2.0, 3.0, 4.0, 6.0), (2.0, 5.0, 10.0)
DARKNESS, HIGHLIGHT_SHARES = (12, 20, 30), (0.005, 0.012, 0.03)


def added_faults(folder: Path, renders: Sequence[str]) -> list[dict[str, Any]]:
    """Figures on the photos below a folder and on renders.

    Raises:
        InputError: the folder has no photos.
    """
    photos = read_photos(folder)
    sharp = [fitted(path) for path in renders[:RENDERS]]
    pictures = photos + sharp
    errors = noise_errors(pictures)
    rows = [
        {
            "test": f"blur AUC, sigma {sigma:g} px, {len(photos)} photos, {len(sharp)} renders",
            "value": value,
            "goal": ">= 0.98",
        }
        for sigma, value in blur_aucs(pictures).items()
    ]
    rows += [
        {"test": f"noise, mean absolute error, sigma {sigma:g}", "value": value, "goal": "<= 1"}
        for sigma, value in errors.items()
    ]
    return [*rows, {"test": "dark with a highlight is dark, recall", "value": dark_recall(pictures), "goal": ">= 0.95"}]


def is_clean(shot: Mapping[str, Any]) -> bool:
    """Whether a calibration picture has no fault to speak of."""
    sharp = shot["blur_px"] < SHARP_PX and not shot["motion_px"] and not shot["banding"]
    return bool(sharp and shot["noise"] < QUIET_LEVELS and shot["exposure_ev"] > LIT_EV)


def read_photos(folder: Path) -> list[Rgb8]:
    """Up to ``PHOTOS`` photos below a folder, evenly chosen, at 640 x 480."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    if not found:
        raise InputError("The folder holds no photos (.jpg).", at=str(folder))
    return [fitted(str(path)) for path in found[:: max(1, len(found) // PHOTOS)][:PHOTOS]]


def fitted(path: str) -> Rgb8:
    """A picture scaled to cover 640 x 480 and cut to it."""
    image = cv2.imread(path)
    if image is None:
        raise InputError("The image is damaged.", at=path)
    factor = max(SIZE[0] / image.shape[1], SIZE[1] / image.shape[0])
    if factor != 1:
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image[: SIZE[1], : SIZE[0], ::-1], np.uint8)


def blur_aucs(pictures: Sequence[Rgb8]) -> dict[float, float]:
    """Per sigma: probability that a blurred picture measures more blur than one that was not blurred."""
    clean = [blur_px(Picture(image)) for image in pictures]
    blurred: Callable[[Rgb8, float], Rgb8] = lambda image, sigma: np.asarray(  # noqa: E731
        cv2.GaussianBlur(image, (0, 0), sigma), np.uint8
    )
    return {
        sigma: roc_auc(clean, [blur_px(Picture(blurred(image, sigma))) for image in pictures]) for sigma in BLURS_PX
    }


def noise_errors(pictures: Sequence[Rgb8]) -> dict[float, float]:
    """Per sigma: mean absolute error of the noise in gray levels; the photos' own noise counts as error."""
    found = {}
    for sigma in NOISES:
        rng = np.random.default_rng(int(sigma))
        away = []
        for image in pictures:
            grain = rng.normal(0.0, sigma, image.shape[:2])[..., None]
            noisy = np.clip(np.rint(image + grain), 0, 255).astype(np.uint8)
            away.append(abs(noise(Picture(noisy)) - sigma))
        found[sigma] = float(np.mean(away))
    return found


def dark_recall(pictures: Sequence[Rgb8]) -> float:
    """Share of dark versions with a small saturated spot that are called dark or dim."""
    hits = []
    for k, image in enumerate(pictures):
        mean, share = DARKNESS[k % len(DARKNESS)], HIGHLIGHT_SHARES[k // 3 % len(HIGHLIGHT_SHARES)]
        dark = np.clip(image * (mean / max(float(image.mean()), 1.0)), 0, 255).astype(np.uint8)
        radius = round(float(np.sqrt(share * dark[..., 0].size / np.pi)))
        cv2.circle(dark, (200 + 40 * (k % 6), 240), radius, (255, 255, 255), -1)
        done, data = cv2.imencode(".jpg", dark)
        assert done
        hits.append(derive(measure_all(decode(bytes(data))))["lighting"] in ("dark", "dim"))
    return float(np.mean(hits))
