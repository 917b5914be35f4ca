"""Every part of the board in JupyterLab, by mouse and by keyboard, on small data with predictions and masks.

Every test has a dataset of its own: measuring, evaluating and tagging change it.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import expect

from tests.ui.browser.lab import Board, Lab, Notebook
from workbench.adapters.formats.registry import WRITERS

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

SAMPLES = 48
FILL = """
import json
from pathlib import Path
import numpy as np
from PIL import Image
from workbench.actions.evaluate import evaluate
from workbench.adapters import store
from workbench.core.schema.labels import Label, Record
from workbench.adapters.store import predictions

folder, rng = Path({folder!r}), np.random.default_rng(0)
records, found = [], []
for i in range({samples}):
    light, path = ["dim", "bright"][i % 2], folder / f"{{i:02}}.jpg"
    pixels = rng.integers(0, 90 if light == "dim" else 250, (120, 160, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    ring = np.array([(20.0, 30.0), (70.0, 30.0), (70.0, 80.0), (20.0, 80.0)])
    labels = (Label("mug" if i % 3 else "bolt", (20, 30, 70, 80), polygons=(ring,)),)
    given = {{"lighting": light}} | ({{"surface": "metal" if i % 4 < 2 else "wood"}} if i % 8 else {{}})
    generated = {{"scenario_name": "dim_metal", "seed": 1, "frame": i}} if i >= 40 else {{}}
    records.append(Record(path, path.name, 160, 120, labels, scene_id=f"scene {{i // 4}}", attributes=given,
                          generation=generated))
    miss = light == "dim" and i % 4 < 2  # dim metal
    hit = [] if miss else [Label("mug" if i % 3 else "bolt", (21, 31, 71, 81), confidence=0.9)]
    found.append(hit + ([Label("mug", (100, 10, 140, 50), confidence=0.6)] if i % 6 == 0 else []))
ds = store.open_dataset({name!r})
ids = store.add(ds, records[:40], source="real").ids + store.add(ds, records[40:], source="synthetic").ids
store.set_values(ds, {{i: {{"measures.noise": float(k)}} for k, i in enumerate(ids)}})
store.set_values(ds, {{ids[44]: {{"generation.parent_sample_id": ids[2]}}}})
predictions.set_predictions(ds, "predictions", dict(zip(ids, found)))
result = evaluate(ds, "predictions")
print(json.dumps([result.tp, result.fp, result.fn]))
"""
OPEN = "import workbench as wb\nboard = wb.Board({name!r})\nboard"
CONTRAST = (Path(__file__).parent / "contrast.js").read_text()


@dataclass(frozen=True)
class Evaluated:
    """A dataset with predictions, and what became of them."""

    name: str
    hits: int
    wrong: int
    misses: int


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parts")


@pytest.fixture
def evaluated(lab: Lab, pictures: Path, request: pytest.FixtureRequest) -> Evaluated:
    name = f"parts {request.node.name}"
    return Evaluated(name, *lab.python(FILL.format(folder=str(pictures), samples=SAMPLES, name=name)))


@pytest.fixture
def board(
    lab: Lab, evaluated: Evaluated, open_notebook: Callable[..., Notebook], request: pytest.FixtureRequest
) -> Board:
    """The whole board in a page of its own."""
    name = f"{request.node.name[:40]}.ipynb".replace("[", "-").replace("]", "")
    lab.write(name, [OPEN.format(name=evaluated.name)])
    notebook = open_notebook(name, height=1000)
    notebook.run_all()
    found = notebook.board()
    found.wait_for_pictures()
    return found


def cell(board: Board, row: str, column: str) -> Any:
    return board.root.locator(f".wb-cell[data-row='{row}'][data-column='{column}']")


def test_map_slicer_and_gallery_by_mouse(board: Board, screenshot: Callable[..., Path]) -> None:
    root = board.root
    expect(cell(board, "dim", "metal")).to_have_attribute(
        "aria-label", re.compile(r"recall 0 \(0 to 0\.\d+\) · \d+ samples")
    )
    cell(board, "dim", "metal").hover()
    expect(root.locator(".wb-heat-hint")).to_contain_text(re.compile("^dim . metal: recall 0"))
    screenshot(root, "map")
    dim_metal = int(cell(board, "dim", "metal").locator("small").inner_text())
    cell(board, "dim", "metal").click()
    board.expect_count("filtered", dim_metal)
    expect(cell(board, "dim", "metal")).to_have_attribute("aria-pressed", "true")
    expect(cell(board, "bright", "wood").locator("b")).to_have_text("1")  # the others stay to compare
    expect(root.locator(".wb-chip")).to_have_count(2)
    root.locator(".wb-chip").first.click()
    expect(root.locator(".wb-chip")).to_have_count(1)
    root.locator(".wb-chip").click()
    board.expect_count("filtered", SAMPLES)
    board.labelled("Metric of the map").select_option("mean:measures.noise")
    expect(cell(board, "dim", "wood").locator("b")).to_have_text(re.compile(r"^2\d(\.\d)?$"))
    board.labelled("Metric of the map").select_option("ap50")
    expect(cell(board, "bright", "wood").locator("b")).to_have_text(re.compile(r"^(1|0\.\d+)$"))
    # missing, and a brush
    root.locator(".wb-bar.wb-missing[data-facet='surface']").click()
    board.expect_count("filtered", SAMPLES // 8)
    root.locator(".wb-chip").click()
    board.expect_count("filtered", SAMPLES)  # a drag is lost when the facets are drawn anew
    plot = root.locator(".wb-histogram[data-facet='measures.noise']")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    board.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 10)
    board.page.mouse.down()
    board.page.mouse.move(box["x"] + box["width"] + 5, box["y"] + 10, steps=4)
    expect(plot.locator("i.wb-off")).not_to_have_count(0)
    board.page.mouse.up()
    board.expect_count("filtered", SAMPLES // 2)
    root.locator(".wb-chip").click()
    # search, in a facet that the curator adds
    board.labelled("Add a facet").select_option("scene_id")
    search = board.labelled("search scene_id")
    search.fill("NE 1")
    expect(root.locator(".wb-bar[data-facet='scene_id']")).to_have_count(3)  # scene 1, 10, 11
    board.click_bar("scene_id", "scene 11")
    board.expect_count("filtered", 4)
    expect(search).to_have_value("NE 1")
    root.locator(".wb-chip").click()
    board.expect_count("filtered", SAMPLES)


def test_gallery_by_mouse(board: Board, screenshot: Callable[..., Path]) -> None:
    root = board.root
    tile = board.tile(0)
    # outcomes: a miss is drawn wide, a wrong prediction dashed; class colours show the truth alone
    expect(tile.locator("rect.wb-wide")).to_have_count(1)
    expect(tile.locator("rect[stroke-dasharray]")).to_have_count(1)
    expect(tile.locator(".wb-wrong")).to_have_text("2")
    board.does("show-outcomes").click()
    expect(tile.locator("rect")).to_have_count(1)
    board.does("show-masks").click()
    expect(tile.locator("path.wb-outline")).to_have_count(1)
    board.does("show-boxes").click()
    expect(tile.locator("rect")).to_have_count(0)
    board.does("show-boxes").click()
    board.does("show-outcomes").click()
    # order
    board.labelled("Sort by").select_option("measures.noise")
    board.labelled("Direction").click()
    expect(tile.locator(".wb-words")).to_have_text("47")
    expect(tile.locator(".wb-source")).to_have_text("synthetic")
    expect(tile).to_have_class(re.compile("wb-is-synthetic"))
    board.labelled("Sort by").select_option("")
    expect(tile.locator(".wb-source")).to_have_text("real")
    # two filters side by side
    board.click_bar("lighting", "dim")
    board.expect_count("filtered", SAMPLES // 2)
    board.does("pin").click()
    root.locator(".wb-chip").click()
    board.click_bar("lighting", "bright")
    heads = root.locator(".wb-side-head")
    expect(heads.first).to_contain_text("lighting == 'dim'")
    expect(heads.last).to_contain_text("lighting == 'bright'")
    expect(root.locator(".wb-gallery")).to_have_count(2)
    board.wait_for_pictures()
    screenshot(root, "compare")
    board.does("pin").click()
    expect(root.locator(".wb-gallery:visible")).to_have_count(1)
    root.locator(".wb-chip").click()
    # one sample with all that is known
    board.expect_count("filtered", SAMPLES)
    board.wait_for_pictures()
    board.tile(2).dblclick()
    facts = root.locator(".wb-facts")
    root.locator(".wb-names span").first.click()  # one box alone
    board.fill("Tag for the chosen boxes", "blurred")
    board.does("tag-boxes").click()
    expect(board.message()).to_contain_text('Tagged 1 label as "blurred".')
    expect(root.locator(".wb-names span").first).to_contain_text("blurred")
    expect(facts).to_contain_text("scene 0")
    expect(facts.locator("[data-related='same scene'] button")).to_have_count(3)
    facts.locator("[data-related='recreated as'] button").click()
    expect(facts).to_contain_text("scene 11")
    expect(facts).to_contain_text("parent_sample_id")
    screenshot(root, "related")
    board.press("Escape")
    expect(root.locator(".wb-zoom")).to_be_hidden()


def test_tags_and_history_by_mouse(board: Board, screenshot: Callable[..., Path]) -> None:
    root = board.root
    board.click_bar("lighting", "dim")
    board.expect_count("filtered", SAMPLES // 2)
    board.fill("Name of the failure scenario", "dim")
    board.fill("Reason", "too dark")
    board.does("tag-filtered").click()
    expect(board.message()).to_contain_text(f'Tagged {SAMPLES // 2} samples as "dim".')
    scenario = root.locator(".wb-scenario[data-tag='failure:dim']")
    board.labelled("Describe failure:dim").click()
    board.fill("Description", "nothing but shadows")
    board.labelled("Colour").fill("#227744")
    board.labelled("Key").select_option("5")
    screenshot(root, "tagger")
    board.does("describe").click()
    expect(scenario).to_contain_text("nothing but shadows")
    expect(scenario.locator("kbd")).to_have_text("5")
    expect(board.tile(0).locator(".wb-flag")).to_have_css("background-color", "rgb(34, 119, 68)")
    root.locator(".wb-chip").click()
    board.expect_count("filtered", SAMPLES)
    board.wait_for_pictures()
    board.tile(1).click()
    board.expect_count("selected", 1)
    board.press("5")
    board.expect_bar_count("tags", "failure:dim", SAMPLES // 2 + 1)
    board.labelled("Untag the selected from failure:dim").click()
    board.expect_bar_count("tags", "failure:dim", SAMPLES // 2)
    board.open_tab("History")
    entries = root.locator(".wb-changes li")
    expect(entries.first).to_contain_text("untag failure:dim")
    screenshot(root, "history")
    root.locator(".wb-changes li", has_text="too dark").locator("[data-does='undo-change']").click()
    expect(board.message()).to_contain_text(f'Undid "dim" on {SAMPLES // 2} samples.')
    expect(entries.first).to_contain_text("undo: untag failure:dim")
    board.open_tab("Code")
    code = root.locator(".wb-code").inner_text()
    assert "selection.filter = \"lighting == 'dim'\"" in code
    assert "wb.tag(ds, 'failure:dim', where=selection.filter, reason='too dark')" in code
    assert "wb.undo(ds, change_id=" in code
    board.does("copy").click()
    expect(board.message()).to_contain_text("Copied.")


def test_every_part_by_keyboard(board: Board, screenshot: Callable[..., Path]) -> None:
    root = board.root
    board.tile(0).click()
    board.press("?")
    expect(root.locator(".wb-help")).to_be_visible()
    screenshot(root, "help")
    board.press("Escape", "f")
    expect(root.locator(".wb-bar:focus")).to_have_attribute("data-value", "real")
    outline = root.locator(".wb-bar:focus").evaluate("node => getComputedStyle(node).outlineStyle")
    assert outline == "solid"  # the focus is seen
    board.press("ArrowDown", "Space")
    board.expect_count("filtered", 8)
    expect(root.locator(".wb-bar:focus")).to_have_attribute("data-value", "synthetic")
    board.press("Space")
    board.expect_count("filtered", SAMPLES)
    board.press("h")
    expect(root.locator(".wb-cell:focus")).to_have_count(1)
    board.press("ArrowDown", "ArrowRight", "ArrowLeft", "Enter")
    expect(root.locator(".wb-cell[aria-pressed='true']")).to_have_count(1)
    board.press("Enter")
    board.expect_count("filtered", SAMPLES)
    plot = root.locator(".wb-histogram[data-facet='measures.noise']")
    plot.focus()
    board.press("ArrowRight")
    board.expect_count("filtered", SAMPLES - 2)
    expect(root.locator(".wb-histogram:focus")).to_have_attribute("data-facet", "measures.noise")
    board.press("Shift+ArrowLeft")
    board.expect_count("filtered", SAMPLES - 4)
    board.press("Delete")
    board.expect_count("filtered", SAMPLES)
    board.press("g", "Home", "Space", "Shift+ArrowRight")
    board.expect_count("selected", 2)
    for key, name in (("b", "boxes"), ("k", "masks"), ("o", "outcomes"), ("m", "map")):
        before = board.does(f"show-{name}").get_attribute("aria-pressed")
        board.press(key)
        expect(board.does(f"show-{name}")).to_have_attribute("aria-pressed", "false" if before == "true" else "true")
    board.press("m", "c")
    expect(board.does("pin")).to_have_text("End comparison")
    board.press("c")
    expect(board.does("pin")).to_have_text("Compare")
    board.wait_for_pictures()
    width = board.tile(0).bounding_box()
    board.press("+")
    board.wait_for_pictures()
    wider = board.tile(0).bounding_box()
    assert width and wider and wider["width"] > width["width"]
    board.press("-", "s")
    expect(board.labelled("Sort by")).to_be_focused()
    board.press("Escape", "]")
    expect(root.locator(".wb-tab[data-tab='Analyse']")).to_be_focused()
    board.press("[")
    board.press("t")
    board.page.keyboard.type("by_key")
    board.press("Enter")
    board.expect_bar_count("tags", "failure:by_key", 2)
    board.press("u")
    expect(board.bar("tags", "failure:by_key")).to_have_count(0)
    board.press("r")
    board.expect_bar_count("tags", "failure:by_key", 2)
    board.press("Control+z")
    expect(board.bar("tags", "failure:by_key")).to_have_count(0)
    board.press("Control+y")
    board.expect_bar_count("tags", "failure:by_key", 2)
    board.press("Enter")
    expect(root.locator(".wb-zoom")).to_be_visible()
    board.press("ArrowRight")
    expect(root.locator(".wb-facts header")).to_contain_text("02.jpg")
    board.press("Escape", "Escape", "Escape")
    board.expect_count("selected", 0)


def test_analysis_by_mouse(board: Board, evaluated: Evaluated, screenshot: Callable[..., Path]) -> None:
    root = board.root
    board.open_tab("Analyse")
    board.does("evaluate").click()
    told = board.expect_job(1, "done")
    assert f"{evaluated.hits} hits" in told and f"{evaluated.misses} missed" in told
    expect(root.locator("[data-section='Evaluate'] .wb-table").first).to_contain_text("recall")
    board.labelled("Metric of the slices").select_option("recall")
    board.does("discover").click()
    expect(root.locator("[data-section='Discover'] .wb-notice")).to_contain_text(
        "tested on held-out data", timeout=120_000
    )
    board.does("gap").click()
    told_gap = root.locator("[data-section='Gap'] :is(.wb-notice, .wb-gap-row):visible")
    expect(told_gap.first).to_be_visible(timeout=120_000)
    board.does("measure").click()
    told = board.expect_job(2, "done")
    assert told.startswith(f"{SAMPLES} measured")
    expect(root.locator("[data-section='Measure']")).to_contain_text(f"All measured: {SAMPLES} samples.")
    board.labelled("Sides of the gap").select_option("pinned and current")
    board.does("gap").click()
    expect(root.locator("[data-section='Gap'] .wb-notice")).to_contain_text("Pin a filter above the gallery first.")
    board.click_bar("lighting", "dim")
    board.does("pin").click()
    root.locator(".wb-chip").click()
    board.click_bar("lighting", "bright")
    board.does("gap").click()
    row = root.locator(".wb-gap-row")
    expect(row).to_contain_text(re.compile(r"AUC (1|0\.9\d)"), timeout=120_000)
    expect(row.locator(".wb-far").first.locator("> div")).to_have_count(6)
    expect(row.locator(".wb-distance")).to_contain_text("of the objects")
    expect(row.locator(".wb-far").last).to_contain_text("gloss")
    screenshot(root, "analysis")


def test_export_by_mouse(board: Board, tmp_path: Path, screenshot: Callable[..., Path]) -> None:
    root = board.root
    board.open_tab("Export")
    offered = board.labelled("Format").locator("option").all_inner_texts()
    assert offered[0] == "coco" and sorted(offered) == sorted(WRITERS)
    board.fill("Folder", tmp_path / "half")
    board.fill("share of test", 0.5)
    board.does("export").click()
    assert "Shares add up to 1.35, not to 1" in board.expect_job(1, "failed")
    board.fill("Folder", tmp_path / "staged")
    board.fill("share of train", 0.5)
    board.fill("share of val", 0)
    board.labelled("Format").select_option("yolo")
    board.labelled("Which samples").select_option("all")
    board.labelled("How train is divided").select_option("stages")
    board.does("export").click()
    assert "read back and compared" in board.expect_job(2, "done")
    rows = root.locator(".wb-form .wb-table tbody tr")
    expect(rows).to_have_count(3)
    texts = [row.locator("td").all_inner_texts() for row in rows.all()]
    assert [row[0] for row in texts] == ["pretrain", "finetune", "test"]
    assert [row[2] != "0" for row in texts] == [False, True, True]
    assert [row[3] != "0" for row in texts] == [True, False, False]
    assert 40 <= sum(int(row[1]) for row in texts) <= SAMPLES  # without the kin of test samples
    screenshot(root, "exported")
    assert list((tmp_path / "staged").glob("*.yaml")) and not (tmp_path / "half").exists()
    # folds are always drawn anew, so they go when given splits are kept
    board.labelled("How train is divided").select_option("folds")
    expect(board.labelled("Number of folds")).to_be_visible()
    board.labelled("How splits are made").select_option("keep")
    expect(board.labelled("Number of folds")).to_be_hidden()
    expect(board.labelled("share of train")).to_be_hidden()
    expect(board.labelled("How train is divided")).to_have_value("")


def test_parts_in_cells_of_their_own_share_a_selection(
    lab: Lab, evaluated: Evaluated, open_notebook: Callable[..., Notebook], screenshot: Callable[..., Path]
) -> None:
    lab.write(
        "alone.ipynb",
        [
            f"import workbench as wb\nselection = wb.Selection({evaluated.name!r})\n"
            "wb.Board(selection, parts=['slicer'], height_px=400)",
            "wb.Board(selection, parts=['map'], height_px=260)",
            "wb.Board(selection, parts=['gallery'], height_px=300)",
            "wb.Board(selection, parts=['tagger', 'code'], height_px=300)",
        ],
    )
    notebook = open_notebook("alone.ipynb", height=2000)
    notebook.run_all()
    slicer, heat, gallery, tagger = (notebook.board(i) for i in range(4))
    gallery.wait_for_pictures()
    slicer.click_bar("lighting", "dim")
    for each in (heat, gallery, tagger):
        each.expect_count("filtered", SAMPLES // 2)
    cell(heat, "dim", "metal").click()
    expect(slicer.bar("surface", "metal")).to_have_attribute("aria-pressed", "true")
    gallery.wait_for_pictures()
    gallery.tile(0).click()
    tagger.expect_count("selected", 1)
    expect(tagger.does("tag-selected")).to_have_text("Tag 1 selected")
    screenshot(notebook.page, "parts")


def kernels_of(lab: Lab) -> list[psutil.Process]:
    children = psutil.Process(lab.process.pid).children(recursive=True)
    return [child for child in children if "ipykernel_launcher" in " ".join(child.cmdline())]


def test_a_dead_kernel_is_told_and_run_all_brings_the_board_back(
    lab: Lab, evaluated: Evaluated, open_notebook: Callable[..., Notebook], screenshot: Callable[..., Path]
) -> None:
    before = {process.pid for process in kernels_of(lab)}
    lab.write("dead.ipynb", [OPEN.format(name=evaluated.name)])
    notebook = open_notebook("dead.ipynb")
    notebook.run_all()
    board = notebook.board()
    board.wait_for_pictures()
    (kernel,) = [process for process in kernels_of(lab) if process.pid not in before]
    os.kill(kernel.pid, signal.SIGKILL)
    expect(board.root.locator(".wb-silent")).to_be_visible(timeout=60_000)
    expect(board.root.locator(".wb-silent")).to_contain_text("run this cell again")
    screenshot(board.root, "dead")
    notebook.page.locator(".jp-Dialog .jp-mod-accept").click()  # JupyterLab's own word on it
    notebook.restart_and_run_all()
    board = notebook.board()
    board.wait_for_pictures()
    expect(board.root.locator(".wb-silent")).to_be_hidden()
    board.click_bar("lighting", "dim")
    board.expect_count("filtered", SAMPLES // 2)


TEXTS = (
    *(".wb-cell b", ".wb-cell small", ".wb-across", ".wb-down", ".wb-legend span", ".wb-switch", ".wb-table td"),
    *(".wb-table th", ".wb-section summary", ".wb-mode", ".wb-changes small", ".wb-code", ".wb-side-head .wb-data"),
    ".wb-notice",
)


@pytest.mark.parametrize("theme", ["JupyterLab Light", pytest.param("JupyterLab Dark", marks=pytest.mark.long)])
def test_panels_can_be_read_in_both_themes(theme: str, board: Board, screenshot: Callable[..., Path]) -> None:
    Notebook.menu(board, "Settings", "Theme", theme)  # type: ignore[arg-type]
    expect(board.page.locator(f"body[data-jp-theme-name='{theme}']")).to_be_attached(timeout=30_000)
    found: dict[str, float] = {}
    for tab in ("Tag", "Analyse", "Generate", "Export", "Rounds", "History", "Code"):
        board.open_tab(tab)
        if tab == "Analyse":
            board.labelled("Metric of the slices").select_option("recall")
            board.does("discover").click()
            expect(board.root.locator("[data-section='Discover'] .wb-notice")).to_contain_text(
                "tested on held-out data"
            )
        if tab == "Generate":
            board.labelled("Refine with trial pictures").uncheck()
            board.does("recreate").click()
            expect(board.root.locator(".wb-generator .wb-parameters")).to_be_visible(timeout=60_000)
        if tab == "Tag":
            board.wait_for_pictures()
            board.tile(0).click()
            board.fill("Name of the failure scenario", "seen")
            board.does("tag-selected").click()
            board.expect_bar_count("tags", "failure:seen", 1)
            board.does("pin").click()
        board.page.wait_for_timeout(300)
        for name, ratio in board.root.evaluate(CONTRAST, TEXTS).items():
            found[name] = min(ratio, found.get(name, 99))
        screenshot(board.root, f"{tab.lower()}-{theme[11:].lower()}")
    assert set(found) >= set(TEXTS)
    assert {name: ratio for name, ratio in found.items() if ratio < 4.5} == {}  # WCAG 2.2, AA
