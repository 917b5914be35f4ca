"""The whole loop as a new user walks it: notebook 01 in JupyterLab in Chromium, then the database and the files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.ui.browser.conftest import TOUR
from tests.ui.browser.lab import Board, Lab, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1200)]

DIM_METAL = "source == 'real' and lighting in ['dim', 'dark'] and surface in ['metal', 'mirror']"
TAG = "failure:night_shift"
SEED, FRAMES = 7, 8
STOPPED_SEED, STOPPED_FRAMES = 8, 60

STATE = """
import json
from workbench.actions.tag import history
from workbench.adapters import store
ds = store.require_dataset("tour")
found = store.info(ds)
found["dim_metal"] = len(store.select(ds, {dim_metal!r}))
found["changes"] = history(ds)[["role", "action", "tag", "changed"]].values.tolist()
print(json.dumps(found))
"""

GENERATED = """
import json, cv2
from pathlib import Path
from workbench.adapters import store
rows = []
for seed in {seeds!r}:
    ds = store.require_dataset("tour")
    for sample in store.read(ds, store.select(ds, f"generation.seed == {{seed}}")):
        record = sample.record
        files = (record.image_path, *record.maps.values())
        shapes = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape[:2] for path in files]
        rows.append({{
            "seed": seed, "frame": record.generation["frame"], "scenario": record.generation["scenario_name"],
            "source": sample.source, "shapes": shapes, "maps": sorted(record.maps), "labels": len(record.labels),
            "parts": [str(p) for p in record.image_path.parent.parent.rglob("*.workbench-part")],
        }})
