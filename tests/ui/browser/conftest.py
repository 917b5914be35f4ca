"""One JupyterLab and one Chromium for all browser tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Playwright, expect, sync_playwright

pytest.register_assert_rewrite("tests.ui.browser.lab")

from tests.ui.browser.lab import REPOSITORY, Lab, Notebook, chromium  # noqa: E402  # its asserts are rewritten first

TOUR = "01_curate.ipynb"
expect.set_options(timeout=60_000)  # of a busy machine
SCREENSHOTS = REPOSITORY / "tests" / "screenshots"
DROP = """
import os
from fiftyone.core.odm.database import get_db_client
from workbench.adapters import store
store.connect()
get_db_client().drop_database(os.environ["FIFTYONE_DATABASE_NAME"])
"""


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, sample_data: Path) -> Iterator[Lab]:
    """JupyterLab with a copy of the tour, as a new user would meet it."""
    started = Lab(tmp_path_factory.mktemp("lab"), f"workbench_browser_{os.getpid()}")
    shutil.copy(REPOSITORY / "notebooks" / TOUR, started.notebooks)
    (started.folder / "sample_data").symlink_to(sample_data)
    started.start(started.notebooks / TOUR)
    yield started
    started.stop()
    subprocess.run([sys.executable, "-c", DROP], env=started.environment, check=True, timeout=120)


@pytest.fixture(scope="session")
def driver() -> Iterator[Playwright]:
    """Playwright itself; only one can run at a time."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(driver: Playwright) -> Iterator[Browser]:
    """The system's Chromium."""
    started = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
    yield started
    started.close()


@pytest.fixture
def open_notebook(lab: Lab, browser: Browser) -> Iterator[Callable[..., Notebook]]:
    """Open a notebook of the lab in a page; every page must end without an uncaught error of a script."""
    opened: list[Notebook] = []

    def open_one(name: str, **size: int) -> Notebook:
        opened.append(Notebook(lab, browser, name, **size))
        return opened[-1]

    yield open_one
    for notebook in opened:
        notebook.close()


@pytest.fixture
def screenshot() -> Callable[[Page | Locator, str], Path]:
    """Keep a picture in tests/screenshots, which git ignores, or small ones in $WORKBENCH_SCREENSHOTS."""

    def shoot(shown: Page | Locator, name: str) -> Path:
        path = SCREENSHOTS / f"{name}.png"
        shown.screenshot(path=path)
        return path

    folder = os.environ.get("WORKBENCH_SCREENSHOTS")

    def shoot_small(shown: Page | Locator, name: str) -> Path:
        path = shoot(shown, name)
        if (small := Path(str(folder)) / path.name).is_file():  # those that the README shows
            Image.open(path).convert("RGB").quantize(256, method=Image.Quantize.FASTOCTREE).save(small, optimize=True)
        return path

    SCREENSHOTS.mkdir(exist_ok=True)
    return shoot_small if folder else shoot
