"""What a panel of the board is: a title, a script for the browser, and the commands that the script may ask for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.base.progress import Cancel
from workbench.ui.board.arguments import checked
from workbench.ui.board.jobs import Jobs
from workbench.ui.board.state import Selection


@dataclass(frozen=True)
class Reply:
    """Plain values and binary buffers for the browser."""

    result: Any = None
    buffers: Sequence[bytes] = ()


@dataclass(frozen=True)
class Command:
    """A function that the browser may call.

    Attributes:
        function: takes the state, the jobs, for a background command a ``cancel``, and then the browser's arguments,
            which are checked against its annotations. Returns plain values, or a ``Reply`` with buffers.
        background: it runs in a thread beside the notebook and can be cancelled.
    """

    function: Callable[..., Any]
    background: bool = False

    def run(self, state: Selection, jobs: Jobs, cancel: Cancel, args: Mapping[str, Any]) -> Reply:
        """Check the arguments and call the function.

        Raises:
            InputError: an argument that the function does not take.
        """
        context = (state, jobs, cancel) if self.background else (state, jobs)
        result = self.function(*context, **checked(self.function, args))
        return result if isinstance(result, Reply) else Reply(result)


@dataclass(frozen=True)
class Panel:
    """One panel of the board.

    Attributes:
        title: on its tab; ``None`` for the panels beside the tabs: slicer, map and gallery.
        script: file in ``front/`` whose exported ``panel`` function builds it.
        commands: what the script may ask for, by name; the names are shared by all panels.
        options: plain values that its forms offer, asked for at the start and after each job.
        order: where it stands among the others, the lowest first; one that names no place comes last.
    """

    title: str | None
    script: str
    commands: Mapping[str, Command] = field(default_factory=dict)
    options: Callable[[Selection, Jobs], dict[str, Any]] | None = None
    order: int = 1000


def of_state(function: Callable[..., Any]) -> Command:
    """A command that is a method of ``Selection``, or a function of one."""

    @functools.wraps(function)
    def call(state: Selection, _jobs: Jobs, /, **args: Any) -> Any:
        return function(state, **args)

    return Command(call)


def of_jobs(method: Callable[..., Any]) -> Command:
    """A command that is a method of ``Jobs``."""

    @functools.wraps(method)
    def call(_state: Selection, jobs: Jobs, /, **args: Any) -> Any:
        return method(jobs, **args)

    return Command(call)
