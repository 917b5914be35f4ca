"""What the command line prints: safe for any terminal, and no traceback wherever the output goes."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from workbench.actions.load import load
from workbench.adapters.store import database
from workbench.base.visible import TURNING
from workbench.ui.cli.main import main

COMMAND = [sys.executable, "-m", "workbench.ui.cli"]
NAMES = ["\x1b[31mred", "a\rb", "bell\x07", "\x9b2J", "tur\u202en", "back\b\b", "日本語", "naïve", "line\nend", "\x7f"]


@pytest.fixture
def strange(name: str, tmp_path: Path) -> str:
    """A dataset with classes and files that a terminal would act upon."""
    folder = tmp_path / "in\x1b[2J"
    folder.mkdir()
    images, boxes = [], []
    for at, _ in enumerate(NAMES):
        Image.new("RGB", (32, 24), (at, 0, 0)).save(folder / f"{at}\x1b.png")
        images.append({"id": at, "file_name": f"{at}\x1b.png", "width": 32, "height": 24})
        boxes.append({"id": at, "image_id": at, "category_id": at, "bbox": [1, 1, 9, 9]})
    categories = [{"id": at, "name": each} for at, each in enumerate(NAMES)]
    document = {"images": images, "annotations": boxes, "categories": categories}
    (folder / "labels.json").write_text(json.dumps(document))
    load(name, folder, source="real")
    return name


def in_process(*arguments: str, encoding: str = "utf-8") -> tuple[int, bytes, bytes]:
    """Exit status and what is written where the terminal has this encoding."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, kept_descriptors():
        for stream, number in ((out, 1), (err, 2)):
            os.dup2(stream.fileno(), number)
        with (
            open(1, "w", encoding=encoding, closefd=False) as stdout,
            open(2, "w", encoding=encoding, errors="backslashreplace", closefd=False) as stderr,
            contextlib.redirect_stdout(stdout),
            contextlib.redirect_stderr(stderr),
        ):
            try:
                status = main(arguments)
            except SystemExit as wrong_usage:
                status = int(wrong_usage.code or 0)
        written = [os.pread(stream.fileno(), 1 << 20, 0) for stream in (out, err)]
    return status, written[0], written[1]


@contextlib.contextmanager
def kept_descriptors() -> Iterator[None]:
    """Give this process's output back; a command that writes JSON leaves descriptor 1 on stderr."""
    kept = [os.dup(1), os.dup(2)]
    try:
        yield
    finally:
        for number, descriptor in enumerate(kept, 1):
            os.dup2(descriptor, number)
            os.close(descriptor)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *arguments], env={**os.environ, **environment}, capture_output=True, timeout=120)


def unsafe(data: bytes, encoding: str = "utf-8") -> list[str]:
    text = data.decode(encoding)
    return [c for c in text if c not in "\n\t" and (not (c.isprintable() or c == "\u3000") or c in TURNING)]


@pytest.mark.parametrize(
    "arguments",
    [
        ("info", "{}"),
        ("slices", "{}", "\x1b[31m"),
        ("load", "{}", "/nowhere/\x1b[31m", "--source", "real"),
        ("info", "no\x1b[31mne"),
        ("info", "{}", "--un\x1b[31mknown"),
        ("tag", "{}", "a\x1btag", "--where", "lighting == '\x1b'"),
    ],
    ids=lambda given: given[0],
)
def test_nothing_that_a_terminal_acts_upon_is_printed(strange: str, arguments: tuple[str, ...]) -> None:
    words = [word.format(strange) for word in arguments]
    status, plain, err = in_process(*words)
    _, as_json, json_err = in_process(*words, "--json")
    assert plain + err and as_json + json_err
    for written in (plain, err, as_json, json_err):
        assert not unsafe(written), written
        assert b"Traceback" not in written
    if words[0] == "info" and len(words) == 2 and status == 0:
        assert set(json.loads(as_json)["labels_per_class"]) >= {"\x1b[31mred", "日本語", "tur\u202en"}
        assert rb"\x1b[31mred" in plain and "日本語".encode() in plain


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252"])
def test_a_terminal_without_the_letters(strange: str, encoding: str) -> None:
    status, plain, err = in_process("info", strange, encoding=encoding)
    assert status == 0 and not err and rb"\u65e5\u672c\u8a9e" in plain
    assert json.loads(in_process("info", strange, "--json", encoding=encoding)[1])["samples"] == len(NAMES)


def test_the_encoding_is_that_of_the_terminal(strange: str) -> None:
    done = run("info", strange, PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and not done.stderr and rb"\u65e5\u672c\u8a9e" in done.stdout


@pytest.mark.parametrize("form", [[], pytest.param(["--json"], marks=pytest.mark.long)], ids=["text", "json"])
def test_an_output_that_nobody_reads_or_that_is_full(strange: str, form: list[str]) -> None:
    words = [*COMMAND, "info", strange, *form]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=120)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
        assert done.returncode == 1 and done.stderr.count("\n") == 1 and "No space left" in done.stderr
        assert subprocess.run([*words[:-1], "nothing"], stdout=full, stderr=full, timeout=120).returncode in (1, 2)


def test_a_home_that_cannot_be_written(strange: str, tmp_path: Path) -> None:
    """Commands that only read work; others name the folder."""
    (blocked := tmp_path / "blocked").touch()
    home = {"WORKBENCH_HOME": str(blocked / "home")}
    assert run("info", strange, **home).returncode == 0
    for words in (
        ["duplicates", strange],
        ["measure", strange],
        ["export", strange, str(tmp_path / "out"), "--format", "coco"],
    ):
        done = run(*words, **home)
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        assert done.returncode == 0 or str(blocked).encode() in done.stderr


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://me:pa@ss@host:1/db",
        "mongodb://me:pa/ss@host:1",
        "mongodb://me:p:a@ss/x@host/?a=b@c",
        "mongodb://:pass@host/?serverSelectionTimeoutMS=100",
        "mongodb+srv://me:pa%40ss@host.invalid/",
        "mongodb://me:pa\nss@host:1/?serverSelectionTimeoutMS=100",
        "mongodb://me:pass@127.0.0.1:1/?serverSelectionTimeoutMS=100",
    ],
)
def test_no_part_of_a_password_is_shown(uri: str) -> None:
    hidden = database._hidden_password(uri)
    assert "pa" not in hidden and "ss" not in hidden
    done = run("info", "any", FIFTYONE_DATABASE_URI=uri)
    told = (done.stdout + done.stderr).decode()
    assert done.returncode == 1 and "Traceback" not in told, told
    for part in ("pass", "pa@ss", "pa/ss", "ss@", "a@ss", "pa%40ss", "ss/x"):
        assert part not in told.replace("password", ""), told
