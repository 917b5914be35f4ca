"""Every number that people see is defined in docs/numbers.md."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.actions.evaluate.evaluate import Evaluation
from workbench.actions.evaluate.gap import NUMBERS
from workbench.actions.evaluate.gap_text import DISTANCES
from workbench.core.discovery.search import Slice
from workbench.core.metrics.outcomes import COUNTED
from workbench.core.metrics.registry import EVALUATION, METRICS

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs" / "numbers.md").read_text()
FRONT = REPOSITORY / "workbench" / "ui" / "board" / "front"
WORDS = {"class", "outcome", "value", "round", "of", "split", "slice", "tagged"}  # columns that name a row
NO_NUMBERS = {"predictions", "scope", "where", "classes", "errors", "problems", "iou", "confidence", "words", "filter"}


def columns_of_the_board() -> Iterator[str]:
    """Literal heads of the board's tables: ``table(["slice", "n", of], ...)``."""
    for path in sorted(FRONT.glob("*.js")):
        for head in re.findall(r"\btable\(\[(.*?)\],", path.read_text()):
            yield from re.findall(r'"([^"]*)"', head)


def numbers() -> Iterator[str]:
    yield from (field.name for shape in (Evaluation, Slice) for field in dataclasses.fields(shape))
    yield from (f"{EVALUATION}.{name}" for name in COUNTED)
    yield from (*NUMBERS, *DISTANCES)
    yield from (metric.usage for metric in METRICS.values())
    yield from ("samples", "labels", "value", "low", "high", "to_rest", "since_before", "since_first")


@pytest.mark.parametrize("name", sorted({*numbers()} - NO_NUMBERS))
def test_columns_and_keys_are_defined(name: str) -> None:
    assert f"`{name}`" in PAGE


def test_columns_of_the_board_are_defined() -> None:
    heads = {*columns_of_the_board()}
    assert len(heads) > 10
    defined = {part.strip() for cell in re.findall(r"^\| (.*?) \|", PAGE, re.M) for part in re.split(r"[:,/]", cell)}
    missing = {head for head in heads - WORDS if head and not {*re.split(r" / ", head)} <= defined}
    assert missing == set()
