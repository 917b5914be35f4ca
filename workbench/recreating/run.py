"""Recreate: from tagged samples to a scenario that makes more of what they have in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workbench import library, measures, store
from workbench.errors import InputError
from workbench.generating.frame import accepted_draw, shoot
from workbench.generating.preview import HEIGHT, WIDTH, scaled
from workbench.processes import WorkerProcesses
from workbench.progress import Cancel, Listener, Progress
from workbench.recreating.facts import Fact, common_words, confidence_of, distance, fact
from workbench.recreating.fit import ROUNDS, Fit, fit
from workbench.recreating.knobs import KNOBS, TARGETS, Knob, constants, is_common
from workbench.scenario import Scenario
from workbench.scenario.anchor import Anchor, Measured
from workbench.schema import fields
from workbench.slicing import CategoryColumn, Filter, NumberColumn, SetColumn, Table
from workbench.store import Dataset
from workbench.store.columns import as_filter

BASE = Path(__file__).with_name("base.yaml")
PROBE_WIDTH_PX = 640
CHECKS = 20  # pictures from which the distance before and after is taken
ANCHORS = 200  # samples named in the scenario
JPEG_QUALITY = 95
WIDER = 1.5  # spread of what is free, against that of all real pictures
LEVELS = ("low", "medium", "high")  # of confidence

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """Where one parameter's distribution comes from.

    Attributes:
        path: of the parameter.
        mode: ``jitter`` around what was measured, or ``free``.
        measured: value in the parameter's unit, words with their shares, or ``None``.
        confidence: ``high``, ``medium``, ``low``, or ``unknown`` for what was not measured.
        why: in words.
    """

    path: str
    mode: str
    measured: Any
    confidence: str
    why: str


@dataclass
class Recreation:
    """A scenario made from samples.

    Attributes:
        scenario: to look at, change, save and generate.
        parameters: where each distribution comes from.
        samples: how many samples it was made from.
        gap_before, gap_after: mean distance per measure between these samples and pictures of the plain, wide scenario
            or of this one, in standard deviations of the samples; ``None`` without a fit.
    """

    scenario: Scenario
    parameters: list[Row] = field(default_factory=list)
    samples: int = 0
    gap_before: float | None = None
    gap_after: float | None = None

    def __str__(self) -> str:
        def told(row: Row) -> str:
            return f"  {row.mode:<6} {row.path:<34} {row.confidence:<7} {row.why}"

        lines = [f"{self.scenario.name}: from {self.samples:,} samples"]
        if self.gap_before is not None and self.gap_after is not None:
            lines[0] += f"; distance {self.gap_before:.2f} before the fit, {self.gap_after:.2f} after"
        return "\n".join(lines + [told(row) for row in self.parameters])


def recreate(
    dataset: Dataset,
    where: str | Filter | None = None,
    *,
    ids: Sequence[str] | None = None,
    name: str | None = None,
    probes: bool = True,
    backend: str = "open3d",
    listener: Listener | None = None,
    cancel: Cancel | None = None,
) -> Recreation:
    """Make a scenario of what samples have in common against the other real ones.

    What sets them apart (exposure, contrast, noise, blur, colour; surface words; classes) is drawn around the
    measured values; what they share with all real pictures, as in all of them and wider; everything else varies
    widely. Pictures made on the way are measured like the photos, and the distributions moved until they agree (about
    a minute on 2 cores).

    Args:
        dataset: a measured dataset.
        where: the samples, e.g. ``"'failure:dim_metal' in tags"``.
        ids: or their ids.
        name: of the scenario; by default the failure tag that they share.
        probes: whether to fit by pictures; without, only words and classes are taken over.
        backend: what draws them.
        listener: told of the progress.
        cancel: stops between two pictures; nothing is changed.

    Raises:
        InputError: no samples, or none of them measured.
        FilterError: the filter is wrong.
        Cancelled: the user stopped.
    """
    table = store.table(dataset)
    rows = _rows(table, where, ids)
    others = _others(table, rows)
    facts = _facts(table, rows, others)
    if not facts:
        raise InputError(
            "measured samples", found="none of them is", where=dataset.name, fix="Measure first: wb.measure(ds)."
        )
    tags = _shared_tags(table, rows)
    label = name or (tags[0].removeprefix(fields.FAILURE_PREFIX) if tags else "recreated")
    chosen_ids = tuple(table.ids[rows][:ANCHORS].tolist())
    about = f"What {rows.sum():,} samples of {dataset.name} have in common; everything else varies widely."
    plain = Scenario.load(BASE).replace(
        _resolution(dataset, chosen_ids),
        name=label,
        anchor=Anchor(chosen_ids, dataset.name, tuple(tags)),
        description=about,
    )
    changes, said = _words(table, rows, others)
    scenario = plain.replace(changes, modes={row.path: row.mode for row in said})
    done = Recreation(scenario, said, int(rows.sum()))
    common = {one.measure: one.is_common for one in facts.values()}
    usual = _facts(table, rows | others, np.zeros(len(table), np.bool_))  # what the camera does to all pictures
    aims = [_aim(knob, is_common(knob, common), facts, usual) for knob in KNOBS]
    if probes:
        real = {name: _numbers(table, name, rows) for name in facts}
        _fitted(done, plain, [aim for aim in aims if aim.wanted], real, backend, listener, cancel)
    else:
        done.parameters += [Row(a.knob.path, "free", None, "unknown", f"not fitted: {a.told()}") for a in aims]
    return done


def _rows(table: Table, where: str | Filter | None, ids: Sequence[str] | None) -> NDArray[np.bool_]:
    if (where is None) == (ids is None):
        raise InputError("either a filter or ids", found="both" if ids is not None else "neither", where="recreate")
    if ids is None:
        rows = table.mask(as_filter(where))
    else:
        place = table.rows_of(list(ids))
        if (place < 0).any():
            unknown = list(ids)[int(np.flatnonzero(place < 0)[0])]
            raise InputError("ids of the dataset's samples", found=repr(unknown), where="recreate")
        rows = np.zeros(len(table), np.bool_)
        rows[place] = True
    if not rows.any():
        fix = "Look at `workbench info` for tags and facets."
        raise InputError("samples to recreate", found="none that the filter selects", where=str(where), fix=fix)
    return rows


def _others(table: Table, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What the samples are compared with: all other real ones, or all others of a dataset without real ones."""
    source = table.columns[fields.SOURCE]
    real = source.mask_of(["real"]) & ~rows
    return real if real.any() else ~rows


