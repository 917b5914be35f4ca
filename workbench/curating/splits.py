"""Splits without leaks: what belongs together stays together, and adding data moves nothing.

Groups: real samples that share a scene or their content, or are near duplicates, belong together.
A synthetic sample belongs to the group of the real sample that it recreates (its parent, over any
number of steps), so that a failure in ``test`` can never seed ``train``. Synthetic samples never
join two groups of real ones: generating must not move what was there before.

A group's split is a hash of the seed and of the group's key, the key of its oldest real member.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from workbench.errors import InputError

DEFAULT_RATIOS: Mapping[str, float] = {"train": 0.7, "val": 0.15, "test": 0.15}
PROTECTION = ("test", "val")  # given splits that contradict: the group stays in the first of these

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Member:
    """What decides the split of one sample.

    Attributes:
        id: sample id.
        synthetic: generated, not photographed.
        split: split that it has, or ``None``.
        scene_id: what belongs together, or ``None``.
        content_sha256: of the picture, or ``None``.
        parents: ids of the samples that it recreates.
        near: name of its group of near duplicates, or ``None``.
    """

    id: str
    synthetic: bool = False
    split: str | None = None
    scene_id: str | None = None
    content_sha256: str | None = None
    parents: tuple[str, ...] = ()
    near: str | None = None

    @property
    def key(self) -> str:
        """What names a group whose oldest member this is; the same in every dataset where possible."""
        return f"scene {self.scene_id}" if self.scene_id else f"content {self.content_sha256 or self.id}"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A sample that no split may hold.

    Attributes:
        id: sample id.
        reason: why, for people.
        origin: path inside what was loaded, when known.
    """

    id: str
    reason: str
    origin: str = ""


@dataclass
class Plan:
    """Outcome of ``plan``; every member is in exactly one of the two.

    Attributes:
        splits: split by sample id.
        left_out: samples in no split.
    """

    splits: dict[str, str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)


@dataclass
class Group:
    """Samples that belong together.

    Attributes:
        key: stable name, input of the hash.
        members: oldest first.
        seeds: keys of several groups of real samples that synthetic members recreate; empty as a rule.
    """

    key: str
    members: list[Member]
    seeds: tuple[str, ...] = ()


def assign(groups: Mapping[str, Sequence[str]], ratios: Mapping[str, float], seed: int) -> dict[str, str]:
    """Split by sample id: a hash of seed and group key, so no group's split depends on any other group.

    Args:
        groups: sample ids by group key.
        ratios: share by split; they add up to 1. Their order does not matter.
        seed: another seed, another assignment.

    Raises:
        InputError: the ratios cannot be used.

    >>> assign({"scene a": ["1", "2"], "scene c": ["3"]}, {"train": 0.5, "test": 0.5}, seed=0)
    {'1': 'test', '2': 'test', '3': 'train'}
    """
    check_ratios(ratios)
    return {i: drawn(key, ratios, seed) for key, ids in groups.items() for i in ids}


def check_ratios(ratios: Mapping[str, float]) -> None:
    """Names that can be folders, and shares that add up to 1.

    Raises:
        InputError: they do not.
    """
    example = "Write e.g. train=.7,val=.15,test=.15."
    for name, share in ratios.items():
        if not _NAME.fullmatch(name):
            raise InputError("a name of letters, digits, - and _", found=repr(name), where="splits", fix=example)
        if not (math.isfinite(share) and share >= 0):
            raise InputError("a share from 0 to 1", found=f"{name}={share}", where="splits", fix=example)
    total = sum(ratios.values())
    if abs(total - 1) > _TOLERANCE:
        raise InputError("shares that add up to 1", found=f"{total:.6g}", where="splits", fix=example)


def drawn(key: str, ratios: Mapping[str, float], seed: int) -> str:
    """The split of one group: its hash as a number in 0..1, laid on the shares in order of their names."""
    number = int.from_bytes(hashlib.sha256(f"{seed}|{key}".encode()).digest()[:8], "big") / 2**64
    names = sorted(name for name, share in ratios.items() if share > 0)
    below = 0.0
    for name in names:
        below += ratios[name]
        if number < below:
            return name
    return names[-1]


def groups(members: Sequence[Member]) -> list[Group]:
    """What belongs together; every member is in exactly one group.

    Args:
        members: all samples of the dataset, oldest first. With a part of them keys may differ.
    """
    real = [member for member in members if not member.synthetic]
    found = {root: Group(own[0].key, own) for root, own in _connected(real, with_parents=False).items()}
    by_token: dict[str, Group] = {}
    for group in found.values():
        for member in group.members:
            by_token.update(dict.fromkeys(_tokens(member, with_parents=False), group))
    loose = []
    for own in _connected([m for m in members if m.synthetic], with_parents=True).values():
        tokens = {token for member in own for token in _tokens(member, with_parents=True)}
        seeds = {by_token[token].key: by_token[token] for token in sorted(tokens) if token in by_token}
        if len(seeds) == 1:
            next(iter(seeds.values())).members.extend(own)
        else:
            loose.append(Group(own[0].key, own, tuple(sorted(seeds))))
    return [*found.values(), *loose]


