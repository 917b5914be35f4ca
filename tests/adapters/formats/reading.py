"""What every reader promises of any file, spoiled or not."""

from __future__ import annotations

import contextlib
from pathlib import Path

from workbench.adapters.formats.registry import FORMATS, choose
from workbench.adapters.formats.toolkit.problems import KINDS
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import WorkbenchError


def read_all(name: str, folder: Path) -> None:
    source = Source(folder)
    with contextlib.suppress(WorkbenchError):  # one of the two outcomes that are allowed
        choose(source)
    try:
        records = list(FORMATS[name].read(source))
    except WorkbenchError as error:
        assert error.problem.endswith(".")
        assert error.at or error.fix
        return
    for record in records:
        for label in record.labels:
            left, top, right, bottom = label.xyxy
            assert 0 <= left < right <= record.width
            assert 0 <= top < bottom <= record.height
    assert {problem.kind for problem in source.problems} <= set(KINDS)
