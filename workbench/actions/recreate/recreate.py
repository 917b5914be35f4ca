"""Recreate: from tagged samples to a scenario that makes more of what they have in common."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.actions.generate.preview import HEIGHT, WIDTH
from workbench.actions.recreate.categories import words_of
from workbench.actions.recreate.contrast import Fact, confidence_of, distance, fact
from workbench.actions.recreate.fit import LEAST, ROUNDS, TELLS, Fit, fit
from workbench.actions.recreate.parameters import CHOICES, KNOBS, TARGETS, Choice, Knob, constants, is_common
from workbench.actions.recreate.probes import BOX_MEASURES, box_measures, probed
from workbench.actions.recreate.report import Row
from workbench.adapters import store
from workbench.adapters.store import Dataset, opened
from workbench.base.errors import InputError
from workbench.base.plurals import counted
from workbench.base.processes import WorkerProcesses
from workbench.base.progress import Progress, Work
from workbench.core.measures import MEASURES
from workbench.core.measures.registry import cyclic_measures
from workbench.core.scenario import Scenario, distributions
from workbench.core.scenario.anchor import Anchor, Measured
from workbench.core.schema import fields
from workbench.core.schema.report import Problem
from workbench.core.tables import Filter, NumberColumn, SetColumn, Table, as_filter

BASE = Path(__file__).with_name("base.yaml")
FIRST_LEAST = 60  # probes of the first round
CHECKS = 20  # images from which the distance before and after is taken
ANCHORS = 200  # samples named in the scenario
WIDER = 1.2  # spread of what is free, against that of the samples
CYCLIC = cyclic_measures()  # 359 degrees is near 1: no number to regress on

Values = NDArray[np.float64]


@dataclass
class Recreation:
    """A scenario made from samples.

    Attributes:
        scenario: to look at, change, save and generate.
        parameters: where each distribution comes from.
        samples: how many samples it was made from.
        synthetic: how many of these are synthetic.
        probes: how many trial renders were made.
        gap_before, gap_after: mean distance per measure between these samples and images of the plain, wide scenario
            or of this one, in standard deviations of the samples; ``None`` without a fit.
        problems: labels that could not be used.
    """

    scenario: Scenario
    parameters: list[Row] = field(default_factory=list)
    samples: int = 0
    synthetic: int = 0
    probes: int = 0
    gap_before: float | None = None
    gap_after: float | None = None
    problems: list[Problem] = field(default_factory=list)

    def __str__(self) -> str:
        def line(row: Row) -> str:
            return f"  {row.mode:<6} {row.path:<34} {row.confidence:<7} {row.why}"

        lines = [f"{self.scenario.name}: from {counted(self.samples, 'sample')}"]
        if self.gap_before is not None and self.gap_after is not None:
            lines[0] += f"; renders were {self.gap_before:.2f} standard deviations from the photos before the fit"
            lines[0] += f", {self.gap_after:.2f} after ({counted(self.probes, 'trial render')})"
        if self.synthetic:
            which = "it is" if self.samples == 1 else f"{self.synthetic:,} of them are"
            lines.append(f"  {which} synthetic: what they share may come from the generator, not from the camera")
        return "\n".join([*lines, *map(line, self.parameters), *(f"  {problem}" for problem in self.problems)])


def recreate(
    dataset: Dataset | str,
    where: str | Filter | None = None,
    *,
    ids: Sequence[str] | None = None,
    name: str | None = None,
    probes: bool = True,
    seconds: float = 90.0,
    backend: str = "open3d",
    work: Work | None = None,
) -> Recreation:
    """Make a scenario of what samples have in common against the other real ones.

    What sets them apart (exposure, contrast, noise, blur, colour; surface words; classes) is drawn around the
    measured values; what they share with all real images, as in all of them and wider; everything else varies
    widely. Trial renders are measured like the photos, and the distributions moved until they agree.
    Few samples give wide distributions.

    Args:
        dataset: a measured dataset.
        where: the samples, e.g. ``"'failure:dim_metal' in tags"``.
        ids: or their ids.
        name: of the scenario; by default the failure tag that they share.
        probes: whether to refine with trial renders; without, only surfaces and classes are taken over.
        seconds: time limit of the fit; slow renderers make fewer trial renders.
        backend: what draws them.
        work: receives the progress; its ``cancel`` stops between two images; nothing is changed.

    Raises:
        InputError: no samples, or none of them measured.
        FilterError: the filter is wrong.
        Cancelled: the user stopped.
    """
    dataset = opened(dataset)
    table = store.table(dataset)
    rows = _rows(table, None if where is None else store.asked(dataset, where), ids)
    others = _others(table, rows)
    facts = _facts(table, rows, others)
    if not facts:
        problem = "None of the selected samples has been measured."
        raise InputError(problem, at=dataset.name, fix="Measure first: wb.measure(ds).")
    tags = _shared_tags(table, rows)
    label = name or (tags[0].removeprefix(fields.FAILURE_PREFIX) if tags else "recreated")
    chosen_ids = tuple(table.ids[rows][:ANCHORS].tolist())
    about = (
        f"What {counted(int(rows.sum()), 'sample')} of {dataset.name} have in common; everything else varies widely."
    )
    plain = Scenario.load(BASE).replace(
        _resolution(dataset, chosen_ids),
        name=label,
        anchor=Anchor(chosen_ids, dataset.name, tuple(tags)),
        description=about,
    )
    changes, report = words_of(table, rows, others)
    scenario = plain.replace(changes, modes={row.path: row.mode for row in report if row.mode == "jitter"})
    synthetic = table.columns[fields.SOURCE].mask_of(["synthetic"]) & rows
    done = Recreation(scenario, report, int(rows.sum()), int(synthetic.sum()))
    done.problems = store.odd_label_problems(dataset, ids=table.ids[rows].tolist())
    if probes:
        free = [path for path in CHOICES if path not in changes]
        photos = _numbers(table, rows) | _boxes(dataset, table.ids[rows].tolist())
        _fitted(done, plain, photos, facts, free, seconds, backend, work)
    else:
        done.parameters += [
            Row(k.path, "free", None, "unknown", f"not fitted: {_measures_text(k, facts)}") for k in KNOBS
        ]
    return done


def _rows(table: Table, where: str | Filter | None, ids: Sequence[str] | None) -> NDArray[np.bool_]:
    if (where is None) == (ids is None):
        problem = "Only one of where and ids is allowed." if ids is not None else "Neither where nor ids was given."
        raise InputError(problem, at="recreate", fix="Pass a filter or sample ids.")
    if ids is None:
        rows = table.mask(as_filter(where))
    else:
        positions = table.rows_of(list(ids))
        if (positions < 0).any():
            unknown = list(ids)[int(np.flatnonzero(positions < 0)[0])]
            raise InputError(f"The dataset has no sample {unknown!r}.", at="recreate")
        rows = np.zeros(len(table), np.bool_)
        rows[positions] = True
    if not rows.any():
        fix = "Look at `workbench info` for tags and facets."
        raise InputError("No samples to recreate are selected.", at="ids" if where is None else str(where), fix=fix)
    return rows


def _others(table: Table, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What the samples are compared with: all other real ones, or all others of a dataset without real ones."""
    source = table.columns[fields.SOURCE]
    real = source.mask_of(["real"]) & ~rows
    return real if real.any() else ~rows


