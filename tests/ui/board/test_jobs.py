"""Jobs of the board: progress, cancel, failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from workbench.base.errors import InputError
from workbench.base.progress import Progress, Work
from workbench.ui.board.jobs import Done, Jobs


def wait_until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_jobs_show_progress_and_can_be_cancelled() -> None:
    ended: list[bool] = []
    jobs = Jobs(ended.append)
    go = threading.Event()

    def run(work: Work) -> Done:
        with Progress("w", total=100, unit="frame", work=work) as progress:
            progress.advance(3)
            go.set()
            for _ in range(1000):
                time.sleep(0.01)
                progress.advance(0)
        return Done("never")

    number = jobs.start("work", run)
    go.wait(5)
    jobs.cancel(number)
    wait_until(lambda: jobs.states()[0]["state"] == "cancelled")
    assert jobs.states()[0]["done"] == 3
    wait_until(lambda: ended[-1])


def test_a_failed_job_says_why() -> None:
    jobs = Jobs(lambda finished: None)

    def run(work: Work) -> Done:
        raise InputError("No folder was given.", fix="Make one.")

    jobs.start("work", run)
    wait_until(lambda: jobs.states()[0]["state"] == "failed")
    assert jobs.states()[0]["message"] == "No folder was given. Make one."


def test_a_finished_job_keeps_its_result() -> None:
    jobs = Jobs(lambda finished: None)
    number = jobs.start("work", lambda work: Done("made", {"rows": [1]}), kind="recreate")
    wait_until(lambda: jobs.states()[0]["state"] == "done")
    assert (jobs.states()[0]["message"], jobs.states()[0]["kind"]) == ("made", "recreate")
    assert jobs.result(number) == {"rows": [1]}
    assert jobs.result(99) is None
