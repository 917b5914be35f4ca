"""Every notebook runs top to bottom without a browser, twice, with public names only."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import workbench

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
TIMEOUT_S = 600
DROP = """
import os
from workbench import store
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


def run(path: Path) -> str:
    """Run in a fresh kernel; returns what the cells printed. An error in a cell fails with its traceback."""
    book = nbformat.read(path, as_version=4)
    NotebookClient(book, timeout=TIMEOUT_S, resources={"metadata": {"path": str(path.parent)}}).execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    return "".join(output.text for output in outputs if output.get("name") == "stdout")


def test_there_are_notebooks() -> None:
    assert "01_curate.ipynb" in [path.name for path in NOTEBOOKS]


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


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_tour_runs_twice_and_adds_nothing_the_second_time(place: Path) -> None:
    tour = Path(shutil.copy(REPOSITORY / "notebooks" / "01_curate.ipynb", place))
    first, second = run(tour), run(tour)
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
