"""How the tests themselves are laid out."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.without import ABSENT, Refusing

REPOSITORY = Path(__file__).resolve().parents[2]
TESTS = REPOSITORY / "tests"


def imported(path: Path) -> set[str]:
    """Names of all modules that a file imports, inside of functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return names


def test_no_module_imports_a_module_with_tests() -> None:
    """What several need is in builders.py, strategies.py or a module beside them."""
    taken = {
        f"{path.relative_to(REPOSITORY)} imports {name}"
        for path in TESTS.rglob("*.py")
        for name in imported(path)
        if re.search(r"^tests\.(\w+\.)*test_\w+", name)
    }
    assert taken == set()


def test_every_folder_is_a_package() -> None:
    folders = {path.parent for path in TESTS.rglob("*.py")}
    assert {folder for folder in folders if not (folder / "__init__.py").is_file()} == set()


def test_every_function_is_a_test_a_fixture_or_used() -> None:
    """A misspelt test is never collected; every other function must be called somewhere in the tests."""
    texts = [path.read_text(encoding="utf-8") for path in TESTS.rglob("*.py")]
    words = Counter(word for text in texts for word in re.findall(r"\w+", text))
    lost = {
        node.name
        for text in texts
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef)
        and not node.name.startswith(("test_", "pytest_"))
        and not any("fixture" in ast.unparse(decorator) for decorator in node.decorator_list)
        and words[node.name] < 2
    }
    assert lost == set()


def test_make_quick_runs_whole_folders_of_tests_and_doctests() -> None:
    (line,) = re.findall(r"^QUICK := (.*)$", (REPOSITORY / "Makefile").read_text(), re.M)
    assert {"tests/core", "tests/base", "workbench/core", "workbench/base"} <= set(line.split())
    assert all((REPOSITORY / folder).is_dir() for folder in line.split())


@pytest.mark.parametrize("name", sorted(ABSENT))
def test_make_quick_refuses_what_needs_more(name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=f"imports {name}.sub"):
        Refusing().find_spec(f"{name}.sub")
    assert Refusing().find_spec(f"{name}_other") is None


def test_every_count_of_a_run_is_used() -> None:
    sizes = ast.parse((TESTS / "sizes.py").read_text())
    names = {name.id for node in sizes.body if isinstance(node, ast.Assign) for name in ast.walk(node.targets[0])
             if isinstance(name, ast.Name)}  # fmt: skip
    used = {name.rpartition(".")[2] for path in TESTS.rglob("*.py") for name in imported(path) if "tests.sizes" in name}
    assert names - {"T"} <= used
