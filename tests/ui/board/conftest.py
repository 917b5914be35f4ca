"""A small dataset with a hostile class, its selection, and what a browser would get from a board of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import record
from workbench.adapters import store
from workbench.core.schema.labels import Label
from workbench.ui.board import Board, Selection

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def selection(dataset: Any, picture: Callable[..., Path]) -> Selection:
    """Six samples: three dim, three bright; every second on metal; one of a hostile class."""
    records = [
        record(
            picture(f"{i}.png", seed=i),
            attributes={"lighting": "dim" if i < 3 else "bright"} | ({"surface": "metal"} if i % 2 else {}),
            labels=(Label("mug" if i else HOSTILE, (1, 2, 30, 40)),),
            scene_id=f"scene {i // 2}",
        )
        for i in range(6)
    ]
    store.add(dataset, records, source="real")
    store.set_values(
        dataset, {i: {"measures.noise": float(k % 4)} for k, i in enumerate(store.select(dataset)) if k != 5}
    )
    return Selection(dataset)


class Browser:
    """What the browser would get."""

    def __init__(self, board: Board) -> None:
        self.answers: list[tuple[dict[str, Any], list[bytes]]] = []
        self.board = board
        self.arrived = threading.Condition()
        board.send = self._receive

    def _receive(self, content: dict[str, Any], buffers: Any = ()) -> None:
        with self.arrived:
            self.answers.append((content, list(buffers)))
            self.arrived.notify_all()

    def ask(self, command: Any, *, request: str = "1-1", **args: Any) -> tuple[dict[str, Any], list[bytes]]:
        return self.send({"id": request, "command": command, "args": args})

    def send(self, content: Any) -> tuple[dict[str, Any], list[bytes]]:
        before = len(self.answers)
        self.board._handle_custom_msg(content, [])
        with self.arrived:  # some commands run aside
            assert self.arrived.wait_for(lambda: len(self.answers) > before, timeout=30)
        return self.answers[-1]

    def job(self, number: int) -> dict[str, Any]:
        """The state of a job after its end, as the browser is told."""
        deadline = time.monotonic() + 120
        while True:
            state: dict[str, Any] = next(job for job in self.board._jobs if job["number"] == number)
            if state["state"] != "running":
                return state
            assert time.monotonic() < deadline, state
            time.sleep(0.02)


@pytest.fixture
def browser(selection: Selection) -> Browser:
    """A browser in front of the whole board."""
    return Browser(Board(selection))
