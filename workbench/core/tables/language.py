"""The language of ``where``: a small safe subset of Python expressions over facet names.

``lighting == 'dim' and surface in ['metal', 'mirror']``, ``0.2 < measures.exposure <= 0.5``,
``failure:glare in tags``, ``class == 'mug'``, ``split == None``, ``not (...)``.
The text is parsed with ``ast`` and a whitelist; nothing is ever evaluated.
"""

from __future__ import annotations

import ast
import re
from typing import cast

from workbench.base.errors import FilterError
from workbench.core.tables.facet import Scalar
from workbench.core.tables.filter import EVERYTHING, And, Filter, Missing, Not, OneOf, Or, Order, Range

MAX_LENGTH = 20_000  # a longer text is an accident or an attack on the parser's stack
MAX_DEPTH = 200
_ORDERS: dict[type[ast.cmpop], Order] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_FLIPPED: dict[Order, Order] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_TOKEN = re.compile(
    r"""(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    r"""|(?P<tag>\b[A-Za-z_][\w-]*:[\w./-]+)|(?P<keyword>(?<![\w.])class(?![\w.]))"""
)
EXAMPLE = "Write for example: lighting == 'dim' and surface in ['metal', 'mirror']."


def parse(text: str) -> Filter:
    """Read a ``where`` text.

    Raises:
        FilterError: not in the language; the message shows the part that is wrong.

    >>> parse("lighting == 'dim' and failure:glare in tags")
    And(parts=(OneOf(facet='lighting', values=('dim',)), OneOf(facet='tags', values=('failure:glare',))))
    """
    if not text.strip():
        return EVERYTHING
    if len(text) > MAX_LENGTH:
        raise FilterError(
            f"The filter has {len(text):,} characters; at most {MAX_LENGTH:,} are allowed.",
            at="where",
            fix="Make it shorter.",
        )
    try:
        tree = ast.parse(_TOKEN.sub(_python_token, text.strip()), mode="eval")
        return _condition(tree.body, 0)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as cause:
        reason = cause.msg if isinstance(cause, SyntaxError) else type(cause).__name__
        raise FilterError(f"Cannot read the filter {text[:200]!r} ({reason}).", at="where", fix=EXAMPLE) from cause


def as_filter(where: str | Filter | None) -> Filter:
    """A filter from what users write: text of the ``where`` language, a filter, or nothing for all."""
    if where is None:
        return EVERYTHING
    return parse(where) if isinstance(where, str) else where


def _python_token(match: re.Match[str]) -> str:
    """Make ``failure:glare`` a text and the facet ``class`` a name that Python accepts."""
    if match["tag"]:
        return repr(match["tag"])
    return "class_" if match["keyword"] else match[0]


def _condition(node: ast.expr, depth: int) -> Filter:
    if depth > MAX_DEPTH:
        raise _refused(node, "is nested too deeply")
    match node:
        case ast.BoolOp(op=ast.And(), values=parts):
            return And(tuple(_condition(part, depth + 1) for part in parts))
        case ast.BoolOp(op=ast.Or(), values=parts):
            return Or(tuple(_condition(part, depth + 1) for part in parts))
        case ast.UnaryOp(op=ast.Not(), operand=part):
            return Not(_condition(part, depth + 1))
        case ast.Compare(left=left, ops=ops, comparators=rights):
            lefts = [left, *rights[:-1]]
            steps = tuple(_comparison(a, op, b) for a, op, b in zip(lefts, ops, rights, strict=True))
            return steps[0] if len(steps) == 1 else And(steps)
        case ast.Constant(value=True):
            return EVERYTHING
    raise _refused(node, "is not a comparison; join comparisons with and, or, not")


def _comparison(left: ast.expr, op: ast.cmpop, right: ast.expr) -> Filter:
    if not isinstance(op, ast.In | ast.NotIn) and not _is_facet(left) and not _is_facet(right):
        raise _refused(left, "is not the name of a facet")
    match op:
        case ast.In() | ast.NotIn():
            member = _membership(left, right)
            return Not(member) if isinstance(op, ast.NotIn) else member
        case ast.Eq() | ast.NotEq() | ast.Is() | ast.IsNot():
            facet, other = (left, right) if _is_facet(left) else (right, left)
            same = _equality(_facet(facet), other)
            return Not(same) if isinstance(op, ast.NotEq | ast.IsNot) else same
    order = _ORDERS[type(op)]
    if _is_facet(left):
        return Range(_facet(left), order, _number(right))
    return Range(_facet(right), _FLIPPED[order], _number(left))


def _membership(left: ast.expr, right: ast.expr) -> Filter:
    if isinstance(right, ast.List | ast.Tuple | ast.Set):
        return OneOf(_facet(left), tuple(_scalar(item) for item in right.elts))
    return OneOf(_facet(right), (_scalar(left),))


def _equality(facet: str, node: ast.expr) -> Filter:
    if isinstance(node, ast.Constant) and node.value is None:
        return Missing(facet)
    return OneOf(facet, (_scalar(node),))


def _is_facet(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Attribute)


def _facet(node: ast.expr) -> str:
    match node:
        case ast.Name(id="class_"):
            return "class"
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=inner, attr=name):
            return f"{_facet(inner)}.{name}"
    raise _refused(node, "is not the name of a facet")


def _scalar(node: ast.expr) -> Scalar:
    match node:
        case ast.Constant(value=str() | int() | float() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return cast("float", -value)
    raise _refused(node, "is not a text or a number")


def _number(node: ast.expr) -> float:
    value = _scalar(node)
    if isinstance(value, str):
        raise _refused(node, "is not a number")
    return float(value)


def _refused(node: ast.expr, problem: str) -> FilterError:
    return FilterError(f"{ast.unparse(node)[:120]!r} {problem}.", at="where", fix=EXAMPLE)
