"""From a tagged failure to the scoreboard without leaving the board, in the light and in the dark theme."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

from tests.ui.browser.lab import Board, Lab, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

SAMPLES, TRAIN = 60, 24
TAG = "failure:dim_metal"
CONTRAST = (Path(__file__).parent / "contrast.js").read_text()
TEXTS = (".wb-state", ".wb-score .wb-link", ".wb-change", ".wb-score .wb-hint", ".wb-scores h4", ".wb-scores td")
OPEN = """
import json, time
from pathlib import Path
import workbench as wb
from workbench.base.progress import Progress
from workbench.core.schema.labels import Label
from workbench.adapters.store import predictions, read

class Model:
    \"\"\"Knows where nuts are, and misses those of one kind of picture.\"\"\"
    work = None

    def __init__(self, blind_to, epochs):
        self.blind_to, self.epochs = blind_to, epochs

    def fit(self, split_dir):
        told = {{"unit": "epoch", "work": self.work}}
        with Progress("training", total=self.epochs, **told) as progress:
            for _ in range(self.epochs):
                time.sleep(0.1)
                progress.advance()

    def predict(self, images):
        return [self.found(int(path.stem[-2:])) for path in images]

    def found(self, number):
        some = boxes[number][: 0 if number % 3 == self.blind_to else 2]
        return [Label("nut", box, confidence=0.9) for box in some]

