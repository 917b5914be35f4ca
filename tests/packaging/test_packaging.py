"""What is promised about names, versions, layers and the wheel."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib import metadata
from pathlib import Path

import grimp
import pytest
import yaml
from packaging.specifiers import SpecifierSet

import workbench

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def tracked(*patterns: str) -> list[Path]:
    done = subprocess.run(["git", "ls-files", *patterns], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return [REPOSITORY / line for line in done.stdout.splitlines()]


def requirement(text: str) -> tuple[str, str]:
    """Name and version part of a requirement for Linux on x86-64; an empty name for other machines."""
    wanted, _, marker = text.partition(";")
    if "!=" in marker:
        return "", ""
    match = re.match(r"([\w.-]+)(.*)", wanted.strip())
    assert match
    return canonical(match[1]), match[2].strip()


def test_environment_yml_agrees_with_pyproject() -> None:
    content = yaml.safe_load((REPOSITORY / "environment.yml").read_text())
    by_pip = next(entry["pip"] for entry in content["dependencies"] if isinstance(entry, dict))
    ours = dict(requirement(text) for text in by_pip if not text.startswith("--"))
    theirs = dict(requirement(text) for text in PROJECT["dependencies"])
    theirs.pop("", None)
    assert ours == theirs
    python = next(entry for entry in content["dependencies"] if str(entry).startswith("python="))
    assert python.split("=")[1] in ("3.10", "3.11", "3.12")


def test_constraints_cover_every_dependency_and_name_no_registry() -> None:
    text = (REPOSITORY / "constraints.txt").read_text()
    assert "://" not in text and "--index" not in text
    pinned = {canonical(line.split("==")[0]) for line in text.splitlines() if "==" in line}
    extras = [item for items in PROJECT["optional-dependencies"].values() for item in items]
    wanted = {requirement(item)[0] for item in [*PROJECT["dependencies"], *extras]} - {""}
    assert wanted <= pinned, wanted - pinned


def test_versions_can_be_installed_on_the_first_release_of_this_python() -> None:
    """Debian's Python stays at 3.11.2, so a version that needs a later one cannot be installed there."""
    first = "{}.{}.0".format(*sys.version_info)
    needs = {f"{each.name} {each.version}": each.metadata.get("Requires-Python") for each in metadata.distributions()}
    assert {name: text for name, text in needs.items() if text and not SpecifierSet(text).contains(first)} == {}


def test_no_registry_and_no_machine_path_in_the_repository() -> None:
    forbidden = re.compile(r"--(extra-)?index-url|https?://[^\s\"']*/simple\b|(^|[^\w.])/(work|farm)/(main|shared)")
    for path in tracked():
        if path.suffix in {".jpg", ".png", ".ipynb"} or "sample_data" in path.parts or path == Path(__file__):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            assert not forbidden.search(line), f"{path}:{number}: {line[:120]}"


def test_public_names_are_sorted_and_resolve() -> None:
    assert workbench.__all__ == sorted(workbench.__all__)
    for name in workbench.__all__:
        assert getattr(workbench, name).__doc__, name
    with pytest.raises(AttributeError, match="no_such_name"):
        workbench.no_such_name  # noqa: B018


def test_the_wheel_works_outside_the_checkout(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", str(tmp_path)]
    subprocess.run([*build, str(REPOSITORY)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "-q", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    code = """
import sys; sys.path.insert(0, sys.argv[1])
import workbench, pathlib
assert pathlib.Path(workbench.__file__).is_relative_to(sys.argv[1]), workbench.__file__
from workbench.core.scenario import Scenario, preset_names
assert len(preset_names()) >= 5
Scenario.load("dim_metal").resolve(0)
root = pathlib.Path(workbench.__file__).parent
wanted = ["py.typed", "__init__.pyi", "ui/board/front/board.js", "ui/board/front/board.css",
          "core/scenario/presets/glare.yaml",
          "ui/cli/jupyter/labconfig/default_setting_overrides.json"]
assert all((root / name).is_file() for name in wanted), [n for n in wanted if not (root / n).is_file()]
from workbench.ui.board.registry import PANELS
from workbench.ui.board.scripts import module_text
assert "export default" in module_text(PANELS)
from workbench.ui.cli import main
main(["--version"])
"""
    done = subprocess.run(
        [sys.executable, "-P" if sys.version_info >= (3, 11) else "-s", "-c", code, str(site)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"workbench {workbench.__version__}"


def test_no_module_changes_the_environment_of_the_tests_when_it_is_collected() -> None:
    """Processes that tests start find the tests' own database."""
    from tests import conftest

    assert os.environ["FIFTYONE_DATABASE_NAME"] == conftest.DATABASE
    assert os.environ["WORKBENCH_HOME"] == str(conftest.HOME)


def test_imports_only_point_down() -> None:
    """The contracts of pyproject.toml, with imports inside functions and for type checkers counted."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports inside functions and for type checkers count too."""
    graph = grimp.build_graph("workbench")
    uses = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    TopologicalSorter(uses).prepare()  # raises CycleError, which names the modules


def test_functions_have_few_parameters() -> None:
    """No more than 12, and at most ten functions with more than 8."""
    counts: dict[str, int] = {}
    for path in (REPOSITORY / "workbench").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                args = node.args
                counts[f"{path.name}:{node.name}"] = len(args.posonlyargs) + len(args.args) + len(args.kwonlyargs)
    many = {name: n for name, n in counts.items() if n > 8}
    assert max(many.values(), default=0) <= 12 and len(many) <= 10, many


def test_the_folders_of_the_package_are_its_floors() -> None:
    names = {path.relative_to(REPOSITORY).parts[1] for path in tracked("workbench")}
    assert names == {"__init__.py", "__init__.pyi", "py.typed", "ui", "actions", "adapters", "core", "base"}
