"""What changed between two exports: samples that came, went, moved to another split, or changed their labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.actions.export import manifest
from workbench.base.plurals import counted

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5
_IN_WORDS = {"came": "added", "went": "removed"}


@dataclass(frozen=True, slots=True)
class Change:
    """One sample that differs.

    Attributes:
        kind: ``came``, ``went``, ``moved`` or ``relabelled``.
        origin: path inside what was loaded.
        before, after: split, or labels in words; empty where there is none.
    """

    kind: str
    origin: str
    before: str
    after: str


@dataclass
class BundleDiff:
    """Outcome of ``diff``.

    Attributes:
        same: samples that are in both, in the same split, with the same labels.
        came, went: only in the second, only in the first.
        moved: in another split.
        relabelled: with other labels; a sample may be here and in ``moved``.
        note: what could not be compared; empty as a rule.
    """

    same: int = 0
    came: list[Change] = field(default_factory=list)
    went: list[Change] = field(default_factory=list)
    moved: list[Change] = field(default_factory=list)
    relabelled: list[Change] = field(default_factory=list)
    note: str = ""

    def frame(self) -> pd.DataFrame:
        """One row per change."""
        import pandas as pd  # deferred: text and JSON need no table

        rows = [*self.came, *self.went, *self.moved, *self.relabelled]
        return pd.DataFrame(
            [(row.kind, row.origin, row.before, row.after) for row in rows],
            columns=["kind", "origin", "before", "after"],
        )

    def __str__(self) -> str:
        lines = [
            f"{counted(self.same, 'sample')} unchanged; {len(self.came):,} added, {len(self.went):,} removed, "
            f"{len(self.moved):,} moved to another split, {len(self.relabelled):,} with other labels"
        ]
        for changes in (self.came, self.went, self.moved, self.relabelled):
            for changed in changes[:_SHOWN]:
                change = " -> ".join(text for text in (changed.before, changed.after) if text)
                lines.append(f"  {_IN_WORDS.get(changed.kind, changed.kind)}: {changed.origin} ({change})")
            if len(changes) > _SHOWN:
                kind = _IN_WORDS.get(changes[0].kind, changes[0].kind)
                lines.append(f"  ... and {len(changes) - _SHOWN:,} more {kind}")
        return "\n".join([*lines, self.note] if self.note else lines)


def diff(first: str | Path, second: str | Path) -> BundleDiff:
    """Compare two exports by their manifests; the same sample is the one with the same ``source_key``.

    Args:
        first, second: folders of exports, or their manifests.

    Raises:
        InputError: there is no manifest, or it cannot be read.
    """
    (old_version, before), (new_version, after) = _samples(Path(first)), _samples(Path(second))
    result = BundleDiff()
    if old_version != new_version:
        result.note = (
            f"The manifests are of versions {old_version} and {new_version}, whose hashes of labels "
            "cannot be compared: only different counts per class are found. Export both with one version to see all."
        )
    for key in sorted(before.keys() | after.keys(), key=lambda key: (after.get(key) or before[key])["origin"]):
        old, new = before.get(key), after.get(key)
        if old is None and new is not None:
            result.came.append(Change("came", new["origin"], "", new["split"]))
        elif new is None and old is not None:
            result.went.append(Change("went", old["origin"], old["split"], ""))
        elif old is not None and new is not None:
            _compare(old, new, "classes" if result.note else "labels_sha256", result)
    return result


def _compare(old: Mapping[str, Any], new: Mapping[str, Any], labels: str, result: BundleDiff) -> None:
    moved = old["split"] != new["split"]
    relabelled = old.get(labels) != new.get(labels)
    if moved:
        result.moved.append(Change("moved", new["origin"], old["split"], new["split"]))
    if relabelled:
        result.relabelled.append(Change("relabelled", new["origin"], *_labels(old, new)))
    result.same += not (moved or relabelled)


def _labels(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, str]:
    """Counts of the classes that differ; with equal counts it is the boxes."""
    counts = [Counter(sample.get("classes", {})) for sample in (old, new)]
    names = sorted(name for name in counts[0].keys() | counts[1].keys() if counts[0][name] != counts[1][name])
    if not names:
        return "same classes, other boxes or attributes", ""
    before, after = (", ".join(f"{n[name]} {name}" for name in names) for n in counts)
    return before, after


def _samples(given: Path) -> tuple[int, dict[str, Mapping[str, Any]]]:
    """Version of a manifest, and its samples by ``source_key``."""
    version, samples = manifest.read(given.expanduser(), "source_key", "origin", "split", "labels_sha256")
    return version, {sample["source_key"]: sample for sample in samples}
