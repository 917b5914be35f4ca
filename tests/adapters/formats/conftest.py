"""Small pictures and data sets to read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.problems import KINDS, Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.core.schema.labels import Record

WIDTH, HEIGHT = 64, 48
OUTCOME = re.compile(  # what is wrong; what became of it
    r"(?!.*\{(n|first)\})\S.*; (not )?"
    r"(.*left out|(all |boxes )?(are )?loaded|labelled|ignored|(box |label |the .* )?(are |is )?kept|clipped|used"
    r"|opened|followed|read)\b.*\.",
    re.DOTALL,
)


@pytest.fixture(scope="session")
def picture() -> Callable[..., Path]:
    def make(path: Path, *, size: tuple[int, int] = (WIDTH, HEIGHT), **save: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        shade = sum(map(ord, path.as_posix())) % 200
        Image.new("RGB", size, (shade, 90, 40)).save(path, **save)
        return path

    return make


@pytest.fixture(scope="session")
def reading() -> Callable[..., tuple[list[Record], Problems]]:
    """Read a path with a format; every kind of problem must be a declared one."""

    def read(name: str, path: Path) -> tuple[list[Record], Problems]:
        source = Source(path)
        records, problems = list(choose(source, name=name)[1].read()), source.problems
        assert {problem.kind for problem in problems} <= set(KINDS)
        assert all(problem.where for problem in problems)
        assert [problem.message for problem in problems if not OUTCOME.fullmatch(problem.message)] == []
        return records, problems

    return read


@pytest.fixture
def coco(tmp_path: Path, picture: Callable[..., Path]) -> Callable[..., Path]:
    """A COCO data set of two pictures with these annotations."""

    def make(*annotations: Any, **lists: Any) -> Path:
        for name in ("a.jpg", "b.jpg"):
            picture(tmp_path / "images" / name)
        content = {
            "images": [
                {"id": 1, "file_name": "a.jpg", "width": WIDTH, "height": HEIGHT},
                {"id": 2, "file_name": "b.jpg", "width": WIDTH, "height": HEIGHT},
            ],
            "categories": [{"id": 1, "name": "cat"}],
            "annotations": list(annotations),
            **lists,
        }
        (tmp_path / "labels.json").write_text(json.dumps(content))
        return tmp_path

    return make