def _tokens(member: Member, *, with_parents: bool) -> Iterable[str]:
    """Names that two members share when they belong together."""
    yield f"sample {member.id}"
    if member.scene_id:
        yield f"scene {member.scene_id}"
    if member.content_sha256:
        yield f"content {member.content_sha256}"
    if member.near:
        yield f"near {member.near}"
    if with_parents:
        yield from (f"sample {parent}" for parent in member.parents)


def _connected(members: Sequence[Member], *, with_parents: bool) -> dict[str, list[Member]]:
    """Members connected by shared tokens, oldest first (union-find with path halving)."""
    parent: dict[str, str] = {}

    def root(token: str) -> str:
        parent.setdefault(token, token)
        while parent[token] != token:
            parent[token] = token = parent[parent[token]]
        return token

    for member in members:
        first, *rest = _tokens(member, with_parents=with_parents)
        for token in rest:
            parent[root(token)] = root(first)
    connected: defaultdict[str, list[Member]] = defaultdict(list)
    for member in members:
        connected[root(f"sample {member.id}")].append(member)
    return dict(connected)


def plan(
    members: Sequence[Member],
    *,
    ratios: Mapping[str, float] | None = None,
    seed: int = 0,
    real_only: Sequence[str] = ("test",),
) -> Plan:
    """Give every sample its split, or say why it gets none.

    Args:
        members: all samples of the dataset, oldest first.
        ratios: draw all splits anew with these shares; ``None`` keeps the splits that samples have
            and draws only groups without one, with ``DEFAULT_RATIOS``.
        seed: of the draw.
        real_only: splits that hold no synthetic samples. A synthetic sample drawn into one goes to the
            largest other split, unless its group holds real samples: then it is left out.

    Raises:
        InputError: the ratios cannot be used.
    """
    shares = DEFAULT_RATIOS if ratios is None else ratios
    check_ratios(shares)
    keep = ratios is None
    members = _given_stay(members) if keep else members
    outcome = Plan()
    by_key: dict[str, str] = {}
    for group in groups(members):
        deciding = [m for m in group.members if not m.synthetic] or group.members
        given = {m.split for m in deciding if m.split} if keep else set()
        target = _most_protected(given) if given else drawn(group.key, shares, seed)
        seeded = {by_key[key] for key in group.seeds}
        if len(seeded) > 1:
            text = ", ".join(sorted(seeded))
            outcome.left_out += [LeftOut(m.id, f"recreates samples of several splits ({text})") for m in group.members]
            continue
        target = seeded.pop() if seeded else target
        by_key.setdefault(group.key, target)
        _place(group, target, shares, outcome, real_only=real_only, keep=keep)
    return outcome


def _given_stay(members: Sequence[Member]) -> list[Member]:
    """Near duplicates that were given in several splits stay there: that is for the curator to judge.

    Those without a split go with the ones in the most protected split.
    """
    given: defaultdict[str, set[str]] = defaultdict(set)
    for member in members:
        if member.near and member.split:
            given[member.near].add(member.split)
    kept = {near: _most_protected(splits) for near, splits in given.items()}
    return [
        replace(member, near=None) if member.near and member.split not in (None, kept.get(member.near)) else member
        for member in members
    ]


def _most_protected(given: Iterable[str]) -> str:
    order = {name: rank for rank, name in enumerate(PROTECTION)}
    return min(given, key=lambda name: (order.get(name, len(order)), name))


def _place(
    group: Group, target: str, shares: Mapping[str, float], outcome: Plan, *, real_only: Sequence[str], keep: bool
) -> None:
    elsewhere = [name for name, share in shares.items() if share > 0 and name not in real_only]
    bound = bool(group.seeds) or any(not member.synthetic for member in group.members)
    for member in group.members:
        given = member.split if keep else None
        if given is not None and given != target:
            outcome.left_out.append(LeftOut(member.id, f"given in {given}, but its group also lies in {target}"))
        elif not member.synthetic or target not in real_only:
            outcome.splits[member.id] = target
        elif bound:
            outcome.left_out.append(LeftOut(member.id, f"synthetic, recreates a real sample of {target}"))
        elif given is not None or not elsewhere:
            outcome.left_out.append(LeftOut(member.id, f"synthetic, in {target}, which holds real samples only"))
        else:
            outcome.splits[member.id] = max(elsewhere, key=lambda name: (shares[name], name == "train"))
