"""TUM's RGB-D sequences: ``rgb.txt``, ``depth.txt`` and ``groundtruth.txt`` beside ``rgb/`` and ``depth/``.

Every line begins with a time in seconds; what is nearest within 20 ms belongs together. Poses are camera to world in
OpenCV axes; 5000 units of depth are a metre. Intrinsics are known only where a ``calibration.txt`` gives them.
Format: https://cvg.cit.tum.de/data/datasets/rgbd-dataset/file_formats
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from workbench.adapters.formats.toolkit.names import attribute_value
from workbench.adapters.formats.toolkit.pictures import Header
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.space import Floats, rigid, rotation_of
from workbench.adapters.formats.toolkit.text_files import head_of, lines_of
from workbench.adapters.formats.toolkit.tree import Tree, folder_of, plain_parts
from workbench.base.plurals import counted
from workbench.core.schema.labels import Attribute, Camera

MM_PER_UNIT = 0.2  # 5000 units are a metre
_NEAREST_S = 0.02 + 1e-6  # times of today, in seconds, are exact to less than a microsecond
_PICTURES, _DEPTHS, _POSES = "rgb.txt", "depth.txt", "groundtruth.txt"
_CALIBRATIONS = ("calibration.txt", "camera.txt", "intrinsics.txt")
_POSE_NUMBERS = 7  # tx ty tz qx qy qz qw
_PINHOLE_NUMBERS, _BROWN_NUMBERS = 4, 8  # fx fy cx cy, and k1 k2 p1 p2
_HEAD_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Moment:
    """What a sequence contains about one image.

    Attributes:
        scene_id: the sequence.
        time_s: when it was taken.
        depth: its depth map, if any.
        T_world_cam: its pose, if known.
        pinhole: ``fx fy cx cy`` and, where given, ``k1 k2 p1 p2``.
    """

    scene_id: str
    time_s: float
    depth: str | None = None
    T_world_cam: Floats | None = None
    pinhole: tuple[float, ...] = ()

    @property
    def attributes(self) -> dict[str, Attribute]:
        """Facts that have no field: the time, and a pose without intrinsics as JSON text."""
        attributes: dict[str, Attribute] = {"time_s": self.time_s}
        if self.T_world_cam is not None and not self.pinhole:
            attributes["T_world_cam"] = attribute_value(self.T_world_cam.tolist()) or ""
        return attributes

    def camera(self, header: Header) -> Camera | None:
        """Intrinsics and pose; ``None`` when the intrinsics are not known."""
        if not self.pinhole:
            return None
        fx, fy, cx, cy, *rest = self.pinhole
        k1, k2, p1, p2 = rest or (0.0, 0.0, 0.0, 0.0)
        return Camera(header.width, header.height, fx, fy, cx, cy, (k1, k2, p1, p2), self.T_world_cam)


@dataclass(frozen=True, slots=True)
class Sequences:
    """All sequences of a tree.

    Attributes:
        moments: by image.
        depths: all depth maps that are listed, those of no image too.
        files: the text files that were read.
    """

    moments: Mapping[str, Moment] = field(default_factory=dict)
    depths: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()


def sequences_in(tree: Tree, problems: Problems) -> Sequences:
    """Read every sequence of a tree; without an ``rgb.txt`` that lists images there is none."""
    moments: dict[str, Moment] = {}
    depths: set[str] = set()
    used: set[str] = set()
    for file in tree.files:
        folder = folder_of(file)
        if file.rpartition("/")[2] != _PICTURES or not _lists_pictures(tree, file):
            continue
        names = (_PICTURES, _DEPTHS, _POSES, *_CALIBRATIONS)
        used |= {text_file for name in names if (text_file := _in(folder, name)) in tree.known}
        maps = sorted(_listed(tree, folder, _DEPTHS, problems))
        of_folder = dict(_moments(tree, folder, maps, problems))
        depths |= _name_idle(maps, of_folder, problems)
        moments |= of_folder
    return Sequences(moments, frozenset(depths), frozenset(used))


def _name_idle(maps: Sequence[tuple[float, str]], moments: Mapping[str, Moment], problems: Problems) -> set[str]:
    """All listed depth maps; those that belong to no image are counted."""
    listed, paired = {file for _, file in maps}, {moment.depth for moment in moments.values()}
    for file in sorted(listed - paired):
        problems.count("unlisted_image", file)
    message = "No image within 20 ms of {n} depth maps ({first}); not loaded."
    problems.close("unlisted_image", message)
    return listed


def _in(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _lists_pictures(tree: Tree, file: str) -> bool:
    lines = head_of(tree.peek(file), _HEAD_BYTES).splitlines()
    rows = [words for line in lines if (words := line.split()) and not words[0].startswith("#")]
    return bool(rows) and len(rows[0]) == 2 and _number(rows[0][0]) is not None


def _moments(
    tree: Tree, folder: str, maps: Sequence[tuple[float, str]], problems: Problems
) -> Iterator[tuple[str, Moment]]:
    pictures = list(_listed(tree, folder, _PICTURES, problems))
    poses = sorted(_poses(tree, folder, problems), key=lambda pose: pose[0])
    map_times, pose_times = [time for time, _ in maps], [time for time, _ in poses]
    pinhole = _pinhole(tree, folder, problems)
    scene_id = "/".join(part for part in (tree.root.name, folder) if part)
    for time_s, picture in pictures:
        at, pose_at = nearest(map_times, time_s), nearest(pose_times, time_s)
        if poses and pose_at is None:
            problems.count("missing_annotation_file", picture)
        depth = None if at is None else maps[at][1]
        pose = None if pose_at is None else poses[pose_at][1]
        yield picture, Moment(scene_id, time_s, depth, pose, pinhole)
    message = "No pose within 20 ms of {n} images ({first}); loaded without poses."
    problems.close("missing_annotation_file", message)


def nearest(times: Sequence[float], time_s: float) -> int | None:
    """The index of the nearest of some sorted times, when it is near enough to belong together.

    >>> nearest([1.0, 2.0], 1.99), nearest([1.0, 2.0], 1.5), nearest([], 1.0)
    (1, None, None)
    """
    at = bisect.bisect(times, time_s)
    index = min(range(max(at - 1, 0), min(at + 1, len(times))), key=lambda i: abs(times[i] - time_s), default=None)
    return index if index is not None and abs(times[index] - time_s) <= _NEAREST_S else None


def _rows(tree: Tree, folder: str, name: str, count: int, problems: Problems) -> Iterator[tuple[str, float, list[str]]]:
    """Position in the file, time and the other words of every line; what does not fit is reported."""
    file = _in(folder, name)
    lines = lines_of(tree.path(file), file, problems) if file in tree.known else []
    for at, line in enumerate(lines, 1):
        words = line.replace(",", " ").split()
        if not words or words[0].startswith("#"):
            continue
        time_s = _number(words[0])
        if time_s is None or len(words) != count + 1:
            message = f"The line '{line.strip()[:80]}' is not a time and {counted(count, 'value')}; line left out."
            problems.add("broken_annotation", f"{file}, line {at}", message)
        else:
            yield f"{file}, line {at}", time_s, words[1:]


def _listed(tree: Tree, folder: str, name: str, problems: Problems) -> Iterator[tuple[float, str]]:
    """Time and file of every line; an image that is not there is a lost record."""
    is_record = name == _PICTURES
    for where, time_s, (text,) in _rows(tree, folder, name, 1, problems):
        files = tree.find(text, near=[folder])
        if len(files) == 1 and files[0] in tree.picture_set:
            yield time_s, files[0]
            continue
        outcome = "sample left out" if is_record else "depth map left out"
        if plain_parts(text)[1]:
            message = f"The path '{text:.200}' leads out of the folder; {outcome}."
            problems.add("path_outside_folder", where, message, loses_record=is_record)
        else:
            message = f"There is no image '{text:.200}'; {outcome}."
            problems.add("missing_image" if is_record else "missing_map", where, message, loses_record=is_record)


def _poses(tree: Tree, folder: str, problems: Problems) -> Iterator[tuple[float, Floats]]:
    for where, time_s, words in _rows(tree, folder, _POSES, _POSE_NUMBERS, problems):
        numbers = [number for word in words if (number := _number(word)) is not None]
        turn = rotation_of(numbers[3:]) if len(numbers) == _POSE_NUMBERS else None
        if turn is None:
            message = f"'{' '.join(words)[:80]}' is not a pose tx ty tz qx qy qz qw; pose left out."
            problems.add("broken_annotation", where, message)
        else:
            yield time_s, rigid(turn, numbers[:3])


def _pinhole(tree: Tree, folder: str, problems: Problems) -> tuple[float, ...]:
    """``fx fy cx cy`` and perhaps ``k1 k2 p1 p2`` and a ``k3`` of 0, in one line."""
    file = next((candidate for name in _CALIBRATIONS if (candidate := _in(folder, name)) in tree.known), None)
    lines = lines_of(tree.path(file), file, problems) if file is not None else []
    rows = [words for line in lines if (words := line.replace(",", " ").split()) and not words[0].startswith("#")]
    if file is None or not rows:
        return ()
    numbers = tuple(number for word in rows[0] if (number := _number(word)) is not None)
    if len(numbers) == _BROWN_NUMBERS + 1 and numbers[-1] == 0:
        numbers = numbers[:-1]
    fits = len(numbers) in (_PINHOLE_NUMBERS, _BROWN_NUMBERS) and len(numbers) <= len(rows[0]) and min(numbers[:2]) > 0
    if not fits:
        line = " ".join(rows[0])[:80]
        message = f"'{line}' is not fx fy cx cy, alone or with k1 k2 p1 p2; loaded without intrinsics."
        problems.add("unsupported_camera", file, message)
    return numbers if fits else ()


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
