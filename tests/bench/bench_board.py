"""The board in Chromium at a million samples: facet clicks, pages of thumbnails, scrolling to the end, memory.

    python -m tests.bench.bench_board [--samples 1000000] [--repeats 10]

Samples without pictures, as in ``bench_facets``, and the first 600 with a small one each. Times are taken in the page:
from the click to the frame that shows the new counts; from the request of 60 thumbnails to their arrival. ``direct``
is a call of the same command in Python: the rest of the time is Jupyter's and the browser's.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.bench import own_database

NAME, PICTURES, PAGE = "board", 600, 60
OPEN = f"import workbench as wb\nboard = wb.Board({NAME!r})\nboard"
CLICK = """async ([facet, value]) => {
  const bar = document.querySelector(`.wb-bar[data-facet="${facet}"][data-value="${value}"]`);
  const count = document.querySelector("[data-count='filtered']"), before = count.textContent;
  const start = performance.now();
  bar.click();
  while (document.querySelector("[data-count='filtered']").textContent === before)
    await new Promise((next) => requestAnimationFrame(next));
  await new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
  return performance.now() - start;
}"""
SCROLL = """async (share) => {
  const root = [...document.querySelectorAll(".wb-gallery")].find((one) => one.clientWidth);
  const start = performance.now();
  root.scrollTop = share * root.scrollHeight;
  const shown = () => !root.querySelector(".wb-loading") && root.querySelector(".wb-tile");
  await new Promise((next) => setTimeout(next, 20));
  while (!shown()) await new Promise((next) => requestAnimationFrame(next));
  const last = Math.max(...[...root.querySelectorAll(".wb-tile")].map((tile) => Number(tile.dataset.index)));
  return [performance.now() - start, last, root.querySelectorAll(".wb-tile").length];
}"""

LISTEN = r"""() => {
  const send = WebSocket.prototype.send, asked = new Map(), heard = new WeakSet();
  const text = (data) => (typeof data === "string" ? data : new TextDecoder("latin1").decode(data)).slice(0, 8000);
  window.pages = [];
  WebSocket.prototype.send = function (data) {
    if (!heard.has(this)) {
      heard.add(this);
      this.addEventListener("message", (event) => {
        const found = text(event.data).match(/"id": ?"(\w+-\d+)", ?"ok": ?true/);
        if (found && asked.has(found[1])) window.pages.push(performance.now() - asked.get(found[1]));
      });
    }
    const found = text(data).match(/"id": ?"(\w+-\d+)", ?"command": ?"page"/);
    if (found) asked.set(found[1], performance.now());
    return send.call(this, data);
  };
}"""


def fill_dataset(samples: int, folder: Path) -> Any:
    """A million samples as in ``bench_facets``; the first ones get pictures."""
    import fiftyone as fo
    import numpy as np
    from PIL import Image
    from pymongo import UpdateOne

    from tests.bench.bench_facets import NUMBER, fill
    from workbench.adapters import store

    dataset = store.open_dataset(NAME)
    dataset.media_type = "image"
    dataset.add_sample_field(NUMBER, fo.FloatField)
    fill(dataset, samples)
    rng, writes = np.random.default_rng(0), []
    for k, sample in enumerate(dataset._sample_collection.find({}, {"_id": 1}).sort("_id", 1).limit(PICTURES)):
        path = folder / f"{k}.jpg"
        Image.fromarray(rng.integers(0, 255, (48, 64, 3), np.uint8)).resize((640, 480)).save(path)
        change = {"filepath": str(path), "metadata": {"width": 640, "height": 480}}
        writes.append(UpdateOne({"_id": sample["_id"]}, {"$set": change}))
    dataset._sample_collection.bulk_write(writes)
    return dataset


def percentiles(times: list[float]) -> str:
    """Median and worst, in milliseconds."""
    return f"{statistics.median(times):6.0f} ms median, {max(times):6.0f} ms worst of {len(times)}"


def in_python(repeats: int) -> dict[str, list[float]]:
    """The same commands without Jupyter and browser."""
    from workbench.base.progress import Cancel
    from workbench.ui.board import Board
    from workbench.ui.board.registry import all_commands

    board, commands = Board(NAME), all_commands()

    def ask(name: str, **args: Any) -> None:
        commands[name].run(board.state, board.jobs, Cancel(), args)

    found: dict[str, list[float]] = {"click": [], "page": [], "map": []}
    for k in range(repeats):
        started = time.perf_counter()
        ask("toggle", facet="lighting", value=["dim", "bright"][k % 2])
        found["click"].append(1000 * (time.perf_counter() - started))
        started = time.perf_counter()
        ask("heat", by=["lighting", "surface"], metric="count")
        found["map"].append(1000 * (time.perf_counter() - started))
    board.state.clear()
    for k in range(PICTURES // PAGE):  # their thumbnails lie on disk from now on
        ask("page", start=PAGE * k, count=PAGE)
    for k in range(repeats):
        started = time.perf_counter()
        ask("page", start=PAGE * (k % (PICTURES // PAGE)), count=PAGE)
        found["page"].append(1000 * (time.perf_counter() - started))
    board.close()
    return found


def in_browser(lab: Any, browser: Any, repeats: int) -> dict[str, Any]:
    """What a curator waits for."""
    from playwright.sync_api import expect

    from tests.ui.browser.lab import Notebook

    lab.write("bench.ipynb", [OPEN])
    notebook = Notebook(lab, browser, "bench.ipynb")
    notebook.run_all()
    board, page = notebook.board(), notebook.page
    expect(board.root.locator(".wb-tile img").first).to_be_visible(timeout=300_000)
    found: dict[str, Any] = {"clicks": [], "scrolls": [], "tiles": 0, "memory": []}
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")

    def memory_mb() -> float:
        client.send("HeapProfiler.collectGarbage")
        metrics = {m["name"]: m["value"] for m in client.send("Performance.getMetrics")["metrics"]}
        return float(metrics["JSHeapUsedSize"]) / 1e6

    for k in range(repeats):
        found["clicks"].append(page.evaluate(CLICK, ["lighting", ["dim", "bright"][k % 2]]))
        page.wait_for_timeout(700)  # the map and the first page arrive
    page.keyboard.press("Escape")
    if board.root.locator(".wb-chip").count():
        board.root.locator(".wb-chip").first.click()
    page.wait_for_timeout(1500)
    found["pages"] = pages_by_wheel(page)
    found["memory"].append(memory_mb())
    for k in range(60):
        took, last, tiles = page.evaluate(SCROLL, (k * 37 % 60) / 60)
        found["scrolls"].append(took)
        found["tiles"] = max(found["tiles"], tiles)
    took, last, _ = page.evaluate(SCROLL, 1.0)
    found["last"] = last
    found["memory"].append(memory_mb())
    for k in range(60):
        page.evaluate(SCROLL, (k * 23 % 60) / 60)
    found["memory"].append(memory_mb())
    notebook.close()
    return found


def pages_by_wheel(page: Any) -> list[float]:
    """From the request of each page with pictures to its arrival in the browser; their thumbnails lie on disk."""
    page.evaluate(LISTEN)
    page.locator(".wb-gallery:visible").hover()
    for _ in range(PICTURES // PAGE):
        page.mouse.wheel(0, 2200)  # 15 rows of 4, about a page
        page.wait_for_timeout(600)
    times: list[float] = page.evaluate("window.pages")
    return times


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=10)
    args = parser.parse_args()
    database = own_database()
    from fiftyone.core.odm.database import get_db_client
    from playwright.sync_api import sync_playwright

    from tests.ui.browser.lab import Lab, chromium
    from workbench.adapters import store

    store.connect()
    with tempfile.TemporaryDirectory(prefix="bench-board-") as folder:
        os.environ["WORKBENCH_HOME"] = str(Path(folder) / "home")
        lab = Lab(Path(folder) / "lab", database)
        lab.environment["WORKBENCH_HOME"] = os.environ["WORKBENCH_HOME"]
        try:
            (Path(folder) / "pictures").mkdir()
            fill_dataset(args.samples, Path(folder) / "pictures")
            direct = in_python(args.repeats)
            lab.start(lab.write("empty.ipynb", []))
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=chromium(), args=["--no-sandbox", "--disable-gpu", "--enable-precise-memory-info"]
                )
                found = in_browser(lab, browser, args.repeats)
                browser.close()
        finally:
            lab.stop() if hasattr(lab, "process") else None
            get_db_client().drop_database(database)
    print(f"{args.samples:,} samples")
    print(f"facet click to repainted counts   {percentiles(found['clicks'])}   (direct {percentiles(direct['click'])})")
    print(
        f"page of {PAGE} thumbnails, warm       {percentiles(found['pages'])}   (direct {percentiles(direct['page'])})"
    )
    print(f"failure map, 6 x 6                {percentiles(direct['map'])}   (direct)")
    print(f"jump of the scrollbar to pictures {percentiles(found['scrolls'])}")
    print(f"last sample reached: {found['last'] == args.samples - 1}; at most {found['tiles']} tiles in the page")
    print(f"page's memory at first, after 60 jumps, after 120: {json.dumps([round(m, 1) for m in found['memory']])} MB")


if __name__ == "__main__":
    sys.exit(main())
