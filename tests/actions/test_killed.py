"""Every action killed at random moments, every second time with its database: nothing lost, double, half or left over.

Tagging and undoing, whose changes may come in any order, are in ``tag/test_killed.py``.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.actions.own_database import Server
from tests.sizes import ACTION_KILLS

ACTIONS = ("load", "measure", "evaluate", "recreate", "generate", "export", "record_round", "retrain")
GONE_AFTER_S = 2.0
pytestmark = pytest.mark.timeout(1800)


class Actions:
    """The process that forks; see ``killed.py``."""

    def __init__(self, server: Server, root: Path) -> None:
        self.root, self.temporary = root, root / "temporary"
        self.temporary.mkdir(parents=True)
        environment = {**server.environment, "TMPDIR": str(self.temporary), "WORKBENCH_HOME": str(root / "home")}
        environment["PYTHONPATH"] = str(Path(__file__).parents[2])
        program = str(Path(__file__).with_name("killed.py"))
        self.process = subprocess.Popen(
            [sys.executable, program, str(root)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=(root / "stderr").open("wb"), text=True,
        )  # fmt: skip
        assert self._answer() == "ready"

    def _answer(self) -> Any:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, (self.root / "stderr").read_text()[-2000:]
        return json.loads(line)

    def ask(self, kind: str, action: str, number: int) -> Any:
        assert self.process.stdin
        self.process.stdin.write(json.dumps([kind, action, number]) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def do(self, kind: str, action: str, number: int) -> None:
        assert (wrong := self.ask(kind, action, number)) is None, f"{kind} {action} {number}: {wrong}"

    def reached(self, action: str, number: int) -> Any:
        """The state that the action led to, and how long that took."""
        return json.loads((self.root / action / f"state-{number}.json").read_text())

    def left(self) -> list[str]:
        """What lies among the temporary files, and what is on its way anywhere."""
        parts = [str(path) for path in self.root.rglob("*.workbench-part") if "home" not in path.parts]
        return [*parts, *(path.name for path in self.temporary.iterdir() if path.suffix != ".workbench-part")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("database") / "db")
    yield started
    started.kill()


@pytest.fixture(scope="module")
def actions(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Actions]:
    from tests.actions.killed import write_data

    root = tmp_path_factory.mktemp("killed")
    write_data(root / "data")
    started = Actions(server, root)
    yield started
    started.process.kill()
    started.process.wait()


def alive(mark: str, pids: set[int]) -> list[str]:
    """Command lines of processes of a killed one: those that it had, and all that carry its mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            environment = process.environ() if process.uids().real == os.getuid() else {}
            if process.pid in pids or environment.get("WORKBENCH_TEST_KILLED") == mark:
                found.append(" ".join(process.cmdline())[:200])
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def differences(first: Any, second: Any, at: str = "") -> list[str]:
    """Where two states differ."""
    if isinstance(first, dict) and isinstance(second, dict):
        keys = sorted(first.keys() | second.keys())
        return [text for key in keys for text in differences(first.get(key), second.get(key), f"{at}.{key}")]
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        pairs = enumerate(zip(first, second, strict=True))
        return [text for i, (a, b) in pairs for text in differences(a, b, f"{at}[{i}]")]
    return [] if first == second else [f"{at}: {str(first)[:200]} != {str(second)[:200]}"]


@pytest.mark.parametrize("action", ACTIONS)
def test_killed_at_random_moments(server: Server, actions: Actions, action: str) -> None:
    rng = random.Random(action)
    actions.do("prepare", action, 0)
    actions.do("whole", action, 0)
    whole = actions.reached(action, 0)
    for number in range(1, ACTION_KILLS + 1):
        actions.do("prepare", action, number)
        pid = actions.ask("start", action, number)
        time.sleep(rng.uniform(0, 1.2 * whole["took_s"]))
        children = {child.pid for child in psutil.Process(pid).children(recursive=True)}
        if number % 2 == 0:
            server.kill()
        os.kill(pid, signal.SIGKILL)
        killed_s = time.monotonic()
        actions.ask("reap", action, pid)
        if number % 2 == 0:
            server.start()
        mark = f"killed-{action}-{number}-{actions.root.name}"
        while left := alive(mark, children):
            assert time.monotonic() - killed_s < GONE_AFTER_S, f"outlived the killed {action}: {left}"
            time.sleep(0.05)
        actions.do("complete", action, number)
        assert differences(whole["state"], actions.reached(action, number)["state"]) == [], f"{action} {number}"
        assert actions.left() == []
