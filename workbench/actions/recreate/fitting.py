"""Fit the parameters of a candidate, and judge it by samples that it was not fitted to."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

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
CHECKS = 20  # images from which the distance before and after is taken
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
    candidate: Candidate, samples: Samples, pool: Executor, *, seconds: float, backend: str, progress: Progress
) -> Fitted:
    """Move the distributions until images measure like half of the samples; judge by the other half.

    Args:
        candidate: what to start from.
        samples: what to recreate.
        pool: makes images.
        seconds: time limit.
        backend: what draws them.
        progress: is told of every image.
    """
    first, second = samples.halves()
    names = tuple(samples.numbers)
    numbers = np.stack(list(samples.numbers.values()), axis=1)
    done = Fitted(candidate.content, candidate.scenario, list(candidate.rows))
    begun, started_s = progress.done, time.monotonic()

    def made(scenarios: Sequence[Scenario], frame: int = 0) -> Values:
        return probed(pool, scenarios, names, backend, progress, candidate.supply, first_frame=frame)

    def probe(places: Values, words: Sequence[Sequence[str]]) -> Values:
        paths = [choice.path for choice in candidate.choices]
        held = [
            constants(candidate.knobs, positions) | dict(zip(paths, row, strict=True))
            for positions, row in zip(places, words, strict=True)
        ]
        return made([candidate.scenario.replace(changes) for changes in held])

    rounds = _rounds(candidate, progress, begun, started_s, seconds)
    before = made([candidate.plain] * CHECKS)
    result = fit(candidate.knobs, candidate.choices, numbers[first], probe, rounds=rounds)
    if candidate.refined:
        spent_s = time.monotonic() - started_s
        left = (seconds - spent_s) / (spent_s / (progress.done - begun)) - _judged(candidate)
        steps = min(STEPS, int(left / pictures_of_step(len(candidate.knobs))))
        result = _refined(result, candidate, numbers[first], made, steps) if steps > 0 else result
    done.probes = progress.done - begun - CHECKS
    _take_over(done, candidate, samples, result)
    after = made([done.scenario] * CHECKS)
    done.before, done.after = (distance(samples.numbers, dict(zip(names, v.T, strict=True))) for v in (before, after))
    if np.count_nonzero(second) >= FEWEST:
        judged = np.concatenate([after, made([done.scenario] * (_judged(candidate) - CHECKS), JUDGED_FRAME)])
        done.auc = _auc(numbers[second], judged[np.isfinite(judged).any(axis=1)])
    done.scenario = done.scenario.replace(dict(candidate.final)) if candidate.final else done.scenario
    progress.total = progress.done + max(0, progress.total - begun - pictures_of(candidate)) if progress.total else None
    return done


FEWEST = 10  # samples that can be judged by


def _refined(
    result: Fit, candidate: Candidate, photos: Values, made: Callable[[Sequence[Scenario]], Values], steps: int
) -> Fit:
    """The fit, moved on with pictures that differ in nothing but the knobs."""
    knobs = candidate.knobs
    told = result.explained >= TELLS
    neutral = np.array([knob.start if knob.neutral is None else knob.neutral for knob in knobs])
    places = np.where(told, result.places, neutral)
    spreads = np.where(told, result.spreads, 0.03)

    def probe(positions: Values) -> Values:
        return made([candidate.scenario.replace(constants(knobs, row)) for row in positions])

    better = refine(places, spreads, photos, probe, rounds=steps)
    explained = np.where(better.felt, np.maximum(result.explained, TELLS), 0.0)
    return dataclasses.replace(result, places=better.places, spreads=better.spreads, explained=explained)


def _auc(samples: Values, images: Values) -> float | None:
    result = gap(samples, images, (), rng=np.random.default_rng(0))
    return None if result.auc is None else max(result.auc, 1 - result.auc)


def _rounds(candidate: Candidate, progress: Progress, begun: int, started_s: float, seconds: float) -> Iterator[int]:
    """Probes of each round, as many as the time leaves, at the speed so far, beside the last checks.

    The first round has enough of them to learn from, whatever the time.
    """
    last = _judged(candidate)
    for n in _rounds_of(candidate):
        spent_s, done = time.monotonic() - started_s, progress.done - begun
        left = int((seconds - spent_s) / (spent_s / done)) - last
        if done == CHECKS:
            left = max(left, FIRST_LEAST)
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
