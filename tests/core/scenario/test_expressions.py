from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.scenario.expressions import evaluate, parse, paths


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7.0),
        ("-(4 - 6) / 4", 0.5),
        ("2 ** 3", 8.0),
        ("(a.b + 190) % 360", 10.0),
        ("max(a.b, 3, min(1, 2))", 180.0),
        ("abs(0 - sqrt(16)) + log2(8)", 7.0),
        ("sin_deg(90) + cos_deg(180)", 0.0),
    ],
)
def test_values(text: str, value: float) -> None:
    assert evaluate(parse(text), {"a.b": 180.0}) == pytest.approx(value)


@pytest.mark.parametrize(
    "text",
    ["", "a", "a.b()", "[1]", "'x'", "True", "a.b[0]", "lambda: 1", "a.b and 1", "max()", "max(1, key=2)", "1" * 600,
     "f'{1}'", "a.__class__()", "eval(1)", "1 if 1 else 2", "(" * 300 + "1" + ")" * 300],
)  # fmt: skip
def test_everything_else_is_refused(text: str) -> None:
    reasons = "is not allowed in|is not an arithmetic expression|is not a parameter path"
    functions = "Unknown function|needs at least one argument|characters; at most 500"
    with pytest.raises(ValueError, match=f"{reasons}|{functions}"):
        parse(text)


@pytest.mark.parametrize("text", ["1 / 0", "sqrt(0 - 1)", "10 ** 400", "1 % 0", "log2(0)"])
def test_values_that_do_not_exist(text: str) -> None:
    with pytest.raises(ValueError, match=r"The expression has no value: \w+Error: "):
        evaluate(parse(text), {})


LEAVES = st.floats(-100, 100).map(lambda v: f"({v!r})") | st.just("p.q")


@given(st.recursive(LEAVES, lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map("(%s %s %s)".__mod__)))
def test_agrees_with_python(text: str) -> None:
    wanted = eval(text.replace("p.q", "0.25"))  # the text is made above
    assert evaluate(parse(text), {"p.q": 0.25}) == pytest.approx(wanted)
    assert paths(parse(text)) <= {"p.q"}
