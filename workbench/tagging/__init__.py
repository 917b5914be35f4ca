"""Tag samples and labels as failure scenarios; every change is saved at once and can be undone."""

from workbench.tagging.changes import history, redo, tag, undo, untag
from workbench.tagging.replay import Replay, export_history, replay_history

__all__ = ["Replay", "export_history", "history", "redo", "replay_history", "tag", "undo", "untag"]
