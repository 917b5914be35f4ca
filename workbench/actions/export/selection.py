"""Which samples are written, into which split, under which name; in an order that does not depend on the database."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from workbench.actions.export.conversion import name_for
from workbench.actions.export.file_names import flattened
from workbench.actions.export.manifest import Shipped
from workbench.adapters import store
from workbench.adapters.formats.toolkit.contract import Writer
from workbench.base.errors import InputError
from workbench.base.plurals import counted
from workbench.base.spool import Spooled
from workbench.core.schema.fields import ATTRIBUTES, SOURCE, SourceName
from workbench.core.schema.labels import Label, Labels
from workbench.core.splits.groups import Member, same
from workbench.core.splits.limits import Deviation, deviation, settled
from workbench.core.splits.plan import LeftOut
from workbench.core.splits.spec import SplitSpec
from workbench.core.tables import Filter

Look = Callable[[Shipped], None]
_UNKNOWN = (None, "", "unknown")


@dataclass(frozen=True)
class Selection:
    """What is written.

    Attributes:
        shipped: the samples, on disk.
        left_out: selected samples in no split.
        drawn: splits to be remembered; see ``splits.Plan``.
        moved: groups that moved; see ``splits.Plan``.
        stratification: how far the splits are from holding everything alike; ``None`` where nothing compares.
        clouds: number of selected clouds without an image, which no format holds.
    """

    shipped: Sequence[Shipped]
    left_out: list[LeftOut]
    drawn: dict[str, str]
    moved: int
    stratification: Deviation | None
    clouds: int

    def holding(self, holds: Callable[[Label], bool], look: Look) -> Selection:
        """The same with only the labels that a format has room for; ``look`` as of ``select``."""

        def kept(item: Shipped) -> Shipped:
            labels = Labels.of(filter(holds, item.record.labels))
            return dataclasses.replace(item, record=dataclasses.replace(item.record, labels=labels))

        return dataclasses.replace(self, shipped=_on_disk(map(kept, self.shipped), look))


def select(
    dataset: store.Dataset,
    samples: Sequence[store.Stored],
    where: str | Filter | None,
    spec: SplitSpec,
    *,
    near: Mapping[str, str],
    writer: Writer,
    look: Look,
) -> Selection:
    """The samples to write.

    Args:
        dataset: where they lie.
        samples: all of it; may lie on disk.
        where: only these.
        spec: what is wanted of the splits.
        near: name of the group of near duplicates by sample id.
        writer: the format: whether images are named by number, and which types it takes.
        look: sees every sample once on its way to the disk.

    Raises:
        InputError: no samples, or splits that cannot be had.
    """
    chosen = set(store.select(dataset, store.asked(dataset, where)))
    members: list[Member] = []
    selected: dict[str, _Place] = {}
    clouds = 0
    for at, stored in enumerate(samples):
        if stored.record.image_path is None:
            clouds += stored.id in chosen
            continue
        members.append(_member(stored, near.get(stored.id), spec.slice_by))
        if stored.id in chosen:
            source = sys.intern(stored.source or "")  # else one text per sample
            selected[stored.id] = _Place(stored.record.origin, stored.source_key or "", source, stored.id, at)
    del chosen  # large; from here on those that have an image count
    if not selected:
        raise _nothing_selected(len(members), clouds, str(where or dataset.name))
    remembered = store.remembered_splits(dataset, spec.memory) if spec.stratify else {}
    plan = settled(members, spec, chosen=selected.keys(), remembered=remembered)
    left_out = [
        LeftOut(item.id, item.reason, selected[item.id].origin) for item in plan.left_out if item.id in selected
    ]
    left_out.sort(key=lambda item: (item.origin, item.reason))
    kept = sorted(sample for sample in selected.values() if sample.id in plan.splits)
    if not kept:
        problem = f"None of {counted(len(selected), 'selected sample')} can be exported: {left_out[0].reason}."
        raise InputError(problem, at="splits", fix="Select others, or pass real_only=().")
    keys = [(sample.origin, sample.source_key or sample.id) for sample in kept]
    names = None if writer.numbered else flattened(keys)

    def shipped(number: int, sample: _Place) -> Shipped:
        stored = samples[sample.at]
        name = names[number] if names else f"{number:06d}{stored.record.medium.suffix.lower()}"
        return _shipped(stored, plan.splits[sample.id], name_for(name, stored.record.medium, writer.takes))

    outgoing = _on_disk((shipped(number, sample) for number, sample in enumerate(kept)), look)
    alike = deviation(plan, [member for member in members if member.id in selected])
    return Selection(outgoing, left_out, plan.drawn, plan.moved, alike, clouds)


def _nothing_selected(samples: int, clouds: int, at: str) -> InputError:
    if clouds:
        only = counted(clouds, "point cloud")
        problem = f"The filter selects only {only} without an image, which no format can hold."
    elif samples:
        problem = f"The filter selects none of {counted(samples, 'sample')}."
    else:
        problem = "The dataset is empty."
    return InputError(problem, at=at, fix="Widen the filter." if samples or clouds else "Load samples first.")


class _Place(NamedTuple):
    """Where a sample comes in the order of writing, and where it lies among all."""

    origin: str
    source_key: str
    source: str
    id: str
    at: int


def _on_disk(shipped: Iterable[Shipped], look: Look) -> Spooled[Shipped]:
    def packed(item: Shipped) -> tuple[Any, ...]:
        look(item)
        return item.packed()

    return Spooled(shipped, packed, Shipped.unpacked)


def _member(stored: store.Stored, near: str | None, slice_by: Sequence[str]) -> Member:
    record = stored.record
    generation = record.generation
    values = [record.attributes.get(name) for name in slice_by]
    attributes = [f"{name}={record.attributes[name]}" for name in ATTRIBUTES if record.attributes.get(name)]
    classes = set(record.labels.names) | ({record.classification} - {None})
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
        strata=same((*sorted(f"class={name}" for name in classes), *attributes, f"{SOURCE}={stored.source}")),
        cell=None if any(value in _UNKNOWN for value in values) else " x ".join(map(str, values)),
    )


def _parents(generation: Mapping[str, Any]) -> list[str]:
    """Ids of the samples that a generated one comes from.

    Those that it recreates, its own parent or else all of the scenario's anchor, and those whose pixels or tone it has.
    """
    donors, partner = generation.get("donors"), generation.get("tone_partner")
    used = [*map(str, donors if isinstance(donors, list) else ()), *([partner] if isinstance(partner, str) else ())]
    return list(dict.fromkeys([*_recreated(generation), *used]))


def _recreated(generation: Mapping[str, Any]) -> list[str]:
    anchor = generation.get("anchor")
    for holder, key in ((generation, "parent_sample_id"), (anchor, "sample_ids"), (anchor, "sample_id")):
        given = holder.get(key) if isinstance(holder, Mapping) else None
        if given:
            return [str(i) for i in given] if isinstance(given, (list, tuple)) else [str(given)]
    return []


def _shipped(stored: store.Stored, split: str, name: str) -> Shipped:
    source: SourceName = "synthetic" if stored.source == "synthetic" else "real"
    record = dataclasses.replace(stored.record)
    record.split, record.content_sha256 = split, stored.content_sha256
    record.attributes = {**record.attributes, SOURCE: source}
    return Shipped(record, name, stored.id, source, stored.source_key or stored.id)
