"""Files extracted or converted from others, named by the hash of their origin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workbench.base.files import home, refused, sync, write_bytes


class Scratch:
    """The folder where such files are kept.

    Args:
        folder: below the workbench's home when not given.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = home() / "unpacked" if folder is None else folder
        self._is_settled = True

    def kept(self, name: str, make: Callable[[], bytes]) -> Path:
        """The file of a name below the folder; what ``make`` gives is written, whole, unless the file is there.

        A load waits for the disk (``settle``) before it names the file in the dataset.

        Raises:
            OutputError: the place refuses.
            Whatever ``make`` raises.
        """
        target = self.folder / name
        if target.exists():
            return target
        data = make()
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as cause:
            raise refused(target.parent, cause) from cause
        write_bytes(target, data, durable=False)
        self._is_settled = False
        return target

    def settle(self) -> None:
        """Wait until all files kept so far are on the disk.

        Raises:
            OutputError: the disk refuses.
        """
        if not self._is_settled:
            self._is_settled = True
            sync(self.folder)
