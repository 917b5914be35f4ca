"""Which samples are written, into which split, under which name; in an order that does not depend on the database."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench import store
from workbench.counting import counted
from workbench.curating.file_names import flattened
from workbench.curating.limits import settled
from workbench.curating.manifest import Shipped
from workbench.curating.members import Member
from workbench.curating.splits import LeftOut, Plan
from workbench.curating.wishes import Wish
from workbench.errors import InputError
from workbench.formats.contract import Placed
from workbench.schema.fields import ATTRIBUTES, SOURCE, SourceName
from workbench.schema.labels import Label, names_of
from workbench.slicing import Filter

_UNKNOWN = (None, "", "unknown")


@dataclass(frozen=True)
class Selection:
    """What is written.

    Attributes:
        shipped: the samples.
        plan: of all samples; what is left out is of the selected ones alone.
        members: the selected samples, as the plan saw them.
        clouds: number of selected clouds without a picture, which no format holds.
    """

    shipped: list[Shipped]
    plan: Plan
    members: list[Member]
    clouds: int

    def holding(self, holds: Callable[[Label], bool]) -> Selection:
        """The same with only the labels that a format has room for."""

        def kept(item: Shipped) -> Shipped:
            if all(map(holds, item.placed.record.labels)):
                return item
            labels = tuple(label for label in item.placed.record.labels if holds(label))
            record = dataclasses.replace(item.placed.record, labels=labels)
            return dataclasses.replace(item, placed=Placed(record, item.placed.name))

        return dataclasses.replace(self, shipped=[kept(item) for item in self.shipped])


def select(
    dataset: store.Dataset,
    samples: Sequence[store.Stored],
    where: str | Filter | None,
    wish: Wish,
    *,
    near: Mapping[str, str],
    slice_by: Sequence[str],
    numbered: bool,
) -> Selection:
    """The samples to write.

    Args:
        dataset: where they lie.
        samples: all of it.
        where: only these.
        wish: what is wanted of the splits.
        near: name of the group of near duplicates by sample id.
        slice_by: attributes that make a slice.
        numbered: pictures are named by number instead of after where they came from.

    Raises:
        InputError: no samples, or a wish that cannot be had.
    """
    chosen = set(store.select(dataset, where))
    pictures = [stored for stored in samples if stored.record.image_path is not None]
    clouds = sum(stored.record.image_path is None and stored.id in chosen for stored in samples)
    selected = [stored for stored in pictures if stored.id in chosen]
    if not selected:
        found = "an empty dataset" if not pictures else f"none of {counted(len(pictures), 'sample')}"
        found = f"{clouds:,} point clouds without a picture" if clouds else found
        raise InputError("samples to export", found=found, where=str(where or dataset.name), fix="Widen the filter.")
    members = [_member(stored, near.get(stored.id), slice_by) for stored in pictures]
    remembered = store.remembered_splits(dataset, wish.memory) if wish.stratify else {}
    whole = settled(members, wish, chosen=chosen, remembered=remembered)
    origins = {stored.id: stored.record.origin for stored in selected}
    left_out = [LeftOut(item.id, item.reason, origins[item.id]) for item in whole.left_out if item.id in origins]
    plan = dataclasses.replace(whole, left_out=sorted(left_out, key=lambda item: (item.origin, item.reason)))
    kept = [stored for stored in selected if stored.id in plan.splits]
    if not kept:
        found = f"all {len(selected):,} left out: {plan.left_out[0].reason}"
        raise InputError("samples to export", found=found, where="splits", fix="Choose others, or pass real_only=().")
    kept.sort(key=lambda stored: (stored.record.origin, stored.source_key or "", stored.source or ""))
    names = _numbers(kept) if numbered else flattened([(one.record.origin, one.source_key or one.id) for one in kept])
    shipped = [_shipped(stored, plan.splits[stored.id], name) for stored, name in zip(kept, names, strict=True)]
    return Selection(shipped, plan, [member for member in members if member.id in chosen], clouds)


def _numbers(kept: Sequence[store.Stored]) -> list[str]:
    return [f"{at:06d}{stored.record.medium.suffix.lower()}" for at, stored in enumerate(kept)]


def _member(stored: store.Stored, near: str | None, slice_by: Sequence[str]) -> Member:
    record = stored.record
    generation = record.generation
    values = [record.attributes.get(name) for name in slice_by]
    attributes = [f"{name}={record.attributes[name]}" for name in ATTRIBUTES if record.attributes.get(name)]
    classes = set(names_of(record.labels)) | ({record.classification} - {None})
    fitted_to = generation.get("parent_sample_ids")
    return Member(
        id=stored.id,
        synthetic=stored.source == "synthetic",
        split=record.split,
        scene_id=record.scene_id,
        content_sha256=stored.content_sha256,
        parents=tuple(_parents(generation)),
        near=near,
        fitted_to=tuple(map(str, fitted_to)) if isinstance(fitted_to, list) else (),
        source_key=stored.source_key or "",
        strata=(*sorted(sys.intern(f"class={name}") for name in classes), *attributes, f"{SOURCE}={stored.source}"),
        cell=None if any(value in _UNKNOWN for value in values) else " x ".join(map(str, values)),
    )


def _parents(generation: Mapping[str, Any]) -> list[str]:
    """Ids of the samples that a generated one recreates: its own parent, else all of the scenario's anchor."""
    anchor = generation.get("anchor")
    for holder, key in ((generation, "parent_sample_id"), (anchor, "sample_ids"), (anchor, "sample_id")):
        given = holder.get(key) if isinstance(holder, Mapping) else None
        if given:
            return [str(i) for i in given] if isinstance(given, (list, tuple)) else [str(given)]
    return []


def _shipped(stored: store.Stored, split: str, name: str) -> Shipped:
    source: SourceName = "synthetic" if stored.source == "synthetic" else "real"
    attributes = {**stored.record.attributes, SOURCE: source}
    record = dataclasses.replace(
        stored.record, split=split, attributes=attributes, content_sha256=stored.content_sha256
    )
    return Shipped(stored.id, source, stored.source_key or stored.id, Placed(record, name))
