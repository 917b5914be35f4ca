"""WebDataset shards: tar files in which the files of a sample share a key (``KEY.jpg``, ``KEY.json``, ``KEY.cls``).

Each shard is unpacked once below the workbench's home. Labels come from the JSON that the workbench writes; of others,
``cls`` gives the class of the whole image and plain values of the JSON become facts.
Format: https://github.com/webdataset/webdataset
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from workbench.adapters.formats.coco import sample_json
from workbench.adapters.formats.toolkit import archive
from workbench.adapters.formats.toolkit.contract import Counted, Found
from workbench.adapters.formats.toolkit.json_files import read_object
from workbench.adapters.formats.toolkit.names import attributes_of, split_in, split_of_path
from workbench.adapters.formats.toolkit.pictures import Draft, Header, Records
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.text_files import head_of
from workbench.adapters.formats.toolkit.tree import Tree, folder_of, is_picture, stem_of
from workbench.base.errors import InputError
from workbench.core.schema.labels import Record

name = "webdataset"
looks_for = "tar files with KEY.jpg beside KEY.json or KEY.cls"
single_files = False

_BESIDE = (".json", ".cls")
_TRIED = 8  # files at the head of a shard
_CLASS_CHARS = 200


@dataclass(frozen=True, slots=True)
class _Entry(Draft):
    tree: Tree
    key: str
    split: str | None
    where: str


def detect(source: Source) -> Found | None:
    """Look at the first files of the first shard, or for samples of a shard that was unpacked."""
    tree = source.tree
    shards = _shards(tree)
    if shards and _has_samples(tree.path(shards[0])):
        why = f"{shards[0]} has images beside JSON or cls files of the same key"
        return Found(0.95, why, partial(_Samples, source, shards))
    keys = [picture for picture in islice(tree.pictures, _TRIED) if _key(picture) + ".json" in tree.known]
    if keys and not shards and sample_json.is_document(read_object(tree.path(_key(keys[0]) + ".json"), "", Problems())):
        return Found(0.95, f"{keys[0]} has the workbench's JSON beside it", partial(_Samples, source, shards))
    return None


def _shards(tree: Tree) -> list[str]:
    return [file for file in tree.files if file.lower().endswith(".tar")]


def _has_samples(path: Path) -> bool:
    try:
        with archive.open_tar(path) as shard:
            names = [member.name for member in islice(shard, _TRIED) if member.isreg()]
    except (tarfile.TarError, OSError, EOFError, ValueError):
        return False
    keys = {_key(name) for name in names if is_picture(name)}
    return any(f"{key}{suffix}" in names for key in keys for suffix in _BESIDE)


def _key(file: str) -> str:
    """All before the first dot of the name.

    >>> _key("a/000.seg.png")
    'a/000'
    """
    folder, _, name = file.rpartition("/")
    return f"{folder}/{name.partition('.')[0]}".lstrip("/")


def read(source: Source) -> Iterator[Record]:
    """Unpack every shard and read its samples; see ``contract.Format.read``."""
    return _Samples(source, _shards(source.tree))


class _Samples(Counted):
    """The records of all shards, one shard at a time; the number to come is known by shards alone.

    Without a shard, the tree itself is one that was unpacked.
    """

    def __init__(self, source: Source, shards: list[str]) -> None:
        source.tree.name_junk(source.problems)
        self._left = max(len(shards), 1)
        self._records = self._each(source, shards or [""])

    def _each(self, source: Source, shards: list[str]) -> Iterator[Record]:
        tree, problems = source.tree, source.problems
        for shard in shards:
            self._left -= 1
            try:
                inner = Tree(archive.opened(tree.path(shard), scratch=source.scratch)) if shard else tree
            except InputError as cause:
                message = f"{cause.problem.removesuffix('.')}; the samples of this shard are left out."
                problems.add("unreadable_image", shard, message, loses_record=True)
                continue
            entries = list(_entries(inner, shard, problems))
            yield from Records(entries, lambda entry, header: _record(entry, header, problems), source)
        problems.close(
            "missing_annotation_file", "No JSON or cls file for {n} images ({first}); loaded without labels."
        )


def _entries(tree: Tree, shard: str, problems: Problems) -> Iterator[_Entry]:
    """The first image of every key; others are counted."""
    split = split_in(stem_of(shard).partition("-")[0]) or split_of_path(shard.split("/")[:-1])
    home = split or "/".join(part for part in (folder_of(shard), stem_of(shard)) if part)
    seen: set[str] = set()
    for picture in tree.pictures:
        key = _key(picture)
        if key in seen:
            problems.count("unlisted_image", f"{shard}: {picture}")
            continue
        seen.add(key)
        yield _Entry(tree.path(picture), f"{home}/{picture}".lstrip("/"), tree, key, split, f"{shard}: {key}")
    problems.close("unlisted_image", "{n} further images of a key that already has one ({first}); not loaded.")


def _record(entry: _Entry, header: Header, problems: Problems) -> Record:
    tree, file = entry.tree, f"{entry.key}.json"
    content: Mapping[str, Any] = {}
    if file in tree.known:
        content = read_object(tree.path(file), f"{entry.where}.json", problems) or {}
    if sample_json.is_document(content):
        record = sample_json.record(content, entry, entry.split, header, entry.where, problems)
        if record.split and entry.split is None:  # a split of a name of its own
            record.origin = f"{record.split}/{entry.origin.rpartition('/')[2]}"
        return record
    class_name = _class(entry)
    if not content and class_name is None:
        problems.count("missing_annotation_file", entry.where)
    return Record(
        image_path=entry.image_path,
        origin=entry.origin,
        width=header.width,
        height=header.height,
        classification=class_name,
        split=entry.split,
        attributes=attributes_of(content, known=frozenset()),
    )


def _class(entry: _Entry) -> str | None:
    file = f"{entry.key}.cls"
    if file not in entry.tree.known:
        return None
    text = head_of(entry.tree.path(file), 4 * _CLASS_CHARS)[:_CLASS_CHARS].strip()
    return text or None
