"""Worker processes that do not import the program that starts them.

``multiprocessing`` re-imports ``__main__`` in every worker, which breaks scripts without a guard and costs
notebooks. Here a worker is a plain child Python that takes pickled calls on its standard input, one at a time.
Each thread of the pool owns one child, so a child that dies takes one call with it and is replaced.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from workbench.base.errors import WorkbenchError
from workbench.base.parts import sweep_temporary

T = TypeVar("T")
# ``-c`` puts the current folder first, where strangers' data may hold a numpy.py; Python 3.10 has no ``-P`` against it
SAFE_PATH = "import sys; sys.path[:] = [folder for folder in sys.path if folder]"
START = f"{SAFE_PATH}; from workbench.base.processes.child import main; main({{parent}})"
SUPERVISOR = Path(__file__).with_name("supervisor.py")
GRACE_S = 5.0
LOG_TAIL = 400


def supervised(words: Sequence[str], lifeline: int) -> list[str]:
    """The command that runs a program which ends with this process; see ``supervisor``.

    Args:
        words: the program and its arguments.
        lifeline: reading end of a pipe that the program gets; this process keeps the other end.
    """
    return [sys.executable, "-I", str(SUPERVISOR), str(lifeline), *words]


class WorkerDied(WorkbenchError):
    """A worker process ended before its call was done."""


class WorkerProcesses(ThreadPoolExecutor):
    """An executor whose calls run in child processes; functions must be importable.

    >>> with WorkerProcesses(1) as pool:
    ...     pool.submit(divmod, 7, 2).result()
    (3, 1)
    """

    def __init__(self, workers: int) -> None:
        super().__init__(max_workers=workers, thread_name_prefix="workbench-worker")
        self._own = threading.local()
        self._children: list[_Child] = []

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run ``fn`` in a child; the future raises ``WorkerDied`` if the child does not survive it."""
        return super().submit(self._call, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the children; with ``wait``, calls that run are finished first."""
        super().shutdown(wait=wait, cancel_futures=cancel_futures)
        for child in self._children:
            child.close()
        sweep_temporary()  # workers are ended, not asked to tidy up

    def pids(self) -> list[int]:
        """Process ids of the running children."""
        return [child.process.pid for child in self._children if child.process.poll() is None]

    def _call(self, fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> T:
        child: _Child | None = getattr(self._own, "child", None)
        if child is None or child.process.poll() is not None:
            child = self._own.child = _Child(threads=max(1, (os.cpu_count() or 1) // self._max_workers))
            self._children.append(child)
        answer: T = child.call(fn, args, kwargs)
        return answer


class _Child:
    """One worker process and the pipe to it.

    Args:
        threads: its share of the cores; thread pools of workers that fight for cores double the time.
    """

    def __init__(self, *, threads: int) -> None:
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONSAFEPATH": "1"}
        environment.setdefault("OMP_NUM_THREADS", str(threads))
        self.process = subprocess.Popen(
            [sys.executable, "-c", START.format(parent=os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            env=environment,
        )

    def call(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        assert self.process.stdin and self.process.stdout
        request = pickle.dumps((fn, args, kwargs))
        try:
            self.process.stdin.write(request)
            self.process.stdin.flush()
            done, answer = pickle.load(self.process.stdout)  # noqa: S301 - our own child over a private pipe
        except (OSError, EOFError, pickle.UnpicklingError) as cause:
            raise self._died() from cause
        if not done:
            raise answer
        return answer

    def close(self) -> None:
        """Close the pipe, which ends the child; kill it after ``GRACE_S``."""
        assert self.process.stdin and self.process.stdout
        with contextlib.suppress(OSError):  # the pipe of a dead child is broken already
            self.process.stdin.close()
        try:
            self.process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def _died(self) -> WorkerDied:
        code = self.process.wait(GRACE_S) if self.process.poll() is None else self.process.returncode
        self.log.seek(max(0, self.log.seek(0, os.SEEK_END) - LOG_TAIL))
        output = " ".join(self.log.read().decode(errors="replace").split())
        reason = f"was killed (signal {-code})" if code < 0 else f"ended early (exit status {code})"
        memory = ", probably out of memory" if -code == signal.SIGKILL else ""
        return WorkerDied(
            f"A worker process {reason}{memory}.{f' Last output: {output}' if output else ''}",
            fix="Free memory or use fewer workers. Finished work is kept, and the same call completes the rest.",
        )
