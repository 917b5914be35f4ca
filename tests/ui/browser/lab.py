"""A real JupyterLab started the way users start it, and its pages in a real Chromium."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Browser, Locator, Page, expect

REPOSITORY = Path(__file__).resolve().parents[3]
TOKEN = "browser-test"  # of a server on 127.0.0.1 that lives for these tests only
START_TIMEOUT_S = 120
CELLS_TIMEOUT_MS = 300_000
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
POP_UPS = ".jp-Dialog, .Toastify__toast, .jp-toast"


def chromium() -> str:
    """Path of the system's Chromium; a clear failure without it, never a skip."""
    for name in CHROMIUM:
        if found := shutil.which(name):
            return found
    raise AssertionError("Chromium is missing; install it with: sh .ci/system-packages test")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Lab:
    """JupyterLab in a process group of its own, with notebooks in ``folder / "notebooks"`` and an own database."""

    at = "lab"  # its address, below that of the server
    one = "lab/tree"  # of a notebook
    own_errors: tuple[str, ...] = ()  # of its scripts, whatever a page shows
    idle = "#jp-main-statusbar :text-matches('^Python 3.* [|] Idle$')"

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.notebooks, self.port = folder, folder / "notebooks", free_port()
        self.notebooks.mkdir(parents=True)
        self.environment = {
            **os.environ,
            "FIFTYONE_DATABASE_NAME": database,
            "WORKBENCH_HOME": str(folder / "home"),
            "JUPYTER_TOKEN": TOKEN,
            "HOME": str(Path.home()),
            # a fresh user: no settings of the person who runs the tests, no remembered answers
            "JUPYTER_CONFIG_DIR": str(folder / "jupyter"),
            "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        }

    def arguments(self, notebook: Path) -> list[str]:
        """``workbench lab NOTEBOOK --no-browser --port PORT``."""
        return ["workbench.ui.cli", "lab", str(notebook), "--no-browser", "--port", str(self.port)]

    def start(self, notebook: Path) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", *self.arguments(notebook)]
        self.log = self.folder / "lab.log"
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                command, cwd=self.notebooks, env=self.environment, stdout=out, stderr=out, start_new_session=True
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while f"127.0.0.1:{self.port}/{self.at}" not in (text := self.log.read_text(errors="replace")):
            assert self.process.poll() is None, f"JupyterLab ended: {text[-2000:]}"
            assert time.monotonic() < deadline, f"JupyterLab did not start: {text[-2000:]}"
            time.sleep(0.2)

    def stop(self) -> None:
        """End exactly this server, its kernels with it."""
        group = os.getpgid(self.process.pid)
        self.process.send_signal(signal.SIGTERM)  # Jupyter ends its kernels, which end the FiftyOne App
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(group, signal.SIGKILL)
            self.process.wait(10)

    def write(self, name: str, cells: Sequence[str]) -> Path:
        """A notebook with these code cells."""
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(book, self.notebooks / name)
        return self.notebooks / name

    def python(self, code: str) -> Any:
        """Run code in a fresh process on the same database; its last line of output is JSON."""
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])


class Notebook7(Lab):
    """Jupyter Notebook 7: one notebook a page, and keys that it takes before the page's own elements get them."""

    own_errors = ("Cannot read properties of undefined (reading 'schema')",)
    at, one, idle = "tree", "notebooks", ".jp-Notebook-ExecutionIndicator[data-status='idle']"

    def arguments(self, notebook: Path) -> list[str]:
        """``jupyter notebook --no-browser --port PORT``, for root as well."""
        options = ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={self.port}", "--no-browser"]
        return ["notebook", *options, *(["--allow-root"] if os.geteuid() == 0 else [])]


