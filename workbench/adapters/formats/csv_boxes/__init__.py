"""CSV of boxes: one row per box, or a row without a box for a picture that shows nothing.

Dialects: the TensorFlow object detection CSV (``filename,width,height,class,xmin,ymin,xmax,ymax``, Roboflow's too), the
same columns under other names and in any order, Open Images, and the files without a header of keras-retinanet
(``path,x1,y1,x2,y2,class``) and SKU-110K (the same with the picture's width and height behind).

``width`` and ``height`` are the picture's where other columns give the box's far edge or its size, else the box's.
A file whose edges all lie within 0..1 holds shares of the picture: in pixels no box of it would reach a second pixel.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from workbench.adapters.formats.toolkit.boxes import Frame, Xyxy
from workbench.adapters.formats.toolkit.contract import Found
from workbench.adapters.formats.toolkit.names import most_protected, split_in, split_of_path, split_word
from workbench.adapters.formats.toolkit.pictures import Draft, Header, Records
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.text_files import content_of, text_of
from workbench.adapters.formats.toolkit.tree import Tree, folder_of, is_picture, plain_parts, stem_of
from workbench.base.errors import InputError
from workbench.base.plurals import counted
from workbench.core.schema.labels import Label, Labels, Record

name = "csv"
looks_for = "a CSV with columns of an image, a class and a box (filename, class, xmin, ymin, xmax, ymax)"
single_files = True

_SUFFIXES = (".csv", ".tsv")
_DELIMITERS = ",;\t|"
_HEAD_BYTES = 1 << 16
_SLACK = 0.01  # shares that were rounded reach a little beyond 0..1
_IMAGE = ("filename", "image", "imagepath", "path", "filepath", "file", "imagename", "imageid", "img")
_CLASS = ("class", "label", "category", "classname", "labelname", "categoryname", "name")
_SCORE = ("confidence", "score", "conf", "probability")
_CORNERS = ("xmin ymin xmax ymax", "x1 y1 x2 y2", "left top right bottom", "xtl ytl xbr ybr", "x0 y0 x1 y1",
            "bboxxmin bboxymin bboxxmax bboxymax", "bboxx1 bboxy1 bboxx2 bboxy2")  # fmt: skip
_SIZED = ("bboxx bboxy bboxwidth bboxheight", "bboxx bboxy bboxw bboxh", "x y w h", "x y width height",
          "left top width height")  # fmt: skip
_PICTURE_SIZES = ("imagewidth imageheight", "imgwidth imgheight", "width height")
_BARE = ("path", "x1", "y1", "x2", "y2", "class", "image_width", "image_height")


@dataclass(frozen=True, slots=True)
class _Columns:
    """Places of the columns that are read; ``sized`` says that the last two of ``box`` are width and height."""

    image: int
    class_name: int
    box: tuple[int, ...]
    sized: bool
    picture_size: tuple[int, ...]
    score: int | None
    split: int | None
    unread: tuple[str, ...]
    n: int


@dataclass(frozen=True, slots=True)
class _Box:
    """One row with a box; ``shares`` says that its edges are shares of the picture."""

    where: str
    class_name: str
    xyxy: Xyxy
    confidence: float | None
    shares: bool


@dataclass(slots=True)
class _Listed:
    """What the rows say of one picture."""

    boxes: list[_Box] = field(default_factory=list)
    splits: dict[str, None] = field(default_factory=dict)
    size: tuple[str, tuple[float, float]] | None = None  # where, and what


@dataclass(frozen=True, slots=True)
class _Entry(Draft):
    listed: _Listed
    split: str | None


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One CSV: its columns and its rows with their numbers, the first being 1."""

    file: str
    columns: _Columns
    rows: Iterator[tuple[int, list[str]]]


def detect(source: Source) -> Found | None:
    """Look for a CSV whose first row names an image, a class and a box, or is a row of the kind without a header."""
    score = 0.6 if source.file is None else 0.7  # below formats of which a CSV may be a copy, above tables of facts
    for file in _files(source):
        with source.tree.peek(file).open("rb") as stream:
            if _sheet(file, stream.read(_HEAD_BYTES), Problems()) is not None:
                return Found(score, f"{file} has columns of an image, a class and a box", partial(read, source))
    return None


