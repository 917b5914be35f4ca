"""What a command of the browser is: a function with checked arguments, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reply:
    """JSON values and binary buffers for the browser."""

    result: Any = None
    buffers: Sequence[bytes] = field(default_factory=tuple)


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        function: takes the board and the browser's arguments.
        aside: it runs beside the notebook, so that the board stays quick, and gets a ``cancel`` as well: the browser
            drops what it no longer needs.
    """

    function: Callable[..., Reply]
    aside: bool = False
