"""Plots of gaps as SVG that opens anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from workbench.actions.evaluate.gap_words import told
from workbench.core.gap.gap import ALPHA, Gap

SHOWN = 6  # measures drawn per row
CHANCE = 0.5
STYLE = """
<style>
.wb-gap { font: 13px system-ui, sans-serif; color: inherit; max-width: 760px }
.wb-gap svg { display: block; width: 100%; height: auto; overflow: visible; margin: 6px 0 14px }
.wb-gap svg text { font: 12px system-ui, sans-serif; fill: currentColor }
.wb-gap svg .wb-axis { stroke: currentColor; opacity: .35 }
.wb-gap p { margin: 2px 0; color: inherit }
</style>
"""


def aucs(rows: Sequence[tuple[str, Gap]]) -> str:
    """AUC with its interval per row, on an axis from 0.4 to 1."""
    known = [(name, one) for name, one in rows if one.auc is not None]
    if not known:
        return ""

    def x(value: float | None) -> float:
        return 220 + (min(max(value or 0.0, 0.4), 1.0) - 0.4) / 0.6 * 460

    height = 26 * len(known) + 30
    ticks = "".join(
        f"<line class='wb-axis' x1='{x(t):.1f}' x2='{x(t):.1f}' y1='4' y2='{height - 22}'"
        f" stroke-dasharray='{'none' if t == CHANCE else '2 4'}'/>"
        f"<text x='{x(t):.1f}' y='{height - 6}' text-anchor='middle'>{t:g}</text>"
        for t in (CHANCE, 0.75, 1.0)
    )
    marks = "".join(_auc_mark(name, one, 16 + 26 * k, x) for k, (name, one) in enumerate(known))
    caption = "AUC of telling the two sides apart: 0.5 cannot be told, 1 always; bar: 95 % interval"
    return f"<p>{caption}</p><svg viewBox='0 0 760 {height}' role='img' aria-label='{caption}'>{ticks}{marks}</svg>"


def _auc_mark(name: str, one: Gap, y: int, x: Any) -> str:
    colour = "#c2410c" if one.different else "#0f766e"
    title = f"{name}: {one.auc:.3f} ({one.low:.3f} to {one.high:.3f})"
    return (
        f"<g><title>{escape(title)}</title><text x='210' y='{y + 4}' text-anchor='end'>{escape(name[:34])}</text>"
        f"<line x1='{x(one.low):.1f}' x2='{x(one.high):.1f}' y1='{y}' y2='{y}' stroke='{colour}' stroke-width='4' "
        f"stroke-linecap='round' opacity='.45'/><circle cx='{x(one.auc):.1f}' cy='{y}' r='5' fill='{colour}'/>"
        f"<text x='700' y='{y + 4}'>{one.auc:.2f}</text></g>"
    )


def bars(name: str, one: Gap) -> str:
    """The farthest measures of a row, in spreads of the reference; a tick where chance would put them."""
    shown = one.measures[:SHOWN]
    scale = 460 / max(max(measure.distance, measure.expected) for measure in shown)
    marks = ""
    for k, measure in enumerate(shown):
        y, end, chance = 8 + 22 * k, 220 + measure.distance * scale, 220 + measure.expected * scale
        colour = "#c2410c" if measure.p_value < ALPHA else "#94a3b8"
        marks += (
            f"<g><title>{escape(told(measure))}</title>"
            f"<text x='210' y='{y + 12}' text-anchor='end'>{escape(measure.name[:34])}</text>"
            f"<rect x='220' y='{y}' width='{end - 220:.1f}' height='16' rx='2' fill='{colour}'/>"
            f"<line class='wb-axis' x1='{chance:.1f}' x2='{chance:.1f}' y1='{y - 1}' y2='{y + 17}'/>"
            f"<text x='{end + 8:.1f}' y='{y + 12}'>{measure.distance:.2f}</text></g>"
        )
    caption = escape(f"{name}, in spreads of the reference; line: what chance gives")
    return f"<p>{caption}</p><svg viewBox='0 0 760 {22 * len(shown) + 12}' role='img'>{marks}</svg>"
