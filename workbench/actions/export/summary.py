"""What samples are, counted in one pass: an export's samples lie on disk."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.core.schema.fields import ATTRIBUTES, SourceName
from workbench.core.schema.labels import Record

UNKNOWN = "unknown"
EXAMPLES = 12  # places kept of each slice and source


@dataclass
class Part:
    """Counts of one split."""

    labels: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    attributes: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    scenarios: Counter[str] = field(default_factory=Counter)


@dataclass
class Summary:
    """Counts of all samples.

    Attributes:
        samples: how many there are.
        parts: counts by split.
        cells: samples by slice, and there by source and by split.
        unknown: samples by attribute that is not known.
        made: samples by scenario and renderer.
        examples: places of the first samples by source and slice.
    """

    slice_by: Sequence[str]
    samples: int = 0
    parts: defaultdict[str, Part] = field(default_factory=lambda: defaultdict(Part))
    cells: defaultdict[str, Cell] = field(default_factory=lambda: defaultdict(lambda: Cell()))
    unknown: Counter[str] = field(default_factory=Counter)
    made: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: defaultdict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))

    def add(self, record: Record, source: SourceName) -> None:
        """Count one more sample."""
        part, cell = self.parts[str(record.split)], cell_of(record.attributes, self.slice_by)
        part.labels += len(record.labels)
        part.sources[source] += 1
        part.classes.update(record.labels.names)
        for name in ATTRIBUTES:
            value = record.attributes.get(name)
            if name in record.attributes:
                part.attributes[name][str(value)] += 1
            self.unknown[name] += value in (None, "", UNKNOWN)
        if record.generation:
            scenario, backend = (str(record.generation.get(key, "")) for key in ("scenario_name", "backend"))
            part.scenarios[scenario] += 1
            self.made[scenario, backend] += 1
        self.cells[cell].sources[source] += 1
        self.cells[cell].splits[str(record.split)] += 1
        if len(self.examples[source, cell]) < EXAMPLES:
            self.examples[source, cell].append(self.samples)
        self.samples += 1

    def counts(self, split: str) -> dict[str, int]:
        """Samples, labels, and samples per source of one split."""
        part = self.parts.get(split, Part())
        return {
            "samples": part.sources.total(),
            "labels": part.labels,
            "real": part.sources["real"],
            "synthetic": part.sources["synthetic"],
        }

    def details(self, split: str) -> dict[str, Any]:
        """Counts of one split by class, attribute and lineage."""
        part = self.parts.get(split, Part())
        return {
            "labels_per_class": dict(part.classes),
            "attributes": {name: dict(part.attributes[name]) for name in ATTRIBUTES if name in part.attributes},
            "scenarios": dict(part.scenarios),
        }


@dataclass
class Cell:
    """Samples of one slice."""

    sources: Counter[str] = field(default_factory=Counter)
    splits: Counter[str] = field(default_factory=Counter)


def cell_of(attributes: Mapping[str, object], slice_by: Iterable[str]) -> str:
    """The slice of a sample, in words.

    >>> cell_of({"lighting": "dim"}, ["lighting", "surface"])
    'dim x unknown'
    """
    return " x ".join(str(attributes.get(name) or UNKNOWN) for name in slice_by)
