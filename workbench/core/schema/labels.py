"""Label, camera and record: what a format on disk holds, before it becomes a sample."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import struct
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from workbench.core.schema.classes import Attribute as Attribute
from workbench.core.schema.classes import ClassFacts


@dataclass(slots=True)  # not frozen: five times faster to make, and a load makes millions
class Label:
    """One object in one picture; never changed after it is made.

    Attributes:
        name: class name.
        xyxy: edges left, top, right, bottom in pixels; a full picture is ``(0, 0, W, H)``.
        polygons: outlines, each ``(n, 2)`` in pixel edges, or empty.
        mask: bool array over the box rounded outwards to whole pixels, or ``None``.
        attributes: what else the format knows (``occlusion``, ``iscrowd``, ``surface`` ...).
        confidence: 0..1 for predictions, ``None`` for ground truth.
        instance_id: id in the instance map, ``None`` when there is none.
        keypoints: ``(n, 3)`` x, y in pixel edges and visibility (0 not labelled, 1 hidden, 2 visible), or ``None``.
        keypoint_names: names of the keypoints, in order; empty when the format names none.
        T_cam_obj: 4x4 pose of the object in the camera frame (OpenCV axes, metres), or ``None``.
        size_m: extents of the object's 3D box along its own axes, centred at ``T_cam_obj``, or ``None``.
        xyxy_loose: edges of the whole silhouette in the picture, hidden parts too, or ``None``.
    """

    name: str
    xyxy: tuple[float, float, float, float]
    polygons: tuple[NDArray[np.float64], ...] = ()
    mask: NDArray[np.bool_] | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    confidence: float | None = None
    instance_id: int | None = None
    keypoints: NDArray[np.float64] | None = None
    keypoint_names: tuple[str, ...] = ()
    T_cam_obj: NDArray[np.float64] | None = None
    size_m: tuple[float, float, float] | None = None
    xyxy_loose: tuple[float, float, float, float] | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is nothing but a box with a name, as most are."""
        if self.attributes or self.polygons or self.mask is not None or self.confidence is not None:
            return False
        if self.instance_id is not None or self.keypoints is not None or self.T_cam_obj is not None:
            return False
        return self.size_m is None and self.xyxy_loose is None


_NO_COLUMNS: Final[Mapping[str, Sequence[Any]]] = {}
_ABSENT: Final[dict[str, Callable[[], Iterator[Any]]]] = {  # values of columns that are absent, in the fields' order
    "polygons": lambda: itertools.repeat(()),
    "mask": lambda: itertools.repeat(None),
    "attributes": lambda: iter(dict, None),  # a new one for each label
    "confidence": lambda: itertools.repeat(None),
    "instance_id": lambda: itertools.repeat(None),
    "keypoints": lambda: itertools.repeat(None),
    "keypoint_names": lambda: itertools.repeat(()),
    "T_cam_obj": lambda: itertools.repeat(None),
    "size_m": lambda: itertools.repeat(None),
    "xyxy_loose": lambda: itertools.repeat(None),
}


