"""Work that runs beside the notebook: measuring, generating, exporting ..., with progress and cancel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from workbench.actions.train import Trainer
from workbench.base.errors import Cancelled, WorkbenchError
from workbench.base.progress import Cancel, Tick, Work

UPDATES_PER_S = 5.0
BACKGROUND = ThreadPoolExecutor(3, thread_name_prefix="board")  # for short requests; a job has a thread of its own


@dataclass(frozen=True)
class Done:
    """How a job ended.

    Attributes:
        text: for people.
        result: plain values for the panel that started it.
    """

    text: str
    result: Any = None


Run = Callable[[Work], Done]


@dataclass
class _Job:
    number: int
    label: str
    kind: str
    cancel: Cancel = field(default_factory=Cancel)
    state: str = "running"
    message: str = ""
    result: Any = None
    tick: Tick | None = None
    told_s: float = 0.0


class Jobs:
    """All jobs of one board.

    Args:
        changed: called when a job's state changes; with ``True`` when one has ended.
        trainer: what *Retrain* trains; ``None`` for the small detector.
    """

    def __init__(self, changed: Callable[[bool], None], trainer: Trainer | None = None) -> None:
        self._changed = changed
        self.trainer = trainer
        self._jobs: list[_Job] = []

    def start(self, label: str, run: Run, *, kind: str = "") -> int:
        """Run ``run(work)`` in a thread; what it returns is shown at the end."""
        job = _Job(len(self._jobs) + 1, label, kind)
        self._jobs.append(job)
        threading.Thread(target=self._run, args=(job, run), daemon=True, name=f"board-{label}").start()
        self._changed(False)
        return job.number

    def cancel(self, number: int) -> None:
        """Ask a job to stop after what it has in hand."""
        for job in self._jobs:
            if job.number == number:
                job.cancel.set()

    def result(self, number: int) -> Any:
        """What a job has found, as plain values; ``None`` before its end."""
        return next((job.result for job in self._jobs if job.number == number), None)

    def states(self) -> list[dict[str, Any]]:
        """State of each job for the browser, the newest first."""
        return [_state(job) for job in reversed(self._jobs)]

    def _run(self, job: _Job, run: Run) -> None:
        def listener(tick: Tick) -> None:
            job.tick = tick
            if tick.finished or time.monotonic() - job.told_s > 1 / UPDATES_PER_S:
                job.told_s = time.monotonic()
                self._changed(False)

        try:
            done = run(Work(listener, job.cancel))
            job.message, job.result, job.state = done.text, done.result, "done"
        except Cancelled as stop:
            job.state, job.message = "cancelled", f"Stopped. {stop.fix}"
        except WorkbenchError as error:
            job.state, job.message = "failed", str(error)
        except Exception as error:
            job.state, job.message = "failed", f"Unexpected: {type(error).__name__}: {error}"
            raise  # the thread's hook prints the traceback into the log, where a bug report needs it
        finally:
            self._changed(True)


def _state(job: _Job) -> dict[str, Any]:
    tick = job.tick
    return {
        "number": job.number,
        "label": job.label,
        "kind": job.kind,
        "state": job.state,
        "message": job.message,
        "done": tick.done if tick else 0,
        "total": tick.total if tick else None,
        "unit": tick.unit if tick else "",
        "stage": tick.label if tick else "",
        "rate_per_s": tick.rate_per_s if tick else 0.0,
        "seconds_left": tick.seconds_left if tick else None,
    }
