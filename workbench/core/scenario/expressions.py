"""Arithmetic over parameter paths: ``0.1 + 0.9 * scene.surface.roughness``. Parsed, never evaluated as Python."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping

from workbench.base.errors import one_of

Number = float

_BINARY: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: math.pow,  # raises instead of growing without end
    ast.Mod: operator.mod,
}
_UNARY: dict[type[ast.unaryop], Callable[[Number], Number]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
_FUNCTIONS: dict[str, Callable[..., Number]] = {
    "min": min,
    "max": max,
    "abs": abs,
    "sqrt": math.sqrt,
    "log2": math.log2,
    "sin_deg": lambda angle_deg: math.sin(math.radians(angle_deg)),
    "cos_deg": lambda angle_deg: math.cos(math.radians(angle_deg)),
}
MAX_LENGTH = 500


def parse(text: str) -> ast.expr:
    """The syntax tree of an expression in the allowed subset.

    Raises:
        ValueError: the text is no expression, or uses more than numbers, paths, ``+ - * / % **`` and a few functions.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"The expression has {len(text)} characters; at most {MAX_LENGTH} are allowed.")
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError) as cause:
        raise ValueError(f"{text!r} is not an arithmetic expression.") from cause
    _check(tree)
    return tree


def paths(tree: ast.expr) -> frozenset[str]:
    """The parameter paths that an expression reads.

    >>> sorted(paths(parse("2 * sensor.lens.blur_px + max(scene.a, 1)")))
    ['scene.a', 'sensor.lens.blur_px']
    """
    if isinstance(tree, ast.Attribute):
        return frozenset({_path(tree)})
    return frozenset().union(*(paths(child) for child in _operands(tree)))


def evaluate(tree: ast.expr, values: Mapping[str, Number]) -> Number:
    """The value of an expression; ``values`` holds a number for every path.

    Raises:
        ValueError: a division by zero, a root of a negative number, a result too large.
    """
    try:
        return float(_value(tree, values))
    except (ArithmeticError, ValueError) as cause:
        raise ValueError(f"The expression has no value: {type(cause).__name__}: {cause}.") from cause


def _check(tree: ast.expr) -> None:
    if isinstance(tree, ast.Constant):
        if isinstance(tree.value, bool) or not isinstance(tree.value, (int, float)):
            raise _not_allowed(tree)
    elif isinstance(tree, ast.Attribute):
        _path(tree)
    else:
        for child in _operands(tree):
            _check(child)


def _operands(tree: ast.expr) -> list[ast.expr]:
    if isinstance(tree, ast.Constant):
        return []
    if isinstance(tree, ast.BinOp) and type(tree.op) in _BINARY:
        return [tree.left, tree.right]
    if isinstance(tree, ast.UnaryOp) and type(tree.op) in _UNARY:
        return [tree.operand]
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and not tree.keywords:
        if tree.func.id not in _FUNCTIONS:
            raise ValueError(f"Unknown function {tree.func.id!r}. {one_of(tree.func.id, _FUNCTIONS)}")
        if not tree.args:
            raise ValueError(f"The function {tree.func.id!r} needs at least one argument.")
        return list(tree.args)
    raise _not_allowed(tree)


def _not_allowed(tree: ast.expr) -> ValueError:
    allowed = "numbers, parameter paths, + - * / % ** and a few functions"
    return ValueError(f"{ast.unparse(tree)!r} is not allowed in an expression, only {allowed}.")


def _path(tree: ast.expr) -> str:
    if isinstance(tree, ast.Name):
        return tree.id
    if isinstance(tree, ast.Attribute):
        return f"{_path(tree.value)}.{tree.attr}"
    raise ValueError(f"{ast.unparse(tree)!r} is not a parameter path.")


def _value(tree: ast.expr, values: Mapping[str, Number]) -> Number:
    if isinstance(tree, ast.Constant):
        return float(tree.value)  # type: ignore[arg-type]  # checked by parse
    if isinstance(tree, ast.Attribute):
        return values[_path(tree)]
    operands = [_value(child, values) for child in _operands(tree)]
    if isinstance(tree, ast.BinOp):
        return _BINARY[type(tree.op)](*operands)
    if isinstance(tree, ast.UnaryOp):
        return _UNARY[type(tree.op)](*operands)
    assert isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name)
    return _FUNCTIONS[tree.func.id](*operands)
