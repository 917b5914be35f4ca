"""Planted failures: does a scenario recreated from 60 frames give pictures like 60 others of the same failure?

    python -m tests.proof.proof_recreate [--folder DIR] [--frames 60] [--only dim,noisy]

The photos are of ``hidden_world``: path-traced, and developed by a camera that the generator does not know. Each
failure changes that camera or the light by planted ranges. ``wb.recreate`` sees 60 usual photos and 60 of the failure,
once with each content and once choosing it itself; as many more are kept. Then: can a classifier tell generated
pictures from the kept ones (AUC; 0.5 is chance, 60 against 60)? Beside it plain randomization, the other half of the
photos (what is left by chance), and pictures that the generator draws from the planted ranges themselves (what its
renderer and camera cost). Last, what was planted and what was recovered, both as means over the frames.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.proof.hidden_world import SIZE_WH, WELL_E, Development, Exposed, develop, exposed, scenario
from tests.proof.measured import NAMES, of_files, of_scenario
from workbench.core.gap.gap import gap
from workbench.core.scenario import CONTENTS, Scenario, Unplaceable
from workbench.core.scenario.constants import EXPOSURE_LUX

if TYPE_CHECKING:
    from workbench.actions.recreate.recreate import Recreation

TAG = "failure:planted"
RECOVERED = {  # parameters behind the columns of the second table, and their digits
    "sensor.exposure.ev": ".1f",
    "sensor.noise.gain": ".1f",
    "sensor.lens.blur_px": ".2f",
    "lighting.key.direction.elevation": ".0f",
}
PATIENCE_S = 3600.0  # of the fit: what it finds must not hang on how busy the machine is


@dataclass(frozen=True)
class Failure:
    """What is planted: a light of the hidden world, and what its camera does."""

    light: str
    camera: Development


FAILURES = {
    "dim": Failure("usual", Development(ev=(-3.1, -2.3))),
    "overexposed": Failure("usual", Development(ev=(1.8, 2.6))),
    "noisy": Failure("usual", Development(gain=(25.0, 45.0))),
    "blurred": Failure("usual", Development(disk_px=(4.0, 6.0))),
    "grazing light": Failure("grazing", Development()),
    "dim and noisy": Failure("usual", Development(ev=(-2.4, -1.6), gain=(15.0, 30.0))),
    "dim light on metal": Failure("dim_metal", Development(ev=(0.6, 1.4))),
}


@dataclass(frozen=True)
class Physics:
    """Means over frames: exposure in stops (a white surface that lies flat is just white at 0), noise gain, standard
    deviation of the lens blur in pixels, elevation of the key light in degrees.
    """

    exposure_ev: float
    gain: float
    blur_px: float
    elevation_deg: float


@dataclass
class Outcome:
    """One failure: what ``recreate`` gave and how well; see the module."""

    name: str
    seconds: float
    aucs: dict[str, float]
    planted: Physics
    recovered: Physics
    told: dict[str, str] = field(default_factory=dict)
    farthest: dict[str, float] = field(default_factory=dict)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "workbench-proof-recreate")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--only", default="", help="names of failures, with commas")
    args = parser.parse_args()
    os.environ.setdefault("FIFTYONE_DATABASE_NAME", f"workbench_proof_{os.getpid()}")
    chosen = [name for name in FAILURES if not args.only or name in args.only.split(",")]
    outcomes = []
    for name in chosen:
        outcomes.append(_outcome(name, FAILURES[name], args.frames, args.folder))
        print(f"{outcomes[-1]}\n", flush=True)
    print(tables(outcomes))


def tables(outcomes: Sequence[Outcome]) -> str:
    """The two tables in markdown."""
    kinds = ("recreated", *CONTENTS, "plain randomization", "other half", "planted ranges")
    lines = [f"| failure | {' | '.join(kinds)} | s |", "|---" * (len(kinds) + 2) + "|"]
    lines += [f"| {o.name} | {' | '.join(f'{o.aucs[k]:.2f}' for k in kinds)} | {o.seconds:.0f} |" for o in outcomes]
    mean = " | ".join(f"{np.mean([o.aucs[k] for o in outcomes]):.2f}" for k in kinds)
    lines += [f"| mean | {mean} | {np.mean([o.seconds for o in outcomes]):.0f} |", ""]
    lines += ["| failure | exposure, EV | noise gain | blur, px | light elevation, deg |", "|---|---|---|---|---|"]
    for o in outcomes:
        columns = zip(asdict(o.planted).values(), asdict(o.recovered).values(), RECOVERED.items(), strict=True)
        lines.append(
            f"| {o.name} | {' | '.join(_pair(a, b, f, o.told.get(path, '')) for a, b, (path, f) in columns)} |"
        )
    return "\n".join(lines)


def _pair(planted: float, recovered: float, digits: str, told: str) -> str:
    """What was planted and recovered; without a number where ``recreate`` says that measures cannot tell."""
    return f"{planted:{digits}} -> " + ("not told" if told.startswith("free None") else f"{recovered:{digits}}")


def _outcome(name: str, failure: Failure, frames: int, folder: Path) -> Outcome:
    """The outcome of an earlier call, if the folder has it."""
    done = folder / f"outcome-{frames}-{name.replace(' ', '-')}.json"
    if done.exists():
        said = json.loads(done.read_text())
        return Outcome(**(said | {side: Physics(**said[side]) for side in ("planted", "recovered")}))
    photos = _Photos.of(failure, frames, folder)
    kept = of_files(photos.kept)
    recreated, found, seconds = _recreated(name, photos, folder)
    from workbench.actions.recreate.rendered import BASE

    plain = Scenario.load(BASE).replace({"sensor.camera.resolution": list(SIZE_WH)})
    sets = {
        **recreated,
        "plain randomization": of_scenario(plain, frames),
        "other half": of_files(photos.given),
        "planted ranges": of_scenario(_planted_scenario(failure), frames),
    }
    gaps = {kind: gap(kept, values, NAMES, rng=np.random.default_rng(0)) for kind, values in sets.items()}
    outcome = Outcome(
        name,
        seconds,
        {kind: float(one.auc or 0.5) for kind, one in gaps.items()},
        _planted(failure, photos.worlds),
        _recovered(found.scenario),
        {row.path: f"{row.mode} {row.measured} {row.confidence}" for row in found.parameters},
        {one.name: round(one.distance, 2) for one in gaps["recreated"].measures[:8]},
    )
    done.write_text(json.dumps(asdict(outcome), indent=1))
    found.scenario.dump(folder / f"recreated-{name.replace(' ', '-')}.yaml")
    return outcome


@dataclass(frozen=True)
class _Photos:
    """JPEG files: usual ones, those given as a failure, those kept; and the linear pictures of the failure."""

    usual: list[tuple[bytes, Exposed]]
    given: list[bytes]
    kept: list[bytes]
    worlds: list[Exposed]

    @staticmethod
    def of(failure: Failure, frames: int, folder: Path) -> _Photos:
        own = failure.light == "usual"
        everyday = exposed("usual", 3 * frames if own else frames, folder / "world")
        bad = everyday[frames:] if own else exposed(failure.light, 2 * frames, folder / "world")
        usual = [(_shot(one, Development(), i), one) for i, one in enumerate(everyday[:frames])]
        files = [_shot(one, failure.camera, 1000 + i) for i, one in enumerate(bad)]
        return _Photos(usual, files[:frames], files[frames:], bad)


def _shot(one: Exposed, camera: Development, seed: int) -> bytes:
    return develop(one, camera, rng=np.random.default_rng(seed))


def _recreated(name: str, photos: _Photos, folder: Path) -> tuple[dict[str, Any], Recreation, float]:
    """``wb.recreate`` from a dataset of the usual photos and the given ones.

    Returns:
        Measures of its pictures by content, with what it chose itself as ``recreated``; the latter, and its seconds.
    """
    from workbench.actions import tag as tagging
    from workbench.actions.measure import measure
    from workbench.actions.recreate import recreate
    from workbench.adapters import store
    from workbench.core.schema.labels import Record

    place = folder / "photos" / name.replace(" ", "-")
    place.mkdir(parents=True, exist_ok=True)
    frames = len(photos.given)
    files = [(f"usual-{i:03}.jpg", *pair) for i, pair in enumerate(photos.usual)]
    files += [(f"bad-{i:03}.jpg", data, photos.worlds[i]) for i, data in enumerate(photos.given)]
    records = []
    for file, data, world in files:
        (place / file).write_bytes(data)
        records.append(Record(place / file, file, *SIZE_WH, labels=world.labels))
    dataset = store.open_dataset(f"proof-recreate-{os.getpid()}-{name.replace(' ', '-')}")
    try:
        store.add(dataset, records, source="real")
        measure(dataset)
        table = store.table(dataset).to_frame()
        tagging.tag(dataset, TAG, ids=[i for i, origin in table["origin"].items() if str(origin).startswith("bad-")])
        assert frames == len(store.select(dataset, f"'{TAG}' in tags"))
        where, measured = f"'{TAG}' in tags", {}
        for content in CONTENTS:
            own = recreate(dataset, where, name=f"proof {name}", seconds=PATIENCE_S, content=content)
            measured[content] = of_scenario(own.scenario, frames)
        started = time.perf_counter()
        found = recreate(dataset, where, name=f"proof {name}")
        seconds = time.perf_counter() - started
        return {"recreated": of_scenario(found.scenario, frames), **measured}, found, seconds
    finally:
        store.delete_dataset(dataset.name)


def _planted_scenario(failure: Failure) -> Scenario:
    """The planted ranges as the generator would draw them."""
    camera = failure.camera
    return scenario(failure.light).replace(
        {
            "sensor.exposure.ev": {"uniform": list(camera.ev)},
            "sensor.noise.gain": {"log_uniform": list(camera.gain)},
            "sensor.noise.read_e": 3.0,
            "sensor.lens.blur_px": {"uniform": [radius / 2 for radius in camera.disk_px]},
            "sensor.lens.vignette": 0.5,
            "sensor.jpeg.quality": {"uniform_int": [85, 95]},
        }
    )


def _planted(failure: Failure, worlds: Sequence[Exposed]) -> Physics:
    camera = failure.camera
    light = np.mean([_light_ev(one.params) for one in worlds])
    elevation = np.mean([one.params["lighting.key.direction.elevation"] for one in worlds])
    gain = float(np.exp(np.mean(np.log(camera.gain))))
    return Physics(float(np.mean(camera.ev) + light), gain, float(np.mean(camera.disk_px)) / 2, float(elevation))


def _recovered(one: Scenario) -> Physics:
    """What rendered pictures draw; of other contents exposure and light are relative, and nothing is said."""
    if one.content != "rendered":
        return Physics(float("nan"), float("nan"), float("nan"), float("nan"))
    frames = []
    for i in range(300):
        with contextlib.suppress(Unplaceable):
            frames.append(one.resolve(i).values)
    gains = [values["sensor.noise.gain"] * WELL_E / values["sensor.noise.full_well_e"] for values in frames]
    return Physics(
        float(np.mean([values["sensor.exposure.ev"] + _light_ev(values) for values in frames])),
        float(np.exp(np.mean(np.log(gains)))),
        float(np.mean([values["sensor.lens.blur_px"] for values in frames])),
        float(np.mean([values["lighting.key.direction.elevation"] for values in frames])),
    )


def _light_ev(values: Mapping[str, Any]) -> float:
    """Light on the table against that which makes white at exposure 0, in stops."""
    key = values["lighting.key.intensity"] * np.sin(np.radians(values["lighting.key.direction.elevation"]))
    return float(np.log2((values["lighting.environment.intensity"] + key) / EXPOSURE_LUX))


if __name__ == "__main__":
    main()
