"""What all commands are tried on."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from workbench.ui.cli.main import main

Run = Callable[..., tuple[int, dict[str, Any], str]]


@pytest.fixture
def name(dataset_name: str) -> str:
    """Name of a dataset that is removed afterwards."""
    return dataset_name


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run a command with ``--json`` in this process: status, the JSON object, stderr."""

    def call(*arguments: str) -> tuple[int, dict[str, Any], str]:
        kept = os.dup(1)  # the command turns fd 1 to stderr for good, as suits a process
        try:
            status = main([*arguments, "--json"])
        finally:
            sys.stdout.flush()
            os.dup2(kept, 1)
            os.close(kept)
        out, err = capfd.readouterr()
        assert out.count("\n") == 1, f"one line of JSON, found {out!r}"
        return status, json.loads(out), err

    yield call
