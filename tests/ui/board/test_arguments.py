"""Arguments from the browser against the annotations of commands."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Literal

import pytest

from workbench.base.errors import InputError
from workbench.ui.board.arguments import checked
from workbench.ui.board.registry import all_commands


def command(
    state: object,
    jobs: object,
    text: str,
    n: int = 1,
    share: float = 0.5,
    on: bool | None = None,
    side: Literal["left", "right"] = "left",
    ids: Iterable[str] = (),
    corners: list[list[float]] = [],  # noqa: B006
    splits: dict[str, float] | None = None,
) -> None:
    """Every type that commands have."""


@pytest.mark.parametrize(
    "args",
    [
        {"n": 3, "share": 1, "on": True, "side": "right"},
        {"share": 0.25, "on": None, "ids": ["a", "b"], "corners": [[0, 1.5], []]},
        {"splits": {"train": 0.7, "test": 3}},
        {"splits": None, "ids": []},
    ],
)
def test_what_fits_is_passed_on_unchanged(args: dict[str, Any]) -> None:
    assert checked(command, {"text": "", **args}) == {"text": "", **args}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"text": 7}, "text of command must be text, not 7."),
        ({"n": 1.5}, "n of command must be a whole number, not 1.5."),
        ({"n": True}, "must be a whole number, not True."),
        ({"n": None}, "must be a whole number, not None."),
        ({"share": math.nan}, "must be a number, not nan."),
        ({"share": math.inf}, "must be a number, not inf."),
        ({"share": "1"}, "must be a number, not '1'."),
        ({"on": 1}, "must be true or false or nothing, not 1."),
        ({"side": "top"}, "must be one of left, right, not 'top'."),
        ({"side": ["left"]}, "must be one of left, right, not"),
        ({"ids": "ab"}, "must be a list (of text), not 'ab'."),
        ({"ids": ["a", 1]}, "must be a list (of text), not"),
        ({"corners": [[0, "x"]]}, "must be a list (of a list (of a number)), not"),
        ({"splits": {"train": "x"}}, "must be a table (of a number) or nothing, not"),
        ({"state": 1}, "command has no argument 'state'."),
        ({"shere": 1}, "Did you mean 'share'?"),
        ({"text": "x" * 5000, "n": "y" * 5000}, "must be a whole number, not 'yyy"),
    ],
)
def test_what_does_not_fit_is_named(args: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as refused:
        checked(command, {"text": "", **args})
    assert message in str(refused.value) and len(str(refused.value)) < 300


def test_a_missing_argument_is_named() -> None:
    with pytest.raises(InputError, match="command needs text: text"):
        checked(command, {})


def test_all_commands_have_types_that_can_be_checked() -> None:
    """Without arguments each command either takes none, or says which is missing."""
    for name, each in all_commands().items():
        try:
            assert checked(each.function, {}) == {}, name
        except InputError as error:
            assert f"{each.function.__name__} needs " in str(error), name
