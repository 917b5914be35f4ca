"""The files of one folder. No path, link or entry in an annotation file leads out of it."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path, PureWindowsPath

from workbench.adapters.formats.toolkit.problems import Problems
from workbench.base.files import inside

# what Pillow calls the content, by suffix: the one list of what is an image, for all readers and writers
PICTURE_TYPES = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".mpo": "JPEG",
    ".png": "PNG", ".apng": "PNG", ".bmp": "BMP", ".dib": "DIB", ".webp": "WEBP", ".gif": "GIF",
    ".tif": "TIFF", ".tiff": "TIFF", ".tga": "TGA", ".ppm": "PPM", ".pgm": "PPM", ".pbm": "PPM", ".pnm": "PPM",
    ".jp2": "JPEG2000", ".j2k": "JPEG2000", ".jpx": "JPEG2000", ".jpf": "JPEG2000", ".avif": "AVIF",
    ".heic": "HEIF", ".heif": "HEIF", ".jxl": "JXL",  # by plug-ins of Pillow
}  # fmt: skip
_VAGUE = frozenset({"images", "image", "imgs", "img", "data", "jpegimages"})  # folder names without meaning
_UNUSUAL = re.compile(r"[\\:]|\.\.|^/")  # other separators, drives, ways up, absolute paths
_JUNK_NAMES = frozenset({"thumbs.db", "desktop.ini", "__macosx"})


def is_junk(name: str) -> bool:
    """Whether a file or folder is hidden or made by the operating system.

    >>> is_junk(".DS_Store"), is_junk("Thumbs.db"), is_junk("a.jpg")
    (True, True, False)
    """
    return name.startswith(".") or name.lower() in _JUNK_NAMES


def is_picture(path: str) -> bool:
    """Whether a path has the suffix of an image.

    >>> is_picture("a/b.JPG"), is_picture("a/b.txt")
    (True, False)
    """
    return os.path.splitext(path)[1].lower() in PICTURE_TYPES  # noqa: PTH122 - 5x faster than a Path, and there are many


def fold(name: str) -> str:
    r"""A name for comparison: without case, without spaces around it, in one Unicode form (NFC).

    >>> fold("A.JPG"), fold("Pru\u0308f.png ") == fold("Pr\u00fcf.PNG")
    ('a.jpg', True)
    """
    lowered = name.strip().lower()  # as file systems that ignore case do
    return lowered if lowered.isascii() else unicodedata.normalize("NFC", lowered)


def plain_parts(text: str) -> tuple[tuple[str, ...], bool]:
    r"""The parts of a path as written on any system, and whether it leads out of its folder.

    >>> plain_parts("images/a.jpg"), plain_parts("../valid/images"), plain_parts("C:\\x\\a.jpg")
    ((('images', 'a.jpg'), False), (('valid', 'images'), True), (('x', 'a.jpg'), True))
    """
    if not _UNUSUAL.search(text):  # ten times faster, and there are many
        return tuple(part for part in text.split("/") if part not in ("", ".")), False
    windows = PureWindowsPath(text)
    absolute = bool(windows.drive or windows.root)
    kept: list[str] = []
    leaves = absolute
    for part in windows.parts[1:] if windows.anchor else windows.parts:
        if part != "..":
            kept.append(part)
        elif kept:
            kept.pop()
        else:
            leaves = True
    return tuple(kept), leaves


class Tree:
    """All regular files below a folder, listed once, in a stable order.

    Args:
        root: the folder.
        follow_links: links to files that lie elsewhere count as files.

    Attributes:
        root: the folder, links resolved.
        files: paths inside the folder with ``/`` between the parts, sorted.
        junk: files that are hidden or made by the operating system.
        outside: links that lead out of the folder or nowhere; never followed.
        no_files: links to folders inside, pipes, sockets and devices; never opened.
        nameless: files and folders whose name is not valid text, which no database can hold.
        opened: files whose path a reader asked for, or that it marked.
    """

    def __init__(self, root: Path, *, follow_links: bool = False) -> None:
        self.root = root.resolve()
        # a snapshot of the Hugging Face Hub is made of links to the files that all its snapshots share
        self._shared = self.root.parents[1] / "blobs" if self.root.parent.name == "snapshots" else None
        self.junk: list[str] = []
        self.outside: list[str] = []
        self.no_files: list[str] = []
        self.nameless: list[str] = []
        self.opened: set[str] = set()
        self.files = sorted(self._scan(follow_links=follow_links))
        for paths in (self.junk, self.outside, self.no_files, self.nameless):
            paths.sort()

    def _scan(self, *, follow_links: bool) -> Iterable[str]:
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            with os.scandir(self.root / folder) as entries:
                for entry in entries:
                    path = f"{folder}{entry.name}"
                    if not entry.name.isascii() and not _is_text(entry.name):
                        self.nameless.append(path)
                    elif is_junk(entry.name):
                        self.junk.append(path)
                    elif entry.is_symlink() and not follow_links and self._leads_away(Path(entry.path)):
                        self.outside.append(path)
                    elif entry.is_dir(follow_symlinks=False):
                        waiting.append(f"{path}/")
                    elif entry.is_file():
                        yield path
                    else:
                        self.no_files.append(path)

    def _leads_away(self, link: Path) -> bool:
        try:
            allowed = inside(self.root, link) or (self._shared is not None and inside(self._shared, link))
            return not (allowed and link.exists())
        except (OSError, RuntimeError):  # a link to itself; which of the two depends on Python's version
            return True

    def peek(self, file: str) -> Path:
        """The absolute path of a file, to see what it is; it does not count as opened."""
        return self.root / file

    def path(self, file: str) -> Path:
        """The absolute path of a file of this tree, which then counts as opened."""
        self.opened.add(file)
        return self.root / file

    def mark_opened(self, files: Iterable[str]) -> None:
        """Count files as opened without a look: read before, when the format was found, or with nothing more to say."""
        self.opened.update(files)

    def named(self, *names: str) -> list[str]:
        """The files of some names, in whatever folder and case."""
        wanted = {fold(name) for name in names}
        return [file for name in sorted(wanted) for file in self._by_name.get(name, ())]

    @cached_property
    def known(self) -> frozenset[str]:
        """All files, for quick look-ups."""
        return frozenset(self.files)

    @cached_property
    def pictures(self) -> list[str]:
        """All files with the suffix of an image."""
        return [file for file in self.files if is_picture(file)]

    @cached_property
    def picture_set(self) -> frozenset[str]:
        """All files with the suffix of an image, for quick look-ups."""
        return frozenset(self.pictures)

    @cached_property
    def folders(self) -> frozenset[str]:
        """All folders that hold files, at any depth, without a ``/`` at the end."""
        folders: set[str] = {""}
        for file in self.files:
            folder = file
            while folder and (folder := folder.rpartition("/")[0]) not in folders:
                folders.add(folder)
        return frozenset(folders)

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        files: defaultdict[str, list[str]] = defaultdict(list)
        for file in self.files:
            files[fold(file.rpartition("/")[2])].append(file)
        return dict(files)

    @cached_property
    def _by_folded_path(self) -> dict[str, list[str]]:
        files: defaultdict[str, list[str]] = defaultdict(list)
        for file in self.files:
            files["/".join(map(fold, file.split("/")))].append(file)
        return dict(files)

    def existing(self, path: str) -> str | None:
        """The file at a path, as written or else the only one that differs in case, spaces or Unicode form alone."""
        if path in self.known:
            return path
        files = self._by_folded_path.get("/".join(map(fold, path.split("/"))), [])
        return files[0] if len(files) == 1 else None

    def below(self, folder: str) -> list[str]:
        """All images in a folder, at any depth."""
        return [file for file in self.pictures if file.startswith(f"{folder}/")] if folder else self.pictures

    def _ending_with(self, parts: tuple[str, ...], *, leaves: bool) -> list[str]:
        """The files whose path ends with as many of these parts as can be found.

        A file of that name in another folder is only meant when the folder as written says little
        (``images``) or lies outside: images of two cameras often have equal names.
        """
        wanted = [fold(part) for part in reversed(parts)]
        depths = {file: _equal_parts(file, wanted) for file in self._by_name.get(wanted[0], ())}
        best = max(depths.values(), default=0)
        vague = leaves or len(parts) == 1 or wanted[1] in _VAGUE
        return [file for file, depth in depths.items() if depth == best and (depth > 1 or vague)]

    def find(self, text: str, *, near: Iterable[str] = ()) -> list[str]:
        """The files that a name in an annotation file can mean, best guess first.

        Args:
            text: the name as written; with or without folders, of any system.
            near: folders to look in first.
        """
        parts, leaves = plain_parts(text)
        if not parts:
            return []
        name = "/".join(parts)
        for folder in near:
            exact = f"{folder}/{name}" if folder else name
            if exact in self.known:
                return [exact]
        return self._ending_with(parts, leaves=leaves)

    def name_junk(self, problems: Problems) -> None:
        """Report the files that were not considered, and the links that lead out."""
        for path in self.junk:
            problems.count("ignored_junk", path)
        problems.close("ignored_junk", "{n} files hidden or made by the operating system ({first}); ignored.")
        for path in self.outside:
            problems.count("path_outside_folder", path)
        message = (
            "{n} links that lead out of the folder or nowhere ({first}); not followed. "
            "Load the folder of their targets, or a copy without links (cp -rL)."
        )
        problems.close("path_outside_folder", message)
        for path in self.no_files:
            message = "This is a link to a folder of the same data, a pipe, a socket or a device; not opened."
            problems.add("not_a_file", path, message)
        for path in self.nameless:
            shown = path.encode(errors="backslashreplace").decode()
            message = "The file name is not UTF-8; left out. Rename the file."
            problems.add("unusable_name", shown, message, loses_record=is_picture(path))


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:  # bytes that Python keeps as lone surrogates
        return False
    return True


def _equal_parts(file: str, wanted: list[str]) -> int:
    have = [fold(part) for part in reversed(file.split("/"))]
    pairs = zip(have, wanted, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(have), len(wanted)))


def folder_of(file: str) -> str:
    """The folder part of a path inside a tree.

    >>> folder_of("a/b/c.jpg"), folder_of("c.jpg")
    ('a/b', '')
    """
    return file.rpartition("/")[0]


def stem_of(file: str) -> str:
    """The file name without its suffix.

    >>> stem_of("a/b.c.jpg")
    'b.c'
    """
    name = file.rpartition("/")[2]  # 10x faster than a Path, and there are many
    dot = name.rfind(".")
    return name[:dot] if 0 < dot < len(name) - 1 else name
