"""Rounds of the loop: what each model found on the same real images, and which failures are closed."""

from workbench.actions.rounds.record import record_round
from workbench.actions.rounds.rounds import rounds
from workbench.actions.rounds.scoreboard import Scoreboard

__all__ = ["Scoreboard", "record_round", "rounds"]
