"""The report as one page of HTML with inline SVG; no scripts, nothing to load."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

SIDE, MARGIN = 240, 34
MOST_POINTS = 1500
STYLE = """
body { font: 14px system-ui, sans-serif; margin: 24px; color: #222; background: #fff; }
pre { background: #f5f5f5; padding: 12px; overflow-x: auto; }
.plots { display: flex; flex-wrap: wrap; gap: 16px; }
figure { margin: 0; width: 240px; } figcaption { font-size: 12px; min-height: 3em; }
table { border-collapse: collapse; margin: 8px 24px 16px 0; }
td, th { padding: 3px 8px; text-align: right; font-size: 12px; }
"""


def page(text: str, plots: Sequence[Mapping[str, Any]], attributes: Sequence[Mapping[str, Any]]) -> str:
    """A page with the table, a scatter plot per relation, and a confusion table per attribute."""
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Calibration of measures</title>",
        f"<style>{STYLE}</style><h1>Calibration of measures</h1><pre>{html.escape(text)}</pre>",
        "<h2>Measures: truth across, measured upwards, both by rank</h2><div class='plots'>",
        *(scatter(plot) for plot in plots),
        "</div><h2>Attributes: true words down, answers across</h2>",
        *(table(row) for row in attributes),
        "</html>",
    ]
    return "\n".join(parts) + "\n"


def scatter(plot: Mapping[str, Any]) -> str:
    """One relation as points by rank, so that every measure fills its plot."""
    x, y = _places(plot["x"]), _places(plot["y"])
    step = max(1, len(x) // MOST_POINTS)
    inner = SIDE - 2 * MARGIN
    dots = "".join(
        f"<circle cx='{MARGIN + a * inner:.1f}' cy='{SIDE - MARGIN - b * inner:.1f}' r='1.6'/>"
        for a, b in zip(x[::step], y[::step], strict=True)
    )
    low, high, under, over = (f"{v:.3g}" for v in (min(plot["x"]), max(plot["x"]), min(plot["y"]), max(plot["y"])))
    end = SIDE - MARGIN
    return (
        f"<figure><svg width='{SIDE}' height='{SIDE}' role='img' aria-label='{html.escape(plot['title'])}'>"
        f"<rect x='{MARGIN}' y='{MARGIN}' width='{inner}' height='{inner}' fill='none' stroke='#bbb'/>"
        f"<g fill='#2563eb' fill-opacity='0.45'>{dots}</g><g font-size='11' fill='#555'>"
        f"<text x='{MARGIN}' y='{end + 14}'>{low}</text><text x='{end}' y='{end + 14}' text-anchor='end'>{high}</text>"
        f"<text x='{MARGIN - 3}' y='{end}' text-anchor='end'>{under}</text>"
        f"<text x='{MARGIN - 3}' y='{MARGIN + 8}' text-anchor='end'>{over}</text></g></svg>"
        f"<figcaption>{html.escape(plot['title'])}<br>"
        f"rank correlation {plot['rho']:.3f}, n {len(plot['x']):,}</figcaption></figure>"
    )


def table(row: Mapping[str, Any]) -> str:
    """One confusion table, each row shaded by its shares."""
    head = "".join(f"<th>{html.escape(word)}</th>" for word in [*row["words"], "unknown"])
    body = ""
    for word, counts in zip(row["words"], row["confusion"], strict=True):
        total = max(sum(counts), 1)
        cells = "".join(f"<td style='background: rgb(37 99 235 / {n / total:.2f})'>{n}</td>" for n in counts)
        body += f"<tr><th>{html.escape(word)}</th>{cells}</tr>"
    name = f"{row['attribute']}: balanced accuracy {row['balanced_accuracy']:.3f}"
    return f"<table><caption>{html.escape(name)}</caption><tr><th></th>{head}</tr>{body}</table>"


def _places(values: Sequence[float]) -> list[float]:
    """Ranks scaled to 0..1."""
    from scipy.stats import rankdata as ranks

    found = ranks(values)
    return ((found - 0.5) / max(len(found), 1)).tolist() if len(found) else []