def _facts(table: Table, rows: NDArray[np.bool_], others: NDArray[np.bool_]) -> dict[str, Fact]:
    found = {}
    for measure in TARGETS:
        column = table.columns.get(f"{fields.MEASURES}.{measure}")
        if isinstance(column, NumberColumn) and (one := fact(measure, column.values[rows], column.values[others])):
            found[measure] = one
    return found


def _shared_tags(table: Table, rows: NDArray[np.bool_]) -> list[str]:
    """Failure tags that most of the samples carry, the most frequent first."""
    column = table.columns[fields.TAGS]
    assert isinstance(column, SetColumn)
    counts = {tag: n for tag, n in column.counts(rows).items() if tag.startswith(fields.FAILURE_PREFIX)}
    return sorted((tag for tag, n in counts.items() if n > rows.sum() / 2), key=lambda tag: -counts[tag])


def _resolution(dataset: Dataset, ids: Sequence[str]) -> dict[str, Any]:
    """The size that most of the pictures have."""
    sizes = [(one.record.width, one.record.height) for one in store.read(dataset, list(ids)[:50])]
    sizes = [size for size in sizes if min(size) >= 16] or [(640, 480)]
    width, height = max(set(sizes), key=sizes.count)
    shrink = min(1.0, 1280 / width)
    return {WIDTH: round(width * shrink), HEIGHT: round(height * shrink)}


