"""Every notebook runs top to bottom without a browser, twice, with public names only."""

from __future__ import annotations

import ast
import base64
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

import workbench
from tests.sizes import sized

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
TIMEOUT_S = sized(600, 7_200)  # of a cell
LABELS = 1007  # true boxes of the real sample data
DROP = """
import os
from workbench.adapters import store
store.connect()
from fiftyone.core.odm.database import get_db_client
get_db_client().drop_database(os.environ["FIFTYONE_DATABASE_NAME"])
"""


def code_of(path: Path) -> str:
    """All code cells as one module."""
    cells = nbformat.read(path, as_version=4).cells
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


@pytest.fixture
def place(tmp_path: Path, sample_data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder laid out like the checkout, with a database and a home of its own."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "sample_data").symlink_to(sample_data)
    monkeypatch.setenv("FIFTYONE_DATABASE_NAME", f"workbench_notebooks_{os.getpid()}")
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    yield tmp_path / "notebooks"
    subprocess.run([sys.executable, "-c", DROP], check=True, timeout=120)


@dataclass(frozen=True)
class Ran:
    """A notebook after its run: outputs by the id of their cell."""

    outputs: dict[str, list[Any]]

    def printed(self, cell: str) -> str:
        """What a cell printed."""
        return "".join(output.text for output in self.outputs[cell] if output.get("name") == "stdout")

    def shown(self, cell: str, kind: str = "text/html") -> str:
        """What the last line of a cell shows."""
        (found,) = [output.data[kind] for output in self.outputs[cell] if kind in output.get("data", {})]
        return str(found)

    @property
    def text(self) -> str:
        """All that was printed."""
        return "".join(map(self.printed, self.outputs))


def run(path: Path, **changes: tuple[str, str]) -> Ran:
    """Run in a fresh kernel, with a text of some cells exchanged. An error in a cell fails with its traceback."""
    book = nbformat.read(path, as_version=4)
    for name, (old, new) in changes.items():
        (cell,) = [cell for cell in book.cells if cell.id == name]
        assert cell.source.count(old) == 1
        cell.source = cell.source.replace(old, new)
    NotebookClient(book, timeout=TIMEOUT_S, resources={"metadata": {"path": str(path.parent)}}).execute()
    outputs = {cell.id: cell.outputs for cell in book.cells if cell.cell_type == "code"}
    assert not [one.text for some in outputs.values() for one in some if one.get("name") == "stderr"]
    return Ran(outputs)


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == ["01_curate", "02_recreate", "03_close_the_loop"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_clean_and_names_its_kernel(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    assert book.metadata.kernelspec.name == "python3"  # without it JupyterLab asks
    for cell in book.cells:
        if cell.cell_type == "code":
            assert cell.outputs == [] and cell.execution_count is None


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_uses_public_names_only(path: Path) -> None:
    tree = ast.parse(code_of(path))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("workbench"), ast.unparse(node)
        elif isinstance(node, ast.Import):
            assert all(a.name == "workbench" or not a.name.startswith("workbench.") for a in node.names)
        elif isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_"), ast.unparse(node)
            if isinstance(node.value, ast.Name) and node.value.id == "wb":
                assert node.attr in workbench.__all__, ast.unparse(node)


@pytest.mark.long  # the browser's tests run the same notebook twice, in JupyterLab
@pytest.mark.timeout(1200)
def test_the_tour_runs_twice_and_adds_nothing_the_second_time(place: Path) -> None:
    tour = Path(shutil.copy(REPOSITORY / "notebooks" / "01_curate.ipynb", place))
    runs = run(tour), run(tour)
    first, second = (one.text for one in runs)
    added = [int(n.replace(",", "")) for n in re.findall(r"([\d,]+) samples added", first)]
    there = [int(n.replace(",", "")) for n in re.findall(r"([\d,]+) already there, 0 labels", second)]
    assert len(added) == 2 and all(added) and there == added
    assert re.findall(r"([\d,]+) samples added", second) == ["0", "0"]
    assert f"{sum(added):,} measured, 0 measured before" in first
    tagged = re.search(r"(\d+) tagged, 0 were tagged before", first)
    assert tagged and int(tagged[1]) > 0
    assert f"0 tagged, {tagged[1]} were tagged before" in second
    assert "4 generated, 0 already there" in first and "0 generated, 4 already there" in second
    exported = [
        [line for line in text.splitlines() if line.lstrip().startswith(("train", "val", "test"))]
        for text in (first, second)
    ]
    assert len(exported[0]) == 3 and exported[0] == exported[1]
    for text in (first, second):
        assert f"{tagged[1]} samples show this failure" in text
    for one in runs:
        check_failure_map(one)


def failure_map(html: str) -> dict[tuple[str, str], tuple[float, int]]:
    """Recall and number of labels by the words of row and column."""
    head, *rows = re.findall(r"<tr>(.*?)</tr>", html, re.S)
    columns = re.findall(r"<th>(.*?)</th>", head)[1:]
    cells = {}
    for row in rows:
        (word,) = re.findall(r"<th>(.*?)</th>", row)
        for column, cell in zip(columns, re.findall(r"<td.*?</td>", row, re.S), strict=True):
            if told := re.search(r"([\d,]+) labels?[^>]*>([\d.]+)<", cell):
                cells[word, column] = (float(told[2]), int(told[1].replace(",", "")))
    return cells


def check_failure_map(tour: Ran) -> None:
    """Recall by light and surface, of a detector that finds fewer parts in dim light than elsewhere."""
    found = re.search(r"240 samples: (\d+) hits, (\d+) missed, (\d+) wrong", tour.printed("evaluate"))
    assert found and int(found[1]) + int(found[2]) == LABELS and int(found[1]) > LABELS / 4
    cells = failure_map(tour.shown("evaluate"))
    assert sum(labels for *_, labels in cells.values()) == LABELS
    assert sum(recall * labels for recall, labels in cells.values()) == pytest.approx(int(found[1]), abs=3)
    failing = {where for where in cells if where[0] in ("dim", "dark")}
    assert mean_recall(cells, failing) < 0.85 * mean_recall(cells, set(cells) - failing)


def mean_recall(cells: dict[tuple[str, str], tuple[float, int]], some: set[tuple[str, str]]) -> float:
    """Recall of several cells together."""
    return sum(cells[one][0] * cells[one][1] for one in some) / sum(cells[one][1] for one in some)


# as many pictures as the notebook's own time allows on a machine that does nothing else
ALONE = {"recreate": ("tagged, content", "tagged, seconds=300, content")}


@pytest.mark.long  # two hundred renders, which tests of recreate, generate and gap make as well
@pytest.mark.timeout(1200)
def test_a_tagged_failure_becomes_a_scenario(place: Path) -> None:
    ran = run(Path(shutil.copy(REPOSITORY / "notebooks" / "02_recreate.ipynb", place)), **ALONE)
    assert "240 samples added" in ran.printed("load") and "78 tagged, 0 were tagged before" in ran.printed("tag")
    failing, others = (float(n) for n in re.findall(r"recall ([\d.]+) \(", ran.printed("tag")))
    assert failing < 0.85 * others
    rows = ran.shown("recreate")
    assert all(word in rows for word in ("sensor.exposure.ev", "assets.targets.count", "jitter", "free", "confidence"))
    told = re.search(r"to the 62 photos: ([\d.]+) before, ([\d.]+) after", ran.printed("gap"))
    assert told and float(told[2]) < 0.5 * float(told[1])
    check_side_by_side(base64.b64decode(ran.shown("pictures", "image/png")))
    assert re.findall(r"^(\w+): 16 generated, 0 already there", ran.printed("generate"), re.M) == [
        "before_the_fit",
        "dim_light",
    ]
    before, after = numbers_of(ran.shown("generate"))
    assert (before[:2], after[:2]) == ([78, 16], [78, 16]) and 0.4 < after[2] < before[2] <= 1
    assert "AUC" in ran.shown("left") and "<svg" in ran.shown("left")
    assert all(word in ran.printed("keep") for word in ("assets:", "sensor:", "exposure.ev"))


def check_side_by_side(png: bytes) -> None:
    """Photos, renders before and after the fit: the last are as dark as the photos, no two pictures alike."""
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("L"), float)
    assert picture.shape == (4 * 240, 3 * 320)
    real, before, after = (column.mean() for column in np.hsplit(picture, 3))
    assert abs(after - real) < abs(before - real), f"grey levels {real:.0f}, {before:.0f}, {after:.0f}"
    tiles = [tile for column in np.hsplit(picture, 3) for tile in np.vsplit(column, 4)]
    assert len({tile.tobytes() for tile in tiles}) == 12 and all(tile.std() > 1 for tile in tiles)


def numbers_of(table: str) -> list[list[float]]:
    """The numbers of each row of a table of pandas."""
    rows = [re.findall(r"<td>([-\d.]+)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", table, re.S)]
    return [[float(number) for number in row] for row in rows if row]


SHORT_FIT = {"recreate": ('name="dim_light")', 'name="dim_light", seconds=10)')}  # notebook 02 fits as long as it takes
FULL = {"setup": ("FULL = False", "FULL = True")}


@pytest.mark.parametrize(
    ("changes", "frames"),
    [
        # trains twice; in the shorter run the browser's loop, retrain and the trainers have tests of their own
        pytest.param(SHORT_FIT, 24, id="as it stands", marks=[pytest.mark.long, pytest.mark.timeout(1200)]),
        pytest.param(FULL, 300, id="FULL", marks=[pytest.mark.long, pytest.mark.timeout(4 * TIMEOUT_S)]),
    ],
)
def test_the_loop_is_closed(place: Path, changes: dict[str, tuple[str, str]], frames: int) -> None:
    ran = run(Path(shutil.copy(REPOSITORY / "notebooks" / "03_close_the_loop.ipynb", place)), **changes)
    for cell, synthetic, new in (("baseline", 240, 0), ("again", 240 + frames, frames)):
        told = ran.printed(cell)
        assert f"pretrain: {synthetic} samples (0 real, {synthetic} synthetic)" in told
        assert "finetune: 71 samples (71 real, 0 synthetic)" in told
        assert re.search(r"val: \d+ samples \(62 real", told) and "test: 64 samples (64 real, 0 synthetic)" in told
        assert re.search(r"detector: 11 classes, \d+ epochs, best AP50 0\.\d+ on 62 images of real val", told)
        assert re.search(rf"64 real images \(test\); recall 0\.\d+.*; {new} new images, \d+ s", told)
    cells = failure_map(ran.shown("map"))
    assert sum(labels for *_, labels in cells.values()) == 532 and any(recall > 0 for recall, _ in cells.values())
    assert "78 tagged, 0 were tagged before" in ran.printed("tag")
    assert "dim_light: from 43 samples" in ran.printed("recreate")
    assert f"{frames} generated, 0 already there" in ran.printed("generate")
    board = ran.shown("scoreboard")
    assert re.search(
        r"(CLOSED|FAILING|WORSE) failure:dim_light: recall 0\.\d+ \(0\.\d+ to 0\.\d+\) on 16 images, 75 labels", board
    )
    assert re.search(r"[+-]0\.\d+ \([+-]0\.\d+ to [+-]0\.\d+\) since the first round", board) and "<svg" in board
    assert "left out" not in board, "the scenario was fitted to none of the test pictures"
