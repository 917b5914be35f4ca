"""Predictions from a file become a field of the dataset: whose they are, what they mean, which samples they cover."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from workbench.actions.evaluate.named_images import Images
from workbench.adapters import predictions as files
from workbench.adapters import store
from workbench.adapters.formats.toolkit import archive
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.predictions import GIVE, Prediction, Reference, Results
from workbench.adapters.store import Dataset, Medium
from workbench.adapters.store import predictions as stored
from workbench.base.errors import InputError
from workbench.base.plurals import counted
from workbench.core.schema.labels import Label
from workbench.core.schema.report import Problem

_SHOWN = 3


@dataclass
class Imported:
    """What became of a file of predictions.

    Attributes:
        problems: predictions that could not be used, and what is to know of the others.
        classes: class by number, of the numbers that the predictions use.
        named: samples that the file names.
        implied: samples that it does not name, but covers: it has no predictions for them.
    """

    problems: list[Problem] = field(default_factory=list)
    classes: dict[str, str] = field(default_factory=dict)
    named: int = 0
    implied: int = 0


def import_predictions(dataset: Dataset, path: Path, annotations: Path | None, name: str) -> Imported:
    """Store the predictions of a file in a field, in place of what was in it.

    Covered are the samples that the file names, and those of which it would name none had the model predicted
    nothing: the other images of the COCO file whose ids it uses; else, of a file that names images by name, the other
    samples of the same folder and split. They get an empty list; the field of all other samples is not set.

    Args:
        dataset: the dataset.
        path: the file, or the folder of rows.
        annotations: what the model was given; the data that was loaded by default.
        name: of the field.

    Raises:
        InputError: nothing can be used, or a number has several meanings or none.
    """
    problems = Problems()
    given = _References(dataset, annotations)
    results = files.read(path, problems, keypoint_numbers=given.keypoint_numbers if path.is_dir() else 0)
    located = _located(results, path, given, list(store.media(dataset)), problems)
    usable = [
        (prediction, medium)
        for prediction in results.predictions
        if (medium := located.of(prediction.image, named=prediction.named)) is not None
    ]
    declared = _classes(dataset, results, {prediction.number for prediction, _ in usable}, given, path)
    names = _as_in_truth(declared, stored.classes_of_truth(dataset))
    labels: dict[str, list[Label] | None] = {medium.id: None for medium in located.media}
    labels |= {sample_id: [] for sample_id in located.covered}
    used = _add(labels, usable, names, problems)
    if not used and len(problems):
        first = next(iter(problems))
        raise InputError(f"None of the predictions can be used: {first.message}", at=first.where)
    stored.set_predictions(dataset, name, labels)
    implied = len(located.covered) - len(located.named)
    return Imported(list(problems), {str(n): name for n, name in names.items()}, len(located.named), implied)


class _References:
    """Files that say what numbers mean: what the user gives, else what was loaded."""

    def __init__(self, dataset: Dataset, annotations: Path | None) -> None:
        self.given = annotations
        self._loads = store.note(dataset, "loads", [{"path": str, "format": str}]) or []
        self._known: dict[str, list[Reference]] = {}

    def of(self, form: Literal["coco", "yolo"]) -> list[Reference]:
        """Those of a form; of both where the user's file or folder has only the other.

        Raises:
            InputError: the user's file or folder says nothing.
        """
        if form not in self._known:
            self._known[form] = self._given(form) if self.given is not None else self._loaded(form)
        return self._known[form]

    def _given(self, form: Literal["coco", "yolo"]) -> list[Reference]:
        assert self.given is not None
        if not self.given.is_dir() and not archive.is_archive(self.given):
            return files.read_references(self.given)
        other: Literal["coco", "yolo"] = "yolo" if form == "coco" else "coco"
        references = list(files.references_in(self.given, form)) or list(files.references_in(self.given, other))
        if not references:
            fix = "Pass the COCO file or data.yaml that the model was given, or the folder with it."
            raise InputError("There is no COCO file and no data.yaml in this folder.", at=str(self.given), fix=fix)
        return references

    def _loaded(self, form: Literal["coco", "yolo"]) -> list[Reference]:
        paths = [Path(load["path"]) for load in self._loads if load["format"] == form]
        return [reference for path in paths for reference in files.references_in(path, form)]

    @property
    def has_unnamed(self) -> bool:
        """Whether YOLO data was loaded that names no classes, so that their numbers are their names."""
        paths = [Path(load["path"]) for load in self._loads if load["format"] == "yolo"]
        return any(not any(ref.classes for ref in files.references_in(path, "yolo")) for path in paths)

    @property
    def keypoint_numbers(self) -> int:
        """Of the first file that declares keypoints."""
        return next((ref.keypoint_numbers for ref in self.of("yolo") if ref.keypoint_numbers), 0)


@dataclass
class _Located:
    """Samples of the images of a file.

    Attributes:
        media: all samples.
        by_image: sample by image as the file names it, and whether that is a name.
        named: ids of samples that the file names.
        covered: ids of these, and of those that it would not name if the model predicted nothing.
    """

    media: Sequence[Medium]
    by_image: Mapping[tuple[Any, bool], Medium]
    named: set[str]
    covered: set[str]

    def of(self, image: Any, *, named: bool) -> Medium | None:
        return self.by_image.get((image, named))


def _located(results: Results, path: Path, given: _References, media: Sequence[Medium], problems: Problems) -> _Located:
    own = [results.own] if results.own and results.own.images else []
    by_id = any(not named for _, named in results.images)
    references = own or (given.of("coco") if by_id or not results.images else [])
    references = [reference for reference in references if reference.images]
    if not results.images and not results.predictions and len(references) != 1:
        _refuse_nothing(results, path, problems)
    if by_id and not references and any(not named and not isinstance(i, str) for i, named in results.images):
        fix = "Pass the COCO file that the model was run on: annotations=<file>, or --annotations FILE."
        raise InputError("The results refer to images by id.", at=path.name, fix=fix)
    images = Images(media, references)
    by_image: dict[tuple[Any, bool], Medium] = {}
    declared: list[tuple[Reference, ...]] = []
    missing: Counter[tuple[Any, bool]] = Counter()
    ambiguous: dict[tuple[Any, bool], tuple[Medium, ...]] = {}
    for image in dict.fromkeys(results.images):
        match = images.find(image[0], named=image[1], at=path.name)
        declared += [match.references] if match.references else []
        if len(match.samples) == 1:
            by_image[image] = match.samples[0]
        elif match.samples:
            ambiguous[image] = match.samples
        else:
            missing[image] += 1
    _refuse_two_files(results, by_image, path)
    if not own and given.given is None and declared:
        _refuse_other_set([image for image, named in missing if not named], len(set(results.images)), path)
    _tell_lost(results, missing, ambiguous, problems)
    named = {medium.id for medium in by_image.values()}
    covered = set(named)
    for reference in _files_meant(declared) or (references if not results.images else []):
        for name in reference.images.values():
            covered |= {medium.id for medium in images.of_name(name, near=reference.path)[:1]}
    by_name = {medium.id for image, medium in by_image.items() if image[1] or isinstance(image[0], str)}
    if by_name and not declared:
        homes = {_home(medium) for medium in media if medium.id in by_name}
        covered |= {medium.id for medium in media if _home(medium) in homes}
    return _Located(media, by_image, named, covered)


def _home(medium: Medium) -> tuple[Path, str | None]:
    return Path(medium.path).parent, medium.split


def _files_meant(declared: Sequence[tuple[Reference, ...]]) -> list[Reference]:
    """The files whose ids are used: the smallest that declares all of them, else all that declare any."""
    if not declared:
        return []
    by_path = {reference.path: reference for references in declared for reference in references}
    shared = set.intersection(*({reference.path for reference in references} for references in declared))
    if shared:
        return [min((by_path[path] for path in shared), key=lambda reference: len(reference.images))]
    return list(by_path.values())


def _refuse_nothing(results: Results, path: Path, problems: Problems) -> None:
    if len(problems):
        first = next(iter(problems))
        raise InputError(f"None of the predictions can be used: {first.message}", at=first.where)
    problem = "The file holds no predictions, so nothing says which images they cover."
    raise InputError(problem, at=path.name, fix="Pass the COCO file that the model was run on: --annotations FILE.")


def _refuse_other_set(unknown: Sequence[Any], n: int, path: Path) -> None:
    """Ids that the loaded COCO files lack come from another file, in which the other ids mean other images."""
    if unknown:
        images = counted(len(unknown), "image id")
        problem = f"{images} of {n:,} ({_shown(unknown)}) are not in the COCO data that was loaded: the results may be "
        fix = "Pass the COCO file that the model was run on: annotations=<file>, or --annotations FILE."
        raise InputError(f"{problem}of another set, whose ids mean other images.", at=path.name, fix=fix)


def _refuse_two_files(results: Results, by_image: Mapping[tuple[Any, bool], Medium], path: Path) -> None:
    """Two files of rows for one image are those of two runs."""
    if results.form != "yolo":
        return
    first: dict[str, Any] = {}
    for (image, _), medium in by_image.items():
        other = first.setdefault(medium.id, image)
        if other != image:
            problem = f"Two files have rows for the image {medium.origin}: {other}.txt and {image}.txt."
            raise InputError(problem, at=str(path), fix="Give the folder of one run of one model.")


def _tell_lost(
    results: Results,
    missing: Collection[tuple[Any, bool]],
    ambiguous: Mapping[tuple[Any, bool], tuple[Medium, ...]],
    problems: Problems,
) -> None:
    """Report the predictions whose images are not there, or are several."""
    lost: dict[str, list[Prediction]] = defaultdict(list)
    for prediction in results.predictions:
        image = (prediction.image, prediction.named)
        if image in missing:
            lost["missing_image"].append(prediction)
        elif image in ambiguous:
            lost["ambiguous_image"].append(prediction)
    if gone := lost["missing_image"]:
        text = f"{counted(len(gone), 'prediction')} of images that are not in the dataset ({_first(gone)}); skipped."
        problems.add("missing_image", gone[0].where, text)
    if several := lost["ambiguous_image"]:
        first = several[0]
        fitting = ambiguous[first.image, first.named]
        like = ", ".join(medium.origin for medium in fitting[:_SHOWN])
        text = (
            f"{counted(len(several), 'prediction')} of names that several images have ({_first(several)}); skipped. "
            f"'{first.image}' is {counted(len(fitting), 'image')}: {like}. Name images with their folders."
        )
        problems.add("ambiguous_image", first.where, text)


def _first(predictions: Iterable[Prediction]) -> str:
    return _shown(list(dict.fromkeys(prediction.image for prediction in predictions)))


def _shown(images: Sequence[Any]) -> str:
    return ("first: " if len(images) > _SHOWN else "") + ", ".join(str(image)[:60] for image in images[:_SHOWN])


def _classes(
    dataset: Dataset, results: Results, numbers: Collection[Any], given: _References, path: Path
) -> dict[Any, str]:
    """Class by number, of those that something declares.

    Raises:
        InputError: a number has two meanings, or nothing says what numbers mean.
    """
    if not numbers:
        return {}
    shown = path.name
    if given.given is None and results.own is not None and results.own.classes:
        return files.class_names(numbers, [results.own], at=shown)
    if results.form == "coco":
        own = [results.own] if results.own and results.own.classes else []
        declared = [reference for reference in own or given.of("coco") if reference.classes]
        declared = declared or [reference for reference in given.of("yolo") if reference.classes]
        counts = [files.counted_from(numbers, ref, at=shown) if ref.from_zero else ref for ref in declared]
        names = files.class_names(numbers, counts, at=shown)
    else:
        declared = [reference for reference in given.of("yolo") if reference.classes]
        names = files.class_names(numbers, declared, at=shown)
        names = _with_plain_numbers(dataset, numbers, names, given, shown) if given.given is None else names
    if not names and not declared:
        first = min(numbers, key=str)
        fix = f"{GIVE} For example data.yaml, or the COCO file with the ids."
        raise InputError(f"Nothing says what class {first} is.", at=shown, fix=fix)
    return names


def _as_in_truth(names: Mapping[Any, str], classes: Collection[str]) -> dict[Any, str]:
    """Names as the dataset writes them: spaces around a name, and how marks are composed, make no other class."""
    known: dict[str, list[str]] = defaultdict(list)
    for name in classes:
        known[_plain_name(name)].append(name)
    alike = {number: known[_plain_name(name)] for number, name in names.items()}
    return {n: alike[n][0] if name not in classes and len(alike[n]) == 1 else name for n, name in names.items()}


def _plain_name(name: str) -> str:
    return unicodedata.normalize("NFC", name.strip())


def _with_plain_numbers(
    dataset: Dataset, numbers: Collection[int], names: dict[Any, str], given: _References, shown: str
) -> dict[Any, str]:
    """Numbers are names themselves where the classes of the dataset are nothing but numbers."""
    classes = stored.classes_of_truth(dataset)
    plain = {number: str(number) for number in numbers}
    if not names and classes and all(name.isdecimal() for name in classes):
        return plain
    both = [n for n, name in plain.items() if n in names and names[n] != name and name in classes]
    if both and given.has_unnamed:
        problem = (
            f"Class number {both[0]} means '{names[both[0]]}' in one set that was loaded, and the class '{both[0]}' "
            "in another, which names no classes."
        )
        raise InputError(problem, at=shown, fix=GIVE)
    return names


def _add(
    labels: dict[str, list[Label] | None],
    usable: Sequence[tuple[Prediction, Medium]],
    names: Mapping[Any, str],
    problems: Problems,
) -> int:
    """Put the labels to their samples; returns how many."""
    seen: set[tuple[Any, ...]] = set()
    used = 0
    for prediction, medium in usable:
        if prediction.number not in names:
            message = f"No class has the number {prediction.number!r:.40}; prediction left out."
            problems.add("unknown_category", prediction.where, message)
            continue
        try:
            label = prediction.label(names[prediction.number], medium.width, medium.height)
        except ValueError as cause:
            message = f"The box cannot be made: {cause}; prediction left out."
            problems.add("size_mismatch", prediction.where, message)
            continue
        if not prediction.fits(medium.width, medium.height):
            problems.count("size_mismatch", prediction.where)
        if label.confidence is None:
            problems.count("missing_confidence", prediction.where)
        key = (medium.id, label.name, label.xyxy, label.confidence)
        if key in seen:
            problems.count("duplicate_box", prediction.where)
        seen.add(key)
        own = labels[medium.id]
        assert own is not None  # named, and so covered
        own.append(label)
        used += 1
    message = "{n} predictions without a confidence ({first}); they count at any confidence, and rank last for AP."
    problems.close("missing_confidence", message)
    problems.close("size_mismatch", "{n} predictions with a mask of another size than the image ({first}); box kept.")
    problems.close(
        "duplicate_box", "{n} predictions for the second time ({first}): same class, box and confidence; kept."
    )
    return used