def _words(table: Table, rows: NDArray[np.bool_], others: NDArray[np.bool_]) -> tuple[dict[str, Any], list[Row]]:
    """Surface and classes that the samples have in common, and how many labels they have."""
    changes: dict[str, Any] = {}
    said: list[Row] = []
    surfaces = common_words(*(_category(table, fields.SURFACE, part) for part in (rows, others)))
    known = {word: share for word, share in surfaces.items() if word in library.SURFACE_KINDS}
    _take(changes, said, "scene.surface.label", known, surfaces, int(rows.sum()), "the surfaces that they share")
    shares = common_words(_labels(table, rows), _labels(table, others))
    parts = {word: share for word, share in shares.items() if word in library.PART_NAMES}
    _take(changes, said, "assets.targets.labels", parts, shares, int(rows.sum()), "the classes that they share")
    counts = table.columns.get("labels")
    if isinstance(counts, NumberColumn) and np.nansum(counts.values[rows]) > 0:
        low, high = (int(np.clip(round(v), 1, 40)) for v in np.nanquantile(counts.values[rows], [0.1, 0.9]))
        changes["assets.targets.count"] = {"uniform_int": [low, high]}
        why = f"{low} to {high} labels in eight of ten"
        said.append(Row("assets.targets.count", "jitter", [low, high], confidence_of(int(rows.sum())), why))
    return changes, said


def _take(
    changes: dict[str, Any],
    said: list[Row],
    path: str,
    known: Mapping[str, float],
    shares: Mapping[str, float],
    n: int,
    what: str,
) -> None:
    if known:
        weights = {word: round(share / sum(known.values()), 3) for word, share in known.items()}
        changes[path] = {"choice": list(weights), "weights": list(weights.values())}
        why = f"{what}: " + ", ".join(f"{word} {share:.0%}" for word, share in weights.items())
        said.append(Row(path, "jitter", weights, confidence_of(n), why))
    elif shares:
        why = f"{what} ({', '.join(list(shares)[:3])}) are not in the library; all of it is drawn"
        said.append(Row(path, "free", None, "unknown", why))
    else:
        said.append(Row(path, "free", None, "unknown", "nothing in common that the others have less"))


def _category(table: Table, name: str, rows: NDArray[np.bool_]) -> list[str | None]:
    column = table.columns[name]
    assert isinstance(column, CategoryColumn)
    return [None if code < 0 or column.names[code] == "unknown" else column.names[code] for code in column.codes[rows]]


def _labels(table: Table, rows: NDArray[np.bool_]) -> list[str]:
    column = table.columns["class"]
    assert isinstance(column, SetColumn)
    return [word for word, n in column.counts(rows).items() for _ in range(n)]


@dataclass(frozen=True)
class Aim:
    """What one knob is fitted to.

    Attributes:
        knob: the parameter.
        mode: ``jitter`` for what the samples have in common, fitted to them; ``free`` for what they share with all
            real pictures, fitted to all and drawn wider.
        wanted: mean and standard deviation of its measures.
        facts: of the samples.
    """

    knob: Knob
    mode: str
    wanted: Mapping[str, tuple[float, float]]
    facts: Mapping[str, Fact]

    def told(self, left: Mapping[str, float] | None = None) -> str:
        """Its measures in words."""
        return ", ".join(_told(one, (left or {}).get(name)) for name, one in self.facts.items()) or "not measured"


def _aim(knob: Knob, common: bool, facts: Mapping[str, Fact], usual: Mapping[str, Fact]) -> Aim:
    source = facts if common else usual
    wanted = {name: (source[name].mean, source[name].std) for name in knob.measures if name in source}
    return Aim(knob, "jitter" if common else "free", wanted, {n: facts[n] for n in knob.measures if n in facts})


def _numbers(table: Table, measure: str, rows: NDArray[np.bool_]) -> Values:
    column = table.columns[f"{fields.MEASURES}.{measure}"]
    assert isinstance(column, NumberColumn)
    return column.values[rows]


