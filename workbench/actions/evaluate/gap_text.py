"""The gap in words: whether two sets differ significantly, by which measures, and how far they are apart."""

from __future__ import annotations

from workbench.core.gap.gap import ALPHA, Gap, MeasureGap
from workbench.core.gap.objects import SHARE, distance, object_distance, picture_distance
from workbench.core.measures import MEASURES

TOLD = 3  # measures named in words
DISTANCES = ("distance", "distance_pictures", "distance_objects")
UNITS = {"size": "of the image", "aspect": "width over height"}  # of quantities of the labels


def measure_sentence(gap: Gap, sides: tuple[str, str]) -> str:
    """Whether the sides differ significantly, and the measures that differ most."""
    n = f"{gap.samples:,} {sides[0]} against {gap.against:,} {sides[1]}"
    if gap.auc is None:
        return f"{n}. {gap.note}"
    judged = f"AUC {gap.auc:.2f} ({gap.low:.2f} to {gap.high:.2f})"
    note = f" {gap.note}" if gap.note else ""
    if not gap.different:
        return f"{n}: no significant difference, {judged}.{note}"
    significant = [measure for measure in gap.measures if measure.p_value < ALPHA][:TOLD]
    what = (
        "; ".join(measure_phrase(measure) for measure in significant) or "none in a single measure, only in combination"
    )
    return f"{n}: significantly different, {judged}. Largest differences: {what}.{note}"


def object_sentence(gap: Gap) -> str:
    """The gap between the labels of the two sides, as a sentence."""
    if gap.auc is None:
        return f"Labels: {gap.note}"
    significant = [quantity for quantity in gap.measures if quantity.p_value < ALPHA][:TOLD]
    what = f"; largest differences: {'; '.join(map(measure_phrase, significant))}" if significant else ""
    note = f" {gap.note}" if gap.note else ""
    return f"Labels: AUC {gap.auc:.2f} ({gap.low:.2f} to {gap.high:.2f}){what}.{note}"


def distances(gap: Gap, shown: Gap | None) -> dict[str, float | None]:
    """``DISTANCES``: the overall number, and what images and objects have in it."""
    values = distance(gap, shown), picture_distance(gap), object_distance(shown) if shown else None
    return dict(zip(DISTANCES, values, strict=True))


def distance_sentence(gap: Gap, shown: Gap | None) -> str:
    """The number to rank candidates by; nothing where there is none."""
    total, pictures, objects = distances(gap, shown).values()
    if total is None:
        return ""
    if objects is None:
        return f"Distance {total:.2f} standard deviations, of the images alone."
    return f"Distance {total:.2f} standard deviations: {pictures:.2f} of the images, {objects:.2f} of the objects."


def measure_phrase(measure: MeasureGap) -> str:
    """One measure: medians (of shares means), the reference first as in the sentence, and distance."""
    in_unit, middle = unit(measure.name), "mean" if measure.name.startswith(SHARE) else "median"
    values = f"{middle} {measure.reference:.3g} against {measure.other:.3g}{' ' + in_unit if in_unit else ''}"
    return f"{measure.name} ({values}, {measure.distance:.2g} SD apart)"


def unit(name: str) -> str:
    """Unit of a measure, or of a quantity of the labels; empty for a plain number."""
    return MEASURES[name].unit if name in MEASURES else UNITS.get(name, "")
