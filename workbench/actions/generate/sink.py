"""Where finished records go: the dataset, or anything with the same two methods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from workbench.core.schema.labels import Record


@runtime_checkable
class Sink(Protocol):
    """Takes records, each once.

    Attributes:
        name: of the dataset.
    """

    @property
    def name(self) -> str: ...

    def known(self, keys: Sequence[str]) -> dict[str, str]:
        """Sample id by source key, for the keys that are there already."""

    def add(self, records: Sequence[Record]) -> list[str]:
        """Add what is new; sample ids in the order of the records."""


class DatasetSink:
    """A dataset in the database."""

    def __init__(self, dataset: Any) -> None:
        from workbench.adapters import store  # deferred: brings FiftyOne, which workers must not load

        self.dataset = store.open_dataset(dataset) if isinstance(dataset, str) else dataset
        self._store = store

    @property
    def name(self) -> str:
        """Name of the dataset."""
        return str(self.dataset.name)

    def known(self, keys: Sequence[str]) -> dict[str, str]:
        """Sample id by source key, for the keys that are there already."""
        return dict(self._store.source_keys(self.dataset, keys))

    def add(self, records: Sequence[Record]) -> list[str]:
        """Add what is new; sample ids in the order of the records."""
        return list(self._store.add(self.dataset, records, source="synthetic").ids)


def sink_for(into: Any) -> Sink:
    """The sink itself, or the dataset of that name or object."""
    return into if isinstance(into, Sink) else DatasetSink(into)
