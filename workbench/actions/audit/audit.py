"""Run an audit: generate the images of the design, let the model predict, analyse."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from workbench.actions.audit.factors import FACTORS, Factor
from workbench.actions.generate.frame import NotAccepted, accepted_draw
from workbench.actions.recreate.rendered import BASE
from workbench.actions.train import Trainer
from workbench.actions.train.examples import overlap
from workbench.base.errors import InputError
from workbench.base.files import write_bytes
from workbench.base.parts import scratch_folder
from workbench.base.plurals import counted
from workbench.base.processes import WorkerProcesses
from workbench.base.progress import Progress, Work
from workbench.core.metrics.factorial import Effect, design, effects
from workbench.core.report import charts, html
from workbench.core.scenario import Scenario
from workbench.core.schema.labels import Label

Predict = Callable[[Sequence[Path]], list[list[Label]]]
IOU = 0.5
QUALITY = 94


@dataclass(frozen=True)
class Audit:
    """What an audit found; the last line of a notebook cell draws it.

    Attributes:
        factors: what was varied.
        pictures: how many images the model saw.
        recall: mean recall of an image.
        effects: of each factor and pair on the recall of an image, largest first.
        scenarios: one per strong effect, at the levels with the lowest recall.
        left_out: images that no draw was accepted for.
    """

    factors: tuple[Factor, ...]
    pictures: int
    recall: float
    effects: tuple[Effect, ...]
    scenarios: tuple[Scenario, ...]
    left_out: int = 0

    @property
    def frame(self) -> pd.DataFrame:
        """One row per effect."""
        return pd.DataFrame([{**row, "factors": " x ".join(row["factors"])} for row in self.plain()["effects"]])

    def plain(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        rows = [
            {**dataclasses.asdict(effect), "strong": effect.is_strong, "words": self.sentence(effect)}
            for effect in self.effects
        ]
        return {"pictures": self.pictures, "left_out": self.left_out, "recall": self.recall, "effects": rows}

    def sentence(self, effect: Effect) -> str:
        """An effect with its interval, as a sentence."""
        words = {factor.name: factor.words for factor in self.factors}
        change = f"recall {effect.value:+.3f} ({effect.low:+.3f} to {effect.high:+.3f})"
        if len(effect.factors) == 1:
            low, high = words[effect.factors[0]]
            return f"{high} instead of {low}: {change}"
        first, second = (words[name] for name in effect.factors)
        return f"{first[1]} combined with {second[1]}, beyond their separate effects: {change}"

    def __str__(self) -> str:
        head = f"{counted(self.pictures, 'image')}, recall {self.recall:.3f}"
        head += f"; {self.left_out:,} could not be rendered" if self.left_out else ""
        strong = [self.sentence(effect) for effect in self.effects if effect.is_strong]
        return "\n".join([head, *(strong or ["no significant effect: none of the varied factors changes recall"])])

    def _repr_html_(self) -> str:
        return html.fragment(self._body())

    def _body(self) -> Markup:
        return html.join(html.paragraphs(str(self).splitlines()), _chart(self))

    def save(self, path: str | Path) -> Path:
        """Write a page that opens anywhere.

        Raises:
            OutputError: the folder is missing, read-only or full.
        """
        target = Path(path)
        write_bytes(target, html.page("Audit", self._body()).encode())
        return target


def audit(
    model: Trainer | Predict,
    *,
    scenario: Scenario | str | Path | None = None,
    factors: Sequence[Factor] = FACTORS,
    frames: int = 8,
    width_px: int = 640,
    backend: str = "open3d",
    work: Work | None = None,
) -> Audit:
    """Find what makes a model fail: images of a designed experiment, and an analysis of variance of their recall.

    Frame ``k`` of each combination shares all draws that are not a factor's, so differences are due to the factors.

    Args:
        model: a fitted trainer, or a function from paths of images to their labels.
        scenario: what everything else is drawn from; by default wide variation of a work cell.
        factors: what is varied, each at two levels.
        frames: images per combination; the five default factors have 16 combinations.
        width_px: of the images.
        backend: what draws them.
        work: receives the progress; its ``cancel`` stops between two images.

    Raises:
        InputError: fewer than two factors or frames, or the model gave another number of answers, or knows none of the
            classes in the images.
        Cancelled: the user stopped; nothing is kept.
    """
    if len(factors) < 2 or frames < 2:
        raise InputError(f"An audit needs at least 2 factors and 2 frames, not {len(factors)} and {frames}.")
    base = Scenario.load(BASE if scenario is None else scenario).replace(name="audit")
    runs = design(len(factors))
    made = [base.replace(_changes(factors, run)) for run in runs]
    jobs = [(run, frame) for run in range(len(runs)) for frame in range(frames)]
    ask: Predict = model if callable(model) else model.predict
    with scratch_folder() as scratch:
        folder = str(scratch)
        truth: dict[tuple[int, int], list[tuple[str, tuple[float, ...]]]] = {}
        with (
            Progress("auditing", total=len(jobs), unit="image", work=work) as progress,
            WorkerProcesses(2) as pool,
        ):
            futures = {
                pool.submit(draw, made[run], frame, _path(folder, run, frame), backend, width_px): (run, frame)
                for run, frame in jobs
            }
            try:
                for future in as_completed(futures):
                    if labels := future.result():
                        truth[futures[future]] = labels
                    progress.advance()
            except BaseException:
                for future in futures:
                    future.cancel()
                raise
        seen = [job for job in jobs if job in truth]
        answers = ask([_path(folder, *job) for job in seen])
    if len(answers) != len(seen):
        problem = f"The model returned {counted(len(answers), 'result')} for {counted(len(seen), 'image')}."
        raise InputError(problem, at="audit", fix="Return one list of labels per image.")
    _require_known({name for job in seen for name, _ in truth[job]}, {label.name for own in answers for label in own})
    recalls = np.array([_recall(truth[job], own) for job, own in zip(seen, answers, strict=True)])
    return analysed(recalls, np.array(seen), runs, factors, base, left_out=len(jobs) - len(seen))


def _require_known(drawn: set[str], predicted: set[str]) -> None:
    """Refuse a model that predicts none of the classes drawn: its recall would be 0 whatever was varied."""
    if predicted and not predicted & drawn:
        fix = "Pass a scenario with the model's classes: see assets.targets in `workbench scenario schema`."
        classes, shown = ", ".join(sorted(predicted))[:200], ", ".join(sorted(drawn))
        raise InputError(f"The model predicts {classes}, but the images show {shown} only.", at="audit", fix=fix)


def analysed(
    recalls: NDArray[np.float64],
    seen: NDArray[np.int64],
    runs: NDArray[np.int64],
    factors: Sequence[Factor],
    base: Scenario,
    *,
    left_out: int = 0,
) -> Audit:
    """The audit of recalls per image; ``seen`` has the run and the frame of each, ``(n, 2)``."""
    names = [factor.name for factor in factors]
    levels = runs[seen[:, 0]]
    measured_effects = effects(recalls, levels, names, seen[:, 1])
    proposed = [_proposed(effect, factors, levels, recalls, base) for effect in measured_effects if effect.is_strong]
    scenarios = tuple({scenario.name: scenario for scenario in proposed}.values())
    return Audit(tuple(factors), len(recalls), float(recalls.mean()), tuple(measured_effects), scenarios, left_out)


def _proposed(
    effect: Effect,
    factors: Sequence[Factor],
    levels: NDArray[np.int64],
    recalls: NDArray[np.float64],
    base: Scenario,
) -> Scenario:
    """The scenario of a strong effect: its factors at the levels with the lowest recall."""
    places = [i for i, factor in enumerate(factors) if factor.name in effect.factors]
    cells = sorted({tuple(row) for row in levels[:, places].tolist()})
    means = [float(recalls[(levels[:, places] == cell).all(axis=1)].mean()) for cell in cells]
    worst = list(zip([factors[i] for i in places], cells[int(np.argmin(means))], strict=True))
    words = [factor.words[int(level > 0)] for factor, level in worst]
    changes = {path: value for factor, level in worst for path, value in factor.changes(level).items()}
    about = f"Audit: recall {min(means):.3f} for {' with '.join(words)}, {float(recalls.mean()):.3f} overall."
    return base.replace(changes, name="_".join(words).replace(" ", "_"), description=about)


def _changes(factors: Sequence[Factor], run: NDArray[np.int64]) -> dict[str, object]:
    pairs = zip(factors, run.tolist(), strict=True)
    return {path: value for factor, level in pairs for path, value in factor.changes(level).items()}


def _path(folder: str, run: int, frame: int) -> Path:
    return Path(folder) / f"{run:03}_{frame:04}.jpg"


def draw(
    scenario: Scenario, frame: int, path: Path, backend: str, width_px: int
) -> list[tuple[str, tuple[float, ...]]]:
    """Draw one image into a file; gives its labels, none when no draw was accepted. Workers run this."""
    try:
        accepted = accepted_draw(scenario, frame)
    except NotAccepted:
        return []
    small = accepted.scaled(min(1.0, width_px / accepted.size_px[0]))
    shot = small.shoot(backend)
    ok, data = cv2.imencode(".jpg", shot.picture.srgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert ok
    path.write_bytes(data.tobytes())
    return [(label.name, label.xyxy) for label in small.labels]


def _recall(truth: Sequence[tuple[str, tuple[float, ...]]], predicted: Sequence[Label]) -> float:
    """Share of the true boxes that a prediction of their class, the surest first, takes for itself."""
    free = set(range(len(truth)))
    boxes = np.array([box for _, box in truth], np.float32)
    for label in sorted(predicted, key=lambda prediction: -(prediction.confidence or 0.0)):
        own = overlap(np.array([label.xyxy], np.float32), boxes)[0]
        fits = [i for i in free if truth[i][0] == label.name and own[i] >= IOU]
        if fits:
            free.remove(max(fits, key=lambda i: own[i]))
    return 1 - len(free) / len(truth)


def _chart(result: Audit) -> Markup:
    """A row per effect with its interval."""
    if not result.effects:
        return Markup("")
    reach = max(max(abs(effect.low), abs(effect.high)) for effect in result.effects) or 1.0
    rows = [
        charts.Row(
            " x ".join(effect.factors),
            result.sentence(effect),
            (charts.Mark(effect.value, effect.low, effect.high),),
            f"{effect.value:+.2f}",
            charts.BAD if effect.is_strong else charts.MUTE,
        )
        for effect in result.effects
    ]
    caption = "Effect on the recall of an image; bar: 95 % interval; red: strong"
    return charts.intervals(rows, caption, ends=(-reach, reach), ticks=(0.0,))
