"""Gap and use: does the gap of generated pictures tell how good a detector is that learns from them?

    python -m tests.proof.proof_use [--folder DIR] [--pictures 150] [--seeds 1] [--report]

A detector learns from each variant of the generator alone, from its first weights on, and finds boxes in real pictures
that nothing else sees. The gap of each variant is taken against real pictures. What counts is the rank correlation of
its numbers with AP50 and recall; intervals are a bootstrap over the variants.

Two sets of variants. The old one: four kinds of scenes, from those of the real world of ``standin`` to far ones, each
through three cameras. Named before its run as the number to judge by: sliced Wasserstein by looks; it failed, because
pictures do not tell how large objects are and how many. The ``distance`` of ``mining.objects`` was then made with the
old set at hand, so that set proves nothing for it. The new one, five other kinds of scenes through three other cameras,
was to judge it: number and variants were fixed, and committed, before the first training on any of them. It failed too:
how many objects a picture shows hardly matters to a detector, and was in the number. What is called ``distance`` now
leaves out number, place and overlap, because of both sets; ``distance, first`` is what the new set judged. The last
set, four other kinds of scenes through three other cameras, judges ``distance``, fixed before any training on it.

Everything is kept in the folder, which may be that of ``proof_gain`` to share its real pictures; a second call goes on,
and ``--report`` prints what is there.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, spearmanr

from tests.proof.measured import NAMES
from tests.proof.standin import (
    CELLS,
    CLASSES,
    REAL,
    SCENE,
    SIZE_WH,
    Pool,
    developed,
    natural,
    natural_counts,
    real,
    tallied,
)
from workbench.base.files import write_bytes
from workbench.base.processes import WorkerProcesses
from workbench.core.gap.embeddings import look_gap
from workbench.core.gap.gap import Gap, gap
from workbench.core.gap.objects import (
    QUANTITIES,
    SHARE,
    Objects,
    distance,
    object_distance,
    object_gap,
    picture_distance,
)
from workbench.core.measures import LABEL_MEASURES, decode, measure_all, measure_labels, over_labels
from workbench.core.metrics.average_precision import mean_ap
from workbench.core.scenario import Scenario

SCENES: dict[str, dict[str, Any]] = {
    "near": REAL,
    "shiny": SCENE
    | {
        "sensor.camera.pose.radius": {"uniform": [0.32, 0.44]},
        "scene.surface.label": {"choice": ["metal", "mirror", "glossy"]},
        "scene.objects.surface": "mirror",
        "lighting.environment.intensity": {"log_uniform": [30, 120]},
        "lighting.key.intensity": {"log_uniform": [1500, 5000]},
        "lighting.key.direction.elevation": {"uniform": [10, 30]},
    },
    "flat": SCENE
    | {
        "sensor.camera.pose.radius": {"uniform": [0.36, 0.50]},
        "scene.surface.label": "matte",
        "scene.objects.surface": "matte",
        "scene.objects.color_jitter": 0.0,
        "lighting.key.shadow": False,
        "lighting.key.intensity": {"log_uniform": [20, 60]},
        "lighting.environment.intensity": {"log_uniform": [500, 900]},
    },
    "far": SCENE
    | {
        "sensor.camera.pose.radius": {"uniform": [0.62, 0.85]},
        "sensor.camera.pose.elevation": {"uniform": [80, 88]},
        "assets.targets.count": 1,
    },
}
CAMERAS: dict[str, dict[str, Any]] = {
    "good": {
        "sensor.exposure.ev": {"uniform": [-0.2, 0.6]},
        "sensor.noise.gain": {"log_uniform": [1.5, 4]},
        "sensor.lens.blur_px": {"uniform": [0.4, 0.7]},
        "sensor.lens.vignette": 0.5,
        "sensor.jpeg.quality": {"uniform_int": [85, 95]},
        "sensor.motion.blur_px": 0.0,
    },
    "dark": {
        "sensor.exposure.ev": {"uniform": [-4.0, -2.5]},
        "sensor.noise.gain": {"log_uniform": [16, 40]},
        "sensor.lens.blur_px": {"uniform": [0.4, 0.7]},
        "sensor.motion.blur_px": 0.0,
    },
    "soft": {
        "sensor.exposure.ev": {"uniform": [0.6, 1.6]},
        "sensor.noise.gain": 1.0,
        "sensor.lens.blur_px": {"uniform": [2.0, 3.0]},
        "sensor.white_balance.temperature": {"uniform": [3200, 3800]},
    },
}
NEW_SCENES: dict[str, dict[str, Any]] = {
    "crowd": SCENE
    | {
        "sensor.camera.pose.radius": {"uniform": [0.50, 0.62]},
        "assets.targets.count": {"uniform_int": [6, 10]},
    },
    "close": SCENE
    | {
        "sensor.camera.pose.radius": {"uniform": [0.24, 0.30]},
        "assets.targets.count": {"uniform_int": [1, 2]},
        "scene.surface.label": {"choice": ["wood", "cardboard"]},
    },
    "bolts": SCENE
    | {
        "sensor.camera.pose.radius": {"uniform": [0.32, 0.44]},
        "assets.targets.labels": {"choice": list(CLASSES), "weights": [0.08, 0.76, 0.08, 0.08]},
    },
    "clutter": SCENE
    | {
        "sensor.camera.pose.radius": {"uniform": [0.36, 0.48]},
        "assets.distractors.count": {"uniform_int": [4, 8]},
        "scene.support": {"choice": ["tray", "bin"]},
        "scene.surface.color.saturation": {"uniform": [0.3, 0.9]},
    },
    "low": SCENE
    | {
        "sensor.camera.pose.radius": {"uniform": [0.34, 0.46]},
        "sensor.camera.pose.elevation": {"uniform": [14, 30]},
        "lighting.key.type": "directional",
        "lighting.key.temperature": {"uniform": [2700, 3400]},
    },
}
NEW_CAMERAS: dict[str, dict[str, Any]] = {
    "usual": {
        "sensor.exposure.ev": {"uniform": [-0.5, 0.5]},
        "sensor.noise.gain": {"log_uniform": [2, 8]},
        "sensor.lens.blur_px": {"uniform": [0.3, 0.9]},
        "sensor.jpeg.quality": {"uniform_int": [75, 92]},
        "sensor.motion.blur_px": 0.0,
    },
    "bright": {
        "sensor.exposure.ev": {"uniform": [1.2, 2.2]},
        "sensor.noise.gain": {"log_uniform": [1, 2]},
        "sensor.white_balance.temperature": {"uniform": [6200, 7400]},
    },
    "shaky": {
        "sensor.motion.blur_px": {"uniform": [3, 6]},
        "sensor.noise.gain": {"log_uniform": [6, 14]},
    },
}
LAST_SCENES: dict[str, dict[str, Any]] = {
    "kin": SCENE
    | {
        "sensor.camera.pose.radius": {"uniform": [0.30, 0.42]},
        "assets.targets.count": {"uniform_int": [3, 6]},
        "scene.surface.label": {"choice": ["wood", "glossy", "matte"]},
        "lighting.environment.intensity": {"log_uniform": [120, 400]},
    },
    "distant": SCENE
    | {
        "sensor.camera.pose.radius": {"uniform": [0.50, 0.66]},
        "sensor.camera.pose.elevation": {"uniform": [40, 75]},
    },
    "polished": SCENE
    | {
        "sensor.camera.pose.radius": {"uniform": [0.34, 0.48]},
        "scene.surface.label": {"choice": ["glossy", "metal"]},
        "scene.objects.surface": {"choice": ["metal", "mirror"]},
        "lighting.key.intensity": {"log_uniform": [800, 2500]},
        "lighting.environment.intensity": {"log_uniform": [60, 200]},
    },
    "tiny": SCENE
    | {
        "sensor.camera.pose.radius": {"uniform": [0.60, 0.72]},  # from farther away too few draws are accepted
        "sensor.camera.pose.elevation": {"uniform": [70, 88]},
        "assets.targets.count": {"uniform_int": [1, 3]},
        "scene.objects.surface": "glossy",
    },
}
LAST_CAMERAS: dict[str, dict[str, Any]] = {
    "fair": {
        "sensor.exposure.ev": {"uniform": [-0.1, 0.5]},
        "sensor.noise.gain": {"log_uniform": [2, 5]},
        "sensor.lens.blur_px": {"uniform": [0.4, 0.8]},
        "sensor.motion.blur_px": 0.0,
    },
    "grim": {
        "sensor.exposure.ev": {"uniform": [-2.6, -1.6]},
        "sensor.noise.gain": {"log_uniform": [10, 24]},
    },
    "milky": {
        "sensor.exposure.ev": {"uniform": [0.8, 1.6]},
        "sensor.noise.gain": 1.0,
        "sensor.lens.blur_px": {"uniform": [1.3, 2.0]},
        "sensor.white_balance.temperature": {"uniform": [3900, 4500]},
    },
}
WORLDS = {"old": (SCENES, CAMERAS), "new": (NEW_SCENES, NEW_CAMERAS), "last": (LAST_SCENES, LAST_CAMERAS)}
SETS = {
    name: tuple((scene, camera) for scene in scenes for camera in cameras) for name, (scenes, cameras) in WORLDS.items()
}
VARIANTS = tuple(one for own in SETS.values() for one in own)
VAL, TEST, REFERENCE = 200, 240, 400  # real pictures: to stop by, to judge on, to take the gap against
STEPS, BATCH, PATIENCE = 600, 8, 16  # PATIENCE in epochs
RESAMPLES = 2000
GAPS = ("auc", "kid", "sliced_wasserstein")
DISTANCE, PICTURES, OBJECTS = "distance", "distance, pictures", "distance, objects"
FIRST = "distance, first"
NUMBERS = (
    *(f"{name}, {side}" for side in ("measures", "looks", "objects") for name in GAPS),
    PICTURES,
    OBJECTS,
    FIRST,
    DISTANCE,
)
METRICS = ("ap50", "recall")
MEASURED = (*NAMES, *(f"label_{name}" for name in LABEL_MEASURES))
Variant = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Described:
    """Pictures as the gaps see them.

    Attributes:
        measures: ``(n, MEASURED)``.
        looks: ``(n, 1280)``.
        objects: their labels.
    """

    measures: NDArray[np.float64]
    looks: NDArray[np.float64]
    objects: Objects


def main() -> None:
    """Draw, train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "workbench-proof-use")
    parser.add_argument("--pictures", type=int, default=150, help="of each variant")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--report", action="store_true", help="train nothing; print what is there")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    if not args.report:
        run(args.pictures, args.seeds, args.folder)
    done = [
        one for one in VARIANTS if all(_file(one, args.pictures, s, args.folder).exists() for s in range(args.seeds))
    ]
    print(f"{len(done)} of {len(VARIANTS)} variants, {args.pictures} pictures and {args.seeds} training(s) of each\n")
    if len(done) > 3:
        print(_report(done, args.pictures, args.seeds, args.folder))


