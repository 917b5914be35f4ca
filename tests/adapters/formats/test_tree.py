"""Paths as annotation files write them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workbench.adapters.formats.registry import FORMATS, choose
from workbench.adapters.formats.toolkit import tree
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.tree import plain_parts
from workbench.base.errors import InputError


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


@pytest.mark.parametrize(
    ("cause", "fix"),
    [
        (FileNotFoundError(2, "No such file or directory", "a.json"), "gone"),
        (PermissionError(13, "Permission denied", "a.json"), "permissions"),
        (OSError(5, "Input/output error", "a.json"), "disk"),
    ],
)
def test_the_advice_fits_why_a_file_cannot_be_read(tmp_path, monkeypatch, cause, fix):
    def detect(source):
        raise cause

    monkeypatch.setattr(FORMATS["coco"], "detect", detect)
    with pytest.raises(InputError) as error:
        choose(Source(tmp_path))
    assert str(cause.strerror) in error.value.problem
    assert fix in error.value.fix
