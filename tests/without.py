"""``make quick`` runs folders that need no database, no browser and no renderer; this makes sure of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

ABSENT = frozenset({"fiftyone", "pymongo", "mongoengine", "open3d", "mitsuba", "playwright", "anywidget"})


class Refusing(MetaPathFinder):
    """Refuses modules as if they were not installed, and leaves all others to the usual finders."""

    def find_spec(self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> None:
        if fullname.partition(".")[0] in ABSENT:
            message = f"A test of `make quick` imports {fullname}. Move it to a folder that `make test` alone runs."
            raise ModuleNotFoundError(message, name=fullname)


def refuse_what_quick_tests_do_without() -> None:
    """From now on the import of a database, a browser or a renderer fails."""
    sys.meta_path.insert(0, Refusing())