boxes = {boxes!r}
ds = wb.open({name!r})
print(wb.load(ds, {folder!r}, source="real", work=wb.Work(lambda tick: None)).samples)
print(wb.measure(ds, work=wb.Work(lambda tick: None)).measured)
baseline = {{one.id: Model(0, 0).found(int(Path(one.record.origin).stem[-2:])) for one in read(ds)}}
predictions.set_predictions(ds, "predictions", baseline)
trainer = Model(1, 20)
board = wb.Board(ds, trainer=trainer)
board
"""


def write(folder: Path) -> list[list[tuple[int, int, int, int]]]:
    """Pictures of two nuts: every third is dim and on metal, every third bright; the first are train."""
    rng, every = np.random.default_rng(3), []
    kinds = [("dim", "metal", 26, 12), ("bright", "glossy", 215, 4), ("normal", "matte", 130, 4)]
    content: dict[str, list[dict[str, Any]]] = {"train": [], "test": []}
    truth: dict[str, list[dict[str, Any]]] = {"train": [], "test": []}
    for i in range(SAMPLES):
        split = "train" if i < TRAIN else "test"
        lighting, surface, level, noise = kinds[i % 3]
        picture = Image.new("RGB", (160, 120), (level, level, int(level * 0.95)))
        boxes = []
        for k in range(2):
            x, y, r = 34 + 84 * k + int(rng.integers(-10, 10)), int(rng.integers(36, 84)), int(rng.integers(14, 24))
            colour = tuple(int(min(255, level * f)) for f in (1.7, 1.5, 1.2) if level < 200) or (120, 110, 90)
            ImageDraw.Draw(picture).ellipse((x - r, y - r, x + r, y + r), fill=colour)
            ImageDraw.Draw(picture).ellipse((x - r // 3, y - r // 3, x + r // 3, y + r // 3), fill=(level,) * 3)
            boxes.append((x - r, y - r, x + r, y + r))
            box = [x - r, y - r, 2 * r, 2 * r]
            truth[split].append({"id": 2 * i + k, "image_id": i, "category_id": 1, "bbox": box})
        pixels = np.asarray(picture) + rng.normal(0, noise, (120, 160, 3))
        path = folder / "images" / split / f"nuts{i:02}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
        every.append(boxes)
        about = {"id": i, "file_name": path.name, "width": 160, "height": 120, "scene_id": f"scene {i}"}
        content[split].append({**about, "lighting": lighting, "surface": surface})
    (folder / "annotations").mkdir()
    for split, images in content.items():
        coco = {"images": images, "annotations": truth[split], "categories": [{"id": 1, "name": "nut"}]}
        (folder / "annotations" / f"instances_{split}.json").write_text(json.dumps(coco))
    return every


def tag_by_keyboard(board: Board) -> None:
    board.click_bar("lighting", "dim")
    board.expect_count("filtered", SAMPLES // 3)
    board.press("g", "Control+a", "t")
    board.page.keyboard.type("dim_metal")
    board.press("Enter")
    expect(board.message()).to_contain_text(f'Tagged {SAMPLES // 3} samples as "dim_metal".')


def recreate_and_change_a_row(board: Board, screenshot: Callable[..., Path], theme: str) -> None:
    board.open_tab("Generate")
    board.labelled("What to recreate").select_option(TAG)
    board.labelled("What the pictures are made of").select_option("photos")  # no library has nuts
    board.fill("Seconds for the fit", 10)
    board.does("recreate").click()
    expect(board.job(1).locator("[role=progressbar]:not([aria-valuenow='0'])")).to_be_visible(timeout=120_000)
    expect(board.job(1).locator("small")).to_contain_text("fitting dim_metal · ")
    board.job(1).locator("[data-does='cancel']").click()
    board.expect_job(1, "cancelled")
    expect(board.root.locator(".wb-parameters")).to_have_count(0)
    board.does("recreate").click()
    assert "standard deviations from the photos" in board.expect_job(2, "done")
    why = board.root.locator(".wb-hint", has_text="content: photos (your own photos, developed anew)")
    expect(why).to_be_visible()
    expect(board.root.locator(".wb-beside img")).to_have_count(8, timeout=60_000)
    yaml = board.labelled("Scenario as YAML")
    expect(yaml).to_have_value(re.compile("content: photos"))  # preview and generate act on what was just recreated
    gap = board.root.locator(".wb-gap")
    before, after = (float(str(gap.get_attribute(f"data-{name}"))) for name in ("before", "after"))
    assert before > 0 and after > 0
    modes = board.root.locator(".wb-mode").evaluate_all("all => all.map(one => one.value)")
    assert "measured" in modes and len(modes) >= 10
    exposure = board.labelled("Distribution of sensor.exposure.ev")
    exposure.fill("{uniform: [2, 1]}")
    exposure.press("Enter")
    row = board.root.locator("[data-path='sensor.exposure.ev']")
    expect(row.locator(".wb-notice")).to_contain_text("sensor.exposure.ev")
    exposure.fill("{uniform: [-3, -2]}")
    exposure.press("Enter")
    expect(board.labelled("How sensor.exposure.ev is drawn")).to_have_value("assumed")
    expect(row.locator(".wb-notice")).to_be_hidden()
    blur = board.labelled("How sensor.lens.blur_px is drawn")
    blur.select_option("free")
    expect(board.labelled("Distribution of sensor.lens.blur_px")).to_have_value("0.0")
    gap.scroll_into_view_if_needed()
    screenshot(board.root, f"loop-recreate-{theme}")
    expect(yaml).to_have_value(re.compile(r"exposure\.ev:\s+uniform: \[-3, -2\]"))
    board.does("take-fit").click()
    expect(yaml).to_have_value(re.compile(r"exposure\.ev:\s+uniform: \[-3, -2\]"))


def generate(board: Board) -> None:
    board.fill("Number of samples", 2)
    board.does("generate").click()
    assert board.expect_job(3, "done").startswith("2 generated")
    board.expect_count("all", SAMPLES + 2)


def record_and_retrain(board: Board) -> None:
    board.open_tab("Rounds")
    expect(board.root.locator(".wb-scores")).to_contain_text(f"{TAG}: no round yet")
    board.labelled("Name of the round").focus()
    board.page.keyboard.type("baseline")
    board.press("Enter")
    assert f"{SAMPLES - TRAIN} real images (test)" in board.expect_job(4, "done")
    score = board.root.locator(f"[data-score='{TAG}']")
    expect(score).to_have_attribute("data-state", "failing")
    board.fill("Name of the new round", "with dim metal")
    folder = board.labelled("Folder for export and model")
    expect(folder).to_have_value(re.compile(r"/rounds/with_dim_metal$"))
    board.does("retrain").click()
    expect(board.job(5).locator("small")).to_contain_text("training · ", timeout=120_000)
    expect(board.job(5).locator("small")).to_contain_text(" s left", timeout=60_000)
    board.job(5).locator("[data-does='cancel']").click()
    board.expect_job(5, "cancelled")
    assert not Path(folder.input_value()).exists()
    board.does("retrain").focus()
    board.press("Enter")
    assert "round 2 with dim metal" in board.expect_job(6, "done")
    assert Path(folder.input_value(), "data", "manifest.json").is_file()


def read_the_scoreboard(board: Board) -> None:
    score = board.root.locator(f"[data-score='{TAG}']")
    expect(score).to_have_attribute("data-state", "closed")
    expect(score.locator(".wb-change")).to_contain_text("+1.00 (+")
    expect(score.locator("circle")).to_have_count(2)
    titles = board.root.locator(".wb-scores h4").all_inner_texts()
    assert titles[:2] == ["Got worse", "Failure scenarios"]
    expect(board.root.locator("[data-score='bright x glossy']")).to_contain_text("\u22121.00 (\u2212")
    board.labelled("Judged by").select_option("precision")
    expect(score).to_have_attribute("data-state", "failing")
    board.labelled("Judged by").select_option("recall")
    expect(score).to_have_attribute("data-state", "closed")


def expect_code(board: Board) -> None:
    """Each action is a line of Python."""
    board.open_tab("Code")
    code = board.root.locator(".wb-code").inner_text()
    for line in (
        f"wb.tag(ds, '{TAG}', ids=selection.ids)",
        "recreation = wb.recreate(ds, where=\"tags == 'failure:dim_metal'\", seconds=10",
        "recreation.scenario = recreation.scenario.replace({'sensor.exposure.ev': {'uniform': [-3, -2]}})",
        "into=ds, n=2, seed=0).result()",
        "wb.record_round(ds, name='baseline')",
        "wb.retrain(ds, trainer, name='with dim metal', folder=",
        "wb.rounds(ds, metric='precision')",
    ):
        assert line in code, (line, code)


@pytest.mark.parametrize("theme", ["Light", pytest.param("Dark", marks=pytest.mark.long)])
def test_from_a_tagged_failure_to_the_scoreboard(
    theme: str, lab: Lab, open_notebook: Callable[..., Notebook], screenshot: Callable[..., Path], tmp_path: Path
) -> None:
    boxes = write(tmp_path / "nuts")
    lab.write("loop.ipynb", [OPEN.format(boxes=boxes, name=f"loop-{theme}", folder=str(tmp_path / "nuts"))])
    notebook = open_notebook("loop.ipynb", height=1300)
    notebook.menu("Settings", "Theme", f"JupyterLab {theme}")
    notebook.run_all()
    board = notebook.board()
    board.wait_for_pictures()
    shade = theme.lower()
    tag_by_keyboard(board)
    screenshot(board.root, f"loop-tagged-{shade}")
    if theme == "Light":  # the whole way once; in the dark from the tag to the scoreboard
        recreate_and_change_a_row(board, screenshot, shade)
        generate(board)
        screenshot(board.root, f"loop-generated-{shade}")
        record_and_retrain(board)
        read_the_scoreboard(board)
    else:
        board.open_tab("Generate")
        board.labelled("Refine with trial pictures").uncheck()
        board.does("recreate").click()
        expect(board.root.locator(".wb-parameters")).to_be_visible(timeout=60_000)
        screenshot(board.root, f"loop-recreate-{shade}")
        board.open_tab("Rounds")
        for number, (name, field) in enumerate((("baseline", "predictions"), ("again", "predictions")), 2):
            board.fill("Name of the round", name)
            board.labelled("Predictions of the round").select_option(field)
            board.does("record").click()
            board.expect_job(number, "done")
        expect(board.root.locator(f"[data-score='{TAG}']")).to_have_attribute("data-state", "failing")
    board.root.locator("[data-section='Scoreboard'] summary").scroll_into_view_if_needed()
    found = board.root.evaluate(CONTRAST, TEXTS)
    assert set(found) == set(TEXTS) and {name: ratio for name, ratio in found.items() if ratio < 4.5} == {}
    assert board.root.evaluate("node => node.scrollWidth <= node.clientWidth")
    for name in ("Record a round", "Retrain"):  # closed, so that the picture shows the scoreboard
        board.root.locator(f"[data-section='{name}'] summary").click()
    screenshot(board.root, f"loop-scoreboard-{shade}")
    if theme == "Light":
        expect_code(board)