def _facts(table: Table, rows: NDArray[np.bool_], others: NDArray[np.bool_]) -> dict[str, Fact]:
    facts = {}
    for measure in TARGETS:
        column = table.columns.get(f"{fields.MEASURES}.{measure}")
        if isinstance(column, NumberColumn) and (compared := fact(measure, column.values[rows], column.values[others])):
            facts[measure] = compared
    return facts


def _shared_tags(table: Table, rows: NDArray[np.bool_]) -> list[str]:
    """Failure tags that most of the samples carry, the most frequent first."""
    column = table.columns[fields.TAGS]
    assert isinstance(column, SetColumn)
    counts = {tag: n for tag, n in column.counts(rows).items() if tag.startswith(fields.FAILURE_PREFIX)}
    return sorted((tag for tag, n in counts.items() if n > rows.sum() / 2), key=lambda tag: -counts[tag])


def _resolution(dataset: Dataset, ids: Sequence[str]) -> dict[str, Any]:
    """The size that most of the images have."""
    sizes = [(stored.record.width, stored.record.height) for stored in store.read(dataset, list(ids)[:50])]
    sizes = [size for size in sizes if min(size) >= 16] or [(640, 480)]
    width, height = max(set(sizes), key=sizes.count)
    shrink = min(1.0, 1280 / width)
    return {WIDTH: round(width * shrink), HEIGHT: round(height * shrink)}


def _numbers(table: Table, rows: NDArray[np.bool_]) -> dict[str, Values]:
    """Every measure that some of the samples have."""
    numbers = {}
    for name in MEASURES:
        column = table.columns.get(f"{fields.MEASURES}.{name}")
        if name not in CYCLIC and isinstance(column, NumberColumn) and np.isfinite(column.values[rows]).any():
            numbers[name] = column.values[rows]
    return numbers


def _boxes(dataset: Dataset, ids: Sequence[str]) -> dict[str, Values]:
    """Sizes and distances of true boxes, where some sample has any."""
    per_sample = [
        box_measures(list(stored.record.labels.boxes()), stored.record.width, stored.record.height)
        for stored in store.read(dataset, list(ids))
    ]
    columns = {name: np.array([sample[name] for sample in per_sample]) for name in BOX_MEASURES}
    return {name: values for name, values in columns.items() if np.isfinite(values).any()}


