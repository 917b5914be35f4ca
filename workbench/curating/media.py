"""Put pictures into an export: checked to be there, then copied or linked."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Literal

from workbench.curating.manifest import Shipped
from workbench.errors import InputError, OutputError
from workbench.formats.contract import Writer
from workbench.progress import Progress

Media = Literal["copy", "hardlink", "reference"]
MEDIA: tuple[Media, ...] = ("copy", "hardlink", "reference")
THREADS = 4
_SHOWN = 3
_WINDOW = 256
_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}


def require_media(shipped: Sequence[Shipped]) -> int:
    """Bytes of all pictures together.

    Raises:
        InputError: some are no longer where they were when they were loaded, or their size is not known.
    """
    total, missing = 0, []
    for item in shipped:
        try:
            total += os.stat(item.record.medium).st_size  # noqa: PTH116 - faster, and there are many
        except OSError:
            missing.append(str(item.record.medium))
    if missing:
        found = f"{len(missing):,} missing: {', '.join(missing[:_SHOWN])}" + (" ..." if len(missing) > _SHOWN else "")
        fix = "Bring the files back, or leave these samples out with --where."
        raise InputError("the pictures of all samples", found=found, where="export", fix=fix)
    unknown = [item.record.origin for item in shipped if not item.record.width]
    if unknown:
        found = f"{len(unknown):,} without, the first is {unknown[0]}"
        raise InputError(
            "width and height of all samples", found=found, where="export", fix="Run ds.compute_metadata()."
        )
    return total


def require_room(folder: Path, n_bytes: int) -> None:
    """Check the space before anything is written.

    Raises:
        OutputError: too little is left.
    """
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < n_bytes:
        found = f"{free / 1e6:,.0f} MB free"
        fix = "Make room, choose another disk, or use media='hardlink'."
        raise OutputError(f"{n_bytes / 1e6:,.0f} MB for the pictures", found=found, where=str(folder), fix=fix)


def put(folder: Path, shipped: Sequence[Shipped], writer: Writer, media: Media, progress: Progress) -> None:
    """Copy or link every picture to where the writer wants it; that it is the right one is seen when it is read back.

    Raises:
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

    def some(entries: Sequence[tuple[str, str]]) -> int:
        for origin, path in entries:
            _transfer(origin, path, media)
        return len(entries)

    waiting = ((str(item.record.medium), target(item)) for item in shipped)
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
