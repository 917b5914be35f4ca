from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.base.errors import InputError
from workbench.base.processes import WorkerDied, WorkerProcesses


@pytest.fixture(scope="module")
def processes() -> Iterator[WorkerProcesses]:
    """Two worker processes for all tests here; none is left behind."""
    with WorkerProcesses(2) as pool:
        yield pool
    assert pool.pids() == []


def test_calls_run_in_other_processes_and_come_back(processes: WorkerProcesses) -> None:
    pids = {processes.submit(os.getpid).result() for _ in range(4)}
    assert os.getpid() not in pids
    assert pids <= set(processes.pids())


def test_errors_come_back_with_their_parts(processes: WorkerProcesses) -> None:
    from workbench.core.scenario import Scenario

    with pytest.raises(InputError) as caught:
        processes.submit(Scenario.load, "/nothing_of_that_name.yaml").result()
    assert caught.value.at == "/nothing_of_that_name.yaml"
    assert caught.value.problem == "This path does not exist; a scenario file is needed."
    assert caught.value.fix == "The nearest folder that exists is /."
    with pytest.raises(ZeroDivisionError):
        processes.submit(divmod, 1, 0).result()


def test_a_dead_worker_takes_one_call_with_it(tmp_path: Path) -> None:
    with WorkerProcesses(1) as pool:
        pid = pool.submit(os.getpid).result()
        begun = tmp_path / "begun"
        slow = pool.submit(exec, f"import pathlib, time; pathlib.Path({str(begun)!r}).touch(); time.sleep(30)")
        while not begun.exists():
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(
            WorkerDied, match=r"worker process was killed \(signal 9\), probably out of memory\. Free memory"
        ):
            slow.result()
        assert pool.submit(os.getpid).result() != pid
    assert pool.pids() == []


def test_the_message_of_a_crash_is_kept() -> None:
    with (
        WorkerProcesses(1) as pool,
        pytest.raises(WorkerDied, match=r"ended early \(exit status 3\)\. Last output: last words"),
    ):
        pool.submit(exec, "import os, sys; sys.stderr.write('last words'); sys.stderr.flush(); os._exit(3)").result()


def test_what_a_library_prints_does_not_break_the_pipe(
    processes: WorkerProcesses, capfd: pytest.CaptureFixture
) -> None:
    processes.submit(exec, "import os; print('from python'); os.write(1, b'from C')").result()
    assert processes.submit(divmod, 7, 2).result() == (3, 1)
    assert capfd.readouterr() == ("", "")


def test_a_script_without_a_guard_runs_once(tmp_path: Path) -> None:
    """The classic trap of ``multiprocessing``: workers that run the script again."""
    script = tmp_path / "unguarded.py"
    script.write_text(
        "print('start')\n"
        "from workbench.base.processes import WorkerProcesses\n"
        "with WorkerProcesses(1) as pool:\n"
        "    print(pool.submit(divmod, 7, 2).result())\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr, done.returncode) == ("start\n(3, 1)\n", "", 0)


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    script = tmp_path / "dies.py"
    script.write_text(
        "import os\nfrom workbench.base.processes import WorkerProcesses\n"
        "print(WorkerProcesses(1).submit(os.getpid).result(), flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    pid = int(subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120).stdout)
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or "zombie" in Path(f"/proc/{pid}/status").read_text():
            return
        time.sleep(0.1)
    pytest.fail(f"worker {pid} outlived its parent")


TRAP = "open(__import__('os').environ['TRAP'], 'a').write(__name__)\nraise SystemExit('imported')\n"
TRAPPED = ("numpy", "pickle", "json", "workbench", "signal", "traceback", "ctypes", "sitecustomize")
USE = """
import sys
sys.path.insert(0, "") if sys.argv[1] == "notebook" else None
from workbench.base.processes import WorkerProcesses
with WorkerProcesses(1) as pool:
    pool.submit(exec, "import json, numpy").result()
    if sys.version_info >= (3, 11):  # 3.10 has no safe path that programs of others inherit
        grandchild = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import json'])"
        pool.submit(exec, grandchild).result()
"""


@pytest.mark.parametrize("start", ["script", "notebook"])
def test_modules_beside_the_data_do_not_run_in_workers(tmp_path: Path, start: str) -> None:
    """Nor, from Python 3.11, in what others start from them; a notebook has the current folder on its path."""
    (data := tmp_path / "data").mkdir()
    script = tmp_path / "use.py"
    script.write_text(USE)
    imports = "import workbench.base.processes, json, pickle, ctypes, numpy, os, runpy, sys\n"
    leave = f"os.chdir({str(data)!r})\nsys.argv[1:] = [{start!r}]\nrunpy.run_path({str(script)!r})\n"
    for name in TRAPPED:
        (data / f"{name}.py").write_text(TRAP)
    done = subprocess.run(
        [sys.executable, "-c", imports + leave],
        env={**os.environ, "TRAP": str(tmp_path / "sprung")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "sprung").exists(), (tmp_path / "sprung").read_text()


def test_workers_end_with_their_parent_in_the_middle_of_a_call(tmp_path: Path) -> None:
    script = tmp_path / "dies.py"
    script.write_text(
        "import os, time\nfrom workbench.base.processes import WorkerProcesses\n"
        "pool = WorkerProcesses(2)\npids = {pool.submit(os.getpid).result() for _ in range(8)}\n"
        "busy = [pool.submit(time.sleep, 60) for _ in range(2)]\ntime.sleep(0.3)\n"
        "print(*pool.pids(), flush=True)\nos.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    pids = {int(pid) for pid in done.stdout.split()}
    assert pids
    deadline = time.monotonic() + 2
    while alive := [pid for pid in pids if running(pid)]:
        assert time.monotonic() < deadline, f"workers {alive} outlived their parent"
        time.sleep(0.05)


def running(pid: int) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
