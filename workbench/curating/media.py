"""Put pictures into an export: checked to be there, copied or linked, and hashed on the way."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Literal

from workbench.curating.manifest import Shipped
from workbench.errors import InputError, OutputError
from workbench.files import sha256_file
from workbench.progress import Progress

Media = Literal["copy", "hardlink", "reference"]
MEDIA: tuple[Media, ...] = ("copy", "hardlink", "reference")
THREADS = 4
_SHOWN = 3
_WINDOW = 64
_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP}


def require_media(shipped: Sequence[Shipped]) -> int:
    """Bytes of all pictures together.

    Raises:
        InputError: some are no longer where they were when they were loaded, or their size is not known.
    """
    total, missing = 0, []
    for item in shipped:
        try:
            total += os.stat(item.placed.record.medium).st_size  # noqa: PTH116 - faster, and there are many
        except OSError:
            missing.append(str(item.placed.record.medium))
    if missing:
        found = f"{len(missing):,} missing: {', '.join(missing[:_SHOWN])}" + (" ..." if len(missing) > _SHOWN else "")
        fix = "Bring the files back, or leave these samples out with --where."
        raise InputError("the pictures of all samples", found=found, where="export", fix=fix)
    unknown = [item.placed.record.origin for item in shipped if not item.placed.record.width]
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


def put(folder: Path, targets: Mapping[str, Shipped], media: Media, progress: Progress) -> dict[str, str]:
    """Copy or link every picture to its path inside ``folder``; returns SHA-256 by path.

    Raises:
        InputError: a picture has changed since it was loaded, so its labels may not fit any more.
        OSError: the place refuses.
    """
    for parent in sorted({(folder / path).parent for path in targets}):
        parent.mkdir(parents=True, exist_ok=True)

    def one(entry: tuple[str, Shipped]) -> tuple[str, str]:
        path, item = entry
        target = folder / path
        _transfer(item.placed.record.medium, target, media)
        return path, _hash(target, item)

    return _each(targets, one, progress)


def hashed(targets: Mapping[str, Shipped], progress: Progress) -> dict[str, str]:
    """SHA-256 of every picture by path, for formats that take the pictures into their files.

    Raises:
        InputError: a picture has changed since it was loaded.
    """
    return _each(targets, lambda entry: (entry[0], _hash(entry[1].placed.record.medium, entry[1])), progress)


def _hash(path: Path, item: Shipped) -> str:
    digest = sha256_file(path)
    if item.content_sha256 is not None and digest != item.content_sha256:
        found = "another content"
        fix = "Load the changed data into a new dataset, or bring the file back."
        raise InputError("the picture as it was loaded", found=found, where=item.placed.record.origin, fix=fix)
    return digest


def _each(
    targets: Mapping[str, Shipped], one: Callable[[tuple[str, Shipped]], tuple[str, str]], progress: Progress
) -> dict[str, str]:
    hashes: dict[str, str] = {}
    waiting = iter(targets.items())
    with ThreadPoolExecutor(THREADS, thread_name_prefix="media") as pool:
        while window := list(islice(waiting, _WINDOW)):  # so that stopping does not wait for all
            hashes.update(progress.track(pool.map(one, window)))
    return hashes


def _transfer(origin: Path, target: Path, media: Media) -> None:
    if media == "reference":
        target.symlink_to(origin.resolve())
        return
    if media == "hardlink":
        try:
            os.link(os.path.realpath(origin) if origin.is_symlink() else origin, target)
            return
        except OSError as cause:
            if cause.errno not in _NO_LINKS:
                raise
    shutil.copyfile(origin, target)