def _files(source: Source) -> list[str]:
    every = source.tree.files if source.file is None else [source.file]
    return [file for file in every if file.lower().endswith(_SUFFIXES)]


def read(source: Source) -> Iterator[Record]:
    """Read every picture that a CSV lists, and those beside them; see ``contract.Format.read``.

    Raises:
        InputError: no CSV has the columns.
    """
    tree, problems = source.tree, source.problems
    sheets = []
    for file in _files(source):
        sheet = _sheet(file, content_of(tree.peek(file), file, problems) or b"", problems)
        if sheet is not None:
            tree.mark_opened([file])
        sheets += [sheet] if sheet is not None else []
    if not sheets and not len(problems):
        fix = "Name the columns for example filename, class, xmin, ymin, xmax, ymax."
        raise InputError("No CSV has columns of an image, a class and a box.", at=str(source.path), fix=fix)
    tree.name_junk(problems)
    listed = _listed(tree, sheets, problems)
    entries = [_Entry(tree.path(file), file, said, _split(file, said, problems)) for file, said in listed.items()]
    message = "{n} images in several splits ({first}); kept in the more protected one (test, then val)."
    problems.close("split_conflict", message)
    entries += _unlisted(source, sheets, listed)
    return Records(entries, partial(_record, problems=problems), source)


def _sheet(file: str, data: bytes, problems: Problems) -> _Sheet | None:
    """The CSV, or ``None`` when it holds no boxes."""
    text = text_of(data)
    for delimiter in _DELIMITERS:
        at, first = next(_rows(text, delimiter, file, Problems()), (0, []))
        header, bare = _columns(first), _bare(first)
        if (columns := header or bare) is not None:
            rows = _rows(text, delimiter, file, problems)
            return _Sheet(file, columns, (row for row in rows if row[0] > at or bare))
    return None


def _rows(text: str, delimiter: str, file: str, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    at = 0
    try:
        for at, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1):
            if any(cell.strip() for cell in cells):
                yield at, [cell.strip() for cell in cells]
    except csv.Error as cause:
        message = f"The CSV cannot be read beyond this row ({cause}); the rows from here on are left out."
        problems.add("broken_annotation", f"{file}, row {at + 1}", message)


def _columns(header: Sequence[str]) -> _Columns | None:
    """The columns by the words of a header; ``None`` unless there are an image, a class and a box.

    >>> found = _columns("filename width height class xmin ymin xmax ymax".split())
    >>> found.box, found.sized, found.picture_size
    ((4, 5, 6, 7), False, (1, 2))
    >>> _columns("image x y width height label note".split()).unread
    ('note',)
    """
    keys: dict[str, int] = {}
    for at, word in enumerate(header):
        keys.setdefault(re.sub(r"[^a-z0-9]", "", word.lower()), at)
    corners, sized = _group(keys, _CORNERS), _group(keys, _SIZED)
    box = corners or sized
    image = next((keys[key] for key in _IMAGE if key in keys), None)
    class_name = next((keys[key] for key in _CLASS if key in keys and keys[key] != image), None)
    if not box or image is None or class_name is None:
        return None
    size = _group({key: at for key, at in keys.items() if at not in box}, _PICTURE_SIZES)
    score = next((keys[key] for key in _SCORE if key in keys), None)
    split = next((keys[key] for key in ("split", "subset") if key in keys), None)
    used = {image, class_name, *box, *size, score, split}
    unread = tuple(word for at, word in enumerate(header) if at not in used and word)
    return _Columns(image, class_name, box, not corners, size, score, split, unread, len(header))


def _group(keys: dict[str, int], groups: Sequence[str]) -> tuple[int, ...]:
    wanted = (group.split() for group in groups)
    return next((tuple(keys[key] for key in group) for group in wanted if all(key in keys for key in group)), ())


def _bare(row: Sequence[str]) -> _Columns | None:
    """The columns of a file without a header, by its first row.

    >>> _bare(["a.jpg", "1", "2", "30", "40", "cat"]).class_name, _bare(["a.jpg", "", "", "", "", ""]).box
    (5, (1, 2, 3, 4))
    """
    if len(row) not in (6, 8) or not is_picture(row[0]):
        return None
    edges = row[1:5]
    if (any(edges) or row[5]) and (not row[5] or any(_number(cell) is None for cell in edges)):
        return None
    return _columns(_BARE[: len(row)])


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))  # 1,5 stands where ; divides the cells
    except ValueError:
        return None


