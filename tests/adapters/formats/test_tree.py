"""Paths as annotation files write them."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from workbench.adapters.formats.toolkit import tree
from workbench.adapters.formats.toolkit.tree import plain_parts


@given(st.text(alphabet="ab./\\: \u00fc", max_size=12))
@example("//server/share/a.jpg")
@example("a//b")
@example(".")
def test_the_quick_way_says_the_same(text: str) -> None:
    quick = plain_parts(text)
    usual, tree._UNUSUAL = tree._UNUSUAL, tree.re.compile("")  # everything is unusual
    try:
        assert plain_parts(text) == quick
    finally:
        tree._UNUSUAL = usual
