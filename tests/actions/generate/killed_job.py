"""A job in a process of its own, to be killed: ``python killed_job.py SCENARIO FOLDER DATABASE N``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from workbench.actions.generate import generate
from workbench.base.progress import Work, silent
from workbench.core.schema.labels import Record


class FileSink:
    """A dataset in a file of one line per sample; a line is written whole, or it is not read."""

    name = "file"

    def __init__(self, path: Path) -> None:
        self.path = path

    def keys(self) -> list[str]:
        """Keys in the order in which they were added."""
        if not self.path.exists():
            return []
        lines = self.path.read_bytes().split(b"\n")[:-1]  # what follows the last newline was cut off
        return [json.loads(line) for line in lines if line]

    def known(self, keys: Sequence[str]) -> dict[str, str]:
        there = set(self.keys())
        return {key: key[:12] for key in keys if key in there}

    def add(self, records: Sequence[Record]) -> list[str]:
        new = set(self.keys())
        with self.path.open("ab") as stream:
            if stream.tell() and not self.path.read_bytes().endswith(b"\n"):
                stream.truncate(self.path.read_bytes().rfind(b"\n") + 1)
            for record in records:
                if record.source_key not in new:
                    stream.write(json.dumps(record.source_key).encode() + b"\n")
                    stream.flush()
                    os.fsync(stream.fileno())
        return [str(record.source_key)[:12] for record in records]


def main() -> None:
    """Run the job to its end."""
    scenario, folder, database, n = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    workers = int(sys.argv[5])
    generate(
        scenario, into=FileSink(database), n=n, backend="flat", workers=workers, folder=folder, work=Work(silent)
    ).result()


if __name__ == "__main__":
    main()
