"""Tag samples and labels as failure scenarios; every change is saved at once and can be undone."""

from workbench.tagging.changes import history, redo, tag, undo, untag
from workbench.tagging.replay import Replay, export_history, replay_history
from workbench.tagging.scenarios import describe, described, scenarios

__all__ = [
    "Replay",
    "describe",
    "described",
    "export_history",
    "history",
    "redo",
    "replay_history",
    "scenarios",
    "tag",
    "undo",
    "untag",
]
