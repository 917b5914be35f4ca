"""Lines of the session as Python, written from signatures."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from workbench.core.scenario import Scenario
from workbench.core.tables import parse
from workbench.ui import board
from workbench.ui.board import Selection
from workbench.ui.board.code_line import DS, FILTER, IDS, OWNERS, Name, call

DIM = parse("lighting == 'dim'")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (call(wb.measure, DS), "wb.measure(ds)"),
        (call(wb.evaluate, DS, "predictions", iou=0.5, confidence=0), "wb.evaluate(ds, 'predictions')"),
        (call(wb.evaluate, DS, "a.json", iou=0.6), "wb.evaluate(ds, 'a.json', iou=0.6)"),
        (call(wb.rounds, DS, metric="recall"), "wb.rounds(ds)"),
        (call(wb.gap, DS, where=DIM, by=None), "wb.gap(ds, where=\"lighting == 'dim'\")"),
        (call(wb.tag, DS, "a'b", where=FILTER, reason=""), 'wb.tag(ds, "a\'b", where=selection.filter)'),
        (call(wb.tag, DS, "x", ids=IDS, reason="r"), "wb.tag(ds, 'x', ids=selection.ids, reason='r')"),
        (call(wb.export, DS, Path("/out"), format="yolo"), "wb.export(ds, '/out', format='yolo')"),
        (call(wb.retrain, DS, None, name="a", folder="f"), "wb.retrain(ds, name='a', folder='f')"),
        (call(wb.retrain, DS, Name("trainer"), name="a", folder="f"), "wb.retrain(ds, trainer, name='a', folder='f')"),
        (call(Scenario("x").replace, {"a": 1}), "recreation.scenario.replace({'a': 1})"),
    ],
)
def test_defaults_are_left_out(line: str, expected: str) -> None:
    assert line == expected


def test_a_call_that_would_fail_is_no_line() -> None:
    with pytest.raises(TypeError, match="nonsense"):
        call(wb.measure, DS, nonsense=1)
    with pytest.raises(TypeError, match="folder"):
        call(wb.export, DS)


def called(module: Any) -> list[str]:
    """First arguments of the calls of ``call`` in a module's source, as text."""
    tree = ast.parse(inspect.getsource(module))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "call"]
    return [ast.unparse(node.args[0]) for node in calls]


def test_lines_call_public_functions() -> None:
    """Each is a name of ``wb``, or a method of what the session has a name for."""
    names = [info.name for info in pkgutil.walk_packages(board.__path__, "workbench.ui.board.")]
    checked = 0
    for module in map(importlib.import_module, names):
        for text in called(module):
            if text.startswith("self.") or text.startswith("scenario."):
                owner, method = {"self": Selection, "scenario": Scenario}[text.split(".")[0]], text.split(".")[1]
                assert callable(getattr(owner, method)) and owner.__name__ in OWNERS
            elif text not in ("change", "type(value)"):  # tag or untag in the state; a specification as a value
                function = eval(text, vars(module))  # a name in our own source
                assert getattr(wb, function.__name__) is function, text
            checked += 1
    assert checked >= 20
