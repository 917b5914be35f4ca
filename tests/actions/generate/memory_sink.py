"""A dataset that lives in a test, also importable by a process that a test starts."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.core.schema.labels import Record


class MemorySink:
    """A dataset that lives in this test; counts the writes."""

    name = "memory"

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.writes = 0

    def known(self, keys: Sequence[str]) -> dict[str, str]:
        return {key: f"id-{key[:8]}" for key in keys if key in self.records}

    def add(self, records: Sequence[Record]) -> list[str]:
        self.writes += 1
        for record in records:
            assert record.source_key and record.image_path.exists()
            self.records.setdefault(record.source_key, record)
        return [f"id-{record.source_key[:8]}" for record in records if record.source_key]
