"""Make a calibration set, measure it, fit on one part, and report on the other."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.tools.calibration.fit import fit_models
from tests.tools.calibration.report import Report, report_of
from tests.tools.calibration.take import read_truth, take_frame
from workbench.base.errors import InputError
from workbench.base.files import refused, write_bytes
from workbench.base.plurals import counted
from workbench.base.processes import WorkerProcesses
from workbench.base.progress import Progress, Work
from workbench.core.measures import decode, derive_attributes, measure_all
from workbench.core.measures.gloss import label_features
from workbench.core.measures.model import FILE, Model, models, used

FRAMES = 240
FIRST_FRAME = {"open3d": 0, "flat": 0, "mitsuba": 1000}  # backends draw different frames, so that more is seen
PARTS, HELD_OUT = 3, 0  # every third frame is kept for the report
WIDTH, HEIGHT = 640, 480


@dataclass(frozen=True, eq=False)
class Pictures:
    """A calibration set in memory.

    Attributes:
        shots: what is true of each picture.
        measured: its measures, with the features of its labels under ``labels``.
    """

    shots: list[dict[str, Any]]
    measured: list[dict[str, Any]]

    def part(self, held_out: bool) -> Pictures:
        """The frames kept for the report, or all others; all pictures of a scene are on one side."""
        rows = [k for k, s in enumerate(self.shots) if (s["frame"] // 4 % PARTS == HELD_OUT) == held_out]
        return Pictures([self.shots[k] for k in rows], [self.measured[k] for k in rows])


def calibrate(
    out: Path,
    *,
    frames: int = FRAMES,
    backends: Sequence[str] = ("open3d",),
    fit: bool = False,
    photos: Path | None = None,
    executor: Executor | None = None,
    workers: int | None = None,
    work: Work | None = None,
) -> Report:
    """Draw scenes whose light, surfaces and sensor are known, and say how far measures and attributes tell the truth.

    Frames that ``out`` holds are taken up again, so a set can be continued.

    Args:
        out: folder for the pictures and the report (``report.json``, ``report.txt``, ``report.html``).
        frames: scenes by the first backend; each further one draws a third as many. Three pictures are taken of each.
        backends: renderers.
        fit: fit the models anew on two thirds of the frames, report on the rest, and write the models into the package.
            Without it, the models of the package are reported on the same rest.
        photos: folder with real photos, for the tests with added blur and noise.
        executor, workers: where to draw; by default in worker processes, one per core.
        work: progress, and the switch to stop.

    Raises:
        OutputError: the place refuses.
        InputError: too few frames to say anything.
        RenderError, MissingExtra: a backend cannot draw.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as cause:
        raise refused(out, cause) from cause
    _draw(out, frames, backends, executor, workers, work)
    pictures = measured_set(out, backends)
    train, held_out = pictures.part(False), pictures.part(True)
    if not train.shots or not held_out.shots:
        raise InputError(f"At least 8 frames are needed, not {frames}.")
    fitted = _fitted(train) if fit else models()
    with used(fitted):
        words = [derive_attributes(values) for values in _with_gloss(held_out.measured)]
        report = report_of(held_out.shots, held_out.measured, words, frames_fitted=_frames(train) if fit else 0)
        report = report if photos is None else report.with_photos(photos, pictures.shots)
    if fit:
        write_models(FILE, fitted, train)
    report.write(out)
    return report


def measured_set(out: Path, backends: Sequence[str]) -> Pictures:
    """Measure all pictures of a set."""
    shots = [{**shot, "path": str(out / name / shot["name"])} for name in backends for shot in read_truth(out / name)]
    with ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        return Pictures(shots, list(pool.map(_measured, shots)))


def write_models(path: Path, fitted: Mapping[str, Model], train: Pictures) -> None:
    """Write models as plain numbers, with what they were fitted on."""
    backends = sorted({shot["backend"] for shot in train.shots})
    how = "ridge regression of log gloss; multinomial logistic regression with a ridge (tests.tools.calibration.fit)"
    said = {
        "how": how,
        "fitted_on": f"{counted(_frames(train), 'scene')}, {counted(len(train.shots), 'picture')}, drawn by "
        + " and ".join(backends),
        "made_by": "workbench calibrate --fit",
        "models": {name: model.document() for name, model in fitted.items()},
    }
    write_bytes(path, (json.dumps(said, indent=1) + "\n").encode())


def _draw(
    out: Path,
    frames: int,
    backends: Sequence[str],
    executor: Executor | None,
    workers: int | None,
    work: Work | None,
) -> None:
    todo = []
    for place, backend in enumerate(backends):
        (out / backend).mkdir(exist_ok=True)
        first = FIRST_FRAME.get(backend, 0)
        wanted = range(first, first + (frames if place == 0 else -(-frames // 3)))
        todo += [(frame, backend) for frame in wanted if not (out / backend / f"{frame:05d}.json").exists()]
    if not todo:
        return
    if executor is not None:
        _draw_in(executor, out, todo, work)
        return
    with WorkerProcesses(workers or os.cpu_count() or 1) as own:
        _draw_in(own, out, todo, work)


def _draw_in(
    pool: Executor,
    out: Path,
    todo: Sequence[tuple[int, str]],
    work: Work | None,
) -> None:
    with Progress("drawing", total=len(todo), unit="scene", work=work) as progress:
        drawn = (pool.submit(take_frame, frame, backend=name, folder=out / name) for frame, name in todo)
        waiting = list(drawn)
        try:
            for future in progress.track(waiting):
                future.result()
        finally:
            for future in waiting:
                future.cancel()


def _measured(shot: Mapping[str, Any]) -> dict[str, Any]:
    picture = decode(Path(shot["path"]).read_bytes())
    boxes = [
        [edge / side for edge, side in zip(label["xyxy"], (WIDTH, HEIGHT) * 2, strict=True)] for label in shot["labels"]
    ]
    return {**measure_all(picture), "labels": label_features(picture, boxes)}


def _fitted(train: Pictures) -> dict[str, Model]:
    """Gloss first, since the other models look at it."""
    gloss = fit_models(train.shots, train.measured)["gloss"]
    with used({"gloss": gloss}):
        _with_gloss(train.measured)
    return fit_models(train.shots, train.measured)


def _with_gloss(measured: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    from workbench.core.measures.gloss import gloss_of

    for values in measured:
        values["gloss"] = gloss_of(values)
    return measured


def _frames(pictures: Pictures) -> int:
    return len({(shot["backend"], shot["frame"]) for shot in pictures.shots})