def _listed(tree: Tree, sheets: Sequence[_Sheet], problems: Problems) -> dict[str, _Listed]:
    """What all rows say, by picture; rows that cannot be used are reported."""
    listed: dict[str, _Listed] = {}
    first: dict[tuple[str, str, Xyxy], str] = {}  # the file of each label
    find = _Finder(tree)
    for sheet in sheets:
        rows = find.rows(sheet, problems)
        if sheet.columns.unread:
            message = f"Columns that are not read ({', '.join(sheet.columns.unread)[:200]}); left out."
            problems.add("unsupported_annotation", sheet.file, message)
        shares, of_file = _are_shares(sheet, [cells for _, _, cells in rows]), split_in(stem_of(sheet.file))
        for file, where, cells in rows:
            said = listed.setdefault(file, _Listed())
            _note(said, sheet, where, cells, of_file)
            box = _box(sheet, where, cells, problems, shares=shares)
            key = None if box is None else (file, box.class_name, box.xyxy)
            if key is not None and first.setdefault(key, sheet.file) != sheet.file:
                message = f"The same label '{key[1]:.80}' is also in {first[key]}; kept once."
                problems.add("duplicate_label", where, message)
            elif box is not None:
                said.boxes.append(box)
    return listed


class _Finder:
    """The pictures that names in a CSV can mean."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._by_name: defaultdict[str, list[str]] = defaultdict(list)
        for picture in tree.pictures:
            for known in {picture.rpartition("/")[2].lower(), stem_of(picture).lower()}:
                self._by_name[known].append(picture)

    def rows(self, sheet: _Sheet, problems: Problems) -> list[tuple[str, str, list[str]]]:
        """Picture, place and cells of each row; what means no single picture is reported once for all its rows."""
        found, n = [], sheet.columns.n
        by_image: defaultdict[str, list[str]] = defaultdict(list)
        for at, cells in sheet.rows:
            where = f"{sheet.file}, row {at}"
            image = cells[sheet.columns.image] if len(cells) >= n and not any(cells[n:]) else ""
            if not image:
                why = "names no image" if len(cells) == n else f"has {len(cells):,} cells instead of {n:,}"
                problems.add("broken_annotation", where, f"The row {why}; row left out.")
                continue
            by_image[image].append(where)
            files = self._pictures(sheet.file, image)
            found += [(files[0], where, cells)] if len(files) == 1 else []
        for image, places in by_image.items():
            self._name(self._pictures(sheet.file, image), image, places, problems)
        message = "{n} paths lead out of the folder ({first}); loaded from the images of these names inside it."
        problems.close("path_outside_folder", message)
        return found

    def _pictures(self, sheet: str, image: str) -> list[str]:
        """By path in or beside the CSV's folder, else by the last name below it; several when it is not clear."""
        folder, parts = folder_of(sheet), plain_parts(image)[0]
        near = [folder, f"{folder}/images" if folder else "images", ""]
        named = [file for file in self._tree.find(image, near=near) if file in self._tree.picture_set]
        alike = self._by_name.get(parts[-1].lower(), []) if parts else []
        return named or [file for file in alike if not folder or file.startswith(f"{folder}/")]

    def _name(self, files: Sequence[str], image: str, places: Sequence[str], problems: Problems) -> None:
        leaves, what = plain_parts(image)[1], f"sample with {counted(len(places), 'row')} left out."
        if len(files) == 1 and leaves:
            problems.count("path_outside_folder", image)
        elif len(files) > 1:
            message = f"Several images match '{image:.200}' ({', '.join(files[:3])}); {what}"
            problems.add("ambiguous_image", places[0], message, loses_record=True)
        elif not files and leaves:
            message = f"The path '{image:.200}' leads out of the folder, which has no image of this name; {what}"
            problems.add("path_outside_folder", places[0], message, loses_record=True)
        elif not files:
            problems.add("missing_image", places[0], f"There is no image '{image:.200}'; {what}", loses_record=True)