print(json.dumps(rows))
"""


def state(lab: Lab) -> dict[str, Any]:
    """What a fresh process finds in the database."""
    found: dict[str, Any] = lab.python(STATE.format(dim_metal=DIM_METAL))
    return found


def filter_to_dim_metal(board: Board, expected: int) -> None:
    """Click the bars that make up the failure."""
    for facet, value in (
        ("source", "real"),
        ("lighting", "dim"),
        ("lighting", "dark"),
        ("surface", "metal"),
        ("surface", "mirror"),
    ):
        board.click_bar(facet, value)
    board.expect_count("filtered", expected)
    board.wait_for_pictures()


def select_with_mouse_and_keyboard(board: Board, filtered: int) -> None:
    """End with the first three pictures."""
    board.tile(0).click()
    board.expect_count("selected", 1)
    board.press("ArrowRight", "Space")
    board.expect_count("selected", 2)
    board.press("Space")
    board.expect_count("selected", 1)
    board.press("Control+a")
    board.expect_count("selected", filtered)
    board.press("Escape")
    board.expect_count("selected", 0)
    board.press("Home", "Space")
    board.expect_count("selected", 1)
    board.press("Shift+ArrowRight")
    board.expect_count("selected", 2)
    board.tile(2).click(modifiers=["Control"])
    board.expect_count("selected", 3)
    for at in range(3):
        expect(board.tile(at)).to_have_attribute("aria-selected", "true")


def tag_undo_and_tag_again(board: Board) -> None:
    """By keyboard only."""
    board.press("t")
    expect(board.labelled("Name of the failure scenario")).to_be_focused()
    board.page.keyboard.type("night_shift")
    board.press("Enter")
    expect(board.message()).to_contain_text('Tagged 3 samples as "night_shift".')
    board.expect_bar_count("tags", TAG, 3)
    expect(board.tile(0).locator(".wb-flag").get_by_text("night_shift")).to_be_visible()
    board.press("u")
    expect(board.message()).to_contain_text('Undid "night_shift" on 3 samples.')
    expect(board.tile(0).locator(".wb-flag").get_by_text("night_shift")).to_have_count(0)
    board.press("t", "Enter")
    expect(board.message()).to_contain_text('Tagged 3 samples as "night_shift".')


def generate_and_stop_another(board: Board, all_before: int) -> int:
    """Eight samples to the end, then more that are stopped; returns how many of those were kept."""
    board.open_tab("Generate")
    board.labelled("Scenario").select_option("dim_metal")
    board.fill("Number of samples", FRAMES)
    board.fill("Seed", SEED)
    board.does("preview").click()
    previews = board.root.locator(".wb-sheet img")
    expect(previews).to_have_count(4, timeout=120_000)
    assert all(previews.evaluate_all("all => all.map(i => i.naturalWidth === 320)"))
    board.watch_progress()
    board.does("generate").click()
    assert board.expect_job(1, "done").startswith(f"{FRAMES} generated, 0 already there")
    shares = board.shares(1)
    assert shares == sorted(shares) and shares[-1] == 100
    assert any(0 < share < 100 for share in shares), shares
    board.expect_count("all", all_before + FRAMES)
    board.fill("Number of samples", STOPPED_FRAMES)
    board.fill("Seed", STOPPED_SEED)
    board.does("generate").click()
    expect(board.job(2).locator("[role=progressbar]:not([aria-valuenow='0'])")).to_be_visible(timeout=120_000)
    board.job(2).locator("[data-does='cancel']").click()
    told = board.expect_job(2, "cancelled")
    kept = re.fullmatch(r"Stopped\. (\d+) frames? kept; the same again completes it\.", told)
    assert kept, told
    board.expect_count("all", all_before + FRAMES + int(kept[1]))
    assert 0 < int(kept[1]) < STOPPED_FRAMES
    return int(kept[1])


def show_generated(board: Board) -> None:
    """The new samples are facets like all others."""
    where = board.labelled("Filter as text")
    where.fill(f"generation.seed == {SEED}")
    where.press("Enter")
    board.expect_count("filtered", FRAMES)
    board.wait_for_pictures()
    sources = board.root.locator(".wb-tile .wb-source").all_inner_texts()
    assert set(sources) == {"synthetic"}


def export_all(board: Board, folder: Path) -> None:
    board.open_tab("Export")
    board.fill("Folder", folder)
    board.labelled("Which samples").select_option("all")
    board.does("export").click()
    assert "read back and compared" in board.expect_job(3, "done")


def check_generated(lab: Lab, kept: int) -> None:
    """Every sample of both jobs is whole: picture, maps of the same size, labels, lineage."""
    rows = lab.python(GENERATED.format(seeds=[SEED, STOPPED_SEED]))
    frames = {seed: sorted(row["frame"] for row in rows if row["seed"] == seed) for seed in (SEED, STOPPED_SEED)}
    assert frames[SEED] == list(range(FRAMES))
    assert len(frames[STOPPED_SEED]) == len(set(frames[STOPPED_SEED])) == kept
    for row in rows:
        assert (row["scenario"], row["source"], row["maps"]) == ("dim_metal", "synthetic", ["depth", "instances"])
        assert len({tuple(shape) for shape in row["shapes"]}) == 1
        assert row["labels"] >= 1 and row["parts"] == []


def check_export(folder: Path, expected: dict[str, Any]) -> None:
    """Files against the manifest, and both against the database."""
    manifest = json.loads(next(folder.glob("*manifest*.json")).read_text())
    samples = labels = 0
    for name, counts in manifest["splits"].items():
        coco = json.loads((folder / "annotations" / f"instances_{name}.json").read_text())
        assert (len(coco["images"]), len(coco["annotations"])) == (counts["samples"], counts["labels"])
        assert len(list((folder / "images" / name).rglob("*.*"))) == counts["samples"]
        samples, labels = samples + counts["samples"], labels + counts["labels"]
    assert set(manifest["splits"]) == {"train", "val", "test"}
    assert manifest["splits"]["test"]["synthetic"] == 0
    assert 0 < samples <= expected["samples"]
    assert 0 < labels <= sum(expected["labels_per_class"].values())


def test_the_whole_loop(
    lab: Lab, open_notebook: Callable[..., Notebook], screenshot: Callable[..., Path], tmp_path: Path
) -> None:
    tour = open_notebook(TOUR)
    tour.expect_no_pop_ups()
    tour.run_all()
    tour.expect_no_pop_ups()
    tour.page.keyboard.press("Control+b")  # the file browser makes room
    board = tour.board()
    board.wait_for_pictures()
    before = state(lab)
    board.expect_count("all", before["samples"])
    board.expect_count("filtered", before["tags"]["failure:dim_metal"])  # the last cell's filter
    board.root.locator(".wb-chip").click()
    board.expect_count("filtered", before["samples"])
    board.wait_for_pictures()
    screenshot(board.root, "overview")

    filter_to_dim_metal(board, before["dim_metal"])
    select_with_mouse_and_keyboard(board, before["dim_metal"])
    tag_undo_and_tag_again(board)
    screenshot(board.root, "board")
    kept = generate_and_stop_another(board, before["samples"])
    show_generated(board)
    screenshot(board.root, "generate")
    board.tile(0).dblclick()
    expect(board.root.locator(".wb-zoom img")).to_be_visible()
    screenshot(board.root, "zoom")
    board.press("Escape")
    export_all(board, tmp_path / "splits")
    screenshot(tour.page, "export")

    after = state(lab)
    assert after["samples"] == before["samples"] + FRAMES + kept
    assert after["per_source"]["real"] == before["per_source"]["real"]
    assert after["tags"] == before["tags"] | {TAG: 3}
    mine = [change for change in after["changes"] if change[2] == TAG]
    assert mine == [["change", "tag", TAG, 3], ["undo", "untag", TAG, 3], ["change", "tag", TAG, 3]]
    check_generated(lab, kept)
    check_export(tmp_path / "splits", after)

    tour.restart_and_run_all()
    printed = "\n".join(tour.outputs())
    assert f"0 tagged, {before['tags']['failure:dim_metal']} were tagged before" in printed
    assert "0 generated, 4 already there" in printed
    assert "Traceback" not in printed
    again = state(lab)
    assert {k: again[k] for k in ("samples", "per_source", "labels_per_class", "tags")} == {
        k: after[k] for k in ("samples", "per_source", "labels_per_class", "tags")
    }
    board = tour.board()
    board.wait_for_pictures()
    board.expect_count("all", after["samples"])
    board.expect_count("filtered", before["tags"]["failure:dim_metal"])
