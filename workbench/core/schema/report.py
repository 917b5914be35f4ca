"""The report of a load: every record is accounted for."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from workbench.base.plurals import counted

ODD_LABEL = "odd_label"  # kind of problem: labels in the database that cannot be used
UNREAD = "unread_file"  # kind of problem: files that may hold labels, which the format does not use


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault in the data.

    Attributes:
        where: file, and line or id inside it.
        kind: short machine-readable kind, e.g. ``missing_image``.
        message: what is wrong, and what was done with the record, as a sentence.
    """

    where: str
    kind: str
    message: str

    def __str__(self) -> str:
        return f"{self.message} [{self.where}]"


@dataclass
class LoadReport:
    """Outcome of one load; the numbers add up to what the input holds.

    Attributes:
        format: name of the format read.
        why: why this format was chosen.
        samples: samples added.
        labels: labels added with them.
        labels_per_class: the same, by class.
        already_there: records that were in the dataset before.
        changed: those of them whose labels are others in the data, and were kept as they are in the dataset.
        updated: those of them whose labels were replaced by those of the data.
        problems: everything that could not be loaded as it is.
    """

    format: str
    why: str = ""
    samples: int = 0
    labels: int = 0
    labels_per_class: Counter[str] = field(default_factory=Counter)
    already_there: int = 0
    changed: int = 0
    updated: int = 0
    problems: list[Problem] = field(default_factory=list)

    def __str__(self) -> str:
        unread = "; files that may hold labels were not read" if self._has(UNREAD) else ""
        classes = ", ".join(f"{name} {n:,}" for name, n in self.labels_per_class.most_common(8))
        lines = [
            f"{self.format}: {counted(self.samples, 'sample')} added, {self.already_there:,} already there, "
            + (f"{self.updated:,} updated, " if self.updated else "")
            + f"{counted(self.labels, 'label')}"
            + (f" ({classes})" if classes else "")
            + (unread if not self.labels else "")
        ]
        lines += [f"  recognized by: {self.why}"] if self.why else []
        kinds = Counter(problem.kind for problem in self.problems)
        lines += [f"  {kind}: {self._first(kind)}{_others(n - 1)}" for kind, n in kinds.most_common()]
        return "\n".join(lines)

    def _has(self, kind: str) -> bool:
        return any(problem.kind == kind for problem in self.problems)

    def _first(self, kind: str) -> str:
        problem = next(p for p in self.problems if p.kind == kind)
        return problem.message if problem.where in problem.message else str(problem)


def _others(n: int) -> str:
    return f" (and {n:,} more of this kind)" if n else ""
