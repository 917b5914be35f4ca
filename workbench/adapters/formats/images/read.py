"""A folder of images, alone or with tables about them.

Class folders (``cats/1.jpg dogs/2.jpg``, or the same below ``train``, ``val``, ``test``) give the class
of the whole image. A CSV, JSON lines or Parquet file with a column of file names gives attributes, boxes and classes
(``metadata``). Masks, depth maps and point clouds are found beside their images by name (``sidecars``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from workbench.adapters.formats.images.metadata import Table, table_of, tables_in
from workbench.adapters.formats.images.sidecars import (
    Sidecars,
    cloud_of,
    depth_of,
    labels_of,
    sidecars_of,
    without_defect,
)
from workbench.adapters.formats.images.tum import Moment, Sequences, sequences_in
from workbench.adapters.formats.toolkit import class_folders
from workbench.adapters.formats.toolkit.boxes import Frame
from workbench.adapters.formats.toolkit.contract import Found
from workbench.adapters.formats.toolkit.names import split_of_path, split_word
from workbench.adapters.formats.toolkit.pictures import Draft, Header, Records, read_header
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.table_rows import ROW_CLOSING, Plan, RowReader, kept_class, plan_of
from workbench.adapters.formats.toolkit.tree import Tree, is_picture
from workbench.base.plurals import counted
from workbench.core.schema.fields import DEPTH
from workbench.core.schema.labels import Labels, Record

name = "folder"
looks_for = "images (.jpg .png .bmp .webp .tif .gif), maybe with a table (CSV, JSON lines or Parquet)"
single_files = True

_USED = frozenset({"split", "scene_id"})
_PLANNED_ROWS = 64
_TABLES = (".csv", ".parquet", ".jsonl")


@dataclass(frozen=True, slots=True)
class _Row:
    """What a table says of an image.

    Attributes:
        where: table and row; empty when no table names the image.
        values: by column.
        reader: finds labels and facts in them.
    """

    where: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    reader: RowReader = field(default_factory=lambda: RowReader(Plan(), Problems()))


@dataclass(frozen=True, slots=True)
class _Entry(Draft):
    split: str | None
    class_name: str | None
    row: _Row
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
    tree.mark_opened([*(table.file for table in layout.tables), *layout.sequences.files])
    _name_strays(layout.sidecars, layout.pictures, problems)
    return _pictures(source, layout, _rows(tree, layout.tables, layout.pictures, problems))


def _pictures(source: Source, layout: _Layout, rows: Mapping[str, _Row]) -> Iterator[Record]:
    classes, moments = class_folders.class_names(layout.pictures), layout.sequences.moments
    entries = [_entry(source.tree, p, classes[p], rows.get(p, _Row()), moments.get(p)) for p in layout.pictures]
    return Records(entries, partial(_record, source, layout.sidecars), source, closing=ROW_CLOSING)


def _entry(tree: Tree, picture: str, class_name: str | None, row: _Row, moment: Moment | None) -> _Entry:
    given = str(row.values.get("split") or "")
    split = split_word(given) or given or split_of_path(picture.split("/")[:-1])
    return _Entry(tree.path(picture), picture, split, class_name, row, moment)


def _name_strays(sidecars: Sidecars, pictures: Sequence[str], problems: Problems) -> None:
    for file in sidecars.strays:
        message = "No image belongs to this mask or depth map; sample left out."
        problems.add("missing_image", file, message, loses_record=True)
    kinds = {"mask": sidecars.masks, "depth map": sidecars.depths, "point cloud": sidecars.clouds}
    for kind, files in kinds.items():
        complete = without_defect(pictures, files) if kind == "mask" else frozenset()
        for picture in pictures if files else ():
            if picture not in files and picture not in complete:
                problems.count("missing_map", picture)
        problems.close("missing_map", f"No {kind} for {{n}} images ({{first}}); loaded without it.")


def _record(source: Source, sidecars: Sidecars, entry: _Entry, header: Header) -> Record:
    tree, problems = source.tree, source.problems
    row, moment = entry.row, entry.moment
    scene_id, frame = row.values.get("scene_id"), Frame(header.width, header.height, problems)
    labels = [
        *row.reader.labels(row.values, frame, row.where),
        *labels_of(tree, sidecars, entry.origin, header, problems),
    ]
    attributes = {**(moment.attributes if moment else {}), **row.reader.facts(row.values, _USED)}
    classes = row.reader.classes(row.values, row.where)
    if entry.class_name is not None:
        classes = [entry.class_name, *(name for name in classes if name != entry.class_name)]
    depth = depth_of(source, sidecars, entry.origin, header)
    return Record(
        image_path=entry.image_path,
        origin=entry.origin,
        width=header.width,
        height=header.height,
        labels=Labels.of(labels),
        classification=kept_class(classes, attributes, row.where or entry.origin, problems),
        split=entry.split,
        scene_id=str(scene_id) if scene_id not in (None, "") else moment.scene_id if moment else None,
        attributes=attributes,
        camera=moment.camera(header) if moment else None,
        maps={} if depth is None else {DEPTH: depth},
        cloud=cloud_of(tree, sidecars, entry.origin, problems),
    )


def _rows(tree: Tree, tables: Sequence[Table], pictures: Sequence[str], problems: Problems) -> dict[str, _Row]:
    """Row by image, of all tables together."""
    values: dict[str, dict[str, Any]] = {}
    places: dict[str, str] = {}
    for table in tables:
        _name_unread(table, problems)
        for at, row in table.rows:
            where = f"{table.file}, row {at}"
            file_name = row.get(table.column)
            files = table.find(tree, str(file_name))
            rest = {key: value for key, value in row.items() if key not in (table.column, *table.unread)}
            if len(files) != 1:
                _name_unmatched(files, file_name, where, problems)
            elif any(files[0] in values and values[files[0]].get(key, value) != value for key, value in rest.items()):
                message = f"Another row says something else about '{files[0]}'; the values of the first row are kept."
                problems.add("duplicate_id", where, message)
            else:
                values[files[0]] = {**rest, **values.get(files[0], {})}
                places.setdefault(files[0], where)
    for picture in pictures if values else ():
        if picture not in values:
            problems.count("missing_annotation_file", picture)
    message = "No row in the table for {n} images ({first}); loaded without attributes."
    problems.close("missing_annotation_file", message)
    flags = tuple(dict.fromkeys(flag for table in tables for flag in table.flags))
    readers = _readers(tree, values, places, flags, problems)
    return {file: _Row(places[file], row, readers[tuple(row)]) for file, row in values.items()}


def _name_unread(table: Table, problems: Problems) -> None:
    if table.unread:
        message = f"Columns of images or bytes that are not read ({', '.join(table.unread)[:200]}); left out."
        problems.add("unsupported_annotation", table.file, message)
    for at, text in table.broken:
        message = f"The row '{text[:80]}' has fewer or more cells than the header; row left out."
        problems.add("broken_annotation", f"{table.file}, row {at}", message)


def _readers(
    tree: Tree,
    values: Mapping[str, Mapping[str, Any]],
    places: Mapping[str, str],
    flags: tuple[str, ...],
    problems: Problems,
) -> dict[tuple[str, ...], RowReader]:
    """How rows are read, by their columns: planned with some rows of each, those with the longest values first."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for file, row in values.items():
        groups.setdefault(tuple(row), []).append(file)
    readers = {}
    for columns, files in groups.items():
        tried = sorted(files, key=lambda file: -len(str(values[file])))[:_PLANNED_ROWS]
        sizes = partial(_sizes, tree, tried)
        table = places[files[0]].partition(",")[0]
        rows = [{key: value for key, value in values[file].items() if key not in flags} for file in tried]
        plan = plan_of(rows, {}, sizes, table, problems)
        readers[columns] = RowReader(replace(plan, flags=tuple(flag for flag in flags if flag in columns)), problems)
    return readers


def _sizes(tree: Tree, pictures: Sequence[str]) -> list[tuple[int, int] | None]:
    headers = (read_header(tree.peek(picture)) for picture in pictures)
    return [(header.width, header.height) if isinstance(header, Header) else None for header in headers]


def _name_unmatched(files: Sequence[str], file_name: Any, where: str, problems: Problems) -> None:
    if files:
        message = f"Several images match '{file_name!s:.200}' ({', '.join(files[:3])}); row left out."
        problems.add("ambiguous_image", where, message)
    else:
        message = f"There is no image '{file_name!s:.200}'; sample left out."
        problems.add("missing_image", where, message, loses_record=True)
