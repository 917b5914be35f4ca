"""FiftyOne's own data set folder: ``metadata.json``, ``samples.json`` (or a folder of samples), ``data/``, ``fields/``.

Read as plain JSON, without FiftyOne. A record holds one field of boxes or outlines, one of keypoints, one class and
two maps; which fields these are is chosen once for the data set, and the others are named. What the workbench itself
stored (camera, lineage, keys) comes back as it was.
Format: https://docs.voxel51.com/user_guide/export_datasets.html#fiftyonedataset
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from workbench.adapters.formats.fiftyone import extended_json
from workbench.adapters.formats.fiftyone.fields import Chosen, choose_fields, facts_of, is_own, name_others
from workbench.adapters.formats.fiftyone.labels import Context, labels_of
from workbench.adapters.formats.fiftyone.media import Named, cloud_of, maps_of
from workbench.adapters.formats.toolkit.boxes import Frame
from workbench.adapters.formats.toolkit.clouds import is_cloud
from workbench.adapters.formats.toolkit.contract import Found
from workbench.adapters.formats.toolkit.json_files import parse
from workbench.adapters.formats.toolkit.lineage import lineage_of
from workbench.adapters.formats.toolkit.names import attribute_value, split_word
from workbench.adapters.formats.toolkit.pictures import Draft, Header, Records
from workbench.adapters.formats.toolkit.problems import Kind, Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.adapters.formats.toolkit.space import matrix_of
from workbench.adapters.formats.toolkit.text_files import head_of
from workbench.adapters.formats.toolkit.tree import Tree, folder_of, is_picture, plain_parts
from workbench.base.errors import InputError
from workbench.core.schema import fields
from workbench.core.schema.classes import ClassFacts, classes_from
from workbench.core.schema.labels import Camera, Record

name = "fiftyone"
looks_for = "samples.json beside FiftyOne's metadata.json"
single_files = True

_META, _SAMPLES = "metadata.json", "samples.json"
_NO_PATH = "The sample is not an object with a 'filepath'"
_HEAD_BYTES = 1 << 20  # the names of the fields come late in the document of a data set
_MARK = re.compile(r'"(sample_fields|sample_collection_name)"\s*:')
_CLOSING: Mapping[Kind, str] = {
    "hidden_object": "No visible keypoint in {n} labels ({first}); left out.",
    "unsupported_annotation": "{n} annotations other than boxes, closed outlines and map files ({first}); left out.",
}


@dataclass(frozen=True, slots=True)
class _DataSet:
    """One exported data set.

    Attributes:
        source: what is read, with all files.
        folder: where it lies in the tree.
        meta: what ``metadata.json`` says.
        chosen: the fields to read.
        class_facts: what the workbench noted of classes.
    """

    source: Source
    folder: str
    meta: Mapping[str, Any]
    chosen: Chosen
    class_facts: Mapping[str, ClassFacts]

    @property
    def group_field(self) -> str | None:
        """The field that says which samples belong to one moment."""
        given = self.meta.get("group_field")
        return given if isinstance(given, str) else None

    @property
    def keypoint_names(self) -> tuple[str, ...]:
        """Names of the skeleton of the field of keypoints, or of all fields."""
        by_field = self.meta.get("skeletons")
        own = by_field.get(self.chosen.points) if isinstance(by_field, dict) else None
        skeleton = own or self.meta.get("default_skeleton")
        names = skeleton.get("labels") if isinstance(skeleton, dict) else None
        return tuple(map(str, names)) if isinstance(names, list) else ()


@dataclass(frozen=True, slots=True)
class _Entry(Draft):
    """One image: its sample, and the cloud of the same group."""

    data_set: _DataSet
    sample: Mapping[str, Any]
    where: str
    file: str
    cloud: Mapping[str, Any] | None
    scene_id: str | None


Numbered = tuple[str, dict[str, Any]]  # where, sample


def detect(source: Source) -> Found | None:
    """Look for FiftyOne's two files."""
    if source.file is not None and source.file not in (_META, _SAMPLES):
        return None
    folders = _folders(source.tree)
    shown = [folder for folder in folders if source.file is None or folder == ""]
    if not shown:
        return None
    why = f"{shown[0]}/{_SAMPLES} is a data set of FiftyOne".lstrip("/")
    return Found(1.0, why, partial(_records, source, folders))