def _fitted(
    done: Recreation,
    plain: Scenario,
    photos: Mapping[str, Values],
    facts: Mapping[str, Fact],
    free: Sequence[str],
    seconds: float,
    backend: str,
    work: Work | None,
) -> None:
    """Move the distributions until images measure like the samples."""
    choices = [_choice(done.scenario, path) for path in free]
    names = tuple(photos)
    with (
        Progress(f"fitting {plain.name}", total=sum(ROUNDS) + 2 * CHECKS, unit="render", work=work) as progress,
        WorkerProcesses(2) as pool,
    ):

        def made(scenarios: Sequence[Scenario]) -> Values:
            return probed(pool, scenarios, names, backend, progress)

        def probe(places: Values, words: Sequence[Sequence[str]]) -> Values:
            held = [
                constants(KNOBS, positions) | dict(zip(free, row, strict=True))
                for positions, row in zip(places, words, strict=True)
            ]
            return made([done.scenario.replace(changes) for changes in held])

        rounds = _rounds(progress, time.monotonic(), seconds)
        before = made([plain] * CHECKS)
        result = fit(KNOBS, choices, np.stack(list(photos.values()), axis=1), probe, rounds=rounds)
        done.probes = progress.done - CHECKS
        _take_over(done, facts, choices, result)
        after = made([done.scenario] * CHECKS)
    done.gap_before, done.gap_after = (
        distance(photos, dict(zip(names, values.T, strict=True))) for values in (before, after)
    )


def _rounds(progress: Progress, started_s: float, seconds: float) -> Iterator[int]:
    """Probes of each round, as many as the time leaves, at the speed so far, beside the last checks.

    The first round has enough of them to learn from, whatever the time.
    """
    for n in ROUNDS:
        spent_s = time.monotonic() - started_s
        left = int((seconds - spent_s) / (spent_s / progress.done)) - CHECKS
        if progress.done == CHECKS:
            left = max(left, FIRST_LEAST)
        if left < LEAST:
            break
        yield min(n, left)
    progress.total = progress.done + CHECKS


def _choice(scenario: Scenario, path: str) -> Choice:
    drawn = scenario.draws[path]
    assert isinstance(drawn, distributions.Choice)
    weights = np.array(drawn.weights or [1.0] * len(drawn.values), float)
    return Choice(path, tuple(str(word) for word in drawn.values), weights / weights.sum())


def _take_over(done: Recreation, facts: Mapping[str, Fact], choices: Sequence[Choice], result: Fit) -> None:
    common = {compared.measure: compared.is_common for compared in facts.values()}
    changes, measured, modes = {}, {}, {}
    confidence = confidence_of(done.samples)
    for knob, position, spread, explained in zip(
        KNOBS, result.places.tolist(), result.spreads.tolist(), result.explained.tolist(), strict=True
    ):
        if explained < TELLS:
            why = f"not measurable from pixels (measures explain {explained:.0%}); {_measures_text(knob, facts)}"
            done.parameters.append(Row(knob.path, "free", None, "unknown", why))
            continue
        value = float(f"{knob.value(position):.4g}")
        modes[knob.path] = "jitter" if is_common(knob, common) else "free"
        measured[knob.path] = Measured(value, confidence)
        wider = 1.0 if modes[knob.path] == "jitter" else WIDER
        changes[knob.path] = knob.jitter(position, wider * spread, confidence)
        why = f"{_measures_text(knob, facts)}; measures explain {explained:.0%}"
        why += "" if modes[knob.path] == "jitter" else "; not specific to these samples, so varied more widely"
        done.parameters.append(Row(knob.path, modes[knob.path], value, confidence, why))
    for choice, shares, explained in zip(choices, result.shares, result.choices_explained.tolist(), strict=True):
        if explained >= TELLS:
            changes[choice.path] = choice.weighted(shares)
            words = dict(zip(choice.words, changes[choice.path]["weights"], strict=True))
            why = f"estimated from the images; measures explain {explained:.0%}"
            done.parameters.append(Row(choice.path, "free", words, confidence, why))
    anchor = dataclasses.replace(done.scenario.anchor, measured=measured)
    done.scenario = done.scenario.replace(changes, anchor=anchor, modes={**done.scenario.modes, **modes})


def _measures_text(knob: Knob, facts: Mapping[str, Fact]) -> str:
    """A knob's measures in words."""
    texts = [_fact_text(facts[name]) for name in knob.measures if name in facts]
    return ", ".join(texts) or "no measure of its own"


def _fact_text(compared: Fact) -> str:
    apart = "" if compared.effect is None else f" ({compared.effect:+.1f} SD from the other samples)"
    return f"{compared.measure} {compared.mean:.3g}{apart}"
