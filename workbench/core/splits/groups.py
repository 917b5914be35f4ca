"""Groups of samples that must be in the same split.

Real samples that share a scene or their content, or are near duplicates, belong together. A synthetic sample belongs
to the group of the real sample that it recreates (its parent, over any number of steps), so that a failure in ``test``
can never seed ``train``. Synthetic samples never join two groups of real ones: generating must not move what was there
before.
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workbench.core.duplicates.connected import connected


@dataclass(frozen=True, slots=True)
class Member:
    """The properties of a sample that decide its split.

    Attributes:
        id: sample id.
        synthetic: generated, not photographed.
        split: split that it has, or ``None``.
        scene_id: scene of the sample, or ``None``; samples of a scene belong together.
        content_sha256: of the picture, or ``None``.
        parents: ids of the samples that it recreates, or whose pixels it has.
        near: name of its group of near duplicates, or ``None``.
        fitted_to: ids of all samples that its scenario was fitted to.
        source_key: stable id of its record, under which its split is remembered.
        strata: properties of which every split gets its share, e.g. ``("class=cup", "lighting=dim")``.
        cell: its slice for limits, e.g. ``"dim x metal"``; ``None`` when part of it is not known.
    """

    id: str
    synthetic: bool = False
    split: str | None = None
    scene_id: str | None = None
    content_sha256: str | None = None
    parents: tuple[str, ...] = ()
    near: str | None = None
    fitted_to: tuple[str, ...] = ()
    source_key: str = ""
    strata: tuple[str, ...] = ()
    cell: str | None = None

    @property
    def key(self) -> str:
        """Name of a group whose oldest member this is; the same in every dataset where possible."""
        return f"scene {self.scene_id}" if self.scene_id else f"content {self.content_sha256 or self.id}"

    @property
    def memory_key(self) -> str:
        """Key under which its split is remembered."""
        return self.source_key or self.id


@dataclass(slots=True)
class Group:
    """Samples that belong together.

    Attributes:
        members: oldest first, real ones before those that recreate them.
        seeds: keys of several groups of real samples that synthetic members recreate; empty as a rule.
    """

    members: list[Member]
    seeds: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Stable name, input of the hash."""
        return self.members[0].key

    @property
    def deciding(self) -> list[Member]:
        """The members that decide where it goes: the real ones, if there are any."""
        return [member for member in self.members if not member.synthetic] or self.members

    @property
    def name(self) -> str:
        """A key that does not depend on the order of loading."""
        return min(member.key for member in self.deciding)


@functools.lru_cache(maxsize=4096)
def same(names: tuple[str, ...]) -> tuple[str, ...]:
    """The same object for the same names, which many samples share: memory."""
    return names


def groups(members: Sequence[Member]) -> list[Group]:
    """The groups of samples that belong together; every member is in exactly one group.

    Args:
        members: all samples of the dataset, oldest first. With a part of them keys may differ.
    """
    real, synthetic = ([m for m in members if m.synthetic is kind] for kind in (False, True))
    of_real = [Group(own) for own in _connected(real)]
    named = {token for member in synthetic for token in _tokens(member)}
    by_token = {t: group for group in of_real for member in group.members for t in _tokens(member) if t in named}
    loose = []
    for own in _connected(synthetic):
        tokens = {token for member in own for token in _tokens(member)}
        seeds = {by_token[token].key: by_token[token] for token in sorted(tokens) if token in by_token}
        if len(seeds) == 1:
            next(iter(seeds.values())).members.extend(own)
        else:
            loose.append(Group(own, tuple(sorted(seeds))))
    return [*of_real, *loose]


def _tokens(member: Member) -> Iterable[tuple[str, str]]:
    """Kinds and values that connect this member with others of the same value."""
    yield "sample", member.id
    if member.scene_id:
        yield "scene", member.scene_id
    if member.content_sha256:
        yield "content", member.content_sha256
    if member.near:
        yield "near", member.near
    for parent in member.parents if member.synthetic else ():
        yield "sample", parent


def _connected(members: Sequence[Member]) -> list[list[Member]]:
    """Members connected by shared tokens, oldest first."""
    holders: defaultdict[str, dict[str, int]] = defaultdict(dict)
    links = [
        (first, at)
        for at, member in enumerate(members)
        for kind, value in _tokens(member)
        if (first := holders[kind].setdefault(value, at)) != at
    ]
    return [[members[at] for at in group] for group in connected(len(members), links, least=1)]
