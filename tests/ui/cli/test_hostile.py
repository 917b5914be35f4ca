"""Hostile inputs on the command line: status 1 and one sentence, no traceback, no dataset."""

from __future__ import annotations

import os
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.ui.cli import main


def escaping_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("../x.png", b"x")
    return folder / "a.zip"


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "a.png")
    return folder / "a.png"


def deep(folder: Path) -> Path:
    (folder / "a.json").write_bytes(b'{"images": [{"file_name": ' + b"[" * 300_000)
    return folder / "a.json"


def huge(folder: Path) -> Path:
    (folder / "metadata.json").write_text('{"sample_fields": []}')
    with (folder / "samples.json").open("wb") as stream:
        stream.write(b'{"samples": [')
        stream.truncate(1 << 30)
    return folder


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (escaping_zip, "The archive was not unpacked: the path '../x.png' leads out of it."),
        (pipe, "a pipe, a socket or a device, which cannot be loaded"),
        (deep, "The file is not valid JSON: it is nested too deeply"),
        (huge, "samples.json: The file has 1,024 MB, the limit for JSON is 512 MB. Split it into several files."),
    ],
)
def test_a_hostile_input_is_one_sentence(
    make: Callable[[Path], Path], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"cli-{uuid.uuid4().hex[:8]}"
    assert main(["load", name, str(make(tmp_path)), "--source", "real"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert told in err
    assert "Traceback" not in err and err.count("\n") == 1
