"""Fit the parameters of a candidate, and judge it by samples that it was not fitted to."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from workbench.actions.recreate.candidate import Candidate
from workbench.actions.recreate.contrast import confidence_of, distance
from workbench.actions.recreate.fit import LEAST, ROUNDS, TELLS, Fit, fit
from workbench.actions.recreate.parameters import constants, is_common
from workbench.actions.recreate.probes import probed
from workbench.actions.recreate.refine import pictures_of_step, refine
from workbench.actions.recreate.report import Row, measures_text
from workbench.actions.recreate.samples import Samples
from workbench.base.progress import Progress
from workbench.core.gap.gap import gap
from workbench.core.scenario import Scenario
from workbench.core.scenario.anchor import Measured

FIRST_LEAST = 60  # probes of the first round
WORTH_IT = 30  # images that must be affordable for another content; those from which this is told were slow to start
CHECKS = 20  # images from which the distance before and after is taken
LEAST_CHECKS = 8  # the same, where the time is short; they tell how long an image takes
CHECKED, JUDGED_SHARE = 0.05, 0.15  # of the images that the time leaves
STEPS = 3  # of the refinement, at most
JUDGED = 60  # images that are compared with the samples kept back
WIDER = 1.2  # spread of what is free, against that of the samples
JUDGED_FRAME = 1_000_000  # number of the first image that is judged: none that the fit has seen

Values = NDArray[np.float64]


@dataclass
class Fitted:
    """A candidate with its parameters.

    Attributes:
        content: what the pictures are made of.
        scenario: with the parameters.
        rows: where each distribution comes from.
        probes: images that were made for it.
        before, after: mean distance per measure from the samples; see ``Recreation``.
        auc: how well a classifier tells its images from the samples kept back; ``None`` with too few of them.
    """

    content: str
    scenario: Scenario
    rows: list[Row]
    probes: int = 0
    before: float | None = None
    after: float | None = None
    auc: float | None = None


class _Budget:
    """Images that can still be made in the time, at the speed so far.

    Attributes:
        begun: images that were made before.
        checks, judged: images that are kept for what comes after the fit: see ``CHECKS`` and ``JUDGED``.
    """

    def __init__(self, seconds: float, progress: Progress) -> None:
        self._seconds, self._started_s, self._progress = seconds, time.monotonic(), progress
        self.begun, self.checks, self.judged = progress.done, 0, 0

    def made(self) -> int:
        """Images made so far."""
        return self._progress.done - self.begun

    def left(self) -> int:
        """Images of the fit that the time leaves, beside those that are kept for later."""
        spent_s = time.monotonic() - self._started_s
        return int((self._seconds - spent_s) / (spent_s / max(self.made(), 1))) - self.judged

    def share_out(self, judged: int) -> None:
        """Keep a share of the images for the checks, and for the judgement: at most ``judged``."""
        left = self.left()
        self.checks = int(np.clip(CHECKED * left, min(LEAST_CHECKS, CHECKS), CHECKS))
        self.judged = max(self.checks, int(min(JUDGED_SHARE * left, judged)))


def pictures_of(candidate: Candidate) -> int:
    """Images that a fit makes at most."""
    steps = STEPS * pictures_of_step(len(candidate.knobs)) if candidate.refined else 0
    return sum(_rounds_of(candidate)) + steps + CHECKS + _judged(candidate)


def _judged(candidate: Candidate) -> int:
    """Images that are compared with the samples kept back, with those of the last check; fewer where they take long."""
    return JUDGED if candidate.refined else JUDGED // 2


def _rounds_of(candidate: Candidate) -> Sequence[int]:
    """Probes of each round of the first fit; where steps refine it, it only has to come near."""
    return ROUNDS[:2] if candidate.refined else ROUNDS


def fitted(
    candidate: Candidate,
    samples: Samples,
    pool: Executor,
    *,
    seconds: float,
    backend: str,
    progress: Progress,
    needed: bool = True,
) -> Fitted | None:
    """Move the distributions until images measure like half of the samples; judge by the other half.

    Args:
        candidate: what to start from.
        samples: what to recreate.
        pool: makes images.
        seconds: time limit.
        backend: what draws them.
        progress: is told of every image.
        needed: whether to go on where the time is too short for a fit.

    Returns:
        What was fitted; ``None`` where the time is too short.
    """
    first, second = samples.halves()
    names = tuple(samples.numbers)
    numbers = np.stack(list(samples.numbers.values()), axis=1)
    done = Fitted(candidate.content, candidate.scenario, list(candidate.rows))
    budget = _Budget(seconds, progress)

    def made(scenarios: Sequence[Scenario], frame: int = 0) -> Values:
        return probed(pool, scenarios, names, backend, progress, candidate.supply, first_frame=frame)

    def probe(places: Values, words: Sequence[Sequence[str]]) -> Values:
        paths = [choice.path for choice in candidate.choices]
        held = [
            constants(candidate.knobs, positions) | dict(zip(paths, row, strict=True))
            for positions, row in zip(places, words, strict=True)
        ]
        return made([candidate.scenario.replace(changes) for changes in held])

    before = made([candidate.plain] * min(LEAST_CHECKS, CHECKS))
    if not needed and budget.left() < WORTH_IT:
        return None
    budget.share_out(_judged(candidate))
    before = np.concatenate([before, made([candidate.plain] * (budget.checks - len(before)), len(before))])
    result = fit(candidate.knobs, candidate.choices, numbers[first], probe, rounds=_rounds(candidate, budget))
    if candidate.refined and budget.left() >= pictures_of_step(len(candidate.knobs)):
        result = _refined(result, candidate, numbers[first], made, budget)
    done.probes = budget.made() - budget.checks
    _take_over(done, candidate, samples, result)
    after = made([done.scenario] * budget.checks)
    done.before, done.after = (distance(samples.numbers, dict(zip(names, v.T, strict=True))) for v in (before, after))
    if np.count_nonzero(second) >= FEWEST:
        judged = np.concatenate([after, made([done.scenario] * (budget.judged - budget.checks), JUDGED_FRAME)])
        done.auc = _auc(numbers[second], judged[np.isfinite(judged).any(axis=1)])
    done.scenario = done.scenario.replace(dict(candidate.final)) if candidate.final else done.scenario
    if progress.total is not None:
        progress.total = progress.done + max(0, progress.total - budget.begun - pictures_of(candidate))
    return done


FEWEST = 10  # samples that can be judged by


def _refined(
    result: Fit, candidate: Candidate, photos: Values, made: Callable[[Sequence[Scenario]], Values], budget: _Budget
) -> Fit:
    """The fit, moved on with pictures that differ in nothing but the knobs."""
    knobs = candidate.knobs
    told = result.explained >= TELLS
    neutral = np.array([knob.start if knob.neutral is None else knob.neutral for knob in knobs])
    places = np.where(told, result.places, neutral)
    spreads = np.where(told, result.spreads, 0.03)

    def probe(positions: Values) -> Values:
        return made([candidate.scenario.replace(constants(knobs, row)) for row in positions])

    affordable = takewhile(lambda _: budget.left() >= pictures_of_step(len(knobs)), range(STEPS))
    better = refine(places, spreads, photos, probe, rounds=affordable)
    explained = np.where(better.felt, np.maximum(result.explained, TELLS), 0.0)
    return dataclasses.replace(result, places=better.places, spreads=better.spreads, explained=explained)


def _auc(samples: Values, images: Values) -> float | None:
    result = gap(samples, images, (), rng=np.random.default_rng(0))
    return None if result.auc is None else max(result.auc, 1 - result.auc)


def _rounds(candidate: Candidate, budget: _Budget) -> Iterator[int]:
    """Probes of each round, as many as the time leaves.

    The first round has enough of them to learn from, whatever the time.
    """
    for i, n in enumerate(_rounds_of(candidate)):
        left = max(budget.left(), 0 if i else FIRST_LEAST)
        if left < LEAST:
            break
        yield min(n, left)


def _take_over(done: Fitted, candidate: Candidate, samples: Samples, result: Fit) -> None:
    facts, choices = samples.facts, candidate.choices
    common = {compared.measure: compared.is_common for compared in facts.values()}
    changes, measured, modes = {}, {}, {}
    confidence = confidence_of(int(samples.rows.sum()))
    for knob, position, spread, explained in zip(
        candidate.knobs, result.places.tolist(), result.spreads.tolist(), result.explained.tolist(), strict=True
    ):
        if explained < TELLS:
            why = f"not measurable from pixels (measures explain {explained:.0%}); {measures_text(knob, facts)}"
            done.rows.append(Row(knob.path, "free", None, "unknown", why))
            continue
        value = float(f"{knob.value(position):.4g}")
        modes[knob.path] = "jitter" if is_common(knob, common) else "free"
        measured[knob.path] = Measured(value, confidence)
        wider = 1.0 if modes[knob.path] == "jitter" else WIDER
        changes[knob.path] = knob.jitter(position, wider * spread, confidence)
        why = f"{measures_text(knob, facts)}; measures explain {explained:.0%}"
        why += "" if modes[knob.path] == "jitter" else "; not specific to these samples, so varied more widely"
        done.rows.append(Row(knob.path, modes[knob.path], value, confidence, why))
    for choice, shares, explained in zip(choices, result.shares, result.choices_explained.tolist(), strict=True):
        if explained >= TELLS:
            changes[choice.path] = choice.weighted(shares)
            words = dict(zip(choice.words, changes[choice.path]["weights"], strict=True))
            why = f"estimated from the images; measures explain {explained:.0%}"
            done.rows.append(Row(choice.path, "free", words, confidence, why))
    anchor = dataclasses.replace(done.scenario.anchor, measured=measured)
    done.scenario = done.scenario.replace(changes, anchor=anchor, modes={**done.scenario.modes, **modes})
