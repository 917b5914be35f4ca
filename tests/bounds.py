"""Bounds for input that somebody else wrote: a case that takes seconds, or much memory, is a fault of the reader."""

from __future__ import annotations

import contextlib
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

CPU_S = 5.0  # of one case; the processor's time, so that a busy machine does not count
MEMORY_BYTES = 1_000_000_000  # more than before the case


class TookTooLong(BaseException):
    """No exception that a reader catches."""


@contextlib.contextmanager
def bounded() -> Iterator[None]:
    """Fail when the body takes too much time or memory; memory beyond the bound is not given to it at all."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise TookTooLong(f"more than {CPU_S:g} s")

    handler = signal.signal(signal.SIGVTALRM, stop)
    limits = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY_BYTES, limits[1]))
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.signal(signal.SIGVTALRM, handler)
