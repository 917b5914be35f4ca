"""What every reader promises of any file, spoiled or not; and records through write and read."""

from __future__ import annotations

import contextlib
import hashlib
import io
import tempfile
from dataclasses import replace
from pathlib import Path

from PIL import Image

from tests.strategies import HEIGHT, WIDTH
from workbench.actions.export.readback import path_of
from workbench.adapters.formats.registry import FORMATS, WRITERS, choose
from workbench.adapters.formats.toolkit.contract import NamedRecord
from workbench.adapters.formats.toolkit.problems import KINDS, Problems
from workbench.adapters.formats.toolkit.scratch import Scratch
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import WorkbenchError
from workbench.core.schema.labels import Record

_BUFFER = io.BytesIO()
Image.new("L", (WIDTH, HEIGHT)).save(_BUFFER, "PNG")
PICTURE = _BUFFER.getvalue()
SHA = hashlib.sha256(PICTURE).hexdigest()


def read_all(name: str, folder: Path) -> None:
    source = Source(folder)
    with contextlib.suppress(WorkbenchError):  # one of the two outcomes that are allowed
        choose(source)
    try:
        records = list(FORMATS[name].read(source))
    except WorkbenchError as error:
        assert error.problem.endswith(".")
        assert error.at or error.fix
        return
    for record in records:
        for label in record.labels:
            left, top, right, bottom = label.xyxy
            assert 0 <= left < right <= record.width
            assert 0 <= top < bottom <= record.height
    assert {problem.kind for problem in source.problems} <= set(KINDS)


def through(name: str, given_records: list[Record]) -> tuple[dict[str, Record], Problems, dict[str, bytes]]:
    """Records by picture name after writing and reading, and the bytes of all annotation files."""
    writer, problems = WRITERS[name], Problems()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "original.png").write_bytes(PICTURE)
        given_records = [replace(r, image_path=folder / "original.png", content_sha256=SHA) for r in given_records]
        folder = folder / "out"
        items = [NamedRecord(record, f"{at:06d}.png") for at, record in enumerate(given_records)]
        folder.mkdir()
        for item in items:
            if not writer.embeds:
                path = folder / writer.picture_path(str(item.record.split), item.name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(PICTURE)
        writer.write(folder, items)
        written = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        source = Source(folder, problems, scratch=Scratch(Path(text) / "unpacked"))
        read = {path_of(record, folder.resolve(), writer): record for record in FORMATS[name].read(source)}
        places = {writer.picture_path(str(item.record.split), item.name): at for at, item in enumerate(items)}
        found = {f"{places[path]}.png": record for path, record in read.items()}
    return found, problems, written
