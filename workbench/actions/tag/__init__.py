"""Tag samples and labels as failure scenarios; every change is saved at once and can be undone."""

from workbench.actions.tag.replay import Replay, export_history, replay_history
from workbench.actions.tag.scenarios import describe, described, remembered, scenarios
from workbench.actions.tag.tag import history, redo, tag, undo, untag

__all__ = [
    "Replay",
    "describe",
    "described",
    "export_history",
    "history",
    "redo",
    "remembered",
    "replay_history",
    "scenarios",
    "tag",
    "undo",
    "untag",
]