def run(n: int, seeds: int, folder: Path) -> None:
    """Make what the folder lacks, two trainings at once."""
    for part in (_test, _val):
        part(folder)
    for scene in dict.fromkeys(scene for scene, _ in VARIANTS):
        variants(scene, n, folder)
    missing = [(v, s) for s in range(seeds) for v in VARIANTS if not _file(v, n, s, folder).exists()]
    with WorkerProcesses(2) as workers:
        for done in as_completed([workers.submit(learn, v, n, s, folder) for v, s in missing]):
            print(f"<!-- {done.result()} -->", flush=True)


def learn(one: Variant, n: int, seed: int, folder: Path) -> dict[str, Any]:
    """A detector of one variant in this process; what it finds in real pictures is kept."""
    from workbench.actions.train import network

    started = time.perf_counter()
    pictures = variants(one[0], n, folder)[one[1]]
    epochs = max(2, round(STEPS * BATCH / n))
    found, history = network.train(
        pictures.examples(),
        _val(folder).examples(),
        len(CLASSES),
        epochs=epochs,
        patience=PATIENCE,
        seed=seed,
        threads=1,
        step=lambda epoch, lost, ap: None,
    )
    truth = _test(folder)
    judged = tallied(truth, network.infer(found, [example.picture for example in truth.examples()]))
    hits, misses = judged.found()
    ap = mean_ap(list(judged.classes.values()), np.ones(len(truth)))
    said = {
        "variant": " x ".join(one),
        "ap50": float(ap or 0.0),
        "recall": float(hits.sum() / (hits + misses).sum()),
        "epochs": len(history),
        "seconds": round(time.perf_counter() - started),
    }
    write_bytes(_file(one, n, seed, folder), json.dumps(said).encode())
    return said


