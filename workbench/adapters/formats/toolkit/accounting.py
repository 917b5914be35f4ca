"""Every file of a folder is accounted for: what a reader neither opened nor named is reported after its last record."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from operator import length_hint

from workbench.adapters.formats.toolkit.contract import Counted
from workbench.adapters.formats.toolkit.names import class_name
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.text_files import head_of
from workbench.adapters.formats.toolkit.tree import Tree, folder_of, is_picture, stem_of
from workbench.base.plurals import counted
from workbench.core.schema.labels import Labels, Record

_TABLES = ".csv .tsv .parquet .arrow .json .jsonl .ndjson .geojson .xml .yaml .yml .toml .db .sqlite .svg"
_LISTS = ".txt .names .data .lst .idx .list .dat"
_ARRAYS = ".mat .npy .npz .exr .pfm .hdf5 .h5 .pkl .pickle .pt .tfrecord .tfrecords .record .bin"
_SHAPES = ".pcd .ply .xyz .las .laz .obj .usd .usda .usdc"
_MEDIA = ".bag .mcap .mp4 .avi .mov .mkv .webm .zip .tar .tgz .gz .7z"
MAY_HOLD_LABELS = frozenset(" ".join((_TABLES, _LISTS, _ARRAYS, _SHAPES, _MEDIA)).split())
_PROSE = re.compile(
    r"(?i)(readme|licen[cs]e|citation|requirements|changelog|notice|authors)\b.*|.*\.(md|rst|pdf|html?|docx?)"
)
_DIGITS = re.compile(r"\d+")
_NUMBER = re.compile(r"\d{3,}")
_HEAD_BYTES = 2048
_GUESSED_GROUPS = 20  # of which the content is looked at
_CONTENTS: Sequence[tuple[str, str]] = (  # what the beginning of a text shows
    (r"\s*<\?xml[^>]*>?\s*<annotation\b|\s*<annotation\b", "annotations of Pascal VOC"),
    (r'(?s)\s*\{.*"(annotations|categories)"\s*:', "COCO JSON"),
    (r'(?s)\s*\{.*"shapes"\s*:', "LabelMe JSON"),
    (r"\s*<\?xml.*<annotations\b", "CVAT XML"),
    (r"(\s*(imagesource|gsd):.*\n)*\s*([-+.\d]+\s+){8}\S+(\s+\d)?\s*(\n|$)", "corners and a class per row (DOTA)"),
    (r"\s*\d+(\s+[-+.\de]+){4,}\s*(\n|$)", "rows of numbers as of YOLO"),
    (r"\s*[A-Za-z]\w*(\s+[-+.\de]+){14,}\s*(\n|$)", "rows as of KITTI"),
    (r"(?i)[^\n]*\b(file_?name|image|path)\b[^\n]*[,;\t]", "a table about images"),
    (r"(?i)[^\n]*\.(jpe?g|png|bmp|tiff?|webp)\s*(\n|$)", "a list of images"),
)  # fmt: skip


class Accounted(Counted):
    """The records of a reader, class names cleaned; after the last one, what was left unread is reported."""

    def __init__(self, read: Callable[[], Iterator[Record]], source: Source) -> None:
        tree = source.tree
        tree.opened.clear()  # by the detection of formats
        records = read()
        self._left = length_hint(records)
        self._records = self._each(records, source)

    def _each(self, records: Iterator[Record], source: Source) -> Iterator[Record]:
        names = _Names()
        for record in records:
            self._left -= 1
            yield names.cleaned(record)
        names.report(source)
        if source.file is None:
            report_unread(source)


class _Names:
    """Class names as they are compared everywhere: without spaces around them, in Unicode's form NFC."""

    def __init__(self) -> None:
        self._changed: dict[str, str] = {}
        self._known: dict[tuple[str, ...], tuple[str, ...]] = {}

    def cleaned(self, record: Record) -> Record:
        names = record.labels.names
        clean = self._known.get(names)
        if clean is None:
            clean = self._known[names] = tuple(map(self._clean, names))
        if clean != names:
            record.labels = Labels(clean, record.labels.xyxy, record.labels.columns)
        if record.classification is not None:
            record.classification = self._clean(record.classification)
        return record

    def _clean(self, name: str) -> str:
        clean = class_name(name)
        if clean != name:
            self._changed[name] = clean
        return clean

    def report(self, source: Source) -> None:
        for name in self._changed:
            source.problems.count("class_name", repr(name))
        message = "{n} names of classes with spaces around them or in another Unicode form ({first}); read without."
        source.problems.close("class_name", message, where="classes")


def report_unread(source: Source) -> None:
    """Report the files that the reader did not open and that no problem names, by folder and suffix.

    Folders that differ in their numbers alone (``sequence.0``, ``sequence.1``) are reported as one.
    """
    tree, problems = source.tree, source.problems
    lost = {token for file in problems.lost_files for token in _tokens(file)}
    groups: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for file in tree.files:
        known = file in tree.opened or file in problems.files or _companion(file, lost)
        if not known and not _PROSE.fullmatch(file.rpartition("/")[2]):
            groups[_DIGITS.sub("#", folder_of(file)), _suffix(file)].append(file)
    may_hold = {key: files for key, files in sorted(groups.items()) if key[1] in MAY_HOLD_LABELS}
    for n, ((_, suffix), files) in enumerate(may_hold.items()):
        content = _guess(tree, files[0]) if n < _GUESSED_GROUPS else ""
        what = f"{counted(len(files), f'{suffix} file')} in {_shown(files[0])}"
        problems.add("unread_file", files[0], f"{what} may hold labels, splits or maps{content}; not read.")
    for key, files in sorted(groups.items()):
        if key not in may_hold:
            for file in files:
                problems.count("unlisted_image" if is_picture(file) else "ignored_junk", file)
            message = f"{{n}} images in {_shown(files[0])} that no label file names ({{first}}); not loaded."
            problems.close("unlisted_image", message)
    problems.close("ignored_junk", "{n} other files ({first}); ignored.")


def _tokens(file: str) -> list[str]:
    """What the files of one sample share: the stem, or a number in it.

    >>> _tokens("rgb/rgb_0001.png"), _tokens("a.png")
    (['rgb_0001', '0001'], ['a'])
    """
    stem = stem_of(file)
    return [stem, *_NUMBER.findall(stem)]


def _companion(file: str, lost: set[str]) -> bool:
    """Whether a file belongs to a sample that was left out, which is named already."""
    return bool(lost) and not lost.isdisjoint(_tokens(file))


def _shown(file: str) -> str:
    return folder_of(file) or "the folder itself"


def _suffix(file: str) -> str:
    stem = stem_of(file)
    return file[len(file) - len(file.rpartition("/")[2]) + len(stem) :].lower()


def _guess(tree: Tree, file: str) -> str:
    """What the beginning of a file looks like, in brackets."""
    try:
        head = head_of(tree.peek(file), _HEAD_BYTES)
    except OSError:
        return ""
    return next((f" ({what}, it seems)" for pattern, what in _CONTENTS if re.match(pattern, head)), "")