def _are_shares(sheet: _Sheet, rows: Sequence[list[str]]) -> bool:
    numbers = [_number(cells[at]) for cells in rows for at in sheet.columns.box]
    finite = [number for number in numbers if number is not None and math.isfinite(number)]
    return any(finite) and all(-_SLACK <= number <= 1 + _SLACK for number in finite)


def _note(said: _Listed, sheet: _Sheet, where: str, cells: Sequence[str], of_file: str | None) -> None:
    """Note the split and the size that a row gives of its picture."""
    columns = sheet.columns
    given = "" if columns.split is None else cells[columns.split]
    split = split_word(given) or given or of_file
    if split:
        said.splits[split] = None
    size = [_number(cells[at]) for at in columns.picture_size]
    if said.size is None and len(size) == 2 and size[0] is not None and size[1] is not None:
        said.size = (where, (size[0], size[1]))


def _box(sheet: _Sheet, where: str, cells: Sequence[str], problems: Problems, *, shares: bool) -> _Box | None:
    """The box of a row, or ``None`` for a picture without one and for what cannot be used, which is reported."""
    columns = sheet.columns
    class_name, texts = cells[columns.class_name], [cells[at] for at in columns.box]
    if not any(texts) and not class_name:
        return None
    edges = [_number(text) for text in texts]
    a, b, c, d = edges
    if a is None or b is None or c is None or d is None:
        wrong = next(text for text, edge in zip(texts, edges, strict=True) if edge is None)
        message = f"The box has an edge that is not a number ({wrong!r:.60}); label left out."
    elif not class_name:
        message = "The box has no class; label left out."
    else:
        xyxy = (a, b, a + c, b + d) if columns.sized else (a, b, c, d)
        confidence = _confidence(sheet, where, cells, problems)
        return _Box(where, class_name, xyxy, confidence, shares)
    problems.add("broken_annotation", where, message)
    return None


def _confidence(sheet: _Sheet, where: str, cells: Sequence[str], problems: Problems) -> float | None:
    text = "" if sheet.columns.score is None else cells[sheet.columns.score]
    value = _number(text)
    if not text or (value is not None and 0 <= value <= 1):
        return value
    message = f"The confidence is not a number from 0 to 1 ({text!r:.60}); label kept without it."
    problems.add("broken_annotation", where, message)
    return None


def _split(file: str, said: _Listed, problems: Problems) -> str | None:
    if len(said.splits) > 1:
        problems.count("split_conflict", file)
    return most_protected(said.splits) if said.splits else split_of_path(file.split("/")[:-1])


def _unlisted(source: Source, sheets: Sequence[_Sheet], listed: dict[str, _Listed]) -> Iterator[_Entry]:
    """Pictures beside the listed ones: without labels, as background pictures have no row in most exports."""
    tree, problems = source.tree, source.problems
    homes = {folder_of(file) for file in (*listed, *(sheet.file for sheet in sheets))}
    for picture in tree.pictures:
        if picture in listed:
            continue
        if source.file is not None or folder_of(picture) not in homes:
            problems.count("unlisted_image", picture)
            continue
        problems.count("missing_annotation_file", picture)
        yield _Entry(tree.path(picture), picture, _Listed(), split_of_path(picture.split("/")[:-1]))
    problems.close("missing_annotation_file", "No row of a CSV for {n} images ({first}); loaded without labels.")
    problems.close("unlisted_image", "{n} images not listed in any CSV ({first}); not loaded.")


def _record(entry: _Entry, header: Header, *, problems: Problems) -> Record:
    frame = Frame(header.width, header.height, problems)
    size = entry.listed.size
    if size is not None and size[1] != (header.width, header.height):
        says, is_size = f"{size[1][0]:g} x {size[1][1]:g}", f"{header.width} x {header.height}"
        message = f"The row says {says}, the upright image is {is_size}; boxes are loaded as pixels of the image."
        problems.add("size_mismatch", size[0], message)
    labels = []
    for box in entry.listed.boxes:
        across, down = (header.width, header.height) if box.shares else (1, 1)
        left, top, right, bottom = box.xyxy
        xyxy = frame.box((left * across, top * down, right * across, bottom * down), box.where)
        if xyxy is not None:
            labels.append(Label(box.class_name, xyxy, confidence=box.confidence))
    return Record(entry.image_path, entry.origin, header.width, header.height, Labels.of(labels), split=entry.split)
