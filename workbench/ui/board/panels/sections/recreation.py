"""Recreate a failure as a scenario, and change its distributions; a section of the generator."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

from PIL import Image

from workbench.actions.generate import preview
from workbench.actions.recreate import Recreation, Row
from workbench.actions.recreate import recreate as recreate_failure
from workbench.actions.recreate.rendered import BASE
from workbench.adapters import store
from workbench.base.errors import InputError, one_of
from workbench.base.progress import Cancel, Work
from workbench.core.scenario import Scenario
from workbench.core.scenario.distribution import Distribution
from workbench.core.scenario.document import distribution_document, parse_text, parse_value, value_text
from workbench.core.scenario.parameters import PARAMETERS
from workbench.core.schema import fields
from workbench.core.tables.filter import OneOf
from workbench.ui.board.code_line import DS, FILTER, IDS, call
from workbench.ui.board.jobs import Done, Jobs
from workbench.ui.board.panel import Command, Reply
from workbench.ui.board.state import Selection
from workbench.ui.board.thumbnails import thumbnails

FIT_S = 90.0
ALL = 0.995  # a share that is shown as 100 %
BESIDE = 4  # samples shown beside as many pictures
UNITS = {"stop": "EV", "pixel": "px"}  # short forms
Arguments = dict[str, Any]


def load_scenario(scenario: str, text: str) -> Scenario:
    """The scenario of a name or file, or of an edited text."""
    return Scenario.load(parse_text(text, at="the edited scenario") if text else scenario)


def recreate(
    state: Selection,
    jobs: Jobs,
    source: str,
    name: str = "",
    probes: bool = True,
    seconds: float = FIT_S,
    spare_test: bool = True,
    content: str = "",
) -> int:
    """Start to make a scenario of the filtered or selected samples, or of those of a failure tag.

    Samples that a scenario is fitted to cannot evaluate a round, so those of ``test`` are left out unless asked for.
    Returns the job's number.
    """
    samples, in_code = _samples(state, source)
    given: Arguments = {"name": name.strip() or None, "probes": probes, "seconds": seconds, "content": content or None}
    given |= {} if spare_test else {"spare_test": False}

    def run(work: Work) -> Done:
        result = recreate_failure(state.dataset, **samples, **given, work=work)
        return Done("; ".join([str(result).splitlines()[0], *map(str, result.problems), *result.notes]), _plain(result))

    state.note_code(f"recreation = {call(recreate_failure, DS, **in_code, **given)}")
    return jobs.start(f"Recreate {given['name'] or source}", run, kind="recreate")


def _samples(state: Selection, source: str) -> tuple[Arguments, Arguments]:
    """What to recreate: the arguments for ``wb.recreate``, and the same as they stand in the code."""
    if source == "selected":
        if not state.ids:
            raise InputError("No samples are selected.", fix="Click images first.")
        return {"ids": state.ids}, {"ids": IDS}
    if source == "filtered":
        return {"where": state.filter}, {"where": FILTER}
    tagged = OneOf(fields.TAGS, (source,))
    return {"where": tagged}, {"where": tagged}


def _plain(result: Recreation) -> dict[str, Any]:
    """A recreation as plain values."""
    return {
        "name": result.scenario.name,
        "yaml": result.scenario.dump(),
        "samples": result.samples,
        "content": result.content,
        "contents": result.explained(),
        "rows": [_row(row, result.scenario) for row in result.parameters],
        "before": result.gap_before,
        "after": result.gap_after,
    }


def _row(row: Row, scenario: Scenario) -> dict[str, Any]:
    """A parameter with its distribution as text: as it was fitted, and as it varies freely."""
    plain = Scenario.load(BASE) if scenario.content == "rendered" else Scenario("plain", content=scenario.content)
    texts = {"value": _text(scenario.draws[row.path]), "wide": _text(plain.draws[row.path])}
    return {**dataclasses.asdict(row), "measured": _measured(row), **texts}


def _measured(row: Row) -> str | None:
    """What was measured, for people, with its unit."""
    value = row.measured
    if isinstance(value, dict):
        return ", ".join(f"{word} in {share:.0%}" if share < ALL else str(word) for word, share in value.items())
    if isinstance(value, list | tuple):
        return " to ".join(map(str, value))
    if value is None or isinstance(value, str):
        return value
    unit = PARAMETERS[row.path].unit
    return f"{value:.3g} {UNITS.get(unit, unit)}".strip().replace("-", "\u2212", 1)


def _text(distribution: Distribution) -> str:
    return value_text(distribution_document(distribution))


def revise(state: Selection, jobs: Jobs, text: str, path: str, value: str, mode: str = "free") -> dict[str, str]:
    """A scenario with another distribution of one parameter; gives its text, and that of the distribution.

    ``mode`` is ``jitter`` for one that was measured, else ``free``.
    """
    scenario = load_scenario("", text)
    if path not in scenario.draws:
        raise InputError(f"Unknown parameter {repr(path)[:80]}.", fix=one_of(path, scenario.draws))
    distribution = {path: parse_value(value, at=path)}
    revised = scenario.replace(distribution, modes={**scenario.modes, path: mode})
    state.note_code(f"recreation.scenario = {call(scenario.replace, distribution)}")
    return {"yaml": revised.dump(), "value": _text(revised.draws[path])}


def beside(state: Selection, jobs: Jobs, cancel: Cancel, text: str) -> Reply:
    """Some of the samples that a scenario recreates, and as many pictures of it: its first frames, small."""
    scenario = load_scenario("", text)
    samples = list(store.read(state.dataset, list(scenario.anchor.sample_ids[:BESIDE])))
    made = [_jpeg(Image.fromarray(picture)) for picture in preview(scenario, BESIDE, boxes=False)]
    return Reply({"photos": len(samples), "made": len(made)}, [*thumbnails(samples, cancel), *made])


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=88)
    return out.getvalue()


COMMANDS = {
    "beside": Command(beside, background=True),
    "recreate": Command(recreate),
    "revise": Command(revise),
}