def variants(scene: str, n: int, folder: Path) -> dict[str, Pool]:
    """Pictures of one kind of scenes through each camera."""
    from workbench.actions.recreate.recreate import BASE

    scenes, cameras = next(world for world in WORLDS.values() if scene in world[0])
    plain = Scenario.load(BASE).replace(scenes[scene], name=f"use_{scene}")
    return developed(plain, cameras, n, folder)


@cache
def _test(folder: Path) -> Pool:
    """Natural real pictures that nothing else sees."""
    found = Pool([], [], [])
    for cell, own in zip(CELLS, natural_counts(TEST).values(), strict=True):
        found += real(*cell, own, folder, first=20_000)
    return found


def _val(folder: Path) -> Pool:
    return natural(VAL, REFERENCE, folder)


def _file(one: Variant, n: int, seed: int, folder: Path) -> Path:
    return folder / f"use-{'-'.join(one)}-{n}-{seed}-{STEPS}.json"


def _report(done: Sequence[Variant], n: int, seeds: int, folder: Path) -> str:
    """A row per variant of each set, best first, and the rank correlations of each and of all."""
    reference = _described(natural(REFERENCE, 0, folder))
    rows = {one: _row(one, reference, n, seeds, folder) for one in done}
    sets = {name: [one for one in own if one in rows] for name, own in SETS.items()}
    sets = {name: own for name, own in sets.items() if len(own) > 3}
    parts = [_table(name, {one: rows[one] for one in own}) for name, own in sets.items()]
    columns = [(f"{metric}, {told}", metric, own) for told, own in {**sets, "all": done}.items() for metric in METRICS]
    lines = [
        f"| rank correlation of | {' | '.join(title for title, *_ in columns)} |",
        "|---" * (1 + len(columns)) + "|",
    ]
    for name in NUMBERS:
        told = (_correlation([rows[one] for one in own], name, metric) for _, metric, own in columns)
        lines.append(f"| {name} | {' | '.join(told)} |")
    return "\n\n".join([*parts, "\n".join(lines)])


