"""A small world that stands in for real data, and pools of pictures of it and of the generator, each drawn once.

Both are drawn by Open3D. What is real has scenes from ranges of its own and the camera of ``hidden_world``; what is
synthetic has those of the generator. Lights are ordinary, dim, or hard (a low, strong spot in a dark room); surfaces
are metal or others. The dim and the hard ones on metal are rare: under 3 % each.
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.proof.hidden_world import WORLD, Development, Exposed, develop
from workbench.actions.generate.frame import NotAccepted, accepted_draw
from workbench.actions.generate.rendered import Rendered, labels_of
from workbench.actions.train.examples import Example, Found, overlap
from workbench.adapters.render import renderer
from workbench.base.files import write_bytes
from workbench.base.processes import WorkerProcesses
from workbench.core.metrics.counts import RoundCounts, round_counts
from workbench.core.metrics.outcomes import Outcomes
from workbench.core.scenario import Scenario, noise_rng, sensor_settings
from workbench.core.schema.boxes import Box, Boxes
from workbench.core.schema.labels import Label
from workbench.core.sensor import form_image

SIZE_WH = (128, 96)
CLASSES = ("bearing", "bolt", "bracket", "gear")
SCORE = 0.3  # least score of a box that counts for recall
METALS = {"choice": ["metal", "mirror"], "weights": [0.7, 0.3]}
OTHERS = {"choice": ["matte", "glossy", "cardboard", "wood"], "weights": [0.45, 0.2, 0.15, 0.2]}
SCENE: dict[str, Any] = {
    "assets.targets.labels": {"choice": list(CLASSES)},
    "assets.targets.count": {"uniform_int": [2, 4]},
    "sensor.camera.resolution": list(SIZE_WH),
}
REAL = SCENE | {"sensor.camera.pose.radius": {"uniform": [0.32, 0.44]}}
LIGHTS: dict[str, tuple[float, dict[str, Any], Development]] = {
    "ordinary": (0.70, {}, Development()),
    "dim": (
        0.15,
        {
            "lighting.environment.intensity": {"log_uniform": [12, 30]},
            "lighting.key.intensity": {"log_uniform": [5, 40]},
        },
        Development(ev=(0.9, 1.7), gain=(14.0, 30.0)),
    ),
    "hard": (
        0.15,
        {
            "lighting.key.type": "spot",
            "lighting.key.direction.elevation": {"uniform": [12, 28]},
            "lighting.key.intensity": {"log_uniform": [2000, 5000]},
            "lighting.environment.intensity": {"log_uniform": [25, 70]},
        },
        Development(ev=(-0.4, 0.4)),
    ),
}
SURFACES: dict[str, tuple[float, dict[str, Any]]] = {
    "metal": (0.15, {"scene.surface.label": METALS, "scene.objects.surface": METALS}),
    "other": (0.85, {"scene.surface.label": OTHERS}),
}
CELLS = tuple((light, surface) for light in LIGHTS for surface in SURFACES)


@dataclass(frozen=True, eq=False)
class Pool:
    """Pictures with their boxes.

    Attributes:
        jpegs: files.
        boxes: ``(n, 4)`` edges in pixels, of each picture.
        classes: ``(n,)`` numbers of ``CLASSES``.
    """

    jpegs: list[bytes]
    boxes: list[NDArray[np.float32]]
    classes: list[NDArray[np.int64]]

    def __len__(self) -> int:
        return len(self.jpegs)

    def taken(self, rows: slice) -> Pool:
        """Some of them."""
        return Pool(self.jpegs[rows], self.boxes[rows], self.classes[rows])

    def __add__(self, other: Pool) -> Pool:
        return Pool(self.jpegs + other.jpegs, self.boxes + other.boxes, self.classes + other.classes)

    def examples(self) -> list[Example]:
        """As the detector learns from them."""
        pictures = [cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1] for jpeg in self.jpegs]
        return [
            Example(np.asarray(one, np.uint8), boxes, classes)
            for one, boxes, classes in zip(pictures, self.boxes, self.classes, strict=True)
        ]


def real_scenario(light: str, surface: str) -> Scenario:
    """The real world in one light on one surface."""
    changes = REAL | LIGHTS[light][1] | SURFACES[surface][1]
    return Scenario.load(WORLD | {"name": f"real_{light}_{surface}"}).replace(changes)


def real(light: str, surface: str, n: int, folder: Path, *, first: int = 0) -> Pool:
    """Real pictures of one cell, ``n`` from number ``first`` on."""
    return pool(real_scenario(light, surface), n, folder, first=first, camera=LIGHTS[light][2])


def natural(n: int, first: int, folder: Path) -> Pool:
    """Real pictures as they come, number ``first`` and following: the failing cells are as rare as they are."""
    before, after = natural_counts(first) if first else dict.fromkeys(CELLS, 0), natural_counts(first + n)
    found = Pool([], [], [])
    for cell in CELLS:
        found += real(*cell, after[cell], folder).taken(slice(before[cell], after[cell]))
    return found


def natural_counts(n: int) -> dict[tuple[str, str], int]:
    """How many of ``n`` pictures lie in each cell, by the shares of lights and surfaces.

    >>> natural_counts(400)[("dim", "metal")], sum(natural_counts(400).values())
    (9, 400)
    """
    counts = {(a, b): round(n * LIGHTS[a][0] * SURFACES[b][0]) for a, b in CELLS}
    counts["ordinary", "other"] += n - sum(counts.values())
    return counts


def pool(one: Scenario, n: int, folder: Path, *, first: int = 0, camera: Development | None = None) -> Pool:
    """``n`` pictures of a scenario; those that the folder lacks are drawn by two processes and kept.

    Args:
        one: the scenario.
        n: pictures.
        folder: a cache.
        first: number of the first.
        camera: of the real world; without, the scenario's own.
    """
    told = f"{one.sha256}{json.dumps(asdict(camera)) if camera else ''}"
    place = folder / f"{one.name}-{zlib.crc32(told.encode()):08x}"
    frames = range(first, first + n)
    _each(_keep, [(one, frame, camera, place) for frame in frames if not _file(place, frame).exists()])
    return _read(place, frames)


def developed(one: Scenario, cameras: Mapping[str, Mapping[str, Any]], n: int, folder: Path) -> dict[str, Pool]:
    """``n`` pictures of a scenario through several cameras, each scene drawn once; kept as in ``pool``.

    Args:
        one: the scenario.
        cameras: changes of its sensor by name.
        n: pictures.
        folder: a cache.
    """
    ways = {name: one.replace(changes) for name, changes in cameras.items()}
    places = {name: folder / f"{one.name}-{name}-{zlib.crc32(way.sha256.encode()):08x}" for name, way in ways.items()}
    todo = [frame for frame in range(n) if not all(_file(place, frame).exists() for place in places.values())]
    _each(_keep_all, [(one, frame, list(ways.values()), list(places.values())) for frame in todo])
    return {name: _read(place, range(n)) for name, place in places.items()}


def _each(function: Callable[..., None], calls: Sequence[tuple[Any, ...]]) -> None:
    if calls:
        with WorkerProcesses(2) as workers:
            for done in [workers.submit(function, *call) for call in calls]:
                done.result()


def _read(place: Path, frames: Iterable[int]) -> Pool:
    arrays = [np.load(_file(place, frame), allow_pickle=False) for frame in frames]
    return Pool(
        [bytes(a["jpeg"]) for a in arrays],
        [a["boxes"].astype(np.float32) for a in arrays],
        [a["classes"].astype(np.int64) for a in arrays],
    )


def _file(place: Path, frame: int) -> Path:
    return place / f"{frame:05}.npz"


def _keep(one: Scenario, frame: int, camera: Development | None, place: Path) -> None:
    accepted = _accepted(one, frame)
    labels = labels_of(accepted.truth)
    if camera is None:
        jpeg = accepted.shoot("open3d").picture.data
    else:
        seen = Exposed(renderer("open3d").render(accepted.scene), labels, accepted.resolved.values)
        jpeg = develop(seen, camera, rng=np.random.default_rng(frame))
    _write(place, frame, jpeg, labels)


def _keep_all(one: Scenario, frame: int, ways: Sequence[Scenario], places: Sequence[Path]) -> None:
    accepted = _accepted(one, frame)
    linear = renderer("open3d").render(accepted.scene)
    mark = accepted.resolved.mark
    for way, place in zip(ways, places, strict=True):
        resolved = way.resolve(mark.frame, mark.attempt)  # the same scene: each parameter has random numbers of its own
        jpeg = form_image(linear, sensor_settings(resolved), rng=noise_rng(resolved)).data
        _write(place, frame, jpeg, labels_of(accepted.truth))


def _accepted(one: Scenario, frame: int) -> Rendered:
    """A draw; a frame without an accepted one gives way to one far away."""
    for number in (frame, frame + 1_000_000, frame + 2_000_000):
        try:
            return accepted_draw(one, number)
        except NotAccepted:
            continue
    return accepted_draw(one, frame + 3_000_000)


def _write(place: Path, frame: int, jpeg: bytes, labels: Sequence[Label]) -> None:
    boxes = np.array([label.xyxy for label in labels], np.float32).reshape(-1, 4)
    classes = np.array([CLASSES.index(label.name) for label in labels], np.int64)
    stream = io.BytesIO()
    np.savez(stream, jpeg=np.frombuffer(jpeg, np.uint8), boxes=boxes, classes=classes)
    place.mkdir(parents=True, exist_ok=True)
    write_bytes(_file(place, frame), stream.getvalue())


def tallied(truth: Pool, found: Sequence[Found]) -> RoundCounts:
    """What became of the true boxes and of the predicted ones: per class, the most certain first, IoU 0.5."""
    samples, outcomes, truth_of = [], {}, {}
    for row, predicted in enumerate(found):
        name = f"{row:024}"
        own = tuple(
            Box(f"{name}-t{k}", CLASSES[c], tuple(b))
            for k, (b, c) in enumerate(zip(truth.boxes[row].tolist(), truth.classes[row], strict=True))
        )
        said = tuple(
            Box(f"{name}-p{k}", CLASSES[c], tuple(b), confidence=float(s))
            for k, (b, c, s) in enumerate(
                zip(predicted.boxes.tolist(), predicted.classes, predicted.scores, strict=True)
            )
        )
        hits = _hits(truth.boxes[row], truth.classes[row], predicted)
        truth_of |= {said[k].id: own[t].id for k, t in hits.items()}
        sure = {t for k, t in hits.items() if predicted.scores[k] >= SCORE}
        outcomes[name] = Outcomes(
            tuple("hit" if t in sure else "miss" for t in range(len(own))),
            tuple("hit" if k in hits else "false_alarm" for k in range(len(said)) if predicted.scores[k] >= SCORE),
        )
        samples.append(Boxes(name, own, said))
    return round_counts(samples, outcomes, truth_of)


def _hits(boxes: NDArray[np.float32], classes: NDArray[np.int64], predicted: Found) -> Mapping[int, int]:
    """Number of the true box by number of the predicted one that takes it."""
    overlaps = overlap(predicted.boxes, boxes)
    overlaps[predicted.classes[:, None] != classes[None]] = 0.0
    taken: dict[int, int] = {}
    for k in range(len(overlaps)):  # most certain first
        free = [t for t in range(len(boxes)) if t not in taken.values()]
        if free and overlaps[k, free].max() >= 0.5:
            taken[k] = free[int(np.argmax(overlaps[k, free]))]
    return taken
