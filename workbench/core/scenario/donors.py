"""The donors of a scenario: the samples whose pixels generated pictures are made of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.base.errors import ScenarioError, one_of
from workbench.core.scenario.distribution import At, Distribution
from workbench.core.scenario.parameter import Parameter

KEYS = ("dataset", "where", "ids")


@dataclass(frozen=True)
class Donors:
    """Which samples give pixels; of these, never one of the splits ``NEVER_DONORS``.

    Attributes:
        dataset: name of their dataset; that of the anchor when empty.
        where: filter that selects them; all real samples when empty.
        ids: or the samples themselves.
    """

    dataset: str = ""
    where: str = ""
    ids: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The ``donors`` section of a scenario document."""
        section = {"dataset": self.dataset, "where": self.where, "ids": list(self.ids)}
        return {key: value for key, value in section.items() if value}


NO_DONORS = Donors()


def parse_donors(given: Any) -> Donors:
    """Read the ``donors`` section of a document.

    Raises:
        ScenarioError: an unknown key or a value that cannot be.
    """
    if given is None:
        return NO_DONORS
    if not isinstance(given, Mapping):
        raise ScenarioError(f"{repr(given)[:80]} is not a mapping.", at="donors", fix=one_of("", KEYS))
    for key in given:
        if key not in KEYS:
            raise ScenarioError(f"Unknown key {key!r}.", at="donors", fix=one_of(str(key), KEYS))
    for key in ("dataset", "where"):
        if not isinstance(given.get(key, ""), str):
            raise ScenarioError(f"Text is needed here, not {repr(given[key])[:80]}.", at=f"donors.{key}")
    ids = given.get("ids", [])
    if not isinstance(ids, list) or not all(isinstance(item, str) and item for item in ids):
        raise ScenarioError(f"{repr(ids)[:80]} is not a list of sample ids.", at="donors.ids")
    if ids and given.get("where"):
        raise ScenarioError("Both where and ids are given.", at="donors", fix="Keep one of them.")
    return Donors(given.get("dataset", ""), given.get("where", ""), tuple(ids))


@dataclass(frozen=True)
class AnyDonor(Distribution):
    """One of the scenario's donors, each as likely as any other."""

    of: str

    def __post_init__(self) -> None:
        if self.of != "any":
            raise ValueError(f"Write {{donor: any}}, or {{choice: [...]}} with the ids of samples, not {self.of!r}.")

    def possible(self, parameter: Parameter) -> tuple[Any, ...]:
        if parameter.kind != "sample":
            raise ValueError(f"A donor is the id of a sample; this parameter is {parameter.expects()}")
        return ()

    def draw(self, at: At) -> str:
        return chosen(at.donor_ids, at.rng)


def chosen(donor_ids: Sequence[str], rng: np.random.Generator) -> str:
    """One of the donors, each as likely as any other; adding some changes only the draws that they win.

    Rendezvous hashing (Thaler & Ravishankar 1998): the highest of a hash of donor and draw.

    >>> ids = tuple("abcdef")
    >>> chosen(ids, np.random.default_rng(1)) == chosen(ids[::-1], np.random.default_rng(1))
    True
    """
    if not donor_ids:
        raise ValueError("There is no donor to draw from.")
    return donor_ids[int(np.argmax(ranks(donor_ids, rng)))]


def ranks(ids: Sequence[str], rng: np.random.Generator) -> NDArray[np.uint64]:
    """How high each id ranks in a draw, whatever the others."""
    return _mixed(_hashes(tuple(ids)) ^ rng.integers(0, 2**64, dtype=np.uint64))


@lru_cache(maxsize=8)
def _hashes(ids: tuple[str, ...]) -> NDArray[np.uint64]:
    return np.array([int.from_bytes(hashlib.sha256(i.encode()).digest()[:8], "little") for i in ids], np.uint64)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of SplitMix64 (Steele, Lea & Flood 2014): every bit depends on every bit."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)))
