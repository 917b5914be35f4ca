"""One frame: resolve, build, annotate, accept, render, form the image. Runs in any process."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from workbench.actions.generate import media
from workbench.actions.generate.record import lineage
from workbench.actions.generate.shot import Accepted, Shot
from workbench.adapters import render
from workbench.base.errors import InputError, ScenarioError
from workbench.base.plurals import counted
from workbench.core.scenario import Scenario, Unplaceable, build, noise_rng, sensor_settings
from workbench.core.sensor import form_image

_ONE_AT_A_TIME = threading.Lock()  # renderers are not made for threads, which a Dask worker may have several of


class NotAccepted(ScenarioError):
    """No draw of a frame was accepted.

    ``refusals`` counts the draws by the predicate that refused them.
    """

    refusals: Counter[str]

    def __reduce__(self) -> tuple[object, ...]:
        return (*super().__reduce__(), {"refusals": self.refusals})


@dataclass(frozen=True)
class Made:
    """A finished frame on disk, as a worker reports it."""

    frame: int
    refusals: Counter[str]
    render_ms: float


def make_frame(scenario: Scenario, frame: int, *, backend: str, folder: Path) -> Made:
    """Draw one frame and write it; the function that workers run.

    Raises:
        NotAccepted: none of the tries fulfilled the scenario's ``accept``.
        RenderError, OutputError: as they say.
    """
    shot = shoot(accepted_draw(scenario, frame), backend=backend)
    media.write_frame(folder, shot.accepted, shot.picture, lineage(shot))
    return Made(frame, shot.accepted.refusals, shot.render_ms)


def accepted_draw(scenario: Scenario, frame: int) -> Accepted:
    """The first draw of a frame that fulfils the scenario's ``accept``.

    Raises:
        NotAccepted: there was none within ``max_tries``.
        InputError: a draw cannot be built; the message names the frame.
    """
    refusals: Counter[str] = Counter()
    for attempt in range(scenario.accept.max_tries):
        try:
            resolved = scenario.resolve(frame, attempt)
        except Unplaceable as cause:
            refusals[cause.at] += 1
            continue
        except InputError as error:
            raise _of_frame(frame, error) from error
        try:
            scene = build(resolved)
            truth = render.annotate(scene)
        except InputError as error:
            raise _of_frame(frame, error) from error
        reason = scenario.accept.refusal(truth)
        if reason is None:
            return Accepted(resolved, scene, truth, refusals)
        refusals[reason] += 1
    raise not_accepted(f"frame {frame}", scenario, refusals)


def _of_frame(frame: int, error: InputError) -> InputError:
    at = f"frame {frame}" + (f", {error.at}" if error.at else "")
    return type(error)(error.problem, at=at, fix=error.fix)


def shoot(accepted: Accepted, *, backend: str) -> Shot:
    """Render an accepted draw and send it through the sensor."""
    renderer = render.renderer(backend)
    started_s = time.perf_counter()
    with _ONE_AT_A_TIME:
        linear = renderer.render(accepted.scene)
    render_ms = (time.perf_counter() - started_s) * 1000.0
    settings, rng = sensor_settings(accepted.resolved), noise_rng(accepted.resolved)
    picture = form_image(linear, settings, rng=rng)
    return Shot(accepted, picture, renderer.name, renderer.version, render_ms)


def not_accepted(what: str, scenario: Scenario, refusals: Counter[str]) -> NotAccepted:
    """The error that names what the draws failed on, most frequent first."""
    limits = scenario.accept.document()
    reasons = ", ".join(
        f"{name} {limits.get(name, '')} refused {n}".replace("  ", " ") for name, n in refusals.most_common()
    )
    error = NotAccepted(
        f"None of {counted(refusals.total(), 'draw')} for {what} of '{scenario.name}' was accepted ({reasons}).",
        at="accept",
        fix="Widen that range, draw fewer objects, or raise accept.max_tries.",
    )
    error.refusals = refusals
    return error
