"""The FiftyOne App on a dataset with clouds: the picture beside the 3D view, and each box around its points."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Playwright, expect

from tests.ui.browser.lab import REPOSITORY, chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

SOFTWARE_GL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")  # WebGL without a GPU
TIMEOUT_MS = 120_000


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The App in a process of its own, with a street made by hand."""
    command = [
        sys.executable,
        "-m",
        "tests.actions.clouds.app_server",
        str(tmp_path / "street"),
        f"street-{os.getpid()}",
    ]
    with subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None and server.stdin is not None
        said = []
        for line in iter(server.stdout.readline, ""):
            said.append(line)
            if line.startswith("at "):
                yield line.split()[1]
                break
        else:
            pytest.fail("the App did not start: " + "".join(said))
        server.stdin.close()
        server.wait(60)


@pytest.fixture
def page(driver: Playwright) -> Iterator[Page]:
    """A page that can draw in three dimensions; it must end without an uncaught error of a script."""
    started = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox", *SOFTWARE_GL])
    opened = started.new_page(viewport={"width": 1500, "height": 900})
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    started.close()
    assert errors == []


def pixels(shown: Locator) -> Any:
    return np.asarray(Image.open(io.BytesIO(shown.screenshot())).convert("RGB")).astype(int)


def steady(shown: Locator, page: Page) -> Any:
    """The picture once two looks in a row are equal: everything has been loaded and drawn."""
    before = pixels(shown)
    for _ in range(60):
        page.wait_for_timeout(1000)
        now = pixels(shown)
        if np.abs(now - before).max() < 8:
            return now
        before = now
    raise AssertionError("the 3D view does not come to rest")


def open_group(page: Page, address: str) -> Locator:
    """Open the first group; returns the canvas of its 3D view."""
    page.goto(address)
    page.locator("[data-cy=looker]").first.wait_for(timeout=TIMEOUT_MS)
    page.wait_for_timeout(1000)  # an advertisement comes up late
    page.keyboard.press("Escape")
    page.locator("[data-cy=looker]").first.click()
    canvas = page.locator("[data-cy=looker3d] canvas").first
    canvas.wait_for(timeout=TIMEOUT_MS)
    tips = page.get_by_text("Dismiss", exact=True)
    page.wait_for_timeout(3000)
    for tip in tips.all():
        if tip.is_visible():
            tip.click()
    return canvas


def test_picture_and_cloud_are_shown_together_with_each_box_around_its_points(
    address: str, page: Page, screenshot: Callable[..., Path]
) -> None:
    canvas = open_group(page, address)
    expect(page.locator("[data-cy=group-carousel]")).to_be_visible()
    expect(page.locator("[data-cy=modal-looker-container] canvas")).not_to_have_count(0)
    with_boxes = steady(canvas, page)
    screenshot(page, "clouds")
    page.locator("[data-cy=modal] [data-cy=checkbox-boxes_3d]").click()
    points = steady(canvas, page)
    red, green, blue = (points[..., channel] for channel in range(3))
    things = {"Car": (red > 120) & (green < 60) & (blue < 60), "Pedestrian": (green > 120) & (red < 60) & (blue < 60)}
    boxes = (np.abs(with_boxes - points).max(axis=2) > 24).astype(np.uint8)
    _, parts = cv2.connectedComponents(cv2.morphologyEx(boxes, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)))
    sizes = np.bincount(parts.ravel())[1:]
    large = np.count_nonzero(sizes > 0.02 * sizes.max())  # not a button that lights up
    assert large == 2, f"two boxes: {sizes}"
    for name, mask in things.items():
        mask[:200, :200] = False  # the compass
        assert mask.sum() > 100, f"the points of the {name} are seen"
        own = np.bincount(parts[mask], minlength=3)
        assert own[0] < 0.02 * mask.sum(), f"the points of the {name} lie in a box: {own}"
        assert own[1:].max() > 0.98 * mask.sum(), f"all in the same: {own}"
        part = parts == 1 + own[1:].argmax()
        assert mask.sum() > 0.1 * part.sum(), f"the box of the {name} is not larger than it should be"
