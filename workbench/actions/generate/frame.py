"""One frame: resolve, build, annotate, accept, render, form the image. Runs in any process."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from workbench.actions.generate import media
from workbench.actions.generate.contents import CONTENTS
from workbench.actions.generate.donors import NO_SUPPLY, Supply
from workbench.actions.generate.record import lineage
from workbench.actions.generate.shot import Draft
from workbench.base.errors import InputError, ScenarioError
from workbench.base.plurals import counted
from workbench.core.scenario import Scenario, Unplaceable


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


def make_frame(scenario: Scenario, frame: int, *, backend: str, folder: Path, supply: Supply = NO_SUPPLY) -> Made:
    """Draw one frame and write it; the function that workers run.

    Raises:
        NotAccepted: none of the tries fulfilled the scenario's ``accept``.
        RenderError, OutputError: as they say.
    """
    shot = accepted_draw(scenario, frame, supply).shoot(backend)
    media.write_frame(folder, shot, lineage(shot))
    return Made(frame, shot.accepted.refusals, shot.render_ms)


def accepted_draw(scenario: Scenario, frame: int, supply: Supply = NO_SUPPLY) -> Draft:
    """The first draw of a frame that fulfils the scenario's ``accept``.

    Raises:
        NotAccepted: there was none within ``max_tries``.
        InputError: a draw cannot be built; the message names the frame.
    """
    refusals: Counter[str] = Counter()
    for attempt in range(scenario.accept.max_tries):
        try:
            resolved = scenario.resolve(frame, attempt, donor_ids=supply.ids, objects=supply.objects)
        except Unplaceable as cause:
            refusals[cause.at] += 1
            continue
        except InputError as error:
            raise _of_frame(frame, error) from error
        try:
            draft = CONTENTS[scenario.content].draft(resolved, refusals, supply)
        except InputError as error:
            raise _of_frame(frame, error) from error
        reason = draft.refusal(scenario.accept)
        if reason is None:
            return draft
        refusals[reason] += 1
    raise not_accepted(f"frame {frame}", scenario, refusals)


def _of_frame(frame: int, error: InputError) -> InputError:
    at = f"frame {frame}" + (f", {error.at}" if error.at else "")
    return type(error)(error.problem, at=at, fix=error.fix)


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
