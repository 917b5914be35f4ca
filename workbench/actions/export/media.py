"""Put images into an export: checked to be there, then copied or linked."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

from workbench.actions.export.conversion import convert, is_converted
from workbench.actions.export.manifest import Shipped
from workbench.adapters.formats.toolkit.contract import Writer
from workbench.base.errors import InputError, OutputError
from workbench.base.plurals import counted
from workbench.base.progress import Progress
from workbench.core.schema.labels import Record

Media = Literal["copy", "hardlink", "reference"]
MEDIA: tuple[Media, ...] = ("copy", "hardlink", "reference")
THREADS = 4
_SHOWN = 3
_WINDOW = 256
_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}


@dataclass
class Pictures:
    """Whether all images are there, seen one by one.

    Attributes:
        total_bytes: of those that are.
        missing: no longer where they were when they were loaded.
        unknown: origins of those without a size.
    """

    total_bytes: int = 0
    missing: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    def look(self, record: Record) -> None:
        """Note whether the medium of a record exists and its size is known."""
        try:
            self.total_bytes += os.stat(record.medium).st_size  # noqa: PTH116 - faster, and there are many
        except OSError:
            self.missing.append(str(record.medium))
        if not record.width:
            self.unknown.append(record.origin)

    def require(self) -> None:
        """Check that all are there.

        Raises:
            InputError: they are not.
        """
        if self.missing:
            shown = ", ".join(self.missing[:_SHOWN]) + (" ..." if len(self.missing) > _SHOWN else "")
            fix = "Restore the files, or leave these samples out with --where."
            files = counted(len(self.missing), "image file is missing", "image files are missing")
            raise InputError(f"{files}: {shown}.", fix=fix)
        if self.unknown:
            samples = counted(len(self.unknown), "sample has", "samples have")
            problem = f"{samples} no width and height (first: {self.unknown[0]})."
            raise InputError(problem, fix="Run ds.compute_metadata().")


def require_room(folder: Path, n_bytes: int) -> None:
    """Check the space before anything is written.

    Raises:
        OutputError: too little is left.
    """
    existing = folder.absolute()
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if free < n_bytes:
        problem = f"The images need {n_bytes / 1e6:,.0f} MB, but only {free / 1e6:,.0f} MB are free."
        fix = "Free disk space, choose another disk, or use media='hardlink'."
        raise OutputError(problem, at=str(folder), fix=fix)


def put(folder: Path, shipped: Sequence[Shipped], writer: Writer, media: Media, progress: Progress) -> None:
    """Copy, link or convert every image to where the writer wants it; that it is the right one is seen when read back.

    Raises:
        InputError: an image cannot be converted.
        OSError: the place refuses.
    """
    there: set[str] = set()

    def target(item: Shipped) -> str:
        path = f"{folder}/{writer.picture_path(str(item.record.split), item.name)}"
        parent = path.rpartition("/")[0]
        if parent not in there:
            Path(parent).mkdir(parents=True, exist_ok=True)
            there.add(parent)
        return path

    def some(entries: Sequence[tuple[Shipped, str]]) -> int:
        for item, path in entries:
            if is_converted(item):
                convert(item.record.medium, Path(path), item.record.content_sha256)
            else:
                _transfer(str(item.record.medium), path, media)
        return len(entries)

    waiting = ((item, target(item)) for item in shipped)
    threads = THREADS if media == "copy" else 1  # more would only get in each other's way
    with ThreadPoolExecutor(threads, thread_name_prefix="media") as pool:
        while window := list(islice(waiting, _WINDOW)):  # so that stopping does not wait for all
            for n in pool.map(some, [window[at::threads] for at in range(threads)]):
                progress.advance(n)


def _transfer(origin: str, target: str, media: Media) -> None:
    if media == "reference":
        Path(target).symlink_to(Path(origin).resolve())
        return
    if media == "hardlink":
        try:
            os.link(os.path.realpath(origin) if os.path.islink(origin) else origin, target)  # noqa: PTH114 - faster
            return
        except OSError as cause:
            if cause.errno not in _NO_LINKS:
                raise
    shutil.copyfile(origin, target)
