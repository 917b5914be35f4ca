"""The report of duplicates: pairs, groups and label conflicts, as tables, text and a page with the images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.actions.duplicates.page import fragment, page
from workbench.base.files import write_bytes
from workbench.base.plurals import counted
from workbench.core.duplicates.threshold import Threshold
from workbench.core.schema.report import Problem

if TYPE_CHECKING:
    import pandas as pd

FEW_FOUND = 0.9  # of planted copies by the hardest edit


@dataclass(frozen=True, slots=True)
class Pair:
    """Two samples of the same image.

    Attributes:
        kind: ``exact`` (the same bytes) or ``near``.
        ids: of the two samples.
        origins: path of each inside what was loaded.
        similarity: 0..1; 1 for the same bytes.
        splits: given split of each, or ``None``.
        same_scene: they share a scene, so they are kept together anyway.
    """

    kind: str
    ids: tuple[str, str]
    origins: tuple[str, str]
    similarity: float
    splits: tuple[str | None, str | None]
    same_scene: bool

    @property
    def crosses_splits(self) -> bool:
        """Whether the two were given in different splits: a leak."""
        return None not in self.splits and self.splits[0] != self.splits[1]


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Samples that pairs connect.

    Attributes:
        ids: oldest first.
        origins: path of each inside what was loaded.
        exact: all have the same bytes.
        splits: given splits that they lie in; more than one is a leak.
    """

    ids: tuple[str, ...]
    origins: tuple[str, ...]
    exact: bool
    splits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelConflict:
    """The same image with different labels.

    Attributes:
        ids, origins: of the two samples.
        kind: ``exact`` or ``near``.
        message: what differs.
    """

    ids: tuple[str, str]
    origins: tuple[str, str]
    kind: str
    message: str


@dataclass
class DuplicateReport:
    """Outcome of ``duplicates``.

    Attributes:
        samples: how many were compared.
        groups: samples that pairs connect.
        exact_pairs: same bytes; of each content the oldest sample with every other.
        near_pairs: nearly the same image, the most alike first; one sample stands for all of its content.
        label_conflicts: pairs whose labels contradict each other.
        threshold: least similarity of near duplicates, and what share it finds and flags wrongly.
        flat: images that show nothing (black, white) and were compared by their bytes alone.
        problems: images that could not be read, labels that cannot be used.
        paths: image of each sample of a pair, by id.
    """

    samples: int = 0
    groups: list[DuplicateGroup] = field(default_factory=list)
    exact_pairs: list[Pair] = field(default_factory=list)
    near_pairs: list[Pair] = field(default_factory=list)
    label_conflicts: list[LabelConflict] = field(default_factory=list)
    threshold: Threshold = field(default_factory=Threshold)
    flat: int = 0
    problems: list[Problem] = field(default_factory=list)
    paths: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def pairs(self) -> list[Pair]:
        """Exact and near pairs."""
        return [*self.exact_pairs, *self.near_pairs]

    @property
    def cross_split_pairs(self) -> list[Pair]:
        """Pairs whose samples were given in different splits: leaks."""
        return [pair for pair in self.pairs if pair.crosses_splits]

    def pairs_frame(self) -> pd.DataFrame:
        """One row per pair."""
        return _frame(self.pairs, ("ids", "origins", "splits"), Pair)

    def groups_frame(self) -> pd.DataFrame:
        """One row per group."""
        return _frame(self.groups, (), DuplicateGroup)

    def conflicts_frame(self) -> pd.DataFrame:
        """One row per label conflict."""
        return _frame(self.label_conflicts, ("ids", "origins"), LabelConflict)

    def __str__(self) -> str:
        lines = [
            f"{counted(self.samples, 'image')}: {len(self.exact_pairs):,} exact and "
            f"{counted(len(self.near_pairs), 'near pair')} in {counted(len(self.groups), 'group')}, "
            f"{len(self.label_conflicts):,} with different labels",
            f"  {_threshold_text(self.threshold)}",
        ]
        crossing = self.cross_split_pairs
        if crossing:
            lines.append(f"  {counted(len(crossing), 'pair')} across given splits: " + _names(crossing))
        if self.label_conflicts:
            lines.append("  different labels: " + _names(self.label_conflicts))
        if self.flat:
            flat = counted(self.flat, "uniform image")
            lines.append(f"  {flat} (black or white): compared by content only")
        return "\n".join(lines + [f"  {problem}" for problem in self.problems[:20]])

    def _repr_html_(self) -> str:
        return fragment(str(self), self._shown())

    def save(self, path: str | Path) -> Path:
        """Write a page with the pairs side by side; it opens anywhere, without network.

        Raises:
            OutputError: the place cannot be written.
        """
        target = Path(path).expanduser().absolute()
        write_bytes(target, page(str(self), self._shown()).encode())
        return target

    def _shown(self) -> list[tuple[str, tuple[str, str], tuple[str, str]]]:
        """Caption, origins and images of what to look at: conflicts, then leaks, then all others."""
        messages = {conflict.ids: conflict.message for conflict in self.label_conflicts}
        order = sorted(self.pairs, key=lambda pair: (pair.ids not in messages, not pair.crosses_splits))
        shown = []
        for pair in order:
            words = [f"{pair.kind}, similarity {pair.similarity:.3f}", messages.get(pair.ids, "")]
            words.append(f"in {pair.splits[0]} and {pair.splits[1]}" if pair.crosses_splits else "")
            pictures = (self.paths[pair.ids[0]], self.paths[pair.ids[1]])
            shown.append((" · ".join(filter(None, words)), pair.origins, pictures))
        return shown


def _threshold_text(threshold: Threshold) -> str:
    if not threshold.found:
        return f"near: similarity of at least {threshold.score:.4g}, not calibrated"
    hardest = min(threshold.found, key=lambda name: threshold.found[name])
    text = (
        f"near: similarity of at least {threshold.score:.4g}; finds {threshold.found[hardest]:.0%} or more of planted "
        f"copies (hardest: {hardest}) and flags an estimated {threshold.wrong:.1%} of different images"
    )
    if threshold.found[hardest] < FEW_FOUND:
        text += "\n  many images resemble each other (a video?): give the frames of one recording the same scene_id"
    return text


def _names(pairs: Sequence[Pair] | Sequence[LabelConflict]) -> str:
    more = f" and {len(pairs) - 3:,} more" if len(pairs) > 3 else ""
    return "; ".join(f"{pair.origins[0]} = {pair.origins[1]}" for pair in pairs[:3]) + more


def _frame(rows: Sequence[Any], twofold: Sequence[str], kind: type) -> pd.DataFrame:
    """A table with two columns for each field that holds a value per sample."""
    import pandas as pd  # deferred: text and JSON need no table

    values = []
    for row in rows:
        cells = asdict(row)
        for name in twofold:
            cells[f"{name[:-1]}_a"], cells[f"{name[:-1]}_b"] = cells.pop(name)
        values.append(cells)
    names = [
        c for n in (f.name for f in fields(kind)) for c in ((f"{n[:-1]}_a", f"{n[:-1]}_b") if n in twofold else (n,))
    ]
    return pd.DataFrame(values, columns=names)
