"""What the numbers in files of predictions mean: images and classes of COCO files, names of ``data.yaml``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from workbench.adapters.formats.toolkit import archive
from workbench.adapters.formats.toolkit.json_stream import parts
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.yolo import layout
from workbench.adapters.formats.yolo import read as yolo
from workbench.base.errors import InputError, WorkbenchError
from workbench.base.plurals import counted

GIVE = "Pass annotations= (--annotations): the file that the model was given."
_YAML = (".yaml", ".yml")
_NAMED = {"images": (0, "file_name"), "categories": (1, "name")}


@dataclass(frozen=True)
class Reference:
    """What one file says of numbers.

    Attributes:
        path: the file.
        images: file name by image id.
        classes: class name by number.
        from_zero: whether the numbers of classes count names from 0 (YOLO), and are no ids that a file declares.
        keypoint_numbers: numbers of keypoints in each row of a pose data set.
    """

    path: Path = Path()
    images: Mapping[Any, str] = field(default_factory=dict)
    classes: Mapping[Any, str] = field(default_factory=dict)
    from_zero: bool = False
    keypoint_numbers: int = 0


def read_reference(path: Path) -> Reference:
    """The numbers of a COCO file, of a YOLO ``data.yaml``, or of a class file with a name per line.

    Of an id that a COCO file gives twice, the first entry counts, as it does in loading.

    Raises:
        InputError: it is none of them.
    """
    return read_references(path)[0]


def read_references(path: Path) -> list[Reference]:
    """The same, and a second reference for ids that the file gives twice with other names.

    Raises:
        InputError: it is none of them.
    """
    if path.suffix.lower() in _YAML:
        declared = yolo.declared_classes(path)
        names, keypoint_numbers = declared.names or {}, declared.keypoint_numbers
        return [Reference(path, {}, names, from_zero=True, keypoint_numbers=keypoint_numbers)]
    if layout.is_class_file(path.name):
        return [Reference(path, {}, layout.names_by_line(path, path.name, Problems()), from_zero=True)]
    first: tuple[dict[Any, str], dict[Any, str]] = ({}, {})
    again: tuple[dict[Any, str], dict[Any, str]] = ({}, {})
    for key, at, values in parts(path, shown=path.name):
        for entry in values if at >= 0 and key in _NAMED else ():
            if not isinstance(entry, dict) or isinstance(entry.get("id"), (list, dict)):
                continue
            place, name_key = _NAMED[key]
            number, name = entry.get("id"), entry.get(name_key)
            if isinstance(name, str) and first[place].setdefault(number, name) != name:
                again[place][number] = name
    return [Reference(path, *first), *([Reference(path, *again)] if any(again) else [])]


def references_in(path: Path, form: Literal["coco", "yolo"]) -> Iterator[Reference]:
    """What the annotation files of a folder or archive say, or one file; files that say nothing are passed over."""
    if not path.exists():
        return
    path = archive.opened(path)
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        is_yolo = file.suffix.lower() in _YAML or layout.is_class_file(file.name)
        if file.is_file() and (is_yolo if form == "yolo" else file.suffix.lower() == ".json"):
            try:
                references = read_references(file)
            except (WorkbenchError, OSError):
                continue  # another file of the folder
            yield from (reference for reference in references if reference.images or reference.classes)


def class_names(numbers: Collection[Any], references: Sequence[Reference], *, at: str) -> dict[Any, str]:
    """Class name by number, of those of the numbers that the references declare.

    Args:
        numbers: all that the predictions use.
        references: files that may say what they mean; they must agree on these numbers, and may differ on others.
        at: the predictions, for messages.

    Raises:
        InputError: two files give a number two meanings.

    >>> orders = [Reference(Path("a.yaml"), {}, {0: "cone", 1: "cube"}), Reference(Path("b.yaml"), {}, {0: "cone"})]
    >>> class_names([0, 1, 7], orders, at="rows")
    {0: 'cone', 1: 'cube'}
    """
    names: dict[Any, tuple[str, Reference]] = {}
    for reference in references:
        for number, key in _declared(numbers, reference):
            name = reference.classes[key]
            first, earlier = names.setdefault(number, (name, reference))
            if first != name:
                problem = (
                    f"Class number {number} means '{first}' in {earlier.path} and '{name}' in {reference.path}, "
                    "so the predictions could mean either."
                )
                raise InputError(problem, at=at, fix=GIVE)
    _refuse_zero(numbers, names, references, at=at)
    return {number: name for number, (name, _) in names.items()}


def _refuse_zero(numbers: Collection[Any], names: Collection[Any], references: Sequence[Reference], *, at: str) -> None:
    """Refuse a class 0 where ids begin at 1: the predictions count from 0, and all their numbers mean others."""
    ids = [reference for reference in references if reference.classes and not reference.from_zero]
    if ids and any(plain_id(number) == 0 and number not in names for number in numbers):
        problem = f"The predictions use class 0, which {ids[0].path} does not declare: they may count classes from 0."
        raise InputError(problem, at=at, fix="Pass annotations= (--annotations): the data.yaml of the model.")


def _declared(numbers: Iterable[Any], reference: Reference) -> Iterator[tuple[Any, Any]]:
    """Each number that a reference declares, with the key that it has there: 1, 1.0 and "1" are the same."""
    plain = {_plain(key): key for key in reference.classes}
    for number in numbers:
        if number in reference.classes:
            yield number, number
        elif _plain(number) in plain:
            yield number, plain[_plain(number)]


def _plain(number: Any) -> Any:
    return plain_id(number) if plain_id(number) is not None else number


def plain_id(value: Any) -> int | None:
    """The whole number that an id stands for, however it is written; ``None`` for other ids.

    >>> plain_id(1), plain_id(1.0), plain_id("1"), plain_id("000001"), plain_id("a"), plain_id(True), plain_id(1.5)
    (1, 1, 1, 1, None, None, None)
    """
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
        return None
    return int(value)


def counted_from(numbers: Collection[Any], reference: Reference, *, at: str) -> Reference:
    """A list of names as COCO's results number them: from 0 or from 1, which Ultralytics does by its version.

    Raises:
        InputError: the numbers fit both.

    >>> counted_from([1, 2], Reference(Path("data.yaml"), {}, {0: "cone", 1: "cube"}), at="p.json").classes
    {1: 'cone', 2: 'cube'}
    """
    known = {plain_id(number) for number in numbers} - {None}
    n = max(reference.classes, default=-1) + 1
    if 0 in known or not known or not reference.classes:
        return reference
    if n in known:
        return Reference(reference.path, reference.images, {key + 1: name for key, name in reference.classes.items()})
    fix = "Pass annotations= (--annotations): a COCO file whose categories have these numbers as ids."
    problem = (
        f"The class numbers of the predictions may begin at 0 or at 1: {reference.path.name} has "
        f"{counted(n, 'name')} without numbers of their own, and the predictions use neither 0 nor {n}."
    )
    raise InputError(problem, at=at, fix=fix)