def _fitted(
    done: Recreation,
    plain: Scenario,
    aims: Sequence[Aim],
    real: Mapping[str, Values],
    backend: str,
    listener: Listener | None,
    cancel: Cancel | None,
) -> None:
    """Move the distributions of the knobs until probes measure as wanted."""
    knobs = tuple(aim.knob for aim in aims)
    wanted = {name: pair for aim in aims for name, pair in aim.wanted.items()}
    total = sum(ROUNDS) + 2 * CHECKS
    with (
        Progress(f"fitting {plain.name}", total=total, unit="picture", listener=listener, cancel=cancel) as progress,
        WorkerProcesses(2) as pool,
    ):
        done.gap_before = distance(real, _measured(pool, [plain] * CHECKS, tuple(real), backend, progress))

        def probe(places: Values) -> dict[str, Values]:
            held = [done.scenario.replace(constants(knobs, one)) for one in places]
            return _measured(pool, held, tuple(wanted), backend, progress)

        found = fit(knobs, wanted, probe)
        _take_over(done, aims, found)
        done.gap_after = distance(real, _measured(pool, [done.scenario] * CHECKS, tuple(real), backend, progress))


def _take_over(done: Recreation, aims: Sequence[Aim], found: Fit) -> None:
    changes, measured = {}, {}
    for aim, place, spread in zip(aims, found.places.tolist(), found.spreads.tolist(), strict=True):
        knob, value = aim.knob, float(f"{aim.knob.value(place):.4g}")
        confidence = min((one.confidence for one in aim.facts.values()), key=LEVELS.index, default="low")
        measured[knob.path] = Measured(value, confidence)
        changes[knob.path] = knob.jitter(place, spread if aim.mode == "jitter" else WIDER * spread)
        why = aim.told(found.surprise) + ("" if aim.mode == "jitter" else "; as in all real pictures, wider")
        done.parameters.append(Row(knob.path, aim.mode, value, confidence, why))
    anchor = dataclasses.replace(done.scenario.anchor, measured=measured)
    modes = {**done.scenario.modes, **{aim.knob.path: aim.mode for aim in aims}}
    done.scenario = done.scenario.replace(changes, anchor=anchor, modes=modes)


def _told(one: Fact, surprise: float | None) -> str:
    apart = "" if one.effect is None else f" ({one.effect:+.1f} std from the others)"
    left = "" if surprise is None or surprise < 0.5 else f", {surprise:.1f} std not reached"
    return f"{one.measure} {one.mean:.3g}{apart}{left}"


def _measured(
    pool: Executor, scenarios: Sequence[Scenario], names: tuple[str, ...], backend: str, progress: Progress
) -> dict[str, Values]:
    """Measures of one picture of each scenario; frame ``i`` of scenario ``i``."""
    futures = {pool.submit(picture_measures, one, i, backend, names): i for i, one in enumerate(scenarios)}
    rows: dict[int, list[float]] = {}
    try:
        for future in as_completed(futures):
            rows[futures[future]] = future.result()
            progress.advance()
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    values = np.array([rows[i] for i in range(len(scenarios))])
    return {name: values[:, at] for at, name in enumerate(names)}


def picture_measures(scenario: Scenario, frame: int, backend: str, names: tuple[str, ...]) -> list[float]:
    """Draw one frame in memory and measure it as a photo would be; the function that workers run."""
    accepted = accepted_draw(scenario, frame)
    factor = min(1.0, PROBE_WIDTH_PX / accepted.resolved.values[WIDTH])
    if factor < 1.0:
        from workbench import render
        from workbench.scenario import build

        small = scaled(accepted.resolved, factor)
        scene = build(small)
        accepted = dataclasses.replace(accepted, resolved=small, scene=scene, truth=render.annotate(scene))
    shot = shoot(accepted, backend=backend)
    ok, data = cv2.imencode(".jpg", shot.picture.srgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    assert ok
    found = measures.measure_all(measures.decode(data.tobytes()))
    return [float(found[name]) for name in names]
