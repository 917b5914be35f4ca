"""Generate many frames: in worker processes, resumable, files first and database last."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.actions.generate import media
from workbench.actions.generate.donors import NO_SUPPLY, Supply, supply_for
from workbench.actions.generate.frame import Made, NotAccepted, make_frame, not_accepted
from workbench.actions.generate.inline import Inline
from workbench.actions.generate.record import source_key
from workbench.actions.generate.sink import Sink, sink_for
from workbench.adapters.render import BACKENDS
from workbench.base.errors import Cancelled, InputError, RenderError, WorkbenchError, one_of
from workbench.base.files import sync
from workbench.base.processes import WorkerDied, WorkerProcesses
from workbench.base.progress import Progress, Tick, Work, terminal
from workbench.core.scenario import Scenario
from workbench.core.scenario.parameter import RENDERED
from workbench.core.schema.report import Problem

WAITING = 8  # frames handed to the executor ahead of the workers
BATCH, BATCH_S = 16, 1.0  # records, or seconds, between two writes to the database
DEADLY = 3  # frames in a row that kill their workers: it is the machine, not the frames
HOPELESS = 200  # draws without one accepted: the scenario asks for the impossible


@dataclass
class Result:
    """What a job did.

    Attributes:
        generated: frames added by this call.
        taken_up: of these, frames whose files an earlier call had finished; they were not drawn again.
        already_there: frames that were in the dataset before.
        rejected: frames given up because no draw was accepted.
        failed: frames that could not be drawn, or whose workers died.
        frames_per_s: frames drawn per second, drawing and writing together.
        sample_ids: ids of all frames asked for that are in the dataset, in the order of the frames.
        refusals: draws that were not accepted, by predicate.
        problems: one for each rejected or failed frame.
        notes: what of the donors could not be used.
        folder: where the media lie.
    """

    generated: int = 0
    taken_up: int = 0
    already_there: int = 0
    rejected: int = 0
    failed: int = 0
    frames_per_s: float = 0.0
    sample_ids: list[str] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    folder: Path = Path()

    def __str__(self) -> str:
        counts = f"{self.generated:,} generated"
        counts += f" ({self.taken_up:,} from files of an earlier run)" if self.taken_up else ""
        counts += f", {self.already_there:,} already there"
        counts += f", {self.rejected:,} rejected, {self.failed:,} failed" if self.problems else ""
        counts += f" ({self.frames_per_s:.1f} frames/s)" if self.frames_per_s else ""
        return "\n".join([counts, *(f"  {note}" for note in self.notes)])


@dataclass(frozen=True)
class Plan:
    """What a job is to do; see ``generate``."""

    scenario: Scenario
    sink: Sink
    frames: range
    backend: str
    folder: Path
    supply: Supply = NO_SUPPLY

    def key(self, frame: int) -> str:
        """Source key of a frame."""
        return source_key(self.scenario.sha256, self.scenario.seed, frame, self.backend)


def generate(
    scenario: Scenario | str | Path | Mapping[str, Any],
    *,
    into: Any,
    n: int | None = None,
    seed: int | None = None,
    backend: str = "open3d",
    workers: int | None = None,
    executor: Executor | None = None,
    folder: str | Path | None = None,
    first_frame: int = 0,
    work: Work | None = None,
) -> Job:
    """Start to generate frames and append them to a dataset; the same call again completes what is missing.

    Args:
        scenario: a ``Scenario``, a file, a preset or a document.
        into: the dataset, or its name; made when it is new.
        n: frames; by default what the scenario says. A resolved frame is one frame and keeps its number.
        seed: instead of the scenario's.
        backend: name of the renderer.
        workers: processes, by default up to 2; 0 draws in this process, when ``Job.result`` is called.
        executor: any ``concurrent.futures.Executor``, e.g. ``cluster(address)``; its workers must see ``folder``.
        folder: for the media, by default below ``$WORKBENCH_HOME`` or ``~/.workbench``.
        first_frame: number of the first frame.
        work: receives the progress; its ``cancel`` stops the job and keeps finished frames, its ``pause`` holds it up.

    Raises:
        ScenarioError, InputError: the scenario or a number is wrong.
    """
    made = Scenario.load(scenario)
    made = made if seed is None else made.replace(seed=seed)
    count = made.frames if n is None else n
    if count < 0 or first_frame < 0 or (workers or 0) < 0:
        given = f"n={count}, first_frame={first_frame}, workers={workers}"
        raise InputError(f"n, first_frame and workers must not be negative: {given}.")
    if made.mark:
        if n not in (None, 1) or first_frame not in (0, made.mark.frame):
            fix = "Generate from the scenario it came from."
            problem = f"A resolved frame is one frame of its own number, not n={n}, first_frame={first_frame}."
            raise InputError(problem, fix=fix)
        count, first_frame = 1, made.mark.frame
    if backend not in BACKENDS:
        raise InputError(f"Unknown rendering backend {backend!r:.80}.", fix=one_of(backend, BACKENDS))
    sink = sink_for(into)
    backend = backend if made.content in RENDERED else made.content  # no renderer: the camera alone
    media_folder = Path(folder).expanduser() if folder else media.default_folder(sink.name, made, backend)
    supply = supply_for(made, media_folder)
    plan = Plan(made, sink, range(first_frame, first_frame + count), backend, media_folder, supply)
    return Job(plan, executor, workers, work or Work())


class Job:
    """Frames being generated in the background.

    Attributes:
        plan: what is to be done.
        so_far: what is done; complete when the job has ended.
        tick: the latest progress, ``None`` before the first.
    """

    def __init__(self, plan: Plan, executor: Executor | None, workers: int | None, work: Work) -> None:
        self.plan, self.so_far = plan, Result(folder=plan.folder)
        self.tick: Tick | None = None
        self._work, self._listener = work, work.listener or terminal()
        self._executor, self._workers = executor, min(2, os.cpu_count() or 1) if workers is None else workers
        self._error: BaseException | None = None
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="workbench-job", daemon=True)
        self._lazy = executor is None and self._workers == 0
        if not self._lazy:
            self._thread.start()

    @property
    def done(self) -> bool:
        """Whether the job has ended, one way or another."""
        return self._ended

    @property
    def paused(self) -> bool:
        """Whether the job is held up."""
        return self._work.pause.is_set and not self._ended

    def pause(self) -> None:
        """Hold the job up after the frames in work, which are saved; ``resume`` lets it go on."""
        self._work.pause.set()

    def resume(self) -> None:
        """Let a paused job go on."""
        self._work.pause.release()

    def cancel(self) -> None:
        """Stop after the frames in work; what is finished is kept."""
        self._work.cancel.set()

    def result(self) -> Result:
        """Wait for the end.

        Raises:
            Cancelled: the job was stopped; ``so_far`` says what is done, the same call completes it.
            NotAccepted: no draw at all was accepted.
            RenderError, OutputError, DatabaseError: as they say; finished frames are kept.
        """
        if self._lazy:
            self._lazy = False
            self._run()
        try:
            while self._thread.ident and self._thread.is_alive():
                self._thread.join(0.2)  # short waits let an interrupt through
        except KeyboardInterrupt:
            self.cancel()
            self._thread.join()
            raise
        if self._error is not None:
            raise self._error
        return self.so_far

    def _run(self) -> None:
        own = self._executor is None
        executor = self._executor or (WorkerProcesses(self._workers) if self._workers else Inline())
        try:
            _Run(self.plan, self.so_far, executor, replace(self._work, listener=self._keep)).all()
        except BaseException as error:
            self._error = error
        finally:
            if own:
                executor.shutdown(wait=True, cancel_futures=True)
            self._ended = True

    def __repr__(self) -> str:
        state = "ended" if self._ended else "paused" if self.paused else "running"
        return f"Job({self.plan.scenario.name}, {state}: {self.so_far})"

    def _keep(self, tick: Tick) -> None:
        self.tick = tick
        self._listener(tick)


class _Run:
    """The work of a job, in one thread."""

    def __init__(self, plan: Plan, result: Result, executor: Executor, work: Work) -> None:
        self.plan, self.result, self.executor = plan, result, executor
        self.cancel, self.pause = work.cancel, work.pause
        self.progress = Progress(plan.scenario.name, total=len(plan.frames), unit="frame", work=work)
        self.ids: dict[int, str] = {}
        self.unsaved: list[int] = []
        self.saved_s = self.started_s = time.monotonic()
        self.retried: set[int] = set()
        self.died_in_a_row = 0
        self.ahead = 1 if isinstance(executor, Inline) else WAITING

    def all(self) -> None:
        """Do what is missing; whatever happens, finished frames end in the dataset."""
        media.prepare(self.plan.folder, self.plan.scenario.content, self.plan.scenario.annotators)
        with self.progress:
            try:
                self._draw(self._missing())
            finally:
                self._save()
                self.result.notes = self.plan.supply.notes(self.plan.scenario)
                self.result.sample_ids = [self.ids[frame] for frame in sorted(self.ids)]
        if self.result.rejected and not (self.result.generated or self.result.already_there):
            raise not_accepted("any frame", self.plan.scenario, self.result.refusals)

    def _missing(self) -> list[int]:
        """Frames to draw: those neither in the dataset nor whole on disk."""
        plan = self.plan
        known = plan.sink.known([plan.key(frame) for frame in plan.frames])
        missing = []
        for frame in plan.frames:
            if plan.key(frame) in known:
                self.ids[frame] = known[plan.key(frame)]
                self.result.already_there += 1
                self.progress.advance()
            elif media.is_finished(plan.folder, plan.scenario, frame, plan.backend):
                self.result.taken_up += 1  # drawn by a call that was killed before it could save
                self._finished(frame)
            else:
                missing.append(frame)
        return missing

    def _draw(self, missing: list[int]) -> None:
        todo = deque(missing)
        running: dict[Future[Made], int] = {}
        try:
            while todo or running:
                if self.pause.is_set and not running:
                    self._hold()
                while todo and len(running) < self.ahead and not self.pause.is_set:
                    self.cancel.check()
                    frame = todo.popleft()
                    running[self._submit(frame)] = frame
                if running:
                    self._collect(running)
        except BaseException:
            self._drain(running)
            raise

    def _collect(self, running: dict[Future[Made], int]) -> None:
        """Wait for some frames to end, and count them."""
        ended = wait(running, return_when=FIRST_COMPLETED).done
        for future in sorted(ended, key=running.__getitem__):
            frame = running.pop(future)
            if again := self._take(future, frame):
                running[again] = frame

    def _hold(self) -> None:
        """Save what is finished and wait until the user lets the job go on."""
        self._save()
        seconds = self.pause.wait(self.cancel)
        self.started_s += seconds
        self.progress.held_up(seconds)

    def _submit(self, frame: int) -> Future[Made]:
        plan = self.plan
        given: dict[str, Any] = {"backend": plan.backend, "folder": plan.folder, "supply": plan.supply}
        return self.executor.submit(make_frame, plan.scenario, frame, **given)

    def _take(self, future: Future[Made], frame: int) -> Future[Made] | None:
        """Count one ended frame; a future when it is tried again."""
        try:
            self.result.refusals += future.result().refusals
        except NotAccepted as error:
            self._rejected(frame, error)
        except WorkerDied as error:
            if frame not in self.retried:
                self.retried.add(frame)
                return self._submit(frame)
            self.died_in_a_row += 1
            if self.died_in_a_row == DEADLY:
                raise
            self._failed(frame, "worker_died", error)
        except BrokenExecutor as cause:
            fix = "Restart the executor's workers; the same call completes the job."
            reason = str(cause).rstrip(".")
            raise RenderError(f"The executor failed: {reason}.", at=f"frame {frame}", fix=fix) from cause
        except (RenderError, InputError) as error:
            self._failed(frame, "not_drawn", error)
        else:
            self._finished(frame)
        return None

    def _rejected(self, frame: int, error: NotAccepted) -> None:
        self.result.rejected += 1
        self.result.refusals += error.refusals
        self.result.problems.append(Problem(f"frame {frame}", "not_accepted", str(error)))
        if not self._any() and self.result.refusals.total() >= HOPELESS:
            raise not_accepted("any frame", self.plan.scenario, self.result.refusals)
        self.progress.advance()

    def _failed(self, frame: int, kind: str, error: WorkbenchError) -> None:
        if not self._any():
            raise error  # nothing works yet: more of the same would not either
        self.result.failed += 1
        self.result.problems.append(Problem(f"frame {frame}", kind, str(error)))
        self.progress.advance()

    def _any(self) -> bool:
        return bool(self.ids or self.unsaved)

    def _finished(self, frame: int) -> None:
        self.died_in_a_row = 0
        self.unsaved.append(frame)
        if len(self.unsaved) >= BATCH or time.monotonic() - self.saved_s > BATCH_S:
            self._save()
        self.progress.advance()

    def _save(self) -> None:
        frames, self.unsaved = self.unsaved, []
        if not frames:
            return
        sync(self.plan.folder)  # the dataset must not name files that a power failure takes away
        there = self.plan.sink.known([self.plan.key(frame) for frame in frames])  # another job adds the same frames
        ids = self.plan.sink.add([media.read_record(self.plan.folder, frame) for frame in frames])
        self.ids.update(zip(frames, ids, strict=True))
        self.result.generated += len(frames) - len(there)
        self.result.already_there += len(there)
        self.saved_s = time.monotonic()
        drawn = self.result.generated - self.result.taken_up
        self.result.frames_per_s = drawn / max(self.saved_s - self.started_s, 1e-9)

    def _drain(self, running: dict[Future[Made], int]) -> None:
        """Let what is in work end, and keep it."""
        begun = [future for future in running if not future.cancel()]
        for future in wait(begun).done:
            if not future.cancelled() and future.exception() is None:
                self.unsaved.append(running[future])


__all__ = ["Cancelled", "Job", "Plan", "Result", "generate"]
