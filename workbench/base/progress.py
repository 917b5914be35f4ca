"""Progress with rate and time left, and a way to cancel, the same in terminal, notebook and board."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from workbench.base.errors import Cancelled
from workbench.base.visible import one_line

T = TypeVar("T")


@dataclass(frozen=True)
class Tick:
    """State of a piece of work at one moment.

    Attributes:
        label: what is being done, for people.
        done: how many units are finished.
        total: how many there are; ``None`` when not known.
        unit: what is counted ("sample", "frame").
        rate_per_s: units per second since the start.
        seconds_left: estimate, ``None`` while nothing is known.
        finished: the work has ended, also when it was cut short.
    """

    label: str
    done: int
    total: int | None
    unit: str
    rate_per_s: float
    seconds_left: float | None
    finished: bool = False


Listener = Callable[[Tick], None]


@dataclass
class Cancel:
    """A request to stop, set by the user and checked by the work between two units."""

    _event: threading.Event = field(default_factory=threading.Event)

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    def check(self) -> None:
        """Raise ``Cancelled`` if the user asked to stop."""
        if self._event.is_set():
            raise Cancelled("Stopped.", fix="Call again to continue where it stopped.")


class Pause:
    """A request to wait, checked by the work between two units; any thread may set and release it.

    >>> pause = Pause(); pause.set(); pause.is_set
    True
    """

    def __init__(self) -> None:
        self._open = threading.Event()
        self._open.set()

    @property
    def is_set(self) -> bool:
        """Whether the work is to wait."""
        return not self._open.is_set()

    def set(self) -> None:
        """Let the work wait after its current unit."""
        self._open.clear()

    def release(self) -> None:
        """Let the work continue."""
        self._open.set()

    def wait(self, cancel: Cancel) -> float:
        """Wait until work may continue; returns the seconds waited. Raises ``Cancelled`` if the user asked to stop."""
        started_s = time.monotonic()
        while not self._open.wait(0.1):
            cancel.check()
        return time.monotonic() - started_s


@dataclass(frozen=True)
class Work:
    """How a long call reports and stops.

    Attributes:
        listener: called with every ``Tick``; by default a progress bar in a terminal or notebook.
        cancel: request to stop.
        pause: request to wait, for jobs that can pause.

    >>> Work(silent).cancel.is_set()
    False
    """

    listener: Listener | None = None
    cancel: Cancel = field(default_factory=Cancel)
    pause: Pause = field(default_factory=Pause)


class Progress:
    """Counts units of work and reports to a listener; use it as a context manager.

    >>> seen = []
    >>> with Progress("drawing", total=2, unit="frame", work=Work(seen.append)) as p:
    ...     p.advance(); p.advance()
    >>> seen[-1].done, seen[-1].finished
    (2, True)

    Work that ends after ``limit_s`` seconds, wherever it is, says how many units it will come to, at the rate so far.

    >>> with Progress("fitting", total=1_000_000, unit="picture", work=Work(seen.append), limit_s=15) as p:
    ...     p.advance()
    >>> seen[-1].seconds_left <= 15
    True
    """

    def __init__(
        self,
        label: str,
        *,
        total: int | None,
        unit: str,
        work: Work | None = None,
        limit_s: float | None = None,
    ) -> None:
        work, self._limit_s = work or Work(), limit_s
        self.label, self.total, self.unit, self.done = label, total, unit, 0
        self._listener, self._cancel = work.listener or terminal(), work.cancel
        self._started_s = time.monotonic()

    def __enter__(self) -> Progress:
        self._report(finished=False)
        return self

    def __exit__(self, *exc: object) -> None:
        self._report(finished=True)

    def advance(self, n: int = 1) -> None:
        """Count ``n`` finished units; raises ``Cancelled`` if the user asked to stop."""
        self.done += n
        self._report(finished=False)
        self._cancel.check()

    def held_up(self, seconds: float) -> None:
        """Leave the time of a pause out of the rate."""
        self._started_s += seconds

    def track(self, items: Iterable[T]) -> Iterator[T]:
        """Yield each item and count it when the caller comes back for the next."""
        for item in items:
            yield item
            self.advance()

    def tick(self, *, finished: bool = False) -> Tick:
        """The present state."""
        elapsed_s = max(time.monotonic() - self._started_s, 1e-9)
        rate = self.done / elapsed_s
        total = self.total
        if total is not None and self._limit_s is not None and self.done:
            total = min(total, self.done + int(rate * max(self._limit_s - elapsed_s, 0.0)))
        left = (total - self.done) / rate if total is not None and self.done else None
        return Tick(self.label, self.done, total, self.unit, rate, left, finished)

    def _report(self, *, finished: bool) -> None:
        self._listener(self.tick(finished=finished))


def silent(tick: Tick) -> None:
    """Listener that shows nothing."""


def terminal() -> Listener:
    """A progress bar on stderr or in the notebook cell; nothing where neither is seen."""
    if not (sys.stderr.isatty() or "ipykernel" in sys.modules):
        return silent
    from tqdm.auto import tqdm  # deferred: only where a bar is drawn

    bar: Any = None

    def show(tick: Tick) -> None:
        nonlocal bar
        if bar is None:
            bar = tqdm(total=tick.total, desc=one_line(tick.label), unit=f" {tick.unit}", file=sys.stderr, leave=False)
        bar.total = tick.total
        bar.update(tick.done - bar.n)
        if tick.finished:
            bar.close()

    return show