class Labels(Sequence[Label]):
    """The labels of one picture by column, in a tenth of the memory; each ``Label`` is made on access.

    Args:
        names: class names.
        xyxy: left, top, right, bottom of each in turn, in pixels; as numbers or as an array ``(n, 4)``.
        columns: values of other fields of ``Label`` by name, one for each label; only fields with values.

    >>> labels = Labels(("cup", "box"), [1.5, 2, 4, 3, 0, 0, 9, 9], {"confidence": (0.5, None)})
    >>> labels[0].xyxy, labels[0].confidence, labels[1].polygons
    ((1.5, 2.0, 4.0, 3.0), 0.5, ())
    """

    __slots__ = ("_edges", "columns", "names")

    names: tuple[str, ...]
    columns: Mapping[str, Sequence[Any]]

    def __init__(
        self,
        names: tuple[str, ...] = (),
        xyxy: Sequence[float] | NDArray[np.float64] = (),
        columns: Mapping[str, Sequence[Any]] = _NO_COLUMNS,
    ) -> None:
        array_of = xyxy.astype(np.float64) if isinstance(xyxy, np.ndarray) else array("d", xyxy)
        self.names, self._edges, self.columns = _shared(names), array_of.tobytes(), columns

    @classmethod
    def of(cls, labels: Iterable[Label]) -> Labels:
        """The labels as columns."""
        if isinstance(labels, Labels):
            return labels
        given = list(labels)
        names = tuple([label.name for label in given])
        edges = list(itertools.chain.from_iterable([label.xyxy for label in given]))
        if all(label.is_plain for label in given):
            return cls(names, edges)
        columns = {name: tuple([getattr(label, name) for label in given]) for name in _ABSENT}
        return cls(names, edges, {name: column for name, column in columns.items() if not _is_empty(column)})

    @property
    def xyxy(self) -> NDArray[np.float64]:
        """Left, top, right, bottom in pixels, ``(n, 4)``, read-only."""
        return np.frombuffer(self._edges).reshape(-1, 4)

    def boxes(self) -> Iterator[tuple[float, float, float, float]]:
        """``xyxy`` of each label."""
        return struct.iter_unpack("4d", self._edges)

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Label]:
        if not self.columns:
            return map(Label, self.names, self.boxes())
        given = self.columns
        columns = (given[name] if name in given else values() for name, values in _ABSENT.items())
        return map(Label, self.names, self.boxes(), *columns)

    @overload
    def __getitem__(self, at: int) -> Label: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Label]: ...

    def __getitem__(self, at: int | slice) -> Label | Sequence[Label]:
        return tuple(self)[at]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __repr__(self) -> str:
        return repr(tuple(self))

    def packed(self) -> tuple[Any, ...]:
        """The labels as plain values, which are quick to pickle."""
        return self.names, self._edges, self.columns or None

    @classmethod
    def unpacked(cls, packed: tuple[Any, ...]) -> Labels:
        """The labels of what ``packed`` gave."""
        labels = cls.__new__(cls)
        labels.names, labels._edges, columns = packed
        labels.columns = columns or _NO_COLUMNS
        return labels


def _is_empty(column: Sequence[Any]) -> bool:
    """Whether all values of a column are ``None``, ``()`` or ``{}``."""
    return all(value is None or (isinstance(value, (tuple, dict)) and not value) for value in column)


@functools.lru_cache(maxsize=4096)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    """The same object for the same names: many pictures show the same classes."""
    return names


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera with Brown-Conrady distortion; OpenCV axes (x right, y down, z forward), metres.

    Attributes:
        width, height: pixels.
        fx, fy: focal lengths in pixels.
        cx, cy: principal point in pixels; pixel centres are whole numbers, so a centred one is ``(W - 1) / 2``.
        distortion: ``(k1, k2, p1, p2)``.
        T_world_cam: 4x4, camera to world; ``None`` when not known.
    """

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    distortion: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    T_world_cam: NDArray[np.float64] | None = None

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The 3x3 intrinsic matrix K, pixel centres at whole numbers."""
        return np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])

    def to_dict(self) -> dict[str, Any]:
        """The camera as plain values; the pose only where it is known.

        >>> Camera(640, 480, 500.0, 500.0, 319.5, 239.5).to_dict()["distortion"]
        [0.0, 0.0, 0.0, 0.0]
        """
        plain = {name: getattr(self, name) for name in ("width", "height", "fx", "fy", "cx", "cy")}
        plain["distortion"] = list(self.distortion)
        return plain if self.T_world_cam is None else {**plain, "T_world_cam": self.T_world_cam.tolist()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, width: int | None = None, height: int | None = None) -> Camera:
        """The camera of ``to_dict``, whoever wrote the values.

        Args:
            values: ``fx``, ``fy``, ``cx``, ``cy``; ``distortion`` and ``T_world_cam`` may be missing.
            width, height: pixels, where the values do not have them.

        Raises:
            ValueError: something is missing, or is no finite number.
        """
        try:
            width = int(values["width"] if width is None else width)
            height = int(values["height"] if height is None else height)
            fx, fy, cx, cy = (float(values[name]) for name in ("fx", "fy", "cx", "cy"))
            k1, k2, p1, p2 = (float(value) for value in values.get("distortion") or (0, 0, 0, 0))
            pose = values.get("T_world_cam")
            T_world_cam = None if pose is None else np.asarray(pose, np.float64).reshape(4, 4)
        except (AttributeError, KeyError, TypeError, OverflowError) as cause:
            raise ValueError(f"{type(cause).__name__}: {cause}") from cause
        if not np.isfinite(
            [fx, fy, cx, cy, k1, k2, p1, p2, *np.ravel(0 if T_world_cam is None else T_world_cam)]
        ).all():
            raise ValueError("a value is not finite")
        return cls(width, height, fx, fy, cx, cy, (k1, k2, p1, p2), T_world_cam)


