"""What is on its way: never seen half, never left over, with the permissions that the user wants."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.base import files, parts
from workbench.base.errors import OutputError
from workbench.base.processes import WorkerProcesses

BUSY = """
import sys, time
from pathlib import Path
from workbench.base.files import whole_folder
from workbench.base.parts import part_file, scratch_folder
target = Path(sys.argv[1])
with whole_folder(target) as folder, part_file(target.parent), scratch_folder() as scratch:
    (folder / "deep").mkdir()
    (folder / "deep" / "half.bin").write_bytes(bytes(1000))
    (scratch / "half.bin").write_bytes(bytes(1000))
    print("busy", flush=True)
    time.sleep(60)
"""


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob(".*"))


def test_what_the_dead_leave_is_swept_and_what_the_living_hold_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary, out = tmp_path / "tmp", tmp_path / "out"
    temporary.mkdir()
    out.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    foreign = [".theirs.part", f"seen{parts.SUFFIX}", ".workbench"]
    for name in foreign:
        (out / name).mkdir()
    running = [
        subprocess.Popen(
            [sys.executable, "-c", BUSY, str(out / name)],
            env={**os.environ, "TMPDIR": str(temporary)},
            stdout=subprocess.PIPE,
        )
        for name in ("first", "second")
    ]
    for process in running:
        assert process.stdout and process.stdout.readline() == b"busy\n"
    running[0].send_signal(signal.SIGKILL)
    running[0].wait()
    try:
        assert len(hidden(temporary)) == 2 and len(hidden(out)) == 4 + 2
        with files.whole_folder(out / "third"):
            assert len(hidden(out)) == 2 + 1 + 2  # of the second, of the third, and what is not ours
        with WorkerProcesses(1) as pool:
            pool.submit(divmod, 7, 2).result()
        assert len(hidden(temporary)) == 1
    finally:
        running[1].kill()
        running[1].wait()
    parts.sweep(out)
    parts.sweep_temporary()
    assert hidden(temporary) == []
    assert sorted(path.name for path in out.iterdir()) == sorted([*foreign, "third"])


def test_a_link_in_the_place_of_a_part_is_not_followed(tmp_path: Path) -> None:
    (kept := tmp_path / "kept").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f".0{parts.SUFFIX}").symlink_to(kept)
    parts.sweep(tmp_path / "out")
    assert kept.is_dir()


@pytest.mark.parametrize(
    ("umask", "file", "folder"), [(0o022, 0o644, 0o755), (0o077, 0o600, 0o700), (0o002, 0o664, 0o775)]
)
def test_files_and_folders_get_the_permissions_of_the_umask(tmp_path: Path, umask: int, file: int, folder: int) -> None:
    before = os.umask(umask)
    try:
        files.write_bytes(tmp_path / "a.txt", b"a")
        files.write_bytes(tmp_path / "a.txt", b"b")
        with files.whole_folder(tmp_path / "whole") as part:
            files.write_bytes(part / "b.txt", b"b")
    finally:
        os.umask(before)
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("a.txt", "whole/b.txt", "whole")]
    assert modes == [file, file, folder]


def test_nothing_is_said_to_be_done_before_it_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of what the system is asked for: content, name, and the folder that holds the name."""
    asked: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def seen_fsync(descriptor: int) -> None:
        asked.append(f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink().suffix or 'folder'}")
        fsync(descriptor)

    def seen_replace(self: Path, target: Path) -> Path:
        asked.append("rename")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(Path, "replace", seen_replace)
    monkeypatch.setattr(files, "sync", lambda folder: asked.append(f"sync {folder.suffix}"))
    files.write_bytes(tmp_path / "a.txt", b"a")
    assert asked == [f"fsync {parts.SUFFIX}", "rename", "fsync folder"]
    asked.clear()
    with files.whole_folder(tmp_path / "whole") as part:
        files.write_bytes(part / "a", b"a")
        files.write_bytes(part / "b", b"b")
    assert asked == ["rename", "rename", f"sync {parts.SUFFIX}", "rename", "fsync folder"]


def test_a_disk_that_fails_to_write_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    files.sync(tmp_path)
    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OutputError, match="Input/output error"):
        files.write_bytes(tmp_path / "a.txt", b"a")
    assert list(tmp_path.iterdir()) == []
