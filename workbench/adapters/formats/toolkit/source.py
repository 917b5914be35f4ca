"""The file or folder to read, with the settings of a reader."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.scratch import Scratch
from workbench.adapters.formats.toolkit.tree import Tree


@dataclass(frozen=True)
class Source:
    """One file or folder on disk; not to be confused with the field ``source`` of a sample.

    Attributes:
        path: of the file or folder, which exists.
        problems: where a reader collects what is wrong.
        scratch: where to keep files that a reader makes: images out of containers, converted depth maps.
        workers: open the images in parallel; ``None`` lets the reader start its own.
        follow_links: links to files that lie elsewhere count as files; only for folders that the workbench wrote.
    """

    path: Path
    problems: Problems = field(default_factory=Problems)
    scratch: Scratch = field(default_factory=Scratch)
    workers: Executor | None = None
    follow_links: bool = False

    @cached_property
    def file(self) -> str | None:
        """Name of the single file, which is its path in ``tree``; ``None`` for a folder."""
        return self.path.name if self.path.is_file() else None

    @cached_property
    def tree(self) -> Tree:
        """All files of the folder, or of the folder that holds the single file; scanned once, on first use."""
        return Tree(self.path if self.file is None else self.path.parent, follow_links=self.follow_links)

    def at(self, folder: Path) -> Source:
        """The same settings and the same list of problems for another folder."""
        return replace(self, path=folder)
