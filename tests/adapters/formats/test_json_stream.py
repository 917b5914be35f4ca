"""Data sets read piece by piece say the same as read whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workbench.adapters.formats.toolkit import json_stream
from workbench.base.errors import InputError

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(alphabet='ab{}[],: "\\\n\u00fc', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='k{},"', max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(["id", "bbox", "segmentation", "caption"]), VALUES, max_size=4)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["images", "annotations", "info", "x"]),
    st.lists(OBJECTS | VALUES, max_size=30) | VALUES,
    max_size=4,
)


def whole(path: Path) -> dict[str, Any]:
    """The parts put together again."""
    found: dict[str, Any] = {}
    for key, first, values in json_stream.parts(path, shown="x.json"):
        if first < 0:
            (found[key],) = values
        else:
            assert first == len(found[key])
            found[key].extend(values)
    return found


@settings(max_examples=400)
@given(document=DOCUMENTS, indent=st.none() | st.integers(0, 2), window=st.integers(1, 300), span=st.integers(1, 400))
@example(document={"images": [1.0000000000000002e16]}, indent=None, window=3, span=1)
def test_the_same_as_read_whole(tmp_path_factory: Any, document: Any, indent: Any, window: int, span: int) -> None:
    path = tmp_path_factory.mktemp("json") / "x.json"
    path.write_text(json.dumps(document, indent=indent, ensure_ascii=bool(window % 2)), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_WINDOW_BYTES", window)
        patch.setattr(json_stream, "_LEAST_SPAN", span)
        assert whole(path) == document


@given(document=DOCUMENTS, cut=st.integers(0, 400), window=st.integers(1, 300))
def test_cut_ones_are_refused(tmp_path_factory: Any, document: Any, cut: int, window: int) -> None:
    path = tmp_path_factory.mktemp("json") / "x.json"
    text = json.dumps(document)
    path.write_text(text[: min(cut, len(text) - 1)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_WINDOW_BYTES", window)
        with pytest.raises(InputError, match="valid JSON"):
            whole(path)


def test_large_lists_come_in_large_parts(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    rows = [{"id": i, "bbox": [i, 2, 3, 4], "segmentation": {"size": [1, 2], "counts": "a},{b"}} for i in range(5000)]
    path.write_text(json.dumps({"images": rows[:100], "annotations": rows}))
    sizes = [len(values) for key, first, values in json_stream.parts(path, shown="x") if first >= 0]
    assert sum(sizes) == 5100 and max(sizes) > 500 and len(sizes) < 120