class Notebook:
    """One notebook open in a page."""

    def __init__(self, lab: Lab, browser: Browser, name: str, *, width: int = 1400, height: int = 1000) -> None:
        self.name, self.api = name, f"http://127.0.0.1:{lab.port}/api"
        self.allowed = {"Authorization": f"token {TOKEN}"}
        self.page: Page = browser.new_page(viewport={"width": width, "height": height})
        self.errors: list[str] = []  # uncaught errors of scripts
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.goto(f"http://127.0.0.1:{lab.port}/{lab.one}/{name}?token={TOKEN}&reset")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=120_000)
        expect(self.page.locator(lab.idle)).to_be_visible(timeout=120_000)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._connected():  # Notebook 7 shows "idle" before there is a kernel
            assert time.monotonic() < deadline, "no kernel came"
            self.page.wait_for_timeout(200)

    def _connected(self) -> bool:
        """Whether the notebook's kernel is idle and the page is connected with it."""
        sessions = self.page.request.get(f"{self.api}/sessions", headers=self.allowed).json()
        kernels = [session["kernel"] for session in sessions if session["path"] == self.name]
        return any(kernel["connections"] and kernel["execution_state"] == "idle" for kernel in kernels)

    def menu(self, *names: str) -> None:
        """Choose an entry of the menu bar."""
        self.page.locator("#jp-MainMenu").get_by_text(names[0], exact=True).click()
        for name in names[1:]:
            self.page.locator(".lm-Menu-itemLabel").get_by_text(re.compile(f"^{re.escape(name)}$")).last.click()

    def run_all(self) -> None:
        self.menu("Run", "Run All Cells")
        self.wait_until_done()

    def restart_and_run_all(self) -> None:
        self.menu("Edit", "Clear Outputs of All Cells")  # so that no number of the last run is taken for a new one
        self.menu("Kernel", "Restart Kernel and Run All Cells…")
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        expect(self.page.locator(".jp-Dialog")).to_have_count(0)
        self.wait_until_done()

    def expect_no_pop_ups(self) -> None:
        """No question about news or builds, no notice: what `workbench lab` promises."""
        expect(self.page.locator(POP_UPS)).to_have_count(0)

    def wait_until_done(self) -> None:
        """Every code cell has a number and none is at work; an error in a cell fails with its text."""
        last = self.page.locator(".jp-CodeCell .jp-InputPrompt").last
        expect(last).to_have_text(re.compile(r"\[\d+\]"), timeout=CELLS_TIMEOUT_MS)
        failed = "[data-mime-type='application/vnd.jupyter.error'], [data-mime-type='application/vnd.jupyter.stderr']"
        texts = self.page.locator(failed).all_inner_texts()
        assert not texts, texts

    def outputs(self) -> list[str]:
        """Text that the cells printed."""
        return [text.strip() for text in self.page.locator(".jp-RenderedText.jp-OutputArea-output").all_inner_texts()]

    def board(self, number: int = 0) -> Board:
        return Board(self.page, self.page.locator(".wb-board").nth(number))

    def close(self) -> None:
        """Close the page and end its kernel."""
        for session in self.page.request.get(f"{self.api}/sessions", headers=self.allowed).json():
            if session["path"] == self.name:
                self.page.request.delete(f"{self.api}/sessions/{session['id']}", headers=self.allowed)
        self.page.close()
        assert self.errors == []


class Board:
    """What a curator sees and does on one output of a board."""

    def __init__(self, page: Page, root: Locator) -> None:
        self.page, self.root = page, root
        expect(root).to_be_visible(timeout=60_000)
        root.scroll_into_view_if_needed()

    def count(self, which: str) -> int:
        return int(self.root.locator(f"[data-count='{which}']").inner_text().replace(",", ""))

    def expect_count(self, which: str, number: int) -> None:
        expect(self.root.locator(f"[data-count='{which}']")).to_have_text(f"{number:,}")

    def bar(self, facet: str, value: str) -> Locator:
        return self.root.locator(f".wb-bar[data-facet='{facet}'][data-value='{value}']")

    def expect_bar_count(self, facet: str, value: str, number: int) -> None:
        expect(self.bar(facet, value).locator(".wb-bar-count")).to_have_text(f"{number:,}")

    def click_bar(self, facet: str, value: str) -> None:
        self.bar(facet, value).click()
        expect(self.bar(facet, value)).to_have_attribute("aria-pressed", "true")

    def tile(self, index: int) -> Locator:
        return self.root.locator(f".wb-tile[data-index='{index}']")

    def wait_for_pictures(self) -> None:
        """All tiles in sight show a picture that the browser could decode."""
        expect(self.root.locator(".wb-tile img").first).to_be_visible(timeout=60_000)
        expect(self.root.locator(".wb-loading")).to_have_count(0, timeout=60_000)
        widths = self.root.locator(".wb-tile img").evaluate_all(
            "all => Promise.all(all.map(async i => { await i.decode(); return i.naturalWidth; }))"
        )
        assert widths and all(widths)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def open_tab(self, name: str) -> None:
        self.root.locator(f".wb-tab[data-tab='{name}']").click()

    def does(self, what: str) -> Locator:
        return self.root.locator(f"[data-does='{what}']")

    def labelled(self, label: str) -> Locator:
        return self.root.get_by_label(label, exact=True)

    def fill(self, label: str, value: object) -> None:
        self.labelled(label).fill(str(value))

    def job(self, number: int) -> Locator:
        return self.root.locator(f"[data-job='{number}']")

    def expect_job(self, number: int, state: str, *, timeout_s: int = 240) -> str:
        """Wait for the end of a job; returns what it says."""
        ended = self.root.locator(f"[data-job='{number}']:not([data-state='running'])")
        expect(ended).to_be_visible(timeout=timeout_s * 1000)
        expect(ended).to_have_attribute("data-state", state)
        return ended.locator("small").inner_text()

    def watch_progress(self) -> None:
        """From now on keep every share that a progress bar shows, by number of the job."""
        self.root.locator(".wb-jobs").evaluate(
            """node => {
              window.shares = {};
              new MutationObserver(() => node.querySelectorAll("[data-job]").forEach((job) => {
                const share = Number(job.querySelector("[role=progressbar]").getAttribute("aria-valuenow"));
                const seen = window.shares[job.dataset.job] ??= [];
                if (seen.at(-1) !== share) seen.push(share);
              })).observe(node, { childList: true, subtree: true });
            }"""
        )

    def shares(self, number: int) -> list[int]:
        found: dict[str, list[int]] = self.page.evaluate("window.shares")
        return found[str(number)]

    def message(self) -> Locator:
        return self.root.locator(".wb-message")
