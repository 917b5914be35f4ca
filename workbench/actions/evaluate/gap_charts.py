"""Charts of gaps."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from workbench.actions.evaluate.gap_text import measure_phrase
from workbench.core.gap.gap import ALPHA, Gap
from workbench.core.report import charts

SHOWN = 6  # measures drawn per row
CHANCE = 0.5


def aucs(rows: Sequence[tuple[str, Gap]]) -> Markup:
    """AUC with its interval per row, on an axis from 0.4 to 1."""
    drawn = [_auc_row(name, gap) for name, gap in rows if gap.auc is not None]
    if not drawn:
        return Markup("")
    caption = "AUC of a classifier between the two sides: 0.5 is chance, 1 is perfect; bar: 95 % interval"
    return charts.intervals(drawn, caption, ends=(0.4, 1.0), ticks=(CHANCE, 0.75, 1.0))


def _auc_row(name: str, gap: Gap) -> charts.Row:
    title = f"{name}: {gap.auc:.3f} ({gap.low:.3f} to {gap.high:.3f})"
    color = charts.BAD if gap.different else charts.GOOD
    return charts.Row(name, title, (charts.Mark(gap.auc, gap.low, gap.high),), f"{gap.auc:.2f}", color)


def bars(name: str, gap: Gap) -> Markup:
    """The farthest measures of a row, in standard deviations of the reference; a tick where chance would put them."""
    rows = [
        charts.Row(
            measure.name,
            measure_phrase(measure),
            (charts.Mark(measure.distance),),
            f"{measure.distance:.2f}",
            charts.BAD if measure.p_value < ALPHA else charts.MUTE,
            measure.expected,
        )
        for measure in gap.measures[:SHOWN]
    ]
    return charts.bars(rows, f"{name}, in standard deviations of the reference; line: expected by chance")
