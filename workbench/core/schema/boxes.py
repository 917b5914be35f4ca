"""Boxes of one sample as an evaluation needs them: the truth beside what was predicted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """One box as it lies in the database.

    Attributes:
        id: id of the label.
        name: class.
        xyxy: edges as shares of the picture's width and height.
        confidence: 0..1, ``None`` for the truth.
        outcome: what evaluation found (``hit``, ``miss`` ...), ``None`` before.
        crowd: a region of many objects, that neither hits nor misses.
        tags: of this label alone.
        size: width and height as they are stored, ``None`` for the differences of the edges.
    """

    id: str
    name: str
    xyxy: tuple[float, float, float, float]
    confidence: float | None = None
    outcome: str | None = None
    crowd: bool = False
    tags: tuple[str, ...] = ()
    size: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Boxes:
    """Truth and predictions of one sample."""

    sample_id: str
    truth: tuple[Box, ...]
    predicted: tuple[Box, ...]
