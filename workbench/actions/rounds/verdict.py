"""Judge a failure scenario: closed, failing or worse; and why."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.core.metrics.compare import Change, Level

CLOSED, FAILING, WORSE = "closed", "failing", "worse"
NEAR = 0.05  # a closed scenario's metric lies at most so far below the rest's
FOUND = 0.5  # least value of a closed scenario: like the rest is not enough where all is bad
HELPED = 0.05  # a gain that real images of a slice should bring if it lacked coverage
IMPROVED = "significant improvement since the first round"
GATE_IMAGES = 10  # real images of the slice that must have been added to ask whether they helped


@dataclass(frozen=True)
class Verdict:
    """State of a failure scenario.

    Attributes:
        state: ``closed``, ``failing`` or ``worse``.
        note: why, in words.
    """

    state: str
    note: str


def decide(now: Level, to_rest: Change, since_before: Change | None, since_first: Change | None) -> Verdict:
    """The state of a scenario after the last round.

    ``worse``: it fell significantly since the round before or the first. ``closed``: it rose significantly since the
    first round, is not significantly below the rest of the real images, its value is at most 0.05 below theirs (so a
    slice too small for significance is not closed), and at least 0.5. Else ``failing``.

    Args:
        now: the metric in the last round.
        to_rest: that less the rest's.
        since_before, since_first: its change; ``None`` without such a round.
    """
    if now.value is None:
        return Verdict(FAILING, "none of its labels are in the evaluated images")
    for against, step in (("the round before", since_before), ("the first round", since_first)):
        if step is not None and step.fell:
            return Verdict(WORSE, f"significantly lower than in {against}")
    if since_first is None:
        return Verdict(FAILING, "only one round so far, nothing to compare with")
    behind = to_rest.value is not None and (to_rest.fell or to_rest.value < -NEAR)
    if not since_first.rose:
        note = "no significant improvement since the first round"
        return Verdict(FAILING, f"{note}, below the rest" if behind else note)
    if to_rest.value is None:
        return Verdict(FAILING, f"{IMPROVED}; no other labels to compare with")
    if behind:
        distance = "significantly" if to_rest.fell else f"by more than {NEAR:g}"
        return Verdict(FAILING, f"{IMPROVED}, but still {distance} below the rest")
    if now.value < FOUND:
        return Verdict(FAILING, f"{IMPROVED} and level with the rest, but below {FOUND:g}")
    return Verdict(CLOSED, f"{IMPROVED} and level with the rest")


def gate(added: int | None, gained: Change) -> str:
    """Whether real images of the slice that were added helped: if not, generated ones will not either.

    Args:
        added: real images of the slice in the training data more than before; ``None`` when not known.
        gained: change of the metric since.
    """
    if added is None or added < GATE_IMAGES or gained.value is None or gained.high is None or gained.rose:
        return ""
    if gained.high < HELPED:
        return (
            f"{added:,} real images of it were added without improvement: not a failure of coverage, so generating "
            "more will not help; check labels, resolution and the model"
        )
    return f"{added:,} real images of it were added; their effect is not clear yet"
