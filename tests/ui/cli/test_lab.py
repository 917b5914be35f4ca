"""What ``workbench lab`` asks of JupyterLab."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from workbench.ui.cli.main import main


@pytest.mark.parametrize(("name", "transports"), [("short", ["ipc"]), ("long-" * 20, [])])
def test_kernels_listen_on_sockets_where_their_names_fit(
    monkeypatch: pytest.MonkeyPatch, name: str, transports: list[str]
) -> None:
    called: list[str] = []
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(Path("/tmp") / name))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "")  # put back afterwards; it is changed
    monkeypatch.setattr(os, "execv", lambda program, words: called.extend(words))
    with pytest.raises((SystemExit, AttributeError)):  # it goes on where it would have become another program
        raise SystemExit(main(["lab", "--no-browser"]))
    assert [word.partition("=")[2] for word in called if word.startswith("--KernelManager.transport=")] == transports
    assert "--ServerApp.ip=127.0.0.1" in called
    assert not any("token" in word or "password" in word for word in called)