def _table(title: str, rows: Mapping[Variant, Mapping[str, float]]) -> str:
    names = (*METRICS, *(name for name in NUMBERS if name.startswith("distance")))
    lines = [f"| {title}: scenes x camera | {' | '.join(names)} |", "|---" * (1 + len(names)) + "|"]
    for one in sorted(rows, key=lambda one: -rows[one]["ap50"]):
        lines.append(f"| {' x '.join(one)} | {' | '.join(f'{rows[one][name]:.3f}' for name in names)} |")
    return "\n".join(lines)


def _row(one: Variant, reference: Described, n: int, seeds: int, folder: Path) -> dict[str, float]:
    """Accuracy of a variant, mean over the seeds, and its gaps."""
    other = _described(variants(one[0], n, folder)[one[1]])
    said = [json.loads(_file(one, n, seed, folder).read_text()) for seed in range(seeds)]
    by = {
        "measures": gap(reference.measures, other.measures, MEASURED, rng=np.random.default_rng(0)),
        "looks": look_gap(reference.looks, other.looks, rng=np.random.default_rng(0)),
        "objects": object_gap(reference.objects, other.objects, rng=np.random.default_rng(0)),
    }
    found = {name: float(np.mean([each[name] for each in said])) for name in METRICS}
    found |= {f"{name}, {side}": _number(one, name) for side, one in by.items() for name in GAPS}
    assert by["measures"] and by["objects"]
    parts = {
        DISTANCE: distance(by["measures"], by["objects"]),
        PICTURES: picture_distance(by["measures"]),
        OBJECTS: object_distance(by["objects"]),
        FIRST: (picture_distance(by["measures"]) or 0.0) + _first_object_distance(by["objects"]),
    }
    return found | {name: float("nan") if value is None else value for name, value in parts.items()}


