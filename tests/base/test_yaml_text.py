"""Hostile and broken YAML ends in one kind of error, and quickly."""

from __future__ import annotations

import contextlib

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from workbench.base.yaml_text import parse

NESTED = "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9))
MERGED = "".join(f"{chr(98 + n)}: &{chr(98 + n)} {{<<: [{','.join([f'*{chr(97 + n)}'] * 9)}]}}\n" for n in range(9))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &a [1,2]\n" + NESTED, "aliases stand for more than 100,000 values"),
        ("a: &a {k: 1}\n" + MERGED, "aliases stand for more than 100,000 values"),
        ("&a [*a]", "aliases stand for more than 100,000 values"),
        ("[" * 20_000, "nested too deeply"),
        ("- " * 20_000, "nested too deeply"),
        ("!!bool x", "does not fit its tag"),
        ("!!float ''", "does not fit its tag"),
        ("a: 0x_", "invalid literal"),
        ("a: 2001-99-99", "month must be in 1..12"),
        ("a: !!binary x", "base64"),
        ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor"),
        ("? [1]\n: 2", "unhashable key"),
        ("a: b: c", "mapping values are not allowed"),
        (b"\xff\xfe\x00", "unacceptable character|truncated data"),
        (b"\x80", "unacceptable character|invalid start byte"),
    ],
)
def test_what_is_wrong_is_said(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse(text)
    assert "\n" not in str(caught.value)


def test_a_key_twice_is_the_last_one_or_an_error():
    assert parse("a: 1\na: 2") == {"a": 2}
    with pytest.raises(ValueError, match="the key 'a' appears twice"):
        parse("x: {a: 1, a: 2}", unique_keys=True)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=12,
)


@given(values)
def test_what_yaml_writes_is_read(value):
    assert parse(yaml.safe_dump(value)) == value


@given(st.text() | st.binary())
def test_any_text_is_a_value_or_a_value_error(text):
    with contextlib.suppress(ValueError):
        parse(text)
