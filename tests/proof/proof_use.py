"""Gap and use: does the gap of generated pictures tell how good a detector is that learns from them?

    python -m tests.proof.proof_use [--folder DIR] [--pictures 150] [--seeds 1] [--report]

Twelve variants of the generator: four kinds of scenes, from those of the real world of ``standin`` to far ones, each
through three cameras. A detector learns from each variant alone, from its first weights on, and finds boxes in real
pictures that nothing else sees. The gap of each variant is taken against real pictures whose boxes nobody needs: AUC,
kernel distance and sliced Wasserstein distance, by measures and by looks. What counts is the rank correlation of each
with AP50 and recall; its interval is a bootstrap over the variants. Named before the first run as the one to judge by:
sliced Wasserstein by looks, because AUC is 1 for all that is far.

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
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr, wasserstein_distance

from tests.proof.measured import NAMES, of_files
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
from workbench.evaluating.precision import mean_ap
from workbench.files import write_bytes
from workbench.mining.gap import Gap, gap
from workbench.mining.looks import look_gap
from workbench.processes import WorkerProcesses
from workbench.recreating.probes import box_measures
from workbench.scenario import Scenario

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
VARIANTS = tuple((scene, camera) for scene in SCENES for camera in CAMERAS)
VAL, TEST, REFERENCE = 200, 240, 400  # real pictures: to stop by, to judge on, to take the gap against
STEPS, BATCH, PATIENCE = 600, 8, 16  # PATIENCE in epochs
RESAMPLES = 2000
GAPS = ("auc", "kid", "sliced_wasserstein")
WITH_BOXES = (
    "sliced_wasserstein, measures and boxes"  # added after the first run: pictures do not tell sizes of objects
)
Variant = tuple[str, str]


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
    for scene in SCENES:
        variants(scene, n, folder)
    missing = [(v, s) for s in range(seeds) for v in VARIANTS if not _file(v, n, s, folder).exists()]
    with WorkerProcesses(2) as workers:
        for done in as_completed([workers.submit(learn, v, n, s, folder) for v, s in missing]):
            print(f"<!-- {done.result()} -->", flush=True)


def learn(one: Variant, n: int, seed: int, folder: Path) -> dict[str, Any]:
    """A detector of one variant in this process; what it finds in real pictures is kept."""
    from workbench.training import network

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
    from workbench.recreating.run import BASE

    plain = Scenario.load(BASE).replace(SCENES[scene], name=f"use_{scene}")
    return developed(plain, CAMERAS, n, folder)


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
    """A row per variant, nearest first, and the rank correlations."""
    reference = natural(REFERENCE, 0, folder)
    base = {"measures": of_files(reference.jpegs), "looks": _vectors(reference)}
    rows: dict[Variant, dict[str, float]] = {}
    for one in done:
        pictures = variants(one[0], n, folder)[one[1]]
        rng = np.random.default_rng(0)
        by = {
            "measures": gap(base["measures"], of_files(pictures.jpegs), NAMES, rng=rng),
            "looks": look_gap(base["looks"], _vectors(pictures), rng=rng),
        }
        said = [json.loads(_file(one, n, seed, folder).read_text()) for seed in range(seeds)]
        rows[one] = {name: float(np.mean([each[name] for each in said])) for name in ("ap50", "recall")}
        rows[one] |= {f"{name}, {side}": _number(found, name) for side, found in by.items() for name in GAPS}
        rows[one][WITH_BOXES] = rows[one]["sliced_wasserstein, measures"] + _boxes_apart(reference, pictures)
    names = [*(f"{name}, {side}" for side in ("measures", "looks") for name in GAPS), WITH_BOXES]
    lines = [f"| scenes x camera | AP50 | recall | {' | '.join(names)} |", "|---" * (3 + len(names)) + "|"]
    for one in sorted(rows, key=lambda one: -rows[one]["ap50"]):
        told = " | ".join(f"{rows[one][name]:.3f}" for name in ("ap50", "recall", *names))
        lines.append(f"| {' x '.join(one)} | {told} |")
    lines += ["", "| gap | rank correlation with AP50 | with recall |", "|---|---|---|"]
    for name in names:
        pair = [_correlation([rows[one] for one in done], name, metric) for metric in ("ap50", "recall")]
        lines.append(f"| {name} | {' | '.join(pair)} |")
    return "\n".join(lines)


def _boxes_apart(reference: Pool, other: Pool) -> float:
    """Wasserstein distance of the size and the number of boxes, in spreads of the reference."""
    first, second = (
        np.array([[box_measures(boxes.tolist(), *SIZE_WH)["box_size"], len(boxes)] for boxes in pool.boxes])
        for pool in (reference, other)
    )
    known = [(a[np.isfinite(a)], b[np.isfinite(b)]) for a, b in zip(first.T, second.T, strict=True)]
    return float(np.mean([wasserstein_distance(a, b) / a.std() for a, b in known]))


def _number(found: Gap, name: str) -> float:
    value = getattr(found, name)
    return float("nan") if value is None else float(value)


def _correlation(rows: Sequence[Mapping[str, float]], gap_name: str, metric: str) -> str:
    """Spearman's, with the interval of a bootstrap over the variants."""
    pairs = np.array([(row[gap_name], row[metric]) for row in rows])
    rng, drawn = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        some = pairs[rng.integers(0, len(pairs), len(pairs))]
        if (some.std(axis=0) > 0).all():
            drawn.append(spearmanr(*some.T).statistic)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{spearmanr(*pairs.T).statistic:+.2f} ({low:+.2f} to {high:+.2f})"


def _vectors(pictures: Pool) -> NDArray[np.float64]:
    """``(n, 1280)`` of the network that looks are compared by."""
    from workbench.embeddings.pictures import SIDE_PX, network

    large = [
        cv2.resize(example.picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)
        for example in pictures.examples()
    ]
    found = [network().vectors(np.stack(large[k : k + 16])) for k in range(0, len(large), 16)]
    return np.concatenate(found).astype(float)


if __name__ == "__main__":
    from tests.proof import proof_use  # workers import its functions by this name

    proof_use.main()
