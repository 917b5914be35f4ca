"""A folder of images, alone or with a table of facts about them.

Class folders (``cats/1.jpg dogs/2.jpg``, or the same below ``train``, ``val``, ``test``) give the class
of the whole image. A CSV or Parquet file with a column of file names gives attributes. Masks, depth maps and point
clouds are found beside their images by name (``sidecars``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from workbench.adapters.formats.images.metadata import Table, table_of, tables_in
from workbench.adapters.formats.images.sidecars import Sidecars, cloud_of, depth_of, labels_of, sidecars_of
from workbench.adapters.formats.images.tum import Moment, Sequences, sequences_in
from workbench.adapters.formats.toolkit import class_folders
from workbench.adapters.formats.toolkit.contract import Found
from workbench.adapters.formats.toolkit.names import attributes_of, split_of_path, split_word
from workbench.adapters.formats.toolkit.pictures import Draft, Header, Records
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.tree import Tree, is_picture
from workbench.base.plurals import counted
from workbench.core.schema.fields import DEPTH
from workbench.core.schema.labels import Record

name = "folder"
looks_for = "images (.jpg .png .bmp .webp .tif .gif), maybe with a CSV or Parquet table"
single_files = True

_USED = frozenset({"split", "scene_id"})
_TABLES = (".csv", ".parquet")


@dataclass(frozen=True, slots=True)
class _Entry(Draft):
    split: str | None
    class_name: str | None
    row: Mapping[str, Any]
    moment: Moment | None


@dataclass(frozen=True, slots=True)
class _Layout:
    """What lies in a folder.

    Attributes:
        tables: of facts about images.
        sequences: of TUM's kind.
        sidecars: files that belong to images.
        pictures: those that are no part of another.
        problems: of the sequences.
    """

    tables: Sequence[Table]
    sequences: Sequences
    sidecars: Sidecars
    pictures: Sequence[str]
    problems: Problems = field(default_factory=Problems)


def _layout(tree: Tree, tables: Sequence[Table]) -> _Layout:
    problems = Problems()
    sequences = sequences_in(tree, problems)
    sidecars = sidecars_of(tree, sequences)
    parts = sidecars.parts
    pictures = [picture for picture in tree.pictures if picture not in parts]
    return _Layout(tables, sequences, sidecars, pictures, problems)


def detect(source: Source) -> Found | None:
    """Any image will do; every other format comes first."""
    if source.file is not None:
        kind = "an image" if is_picture(source.file) else "a table" if source.file.lower().endswith(_TABLES) else None
        return Found(0.5, f"{source.file} is {kind}", partial(read, source)) if kind else None
    tree = source.tree
    if not tree.pictures:
        return None
    layout = _layout(tree, tables_in(tree))
    return Found(0.2, _summary(layout), partial(_records, source, layout))


def _summary(layout: _Layout) -> str:
    sidecars, moments = layout.sidecars, layout.sequences.moments
    why = counted(len(layout.pictures), "image")
    for kind, files in (("masks", sidecars.masks), ("depth maps", sidecars.depths), ("clouds", sidecars.clouds)):
        why += f", {len(files):,} with {kind}" if files else ""
    if moments:
        why += f", {len(moments):,} in RGB-D sequences"
    if layout.tables:
        why += f", facts in {layout.tables[0].file}"
    return ", ".join(filter(None, (why, class_folders.summary(class_folders.class_names(layout.pictures)))))


def read(source: Source) -> Iterator[Record]:
    """Read every image; see ``contract.Format.read``."""
    tree = source.tree
    if source.file is None:
        return _records(source, _layout(tree, tables_in(tree)))
    if is_picture(source.file):
        alone = _Layout([], Sequences(), Sidecars({}, {}, {}, frozenset(), ()), [source.file])
        return _pictures(source, alone, {})
    return _records(source, _layout(tree, [table_of(tree, source.file)]))


def _records(source: Source, layout: _Layout) -> Iterator[Record]:
    tree, problems = source.tree, source.problems
    tree.name_junk(problems)
    problems.extend(layout.problems)
    tree.opened.update([*(table.file for table in layout.tables), *layout.sequences.files])
    _name_strays(layout.sidecars, layout.pictures, problems)
    return _pictures(source, layout, _rows(tree, layout.tables, layout.pictures, problems))


def _pictures(source: Source, layout: _Layout, rows: Mapping[str, Mapping[str, Any]]) -> Iterator[Record]:
    classes, moments = class_folders.class_names(layout.pictures), layout.sequences.moments
    entries = [_entry(source.tree, p, classes[p], rows.get(p, {}), moments.get(p)) for p in layout.pictures]
    return Records(entries, partial(_record, source, layout.sidecars), source)


def _entry(tree: Tree, picture: str, class_name: str | None, row: Mapping[str, Any], moment: Moment | None) -> _Entry:
    given = str(row.get("split") or "")
    split = split_word(given) or given or split_of_path(picture.split("/")[:-1])
    return _Entry(tree.path(picture), picture, split, class_name, row, moment)


def _name_strays(sidecars: Sidecars, pictures: Sequence[str], problems: Problems) -> None:
    for file in sidecars.strays:
        message = "No image belongs to this mask or depth map; sample left out."
        problems.add("missing_image", file, message, loses_record=True)
    kinds = {"mask": sidecars.masks, "depth map": sidecars.depths, "point cloud": sidecars.clouds}
    for kind, files in kinds.items():
        for picture in pictures if files else ():
            if picture not in files:
                problems.count("missing_map", picture)
        problems.close("missing_map", f"No {kind} for {{n}} images ({{first}}); loaded without it.")


def _record(source: Source, sidecars: Sidecars, entry: _Entry, header: Header) -> Record:
    tree, problems = source.tree, source.problems
    scene_id, moment = entry.row.get("scene_id"), entry.moment
    depth = depth_of(source, sidecars, entry.origin, header)
    return Record(
        image_path=entry.image_path,
        origin=entry.origin,
        width=header.width,
        height=header.height,
        labels=labels_of(tree, sidecars, entry.origin, header, problems),
        classification=entry.class_name,
        split=entry.split,
        scene_id=str(scene_id) if scene_id not in (None, "") else moment.scene_id if moment else None,
        attributes={**(moment.attributes if moment else {}), **attributes_of(entry.row, known=_USED)},
        camera=moment.camera(header) if moment else None,
        maps={} if depth is None else {DEPTH: depth},
        cloud=cloud_of(tree, sidecars, entry.origin, problems),
    )


def _rows(
    tree: Tree, tables: Sequence[Table], pictures: Sequence[str], problems: Problems
) -> dict[str, Mapping[str, Any]]:
    """Row by image, of all tables together."""
    rows: dict[str, Mapping[str, Any]] = {}
    for table in tables:
        for at, row in table.rows:
            where = f"{table.file}, row {at}"
            file_name = row[table.column]
            files = table.find(tree, str(file_name))
            rest = {key: value for key, value in row.items() if key != table.column}
            if len(files) != 1:
                _name_unmatched(files, file_name, where, problems)
            elif files[0] in rows and any(rows[files[0]].get(key, value) != value for key, value in rest.items()):
                message = f"Another row says something else about '{files[0]}'; the values of the first row are kept."
                problems.add("duplicate_id", where, message)
            else:
                rows[files[0]] = {**rest, **rows.get(files[0], {})}
        for at, text in table.broken:
            message = f"The row '{text[:80]}' has fewer or more cells than the header; row left out."
            problems.add("broken_annotation", f"{table.file}, row {at}", message)
    for picture in pictures if rows else ():
        if picture not in rows:
            problems.count("missing_annotation_file", picture)
    message = "No row in the table for {n} images ({first}); loaded without attributes."
    problems.close("missing_annotation_file", message)
    return rows


def _name_unmatched(files: Sequence[str], file_name: Any, where: str, problems: Problems) -> None:
    if files:
        message = f"Several images match '{file_name!s:.200}' ({', '.join(files[:3])}); row left out."
        problems.add("ambiguous_image", where, message)
    else:
        message = f"There is no image '{file_name!s:.200}'; sample left out."
        problems.add("missing_image", where, message, loses_record=True)
