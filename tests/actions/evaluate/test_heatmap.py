"""The heat map: every cell once, empty ones empty, text as text, readable colours."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from workbench.actions.evaluate.heatmap import DARK_TEXT_ABOVE, Heatmap, _color, _luminance

ROWS = [
    ("dim", "metal", 4, 8, 0.25, 0.1, 0.5),
    ("dim", "<b>wood</b>", 0, 0, None, None, None),
    (None, "metal", 1, 1, 1.0, 0.4, 1.0),
    (None, "<b>wood</b>", 5, 0, None, None, None),
]
FRAME = pd.DataFrame(ROWS, columns=["lighting", "surface", "samples", "labels", "value", "low", "high"])


def cells(html: str) -> list[str]:
    return re.findall(r"<td.*?</td>", html)


def test_two_facets() -> None:
    html = Heatmap(FRAME, ("lighting", "surface"), "recall")._repr_html_()
    found = cells(html)
    assert len(found) == 4 and sum("wb-empty" in cell for cell in found) == 2
    assert "4 samples, 8 labels, 0.1 to 0.5" in found[0] and "title='no samples'" in found[1]
    assert "1 sample, 1 label, 0.4 to 1" in found[2] and "5 samples, no value" in found[3]
    assert "<b>wood" not in html and "&lt;b&gt;wood" in html and "<i>missing</i>" in html


def test_one_facet_and_a_page(tmp_path: Path) -> None:
    frame = FRAME.iloc[[0, 2]].drop(columns="surface")
    shown = Heatmap(frame, ("lighting",), "mean:noise")
    assert len(cells(shown._repr_html_())) == 2
    page = shown.save(tmp_path / "map.html").read_text()
    assert page.startswith("<!doctype html>") and "://" not in page


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_text_can_be_read(share: float) -> None:
    luminance = _luminance(_color(share))
    text = 0.0056 if luminance > DARK_TEXT_ABOVE else 1.0  # #111 or white
    assert (max(luminance, text) + 0.05) / (min(luminance, text) + 0.05) > 4.5 or luminance < 0.2
