"""A trainer that is a command line."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
import signal
import string
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.actions.train.examples import categories
from workbench.adapters import predictions as files
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.base.errors import InputError
from workbench.base.parts import scratch_folder
from workbench.base.processes import supervised
from workbench.base.progress import Cancel, Work
from workbench.core.pictures import upright
from workbench.core.schema.labels import Label

LAST_LINES = 5  # of a command's output, quoted when it fails
LOOK_S = 0.2  # between two checks whether the user has stopped the work


@dataclass
class CommandTrainer:
    """Any program as a trainer: one command learns, one predicts; no shell is involved.

    In ``train`` the place ``{train_dir}`` is the folder of the export. In ``predict``, ``{images}`` is a COCO file of
    the images to look at (with absolute ``file_name``, and the categories of the export), and ``{predictions}`` the
    file to write: COCO results, or COCO with scores. ``{train_dir}`` is known there too. A program that does both at
    once needs no ``train``.

    Example::

        CommandTrainer(train_command="python train.py {train_dir} -o model.pt",
                       predict_command="python predict.py model.pt {images} {predictions}")

    Attributes:
        predict_command: writes predictions.
        train_command: learns; empty when ``predict`` does.
        train_dir: what it was fitted to.
        timeout_s: longest time that one command may take; ``None`` for no limit.
        classes: what a program that was trained elsewhere can be asked for; with them it needs no ``fit``.
        work: its ``cancel`` ends the program that runs, and those that it has started.
    """

    predict_command: str
    train_command: str = ""
    timeout_s: float | None = None
    classes: Sequence[str] = ()
    work: Work | None = field(default=None, repr=False)
    train_dir: Path | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        _check(self.predict_command, needed={"images", "predictions"}, known={"images", "predictions", "train_dir"})
        if self.train_command:
            _check(self.train_command, needed={"train_dir"}, known={"train_dir"})

    def fit(self, split_dir: Path) -> None:
        """Run the command that learns.

        Raises:
            InputError: it cannot be started, takes too long or fails; the message has its last words.
            Cancelled: the user stopped.
        """
        if self.train_command:
            _run("train", self.train_command, {"train_dir": str(split_dir)}, self.timeout_s, self.work)
        self.train_dir = split_dir

    def predict(self, images: Sequence[Path]) -> list[list[Label]]:
        """Run the command that predicts and read its file.

        Raises:
            InputError: as of ``fit``, or the file is missing or names other images.
        """
        if self.train_dir is None and (not self.classes or "{train_dir}" in self.predict_command):
            fix = "Call fit(split_dir) first."
            raise InputError("The trainer has not been fitted.", at=self.predict_command, fix=fix)
        with scratch_folder() as folder:
            asked, answer = folder / "images.json", folder / "predictions.json"
            known = categories(self.train_dir) if self.train_dir else _numbered(self.classes)
            asked.write_text(json.dumps(_coco(images, known)), encoding="utf-8")
            places = {"images": str(asked), "predictions": str(answer), "train_dir": str(self.train_dir or "")}
            _run("predict", self.predict_command, places, self.timeout_s, self.work)
            if not answer.exists():
                fix = "It has to write COCO results to {predictions}."
                raise InputError("The predict command wrote no file of predictions.", at=self.predict_command, fix=fix)
            return _read(answer, asked, images)


def _check(command: str, *, needed: set[str], known: set[str]) -> None:
    try:
        given = {name for _, name, _, _ in string.Formatter().parse(command) if name is not None}
        shlex.split(command)
    except ValueError as cause:
        raise InputError(f"The command cannot be parsed: {cause}.", at=command, fix="Write { as {{.") from cause
    if needed - given or given - known:
        placeholders = " and ".join(f"{{{name}}}" for name in sorted(needed))
        problem = f"The command needs {placeholders}, and has {', '.join(sorted(given)) or 'no placeholders'}."
        fix = f"Known placeholders: {', '.join(sorted(known))}. Write other braces twice."
        raise InputError(problem, at=command, fix=fix)


def _run(purpose: str, command: str, places: dict[str, str], timeout_s: float | None, work: Work | None) -> None:
    """Run the train or predict command; each of its words is one argument, whatever a path holds."""
    words = [word.format(**places) for word in shlex.split(command)]
    lifeline, kept = os.pipe()  # ends with this process, and the program with it
    try:
        if shutil.which(words[0]) is None:
            missing = errno.EACCES if Path(words[0]).exists() else errno.ENOENT
            raise OSError(missing, os.strerror(missing), words[0])
        running = subprocess.Popen(
            supervised(words, lifeline),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
            pass_fds=[lifeline],
        )
        out, err = _awaited(running, timeout_s, (work or Work()).cancel)
    except OSError as cause:
        raise InputError(f"The {purpose} command could not be started: {cause}.", at=command) from cause
    except subprocess.TimeoutExpired as cause:
        problem = f"The {purpose} command was stopped: it timed out after {timeout_s:g} seconds."
        raise InputError(problem, at=command, fix="Raise timeout_s.") from cause
    finally:
        os.close(lifeline)
        os.close(kept)
    if running.returncode != 0:
        raise InputError(_failure(purpose, running.returncode, err or out), at=command)


def _failure(purpose: str, status: int, output: str) -> str:
    ended = f"was killed (signal {-status})" if status < 0 else f"failed (exit {status})"
    lines = output.strip().splitlines()[-LAST_LINES:]
    return f"The {purpose} command {ended}. " + (f"Last lines: {' | '.join(lines)}" if lines else "It printed nothing.")


def _awaited(running: subprocess.Popen[str], timeout_s: float | None, cancel: Cancel) -> tuple[str, str]:
    """What a program says; it is ended, with all that it has started, when time is up or the user stops."""
    ends_s = None if timeout_s is None else time.monotonic() + timeout_s
    try:
        while True:
            cancel.check()
            try:
                return running.communicate(timeout=LOOK_S)
            except subprocess.TimeoutExpired:
                if ends_s is not None and time.monotonic() > ends_s:
                    raise subprocess.TimeoutExpired(running.args, timeout_s or 0.0) from None
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            running.communicate()


def _coco(images: Sequence[Path], categories: Sequence[object]) -> dict[str, object]:
    entries = []
    for i, path in enumerate(images, 1):
        width, height = upright(path).size
        entries.append({"id": i, "file_name": str(path.absolute()), "width": width, "height": height})
    return {"images": entries, "annotations": [], "categories": list(categories)}


def _numbered(classes: Sequence[str]) -> list[dict[str, Any]]:
    return [{"id": number, "name": name} for number, name in enumerate(classes, 1)]


def _read(answer: Path, asked: Path, images: Sequence[Path]) -> list[list[Label]]:
    problems = Problems()
    reference = files.read_reference(asked)
    results = files.read(answer, problems)
    names = files.class_names({prediction.number for prediction in results.predictions}, [reference], at=answer.name)
    index_of = {str(path.absolute()): i for i, path in enumerate(images)}
    file_of = {files.plain_id(i): name for i, name in reference.images.items()}
    sizes = [(image["width"], image["height"]) for image in json.loads(asked.read_text(encoding="utf-8"))["images"]]
    labels: list[list[Label]] = [[] for _ in images]
    for prediction in results.predictions:
        file = prediction.image if prediction.named else file_of.get(files.plain_id(prediction.image))
        if file not in index_of:
            problem = f"The predictions name an image that was not asked for: {prediction.image}."
            raise InputError(problem, at=answer.name)
        if prediction.number not in names:
            message = f"No class has the number {prediction.number!r:.40}; prediction left out."
            problems.add("unknown_category", prediction.where, message)
            continue
        at = index_of[file]
        labels[at].append(prediction.label(names[prediction.number], *sizes[at]))
    if len(problems):
        first = next(iter(problems))
        raise InputError(f"The predictions cannot be used: {first.message}", at=first.where)
    return labels
