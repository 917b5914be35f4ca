"""Archives: any format in them loads; hostile ones are refused and leave nothing behind."""

from __future__ import annotations

import contextlib
import io
import tarfile
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.adapters.formats.seeds import SEEDS, png
from workbench.adapters.formats.registry import choose
from workbench.adapters.formats.toolkit.archive import Limits, is_archive, opened
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import InputError, WorkbenchError
from workbench.base.files import home

TAR = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz"}


@pytest.fixture
def pack(tmp_path):
    def make(name, files):
        path = tmp_path / name
        if name.lower().endswith(".zip"):
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for file, data in files.items():
                    archive.writestr(file, data)
        else:
            with tarfile.open(path, TAR[name[name.index(".") :]]) as archive:
                for file, data in files.items():
                    info = data if isinstance(data, tarfile.TarInfo) else tarfile.TarInfo(file)
                    content = b"" if isinstance(data, tarfile.TarInfo) else data
                    info.size = len(content)
                    archive.addfile(info, io.BytesIO(content))
        return path

    return make


def unpacked():
    folder = home() / "unpacked" / "archives"
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


@pytest.mark.parametrize("suffix", [".zip", ".ZIP", *TAR])
def test_a_data_set_in_an_archive_loads(pack, reading, suffix):
    picture = png(np.zeros((48, 64, 3), np.uint8))
    path = pack(f"data{suffix}", {**SEEDS["kitti"], "image_2/a.png": picture, "__MACOSX/x": b""})
    assert is_archive(path)
    folder = opened(path)
    assert choose(Source(folder))[0] == "kitti"
    (record,), _ = reading("kitti", folder)
    assert record.origin == "image_2/a.png"
    assert len(record.labels) == 2
    assert opened(path) == folder
    before = record.image_path.stat().st_mtime_ns
    opened(path)
    assert record.image_path.stat().st_mtime_ns == before


def test_other_paths_are_given_back(tmp_path):
    assert opened(tmp_path) == tmp_path
    (tmp_path / "folder.zip").mkdir()
    assert opened(tmp_path / "folder.zip") == tmp_path / "folder.zip"


def link(kind, target):
    info = tarfile.TarInfo("a.png")
    info.type, info.linkname = kind, target
    return info


def zip_link():
    info = zipfile.ZipInfo("a.png")
    info.external_attr = 0o120777 << 16
    return info


@pytest.mark.parametrize(
    ("name", "files", "text"),
    [
        ("a.zip", {"../a.png": b"x"}, "leads out"),
        ("a.zip", {"/etc/a.png": b"x"}, "leads out"),
        ("a.zip", {"C:\\a.png": b"x"}, "leads out"),
        ("a.zip", {"b\\..\\..\\a.png": b"x"}, "leads out"),
        ("a.zip", {"b/../a.png": b"x"}, "leads out"),
        ("a.zip", {"b" * 1001: b"x"}, "characters"),
        ("a.tar", {"../a.png": b"x"}, "leads out"),
        ("a.tar.gz", {"/etc/a.png": b"x"}, "leads out"),
        ("a.tar", {"a": link(tarfile.SYMTYPE, "/etc/passwd")}, "link or a device"),
        ("a.tar", {"a": link(tarfile.LNKTYPE, "../../etc/passwd")}, "link or a device"),
        ("a.tar", {"a": link(tarfile.CHRTYPE, "")}, "link or a device"),
        ("a.tar", {"a": link(tarfile.FIFOTYPE, "")}, "link or a device"),
        ("a.tar", {"a": b"x", "./a": b"y"}, "twice"),
        ("a.tar", {"a": b"x", "a/b": b"y"}, "twice"),
    ],
)
def test_hostile_entries_are_refused_and_nothing_stays(pack, tmp_path, name, files, text):
    before = unpacked()
    with pytest.raises(InputError, match=text):
        opened(pack(name, {"good.png": b"x", **files}))
    assert unpacked() == before
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_link_in_a_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(zip_link(), "/etc/passwd")
    with pytest.raises(InputError, match="link or a device"):
        opened(tmp_path / "a.zip")


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        (Limits(entries=2), "more than 2 files"),
        (Limits(bytes=1 << 20), "more than 1,048,576 bytes"),
        (Limits(ratio=50, ratio_from_bytes=1 << 20), "the limit is 50 times"),
    ],
)
@pytest.mark.parametrize("name", ["a.zip", "a.tar.xz"])
def test_bombs_are_refused(pack, name, limits, text):
    path = pack(name, {f"{n}.png": bytes(4 << 20) for n in range(3)})
    assert path.stat().st_size < 1 << 16
    before = unpacked()
    with pytest.raises(InputError, match=text):
        opened(path, limits=limits)
    assert unpacked() == before


def test_a_zip_that_lies_about_its_sizes_is_stopped(pack):
    path = pack("a.zip", {"a.png": bytes(4 << 20)})
    data = path.read_bytes().replace((4 << 20).to_bytes(4, "little"), (9).to_bytes(4, "little"))
    path.write_bytes(data)
    with pytest.raises(InputError, match="The archive cannot be unpacked"):
        opened(path)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.floats(0, 1), piece=st.binary(min_size=1, max_size=9), cut=st.integers(0, 40))
def test_spoiled_archives_raise_nothing_of_their_own(pack, name, at, piece, cut):
    data = pack(name, {"a/b.txt": b"1234" * 50, "c.txt": b"x"}).read_bytes()
    place = int(at * len(data))
    path = pack(name, {})
    path.write_bytes(data[:place] + piece + data[place + cut :])
    with contextlib.suppress(WorkbenchError):
        assert opened(path).is_dir()