def _first_object_distance(objects: Gap) -> float:
    """What the new set judged: number, place and overlap as well."""
    single = [one.distance for one in objects.measures if not one.name.startswith(SHARE)]
    shares = [one.distance for one in objects.measures if one.name.startswith(SHARE)]
    return float(np.sqrt(np.sum(np.square([*single, np.mean(shares)])) / (len(QUANTITIES) + 1)))


def _described(pool: Pool) -> Described:
    """What the gaps are taken of; measures with those of labels, as ``wb.measure`` keeps them."""
    measured, gloss = [], []
    for jpeg, boxes in zip(pool.jpegs, pool.boxes, strict=True):
        picture = decode(jpeg)
        labels = measure_labels(picture, (boxes / [*SIZE_WH, *SIZE_WH]).tolist()) if len(boxes) else []
        values = measure_all(picture) | over_labels(labels)
        measured.append([values.get(name, np.nan) for name in MEASURED])
        gloss += [np.nan if label is None else label["gloss"] for label in labels]
    objects = Objects(
        np.repeat(np.arange(len(pool)), [len(boxes) for boxes in pool.boxes]),
        np.concatenate(pool.boxes).astype(float) / [*SIZE_WH, *SIZE_WH],
        np.array(CLASSES)[np.concatenate(pool.classes)],
        np.array(gloss),
        np.full(len(pool), SIZE_WH[0] / SIZE_WH[1]),
    )
    return Described(np.array(measured), _vectors(pool), objects)


def _number(found: Gap | None, name: str) -> float:
    value = getattr(found, name, None)
    return float("nan") if value is None else float(value)


def _correlation(rows: Sequence[Mapping[str, float]], gap_name: str, metric: str) -> str:
    """Spearman's, with the interval of a bootstrap over the variants."""
    pairs = np.array([(row[gap_name], row[metric]) for row in rows])
    drawn = pairs[np.random.default_rng(0).integers(0, len(pairs), (RESAMPLES, len(pairs)))]
    ranks = rankdata(drawn, axis=1)
    apart = ranks - ranks.mean(axis=1, keepdims=True)
    spread = np.sqrt((apart**2).sum(axis=1).prod(axis=1))
    found = apart.prod(axis=2).sum(axis=1)[spread > 0] / spread[spread > 0]
    low, high = np.quantile(found, [0.025, 0.975])
    return f"{spearmanr(*pairs.T).statistic:+.2f} ({low:+.2f} to {high:+.2f})"


def _vectors(pictures: Pool) -> NDArray[np.float64]:
    """``(n, 1280)`` of the network that looks are compared by."""
    from workbench.core.embeddings.extract import SIDE_PX, network

    large = [
        cv2.resize(example.picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)
        for example in pictures.examples()
    ]
    found = [network().vectors(np.stack(large[k : k + 16])) for k in range(0, len(large), 16)]
    return np.concatenate(found).astype(float)


if __name__ == "__main__":
    from tests.proof import proof_use  # workers import its functions by this name

    proof_use.main()
