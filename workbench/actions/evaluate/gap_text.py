"""The gap in words: whether two sets differ significantly, by which measures, and how far they are apart."""

from __future__ import annotations

from workbench.core.gap.gap import ALPHA, Gap, MeasureGap
from workbench.core.gap.objects import distance, object_distance, picture_distance
from workbench.core.measures import MEASURES

TOLD = 3  # measures named in words
DISTANCES = ("distance", "distance_pictures", "distance_objects")
UNITS = {"size": "of the image", "aspect": "width over height"}  # of quantities of the labels


def measure_sentence(one: Gap, sides: tuple[str, str]) -> str:
    """Whether the sides differ significantly, and the measures that differ most."""
    n = f"{one.samples:,} {sides[0]}, {one.against:,} {sides[1]}"
    if one.auc is None:
        return f"{n}. {one.note}"
    judged = f"AUC {one.auc:.2f} ({one.low:.2f} to {one.high:.2f})"
    note = f" {one.note}" if one.note else ""
    if not one.different:
        return f"{n}: no significant difference, {judged}.{note}"
    significant = [measure for measure in one.measures if measure.p_value < ALPHA][:TOLD]
    what = (
        "; ".join(measure_phrase(measure) for measure in significant) or "none in a single measure, only in combination"
    )
    return f"{n}: significantly different, {judged}. Largest differences: {what}.{note}"


def object_sentence(one: Gap) -> str:
    """The gap between the labels of the two sides, as a sentence."""
    if one.auc is None:
        return f"Labels: {one.note}"
    significant = [quantity for quantity in one.measures if quantity.p_value < ALPHA][:TOLD]
    what = f"; largest differences: {'; '.join(map(measure_phrase, significant))}" if significant else ""
    note = f" {one.note}" if one.note else ""
    return f"Labels: AUC {one.auc:.2f} ({one.low:.2f} to {one.high:.2f}){what}.{note}"


def distances(one: Gap, shown: Gap | None) -> dict[str, float | None]:
    """``DISTANCES``: the overall number, and what images and objects have in it."""
    values = distance(one, shown), picture_distance(one), object_distance(shown) if shown else None
    return dict(zip(DISTANCES, values, strict=True))


def distance_sentence(one: Gap, shown: Gap | None) -> str:
    """The number to rank candidates by; nothing where there is none."""
    total, pictures, objects = distances(one, shown).values()
    if total is None:
        return ""
    if objects is None:
        return f"Distance {total:.2f} standard deviations, of the images alone."
    return f"Distance {total:.2f} standard deviations: {pictures:.2f} of the images, {objects:.2f} of the objects."


def measure_phrase(one: MeasureGap) -> str:
    """One measure: medians and distance."""
    in_unit = unit(one.name)
    values = f"median {one.other:.3g} against {one.reference:.3g}{' ' + in_unit if in_unit else ''}"
    return f"{one.name} ({values}, {one.distance:.2g} SD apart)"


def unit(name: str) -> str:
    """Unit of a measure, or of a quantity of the labels; empty for a plain number."""
    return MEASURES[name].unit if name in MEASURES else UNITS.get(name, "")