def read(source: Source) -> Iterator[Record]:
    """Read every image of every data set; see ``contract.Format.read``."""
    return _records(source, _folders(source.tree))


def _folders(tree: Tree) -> list[str]:
    """Folders that hold an exported data set."""
    folders = []
    for file in tree.files:
        folder = folder_of(file)
        has_samples = _in(folder, _SAMPLES) in tree.known or _in(folder, "samples") in tree.folders
        if file.rpartition("/")[2] == _META and has_samples and _is_meta(tree.peek(file)):
            folders.append(folder)
    return folders


def _in(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _is_meta(path: Path) -> bool:
    return bool(_MARK.search(head_of(path, _HEAD_BYTES)))


def _records(source: Source, folders: Sequence[str]) -> Iterator[Record]:
    problems = source.problems
    source.tree.name_junk(problems)
    if not folders:
        fix = f"Give the folder with {_META} and {_SAMPLES}, or another --format."
        raise InputError("There is no FiftyOne data set in this folder.", at=str(source.path), fix=fix)
    entries: list[_Entry] = []
    for folder in folders:
        entries += _entries(source, folder)
    _name_unlisted(source.tree, folders, {entry.file for entry in entries}, problems)
    return Records(entries, lambda entry, header: _record(entry, header, problems), source, closing=_CLOSING)


def _entries(source: Source, folder: str) -> list[_Entry]:
    tree, problems = source.tree, source.problems
    meta = parse(tree.path(_in(folder, _META)), shown=_in(folder, _META), object_hook=extended_json.revive)
    samples = list(_samples(tree, folder, problems))
    plain = [sample for _, sample in samples]
    chosen = choose_fields([sample for sample in plain if _media(sample) == "image"])
    meta = meta if isinstance(meta, dict) else {}
    data_set = _DataSet(source, folder, meta, chosen, _class_facts(meta))
    name_others(plain, data_set.chosen, data_set.group_field, _in(folder, _META), problems)
    seen: dict[str, str] = {}
    entries = (_entry(data_set, *group, seen, problems) for group in _groups(data_set, samples, problems))
    return [entry for entry in entries if entry is not None]


def _samples(tree: Tree, folder: str, problems: Problems) -> Iterator[Numbered]:
    file = _in(folder, _SAMPLES)
    if file in tree.known:
        content = parse(tree.path(file), shown=file, object_hook=extended_json.revive)
        listed = content.get("samples") if isinstance(content, dict) else content
        if not isinstance(listed, list):
            raise InputError("The file has no list 'samples'.", at=file, fix="Export the data set again.")
        given = ((f"{file}, sample {at}", sample) for at, sample in enumerate(listed))
    else:
        files = [file for file in tree.files if folder_of(file) == _in(folder, "samples") and file.endswith(".json")]
        given = ((file, _alone(tree, file)) for file in files)
    for where, sample in given:
        if isinstance(sample, dict) and isinstance(sample.get("filepath"), str):
            yield where, sample
        else:
            fault = f"{sample.problem:.300}".removesuffix(".") if isinstance(sample, InputError) else _NO_PATH
            message = f"{fault}; sample left out."
            problems.add("broken_annotation", where, message, loses_record=True)


def _alone(tree: Tree, file: str) -> Any:
    """A sample in a file of its own, or why it cannot be read."""
    try:
        return parse(tree.path(file), shown=file, object_hook=extended_json.revive)
    except InputError as cause:
        return cause


def _groups(
    data_set: _DataSet, samples: Sequence[Numbered], problems: Problems
) -> Iterator[tuple[Numbered, Mapping[str, Any] | None, str | None]]:
    """Each image, with the cloud and the id of its group; what belongs to no image is reported."""
    groups: dict[str, list[Numbered]] = {}
    for at, (where, sample) in enumerate(samples):
        element = sample.get(data_set.group_field) if data_set.group_field else None
        own = element.get("_id") if isinstance(element, dict) else None
        groups.setdefault(f"group {own}" if isinstance(own, str) else f"sample {at}", []).append((where, sample))
    for members in groups.values():
        pictures = [member for member in members if _media(member[1]) == "image"]
        clouds = [sample for _, sample in members if _media(sample) == "3d"]
        scene_id = _group_id(data_set, pictures[0][1]) if len(pictures) > 1 else None
        for at, picture in enumerate(pictures):
            yield picture, clouds[0] if clouds and at == _first_slice(data_set, pictures) else None, scene_id
        taken = clouds[:1] if pictures else []
        for where, sample in members:
            media = _media(sample)
            if media != "image" and not any(sample is cloud for cloud in taken):
                path = sample["filepath"]
                message = f"The sample is of type '{media}' and belongs to no image ({path:.200}); left out."
                problems.add("unsupported_media", where, message, loses_record=True)


def _group_id(data_set: _DataSet, sample: Mapping[str, Any]) -> str:
    return str(sample[str(data_set.group_field)]["_id"])


def _first_slice(data_set: _DataSet, pictures: Sequence[Numbered]) -> int:
    """Index of the image that a group shows first: it gets the cloud."""
    names = [sample[data_set.group_field].get("name") if data_set.group_field else None for _, sample in pictures]
    usual = data_set.meta.get("default_group_slice")
    return names.index(usual) if usual in names else 0


def _media(sample: Mapping[str, Any]) -> str:
    """``image``, ``3d``, ``video`` ...: as said, else by the suffix."""
    given, path = sample.get("_media_type"), sample["filepath"]
    if isinstance(given, str):
        return "3d" if given in ("3d", "point-cloud") else given
    if is_picture(path):
        return "image"
    return "3d" if is_cloud(path) or path.lower().endswith(".fo3d") else "unknown"


def _entry(
    data_set: _DataSet,
    picture: Numbered,
    cloud: Mapping[str, Any] | None,
    scene_id: str | None,
    seen: dict[str, str],
    problems: Problems,
) -> _Entry | None:
    where, sample = picture
    file = _locate(data_set, sample["filepath"], where, problems)
    if file is None:
        return None
    origin = sample[fields.ORIGIN] if is_own(sample) else file
    parts, leaves = plain_parts(origin)
    origin = "/".join(parts) if parts and not leaves else file
    key = sample[fields.SOURCE_KEY] if is_own(sample) else file
    if key in seen:
        message = f"'{file}' is also the image of {seen[key]}; sample left out."
        problems.add("duplicate_id", where, message, loses_record=True)
        return None
    seen[key] = where
    return _Entry(data_set.source.tree.path(file), origin, data_set, sample, where, file, cloud, scene_id)


def _locate(data_set: _DataSet, path: str, where: str, problems: Problems) -> str | None:
    files = data_set.source.tree.find(path, near=[data_set.folder, _in(data_set.folder, "data")])
    leaves = plain_parts(path)[1]
    if len(files) == 1:
        if leaves:
            message = f"The path '{path:.200}' leads out of the folder; loaded '{files[0]}' instead."
            problems.add("path_outside_folder", where, message)
        return files[0]
    if files:
        message = f"Several images match '{path:.200}' ({', '.join(files[:3])}); sample left out."
        problems.add("ambiguous_image", where, message, loses_record=True)
    elif leaves:
        message = (
            f"The path '{path:.200}' leads out of the folder; sample left out. Export the data set with its media."
        )
        problems.add("path_outside_folder", where, message, loses_record=True)
    else:
        message = f"There is no image '{path:.200}'; sample left out."
        problems.add("missing_image", where, message, loses_record=True)
    return None


def _name_unlisted(tree: Tree, folders: Sequence[str], listed: set[str], problems: Problems) -> None:
    """Images of the media folders that no sample names; ``fields/`` holds maps."""
    for folder in folders:
        for picture in tree.below(_in(folder, "data")):
            if picture not in listed:
                problems.count("unlisted_image", picture)
    message = "{n} images not listed in samples.json ({first}); not loaded."
    problems.close("unlisted_image", message)


def _record(entry: _Entry, header: Header, problems: Problems) -> Record:
    sample, data_set, chosen = entry.sample, entry.data_set, entry.data_set.chosen
    frame = Frame(header.width, header.height, problems)
    context = Context(data_set.source.tree, data_set.folder, frame, entry.where, data_set.keypoint_names)
    named = Named(data_set.source, data_set.folder, chosen, sample, entry.cloud, entry.where)
    _check_size(sample.get("metadata"), frame, entry.where)
    camera = sample.get(fields.CAMERA) if isinstance(sample.get(fields.CAMERA), dict) else None
    classification = sample.get(chosen.classification or "")
    class_name = attribute_value(classification.get("label")) if isinstance(classification, dict) else None
    labels = labels_of(sample.get(chosen.objects or ""), sample.get(chosen.points or ""), context)
    known = data_set.class_facts
    return Record(
        image_path=entry.image_path,
        origin=entry.origin,
        width=header.width,
        height=header.height,
        labels=labels,
        classification=None if class_name is None else str(class_name),
        split=_split(sample),
        scene_id=_text(sample.get(fields.SCENE_ID)) or entry.scene_id,
        attributes=facts_of(sample, chosen, data_set.group_field),
        camera=None if camera is None else _camera(camera, frame, entry.where),
        maps=maps_of(named, header),
        generation=_generation(sample, entry.where, problems),
        source_key=sample[fields.SOURCE_KEY] if is_own(sample) else None,
        tags=_tags(sample),
        cloud=cloud_of(named),
        T_cam_cloud=None if camera is None else matrix_of(camera.get("T_cam_cloud"), 4, 4),
        class_facts={name: known[name] for name in {*labels.names, str(class_name)} & known.keys()} if known else {},
    )


def _class_facts(meta: Mapping[str, Any]) -> dict[str, ClassFacts]:
    info = meta.get("info")
    notes = info.get("workbench") if isinstance(info, dict) else None
    text = notes.get("classes") if isinstance(notes, dict) else None
    try:
        return classes_from(json.loads(text)) if isinstance(text, str) else {}
    except (ValueError, RecursionError):  # somebody else's note of that name
        return {}


def _check_size(metadata: Any, frame: Frame, where: str) -> None:
    sizes = (metadata.get("width"), metadata.get("height")) if isinstance(metadata, dict) else (None, None)
    if None not in sizes and sizes != (frame.width, frame.height):
        size, file_size = f"{sizes[0]!s:.20} x {sizes[1]!s:.20}", f"{frame.width} x {frame.height}"
        message = f"The metadata says {size}, the upright image is {file_size}; loaded as {file_size}."
        frame.problems.add("size_mismatch", where, message)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _tags(sample: Mapping[str, Any]) -> tuple[str, ...]:
    given = sample.get("tags")
    return tuple(tag for tag in given if isinstance(tag, str)) if isinstance(given, list) else ()


def _split(sample: Mapping[str, Any]) -> str | None:
    """The split as a field; FiftyOne's own data sets have it as a tag."""
    given = _text(sample.get(fields.SPLIT))
    if given is not None or is_own(sample):
        return given if is_own(sample) else split_word(given or "") or given
    words = {word for tag in _tags(sample) if (word := split_word(tag))}
    return words.pop() if len(words) == 1 else None


def _camera(values: Mapping[str, Any], frame: Frame, where: str) -> Camera | None:
    if not any(key in values for key in ("fx", "fy", "cx", "cy")):
        return None
    try:
        return Camera.from_dict(values, width=frame.width, height=frame.height)
    except ValueError as cause:
        message = f"The camera cannot be used ({cause!s:.80}): it needs fx, fy, cx and cy; camera left out."
        frame.problems.add("broken_annotation", where, message)
        return None


def _generation(sample: Mapping[str, Any], where: str, problems: Problems) -> dict[str, Any]:
    """The exact lineage that the workbench stored."""
    given = sample.get(fields.GENERATION)
    text = given.get("record") if isinstance(given, dict) and is_own(sample) else None
    try:
        lineage = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError) as cause:
        message = f"The lineage is not valid JSON ({type(cause).__name__}: {cause!s:.80}); lineage left out."
        problems.add("broken_annotation", where, message)
        return {}
    return lineage_of(lineage, where, problems)
