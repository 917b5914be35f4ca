"""Every error that a user can meet, grouped by what the user can do about it.

::

    WorkbenchError
    ├── InputError        what was given cannot be read: correct the files or arguments
    │   ├── FilterError   the ``where`` text is not understood
    │   └── ScenarioError the scenario document is wrong
    ├── DatasetError      no such dataset, sample, field or tag: choose another name
    ├── OutputError       the place to write to refuses: choose another or make room
    ├── DatabaseError     the database is missing, too old or dead: follow the fix
    ├── RenderError       a renderer could not draw: follow the fix, or another backend
    ├── MissingExtra      an optional package is absent: install it
    └── Cancelled         the user stopped the work; what was finished is kept
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST_NAMED = 20  # valid names that a message lists


class WorkbenchError(Exception):
    """A failure that its reader can act upon.

    Args:
        problem: what happened, as a sentence.
        at: the file, sample, field or setting concerned, where the sentence does not name it.
        fix: what to do next, as a sentence.

    >>> str(WorkbenchError("'abc' is not a number.", at="cell.yaml, line 3", fix="Write for example frames: 100."))
    "cell.yaml, line 3: 'abc' is not a number. Write for example frames: 100."
    """

    def __init__(self, problem: str, *, at: str = "", fix: str = "") -> None:
        self.problem, self.at, self.fix = problem, at, fix
        super().__init__(problem, at, fix)

    def __str__(self) -> str:
        return " ".join(filter(None, (f"{self.at}: {self.problem}" if self.at else self.problem, self.fix)))

    def __reduce__(self) -> tuple[object, ...]:
        """Survive the way back from a worker process with the parts intact."""
        return (_rebuild, (type(self), self.problem, self.at, self.fix))


def _rebuild(kind: type[WorkbenchError], problem: str, at: str, fix: str) -> WorkbenchError:
    return kind(problem, at=at, fix=fix)


class InputError(WorkbenchError):
    """What was given cannot be read."""


class FilterError(InputError):
    """The ``where`` text is not understood."""


class WorkbenchWarning(UserWarning):
    """Something of the data or of a filter that a user has to know."""


class FilterWarning(WorkbenchWarning):
    """The ``where`` text is understood, but selects nothing, or has a word that no sample has."""


class LabelWarning(WorkbenchWarning):
    """Labels in the database that cannot be used are left out."""


class ScenarioError(InputError):
    """The scenario document is wrong."""


class DatasetError(WorkbenchError):
    """No such dataset, sample, field or tag."""


class OutputError(WorkbenchError):
    """The place to write to refuses."""


class DatabaseError(WorkbenchError):
    """The database is missing, too old or dead."""


class RenderError(WorkbenchError):
    """A renderer could not draw."""


class MissingExtra(WorkbenchError):
    """An optional package is absent."""


class Cancelled(WorkbenchError):
    """The user stopped the work; what was finished is kept."""


def one_of(name: str, valid: Iterable[str]) -> str:
    """Say which names are valid, the likely one first; of many those without a dot, then those most alike.

    A name may lack what stands before a dot.

    >>> one_of("lihgting", ["lighting", "surface"])
    "Did you mean 'lighting'? Valid: lighting, surface."
    >>> one_of("nois", ["measures.noise", "surface"])
    "Did you mean 'measures.noise'? Valid: measures.noise, surface."
    """
    names = sorted(valid)
    near = difflib.get_close_matches(name, names, n=1)
    if not near:
        ends = {full.rpartition(".")[2]: full for full in reversed(names)}
        near = [ends[end] for end in difflib.get_close_matches(name, list(ends), n=1)]
    hint = f"Did you mean '{near[0]}'? " if near else ""
    if len(names) <= _MOST_NAMED:
        return f"{hint}Valid: {', '.join(names)}." if names else "There are none yet."
    alike = sorted(names, key=lambda full: (full.count("."), -_likeness(name, full), full))[:_MOST_NAMED]
    return f"{hint}Valid: {', '.join(sorted(alike))} and {len(names) - _MOST_NAMED} more."


def _likeness(name: str, full: str) -> float:
    return difflib.SequenceMatcher(None, name, full).ratio()


def unreadable(cause: OSError, path: object) -> InputError:
    """The error for a file that the system does not let read, with the advice that fits the cause.

    >>> unreadable(FileNotFoundError(2, "No such file or directory", "a.json"), "data").fix
    'The file is gone, or was moved while it was read: check the path, then try again.'
    """
    problem = f"'{cause.filename or path}' cannot be read ({cause.strerror or type(cause).__name__})."
    fix = "Check that the disk is connected and sound, then try again."
    if isinstance(cause, FileNotFoundError | NotADirectoryError):
        fix = "The file is gone, or was moved while it was read: check the path, then try again."
    elif isinstance(cause, PermissionError):
        fix = "Change the permissions."
    return InputError(problem, at=str(path), fix=fix)
