"""Any class name is written as it is, or plainly and told, or refused with its name and what to do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.actions.export.class_names import ClassNames
from workbench.adapters.formats.registry import WRITERS
from workbench.base.errors import InputError

NAMES = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    [
        "bolt ",
        " hex\nnut",
        "a/b",
        "a,b",
        "7",
        "DontCare",
        "cafe\u0301",
        "",
        " ",
        "\x00",
        "null",
        "{a}",
        '"',
        "a\\b",
        "yes",
    ]
)


@pytest.mark.parametrize("name", sorted(WRITERS))
@settings(max_examples=15, deadline=None)
@given(class_name=NAMES)
def test_any_name_is_held_changed_and_told_or_refused(name, class_name):
    names = ClassNames(WRITERS[name])
    try:
        written = names.of(class_name)
    except InputError as error:
        assert repr(class_name)[:40] in str(error)
        return
    assert bool(names.lost()) == (written != class_name)
    assert ClassNames(WRITERS[name]).of(written) == written


@pytest.mark.parametrize(
    ("class_name", "written"), [("bolt ", "bolt"), (" hex\nnut", "hex nut"), ("hex nut", "hex nut")]
)
def test_voc_gets_plain_names(class_name, written):
    assert ClassNames(WRITERS["voc"]).of(class_name) == written
