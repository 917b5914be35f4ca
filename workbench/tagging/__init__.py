"""Tag samples as failure scenarios; every change is saved at once and can be undone."""

from workbench.tagging.changes import history, redo, tag, undo, untag

__all__ = ["history", "redo", "tag", "undo", "untag"]
