"""Small linear models over measures, read from a file of plain numbers.

``models.json`` is written by ``python -m tests.tools calibrate --fit``; it says on how many frames
it was fitted. Every feature is standardised and cut at four standard deviations, so a picture unlike all that was
seen moves the answer no further than an unusual one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FILE = Path(__file__).with_name("models.json")
CUT = 4.0
LOG_OFFSET = 0.003
LOGARITHMIC = frozenset(  # whose ratios matter, not their differences
    {
        "noise", "blur_px", "motion_px", "banding", "blockiness", "texture", "highlight_share", "highlight_size",
        "glint", "shadow_share", "shadow_hardness", "clipped_bright", "clipped_dark", "luminance_median", "gloss",
    }
)  # fmt: skip


def feature(name: str, value: float) -> float:
    """A measure as a feature of a model: its logarithm where ratios matter."""
    return float(np.log(max(value, 0.0) + LOG_OFFSET)) if name in LOGARITHMIC else value


@dataclass(frozen=True, eq=False)
class Model:
    """A linear model, with several rows of weights for several words.

    Attributes:
        features: names of measures.
        mean, scale: of each feature where it was fitted.
        words: the word of each row; empty for a single number.
        weights: ``(rows, features)``.
        bias: ``(rows,)``.
    """

    features: tuple[str, ...]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    words: tuple[str, ...]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Model:
        """The model of what ``document`` gave."""
        numbers = {key: np.array(document[key], np.float64) for key in ("mean", "scale", "weights", "bias")}
        return cls(features=tuple(document["features"]), words=tuple(document["words"]), **numbers)

    def document(self) -> dict[str, Any]:
        """Plain JSON values, numbers rounded to five digits."""
        document: dict[str, Any] = {"features": list(self.features), "words": list(self.words)}
        for key in ("mean", "scale", "weights", "bias"):
            document[key] = [
                [float(f"{v:.5g}") for v in row] if np.ndim(row) else float(f"{row:.5g}") for row in getattr(self, key)
            ]
        return document

    def scores(self, measured: Mapping[str, float]) -> NDArray[np.float64]:
        """One number per row."""
        values = np.array([feature(name, measured[name]) for name in self.features])
        standard = np.clip((values - self.mean) / self.scale, -CUT, CUT)
        return np.asarray(self.weights @ standard + self.bias)

    def shares(self, measured: Mapping[str, float]) -> dict[str, float]:
        """Probability of each word (softmax of the scores)."""
        scores = self.scores(measured)
        powers = np.exp(scores - scores.max())
        return dict(zip(self.words, (powers / powers.sum()).tolist(), strict=True))


def models() -> Mapping[str, Model]:
    """The models in use by name: the committed ones, unless ``used`` says otherwise."""
    return _USED.get() or _committed()


@contextmanager
def used(other: Mapping[str, Model]) -> Iterator[None]:
    """Use other models inside the block, to evaluate them before they are written."""
    token = _USED.set(other)
    try:
        yield
    finally:
        _USED.reset(token)


_USED: ContextVar[Mapping[str, Model] | None] = ContextVar("models", default=None)


@cache
def _committed() -> Mapping[str, Model]:
    documents = json.loads(FILE.read_text())["models"]
    return {name: Model.of(document) for name, document in documents.items()}
