"""Limits on the content of splits: samples in all, synthetic ones per slice and per real one, a minimum of every slice.

Surplus synthetic samples are left out, those with the highest hash first, so that more data changes few of them.
A minimum that cannot be reached is an error, which names the nearest possible value.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

from workbench.base.errors import InputError
from workbench.core.splits.balance import Capacity, Item, balance, quotas
from workbench.core.splits.groups import Member, groups
from workbench.core.splits.plan import LeftOut, Plan, plan
from workbench.core.splits.spec import SplitSpec

UNKNOWN = "unknown"
_KEPT, _REST = "kept", "rest"


@dataclass(frozen=True)
class Deviation:
    """How far the splits differ from their shares of every class and attribute.

    Attributes:
        mean: of the difference between the share of a stratum in a split and the split's share of all, 0..1.
        worst: the largest one.
        where: stratum and split of it.
    """

    mean: float
    worst: float
    where: str

    def __str__(self) -> str:
        distance = f"{self.mean:.1%} on average, {self.worst:.1%} at worst ({self.where})"
        return f"each split holds its share of every class and attribute to within {distance}"


def limit(plan: Plan, members: Sequence[Member], spec: SplitSpec) -> None:
    """Leave out synthetic samples above the limits; refuse a mix for which there are too few.

    Args:
        plan: changed.
        members: those that are to be written.
        spec: the limits.

    Raises:
        InputError: a limit cannot be met.
    """
    if spec.max_synthetic is not None:
        _limit_slices(plan, members, spec.max_synthetic)
    for split, ratio in spec.mix.items():
        _mix(plan, [m for m in members if plan.splits.get(m.id) == split], split, ratio)


def deviation(plan: Plan, members: Sequence[Member]) -> Deviation | None:
    """How far splits differ, among the real samples if there are any; ``None`` when there is nothing to compare."""
    kept = [member for member in members if member.id in plan.splits]
    kept = [member for member in kept if not member.synthetic] or kept
    sizes = Counter(plan.splits[member.id] for member in kept)
    lies: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for member in kept:
        for stratum in member.strata:
            lies[stratum][plan.splits[member.id]] += 1
    differences = {
        f"{stratum} in {split}": abs(n[split] / n.total() - size / len(kept))
        for stratum, n in lies.items()
        for split, size in sizes.items()
    }
    if len(sizes) < 2 or not differences:
        return None
    where = max(sorted(differences), key=lambda name: differences[name])
    return Deviation(round(sum(differences.values()) / len(differences), 4), round(differences[where], 4), where)


def _order(member: Member) -> str:
    return hashlib.sha256(f"limit|{member.memory_key}".encode()).hexdigest()


def _leave_out(plan: Plan, members: Sequence[Member], kept: int, reason: str) -> None:
    for member in sorted(members, key=_order)[max(kept, 0) :]:
        del plan.splits[member.id]
        plan.left_out.append(LeftOut(member.id, reason))


def _limit_slices(plan: Plan, members: Sequence[Member], most: float) -> None:
    if most >= 1:
        return
    reason = f"synthetic, more than {most:.0%} of its slice"
    slices: defaultdict[tuple[str, str], list[Member]] = defaultdict(list)
    for member in members:
        if member.id in plan.splits:
            slices[plan.splits[member.id], member.cell or UNKNOWN].append(member)
    for own in slices.values():
        synthetic = [member for member in own if member.synthetic]
        n_real = len(own) - len(synthetic)
        _leave_out(plan, synthetic, math.floor(most / (1 - most) * n_real + 1e-9), reason)


def _keep_at_most(plan: Plan, members: Sequence[Member], chosen: Set[str], spec: SplitSpec, most: int) -> None:
    """Keep a part of each split, of the same size everywhere; groups are of all members, chosen or not."""
    parts: defaultdict[str, dict[str, list[Member]]] = defaultdict(dict)
    for group in groups(members):
        for member in group.members:
            if member.id in chosen and member.id in plan.splits:
                parts[plan.splits[member.id]].setdefault(group.name, []).append(member)
    sizes = {split: sum(map(len, own.values())) for split, own in parts.items()}
    total = sum(sizes.values())
    if total <= most:
        return
    wanted = quotas({split: n / total for split, n in sorted(sizes.items())}, most)
    for split, own in parts.items():
        for name in sorted(own.keys() - _part_of(own, wanted[split], sizes[split], spec)):
            for member in own[name]:
                del plan.splits[member.id]
                plan.left_out.append(LeftOut(member.id, f"more than {most:,} samples in all"))


def _part_of(own: Mapping[str, Sequence[Member]], wanted: int, size: int, spec: SplitSpec) -> set[str]:
    """Names of groups with together at most so many samples: a stratified draw, filled up in the order of a hash."""
    capacity = Capacity({_KEPT: wanted, _REST: size})
    items = [
        Item(
            name,
            {_KEPT: len(each), _REST: len(each)},
            Counter(s for m in each for s in (*m.strata, f"synthetic={m.synthetic}")),
            {},
            (_KEPT, _REST),
        )
        for name, each in own.items()
    ]
    drawn = (
        balance(items, capacity, {_KEPT: wanted / size, _REST: 1 - wanted / size}, spec.seed) if spec.stratify else {}
    )
    kept = {name for name, part in drawn.items() if part == _KEPT}
    room = wanted - sum(len(own[name]) for name in kept)
    for name in sorted(
        own.keys() - kept, key=lambda name: hashlib.sha256(f"most|{spec.seed}|{name}".encode()).digest()
    ):
        if len(own[name]) <= room:
            kept.add(name)
            room -= len(own[name])
    return kept


def _mix(plan: Plan, members: Sequence[Member], split: str, ratio: float) -> None:
    synthetic = [member for member in members if member.synthetic]
    n_real = len(members) - len(synthetic)
    wanted = round(ratio * n_real)
    if len(synthetic) < wanted:
        near = f"{split}=1:{len(synthetic) / n_real:.3g}"
        fix = f"The nearest possible is {near}; or generate {wanted - len(synthetic):,} more."
        there = f"there are {len(synthetic):,} for {n_real:,} real ones"
        problem = f"The split {split} needs {wanted:,} synthetic samples (1:{ratio:g}), but {there}."
        raise InputError(problem, at="mix", fix=fix)
    _leave_out(plan, synthetic, wanted, f"synthetic, more than 1:{ratio:g} in {split}")


def settled(
    members: Sequence[Member],
    spec: SplitSpec,
    *,
    chosen: Set[str] | None = None,
    remembered: Mapping[str, str] | None = None,
) -> Plan:
    """A plan within its limits. Parameters as of ``splits.plan``.

    Raises:
        InputError: the limits cannot be met; the message gives the nearest possible ones.
    """
    outcome, least = _attempt(members, spec, chosen, remembered)
    if least.n >= spec.at_least:
        return outcome
    if not least.cell:
        problem = f"at_least counts slices, but no sample has a value of {' and '.join(spec.slice_by)}."
        raise InputError(problem, fix="Give samples these attributes, or leave at_least out.")
    possible, too_many = least.n, spec.at_least
    while too_many - possible > 1:
        tried = (possible + too_many) // 2
        n = _attempt(members, replace(spec, at_least=tried), chosen, remembered)[1].n
        possible, too_many = (tried, too_many) if n >= tried else (possible, tried)
    raise InputError(
        f"The split {least.split} would hold {least.n:,} samples of {least.cell} ({least.there:,} in all), "
        f"fewer than the {spec.at_least:,} of every slice that are required.",
        at="at_least",
        fix=f"The nearest possible is {possible:,}. Generate or tag more of {least.cell}, enlarge {least.split}, "
        "or leave the slice out with a filter.",
    )


@dataclass(frozen=True)
class Least:
    """The slice and split with the fewest samples, and how many samples the slice has in all."""

    n: int
    cell: str
    split: str
    there: int


def _attempt(
    members: Sequence[Member], spec: SplitSpec, chosen: Set[str] | None, remembered: Mapping[str, str] | None
) -> tuple[Plan, Least]:
    outcome = plan(members, spec, chosen=chosen, remembered=remembered)
    own = [member for member in members if chosen is None or member.id in chosen]
    if spec.max_samples is not None:
        _keep_at_most(outcome, members, {member.id for member in own}, spec, spec.max_samples)
    limit(outcome, own, spec)
    if not spec.at_least:
        return outcome, Least(0, "", "", 0)
    names = set(outcome.splits.values()) | (set() if spec.keeps_given else set(spec.names()))
    return outcome, _least(outcome, own, sorted(names))


def _least(plan: Plan, members: Sequence[Member], splits: Sequence[str]) -> Least:
    """The slice and split with the fewest samples; an empty name when no sample has a slice."""
    there = Counter(member.cell for member in members if member.cell is not None)
    lies = Counter((m.cell, plan.splits[m.id]) for m in members if m.cell is not None and m.id in plan.splits)
    sizes = [(lies[cell, split], cell, split) for cell in there for split in splits]
    if not sizes:
        return Least(0, "", "", 0)
    n, cell, split = min(sizes)
    return Least(n, cell, split, there[cell])
