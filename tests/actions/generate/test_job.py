from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from tests.actions.generate.memory_sink import MemorySink
from workbench.actions.generate import Job, NotAccepted, generate
from workbench.actions.generate import job as job_module
from workbench.actions.generate.media import path_of
from workbench.base import files
from workbench.base.errors import Cancelled, InputError, OutputError, RenderError
from workbench.base.processes import WorkerDied, WorkerProcesses
from workbench.base.progress import Cancel, Pause, Tick, Work
from workbench.core.scenario import Scenario
from workbench.core.schema import fields


def run(small: Scenario, sink: MemorySink, folder: Path, **options: object) -> Job:
    options = {"n": 3, "backend": "flat", "workers": 0} | options
    return generate(small, into=sink, folder=folder, **options)  # type: ignore[arg-type]


def test_frames_become_files_and_records(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    result = run(small, sink, tmp_path).result()
    assert (result.generated, result.already_there, result.rejected, result.failed) == (3, 0, 0, 0)
    assert len(set(result.sample_ids)) == 3
    names = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert names == sorted(
        f"{kind}/00000{i}.{ext}"
        for i in range(3)
        for kind, ext in [("images", "jpg"), ("instances", "png"), ("depth", "png"), ("frames", "scenario.json")]
    )
    for frame, record in enumerate(sink.records.values()):
        assert record.origin == f"{tmp_path.name}/images/00000{frame}.jpg"
        assert record.scene_id == f"small/s0/00000{frame}"
        assert set(record.attributes) == set(fields.ATTRIBUTES)
        assert record.generation["frame"] == frame
        assert record.generation["scenario_sha256"] == small.sha256


def test_labels_agree_with_the_instance_map(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    run(small, sink, tmp_path).result()
    assert sum(len(record.labels) for record in sink.records.values()) >= 3
    for record in sink.records.values():
        instances = cv2.imread(str(record.maps["instances"]), cv2.IMREAD_UNCHANGED)
        depth = cv2.imread(str(record.maps["depth"]), cv2.IMREAD_UNCHANGED)
        assert instances.dtype == depth.dtype == np.uint16
        assert instances.shape == depth.shape == (record.height, record.width) == (72, 96)
        assert {label.instance_id for label in record.labels} == set(np.unique(instances).tolist()) - {0}
        for label in record.labels:
            rows, columns = np.nonzero(instances == label.instance_id)
            assert label.xyxy == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            assert label.mask is not None and label.mask.sum() == len(rows)
            assert label.attributes["surface"] == "matte"
            assert 0 < label.attributes["visible_fraction"] <= 1
            distance = depth[rows, columns].mean() / 1000
            assert 0.3 < distance < 1.2


def test_the_committed_frame_is_a_scenario_of_itself(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    run(small, sink, tmp_path / "a", n=2).result()
    frame = Scenario.load(path_of(tmp_path / "a", "frames", 1))
    other = MemorySink()
    generate(frame, into=other, n=1, backend="flat", workers=0, folder=tmp_path / "b").result()
    assert path_of(tmp_path / "b", "images", 1).exists()  # it keeps its number
    assert set(other.records) < set(sink.records)  # and its identity
    (record,) = other.records.values()
    assert record.image_path.read_bytes() == path_of(tmp_path / "a", "images", 1).read_bytes()


def test_again_changes_nothing_and_more_frames_extend(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    first = run(small, sink, tmp_path).result()
    stamps = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.*")}
    again = run(small, sink, tmp_path).result()
    assert (again.generated, again.already_there) == (0, 3)
    assert again.sample_ids == first.sample_ids
    assert stamps == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.*")}
    more = run(small, sink, tmp_path, n=5).result()
    assert (more.generated, more.already_there) == (2, 3)
    assert more.sample_ids[:3] == first.sample_ids
    tail = run(small, sink, tmp_path, n=2, first_frame=4).result()
    assert (tail.generated, tail.already_there) == (1, 1)


def test_files_of_an_earlier_call_are_taken_up_and_counted_apart(small: Scenario, tmp_path: Path) -> None:
    first, again = MemorySink(), MemorySink()
    run(small, first, tmp_path).result()
    result = run(small, again, tmp_path, n=4).result()
    assert (result.generated, result.taken_up, result.already_there) == (4, 3, 0)
    assert set(first.records) < set(again.records)
    only_files = run(small, MemorySink(), tmp_path, n=4).result()
    assert str(only_files) == "4 generated (4 from files of an earlier run), 0 already there"


def test_frames_do_not_depend_on_who_draws_them(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    run(small, sink, tmp_path / "here").result()
    run(small, MemorySink(), tmp_path / "there", workers=2).result()
    for frame in range(3):
        for kind in ("images", "instances", "depth"):
            assert (
                path_of(tmp_path / "here", kind, frame).read_bytes()
                == path_of(tmp_path / "there", kind, frame).read_bytes()
            )


def test_any_executor_will_do(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        result = run(small, sink, tmp_path, workers=None, executor=threads).result()
        assert threads.submit(int, 3).result() == 3  # it is not shut down: it belongs to the caller
    assert result.generated == 3


def test_progress_is_told(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    ticks: list[Tick] = []
    job = run(small, sink, tmp_path, work=Work(ticks.append))
    job.result()
    assert [tick.done for tick in ticks] == [0, 1, 2, 3, 3]
    assert ticks[-1].finished and job.tick == ticks[-1]
    assert {tick.total for tick in ticks} == {3}


def test_cancel_keeps_whole_frames_and_the_same_call_completes(
    small: Scenario, sink: MemorySink, tmp_path: Path
) -> None:
    switch = Cancel()
    job = run(
        small, sink, tmp_path, n=6, work=Work(lambda tick: switch.set() if tick.done == 2 else None, cancel=switch)
    )
    with pytest.raises(Cancelled):
        job.result()
    assert 2 <= job.so_far.generated < 6
    assert len(sink.records) == job.so_far.generated == len(list((tmp_path / "frames").iterdir()))
    assert not list(tmp_path.rglob("*.workbench-part"))
    done = run(small, sink, tmp_path, n=6).result()
    assert (done.generated, done.already_there) == (6 - job.so_far.generated, job.so_far.generated)


def test_cancel_from_another_thread_with_processes(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    started = threading.Event()
    job = run(small, sink, tmp_path, n=500, workers=2, work=Work(lambda tick: started.set() if tick.done else None))
    assert started.wait(120)
    job.cancel()
    with pytest.raises(Cancelled):
        job.result()
    assert job.done
    assert 0 < len(sink.records) < 500
    assert len(sink.records) == len(list((tmp_path / "frames").iterdir()))


def test_frames_on_disk_are_saved_without_being_drawn_again(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    """What a call drew that was killed before it reached the database."""
    run(small, MemorySink(), tmp_path).result()
    stamp = path_of(tmp_path, "images", 0).stat().st_mtime_ns
    path_of(tmp_path, "frames", 2).unlink()  # not whole: the marker is missing
    result = run(small, sink, tmp_path).result()
    assert result.generated == 3
    assert path_of(tmp_path, "images", 0).stat().st_mtime_ns == stamp
    assert path_of(tmp_path, "frames", 2).exists()


def test_a_folder_of_something_else_is_refused(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    run(small, sink, tmp_path).result()
    with pytest.raises(OutputError, match="frames of another scenario, seed or renderer"):
        run(small, sink, tmp_path, seed=5).result()
    with pytest.raises(OutputError, match="frames of another scenario, seed or renderer"):
        run(small.replace({"sensor.exposure.ev": 1}), sink, tmp_path).result()


def test_a_folder_that_refuses(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="Cannot write to this path: a file is where a folder is needed"):
        run(small, sink, tmp_path / "file").result()


def test_media_lie_below_the_home_of_the_workbench(small, sink, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    job = generate(small.replace(name="a/../b"), into=sink, n=1, backend="flat", workers=0)
    job.result()
    folder = tmp_path / "generated" / "memory"
    assert job.so_far.folder.parent == folder
    assert job.so_far.folder.name.startswith("a_.._b-")
    assert job.so_far.folder.name.endswith("-s0-flat")
    assert (job.so_far.folder / "images" / "000000.jpg").exists()


def test_impossible_scenarios_say_what_refused(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    accept = Scenario.load({"scenario": 1, "name": "x", "accept": {"targets.count": [50, 60], "max_tries": 2}}).accept
    job = run(small.replace(accept=accept), sink, tmp_path)
    with pytest.raises(NotAccepted, match=r"None of 6 draws .* \(targets\.count \[50, 60\] refused 6\)"):
        job.result()
    assert (job.so_far.rejected, len(job.so_far.problems)) == (3, 3)


def test_some_rejected_frames_are_counted(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    accept = Scenario.load({"scenario": 1, "name": "x", "accept": {"targets.count": [3, 3], "max_tries": 1}}).accept
    scenario = small.replace({"assets.targets.count": {"sequence": [3, 0]}}, accept=accept)
    result = run(scenario, sink, tmp_path, n=4).result()
    assert result.generated + result.rejected == 4
    assert result.rejected >= 2
    assert result.refusals["targets.count"] == result.rejected
    assert {problem.kind for problem in result.problems} == {"not_accepted"}


def test_wrong_numbers(small: Scenario, sink: MemorySink) -> None:
    with pytest.raises(InputError, match="must not be negative"):
        generate(small, into=sink, n=-1)
    with pytest.raises(InputError, match="A resolved frame is one frame"):
        generate(small.resolve(0).as_scenario(), into=sink, n=2)


def test_an_unknown_backend(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Did you mean 'flat'"):
        run(small, sink, tmp_path, backend="flatt").result()


def _fail_at(frames: set[int], error: Exception):
    original = job_module.make_frame

    def make_frame(scenario: Scenario, frame: int, **options: object):
        if frame in frames:
            raise error
        return original(scenario, frame, **options)  # type: ignore[arg-type]

    return make_frame


def test_a_frame_that_cannot_be_drawn_does_not_stop_the_others(small, sink, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(job_module, "make_frame", _fail_at({1}, RenderError("The image cannot be drawn.")))
    result = run(small, sink, tmp_path).result()
    assert (result.generated, result.failed) == (2, 1)
    assert [(p.where, p.kind) for p in result.problems] == [("frame 1", "not_drawn")]


def test_a_renderer_that_never_works_stops_the_job(small, sink, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(job_module, "make_frame", _fail_at({0, 1, 2}, RenderError("There is no driver.")))
    with pytest.raises(RenderError, match="no driver"):
        run(small, sink, tmp_path).result()


def test_a_broken_executor_is_named(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    class Broken(ThreadPoolExecutor):
        def submit(self, fn, /, *args, **kwargs):
            future = Future()
            if sink.records or args[1] == 0:
                return super().submit(fn, *args, **kwargs)
            future.set_exception(BrokenExecutor("the scheduler is gone"))
            return future

    with Broken(1) as executor, pytest.raises(RenderError, match="the scheduler is gone"):
        run(small, sink, tmp_path, executor=executor).result()
    assert len(sink.records) <= 1


def test_a_damaged_frame_is_named(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    run(small, MemorySink(), tmp_path).result()
    path_of(tmp_path, "frames", 1).write_text("{}")
    with pytest.raises(OutputError, match="The frame's file is damaged"):
        run(small, sink, tmp_path).result()


def test_a_job_says_what_it_does(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    job = run(small, sink, tmp_path, n=1)
    assert not job.done and "running: 0 generated" in repr(job)
    job.result()
    assert job.done and "ended: 1 generated, 0 already there" in repr(job)


def test_a_frame_that_kills_its_workers_is_named_and_the_others_go_on(small, sink, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(job_module, "make_frame", _fail_at({2}, WorkerDied("A worker process was killed.")))
    result = run(small, sink, tmp_path, n=4).result()
    assert (result.generated, result.failed) == (3, 1)
    assert [(p.where, p.kind) for p in result.problems] == [("frame 2", "worker_died")]
    monkeypatch.undo()
    assert run(small, sink, tmp_path, n=4).result().generated == 1  # the same call completes it


def test_a_machine_that_kills_every_worker_stops_the_job(small, sink, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(job_module, "make_frame", _fail_at({2, 3, 4, 5}, WorkerDied("A worker process was killed.")))
    with pytest.raises(WorkerDied):
        run(small, sink, tmp_path, n=50).result()
    assert len(sink.records) == 2  # the finished ones are safe


def test_a_full_disk_is_named_and_the_same_call_completes(small, sink, tmp_path, monkeypatch) -> None:
    """The disk fills up in the middle of a file, as it does."""
    written, original = [0], open

    @contextlib.contextmanager
    def filling(*arguments, **settings):
        with original(*arguments, **settings) as stream:
            yield SimpleNamespace(write=lambda data: write(stream, data))

    def write(stream, data: bytes) -> int:
        written[0] += len(data)
        if written[0] > 40_000:
            stream.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return stream.write(data)

    monkeypatch.setattr(files, "open", filling, raising=False)
    job = run(small, sink, tmp_path, n=50)
    with pytest.raises(OutputError, match=r"Cannot write to this path: No space left on device.* make room"):
        job.result()
    done = len(sink.records)
    assert 0 < done == job.so_far.generated < 50 and not list(tmp_path.rglob("*.workbench-part"))
    monkeypatch.undo()
    more = run(small, sink, tmp_path, n=done + 2).result()
    assert (more.generated, more.already_there) == (2, done)


def test_pause_saves_what_is_in_hand_and_resume_goes_on(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    reached, pause = threading.Event(), Pause()

    def hold(tick: Tick) -> None:
        if tick.done == 3 and not reached.is_set():
            pause.set()
            reached.set()

    job = run(small, sink, tmp_path, n=12, executor=ThreadPoolExecutor(1), work=Work(hold, pause=pause))
    assert reached.wait(60)
    until = time.monotonic() + 60
    while time.monotonic() < until and not (len(sink.records) >= 3 and job.so_far.generated == len(sink.records)):
        time.sleep(0.02)
    time.sleep(0.5)
    held = len(sink.records)
    assert 3 <= held < 12 and job.paused and not job.done and "paused" in repr(job)
    assert held == len(list((tmp_path / "frames").iterdir()))  # nothing is drawn meanwhile
    job.resume()
    assert job.result().generated == 12 and not job.paused


def test_a_paused_job_can_be_cancelled(small: Scenario, sink: MemorySink, tmp_path: Path) -> None:
    pause = Pause()
    pause.set()
    job = run(small, sink, tmp_path, executor=ThreadPoolExecutor(1), work=Work(pause=pause))
    job.cancel()
    with pytest.raises(Cancelled):
        job.result()
    assert not sink.records


def test_killed_workers_are_replaced_and_their_frames_drawn_again(
    small: Scenario, sink: MemorySink, tmp_path: Path
) -> None:
    killed: list[int] = []
    pool = WorkerProcesses(2)

    def kill(tick: Tick) -> None:
        if tick.done == 2 and not killed:
            killed.append(pool.pids()[0])
            os.kill(killed[0], signal.SIGKILL)

    with pool:
        result = run(small, sink, tmp_path, n=10, executor=pool, work=Work(kill)).result()
    assert killed
    assert (result.generated, result.failed) == (10, 0)
    assert len(sink.records) == 10


def test_a_killed_job_leaves_only_whole_frames(tmp_path: Path, sink: MemorySink, small: Scenario) -> None:
    small.dump(tmp_path / "small.yaml")
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from tests.actions.generate.memory_sink import MemorySink\n"
        "from workbench.actions.generate import generate\n"
        "generate(sys.argv[2], into=MemorySink(), n=400, backend='flat', workers=1, folder=sys.argv[3]).result()\n"
    )
    folder = tmp_path / "out"
    here = str(Path(__file__).parents[3])
    process = subprocess.Popen([sys.executable, "-c", code, here, str(tmp_path / "small.yaml"), str(folder)])
    until = time.monotonic() + 120
    while time.monotonic() < until and len(list(folder.glob("frames/*.json"))) < 4:
        time.sleep(0.02)
    process.kill()
    process.wait()
    whole = sorted(folder.glob("frames/*.json"))
    assert len(whole) >= 4
    for path in whole:
        frame = json.loads(path.read_text())["resolved"]["frame"]
        for kind in ("images", "instances", "depth"):
            assert cv2.imread(str(path_of(folder, kind, frame)), cv2.IMREAD_UNCHANGED) is not None
    n = len(whole) + 1
    assert run(small, sink, folder, n=n).result().generated == n


def test_open3d_stays_in_the_workers(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from tests.actions.generate.memory_sink import MemorySink\n"
        "from workbench.actions.generate import generate\nfrom workbench.core.scenario import Scenario\n"
        "s = Scenario('x').replace({'sensor.camera.resolution': [64, 48]})\n"
        "generate(s, into=MemorySink(), n=1, backend='flat', workers=1, folder=sys.argv[2]).result()\n"
        "print(sorted({'open3d', 'fiftyone', 'mitsuba'} & set(sys.modules)))\n"
    )
    here = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", code, here, str(tmp_path)], capture_output=True, text=True, timeout=120
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