@dataclass(slots=True)  # not frozen, as labels
class Record:
    """One picture, or one point cloud without a picture, with all that a format says of it; never changed later.

    Attributes:
        image_path: absolute path of the picture; ``None`` for a cloud alone.
        origin: path inside what was loaded, with ``/`` between the parts.
        width, height: pixels, after the EXIF orientation; 0 for a cloud alone.
        labels: boxes and masks.
        classification: class of the whole picture, ``None`` when the format gives none.
        split: split that the data gives (``train``, ``val`` ...), or ``None``.
        scene_id: what belongs together, or ``None``.
        attributes: sample-level facts (``lighting``, ``surface``, any metadata column).
        camera: intrinsics and pose, when known.
        maps: paths of per-pixel maps by field name (``depth``, ``instances``).
        generation: lineage of a generated sample (SCENARIO words), else empty.
        source_key: stable id that a generator gives; ``None`` lets the store make one of content and origin.
        tags: tags that the data gives.
        cloud: path of a point cloud of the same moment.
        T_cam_cloud: 4x4, cloud frame to camera frame, metres; ``None`` when not known; then the cloud shows no boxes.
        class_facts: what the data says of the classes of these labels, by class; only of those with facts.
        size_bytes, content_sha256: of the picture's file, when it was read already; not part of what is equal.
    """

    image_path: Path | None
    origin: str
    width: int
    height: int
    labels: Labels = field(default_factory=Labels)
    classification: str | None = None
    split: str | None = None
    scene_id: str | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    camera: Camera | None = None
    maps: Mapping[str, Path] = field(default_factory=dict)
    generation: Mapping[str, Any] = field(default_factory=dict)
    source_key: str | None = None
    tags: tuple[str, ...] = ()
    cloud: Path | None = None
    T_cam_cloud: NDArray[np.float64] | None = None
    class_facts: Mapping[str, ClassFacts] = field(default_factory=dict)
    size_bytes: int | None = field(default=None, compare=False)
    content_sha256: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.image_path is None and self.cloud is None:
            raise ValueError(f"The record has neither an image nor a point cloud: {self.origin}.")
        if type(self.labels) is not Labels:
            self.labels = Labels.of(self.labels)

    @property
    def medium(self) -> Path:
        """Path of the picture, or of the cloud when there is none."""
        path = self.image_path or self.cloud
        assert path is not None
        return path

    def packed(self) -> tuple[Any, ...]:
        """The same as plain values, a sixth of the time to pickle; ``unpacked`` makes a record of them again."""
        path = None if self.image_path is None else str(self.image_path)
        return (path, self.origin, self.width, self.height, self.labels.packed(), _rest_of(self))

    @classmethod
    def unpacked(cls, packed: tuple[Any, ...]) -> Record:
        """The record that ``packed`` gave."""
        path, origin, width, height, labels, rest = packed
        return cls(None if path is None else Path(path), origin, width, height, Labels.unpacked(labels), *rest)


_rest_of = attrgetter(*[each.name for each in dataclasses.fields(Record)][5:])
