"""Sample efficiency: what do targeted pictures of a failure bring, against untargeted and against real ones?

    python -m tests.proof.proof_gain [--folder DIR] [--seeds 5] [--sizes 100,300,900] [--steps 2400] [--rounds 3]

Real is ``standin``: other scenes and another camera than the generator's; the detector is the workbench's, every
training of every arm with the same number of steps and the best of its checks on real validation pictures. A failure
is one rare cell of light and surface (2.25 % of the real data). 30 real pictures of it are tagged; ``wb.recreate``
makes a scenario of them, and ``wb`` draws N pictures. Arms: none; N untargeted (wide randomization of everything);
N targeted; N real ones of the cell (oracle); N targeted and the 30 tagged ones. Never seen before the end: the test
pictures, many of the failing cell and as many of each other. Pairs of seeds and pictures; see ``looping.arms``.

Everything is kept in the folder: pools of pictures, recreated scenarios, and a line in ``trainings.jsonl`` with the
tally beside it per training. A second call goes on, or only prints.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tests.proof.standin import CELLS, CLASSES, SCENE, SIZE_WH, Pool, natural_counts, pool, real, tallied
from workbench.files import write_bytes
from workbench.looping.arms import closed, gain, means
from workbench.looping.compare import Change
from workbench.looping.judge import gate
from workbench.looping.tally import Tally, from_bytes, to_bytes
from workbench.processes import WorkerProcesses
from workbench.scenario import Scenario
from workbench.slicing.column import Mask

TRAIN, VAL, TEST, TAGGED = 400, 200, 150, 30  # real pictures: natural, natural, of each cell, of the failure
WIDE: dict[str, Any] = {  # what somebody would vary who does not know the failure
    "sensor.exposure.ev": {"uniform": [-3.0, 1.5]},
    "sensor.noise.gain": {"log_uniform": [1, 24]},
    "lighting.environment.intensity": {"log_uniform": [20, 800]},
    "lighting.key.intensity": {"log_uniform": [20, 4000]},
    "lighting.key.direction.elevation": {"uniform": [10, 85]},
    "sensor.camera.pose.radius": {"uniform": [0.32, 0.44]},  # the camera is mounted: its distance is known
}
BATCH = 8  # of the detector
Cell = tuple[str, str]
FAILING: Cell = ("hard", "metal")
ROUND_SIZE = 300


@dataclass(frozen=True)
class Training:
    """One training.

    Attributes:
        arm: ``none``, ``untargeted``, ``targeted``, ``oracle``, ``targeted+30``, or ``round``.
        size: pictures added.
        seed: of the detector.
        cells: failures that the pictures were made for.
    """

    arm: str
    size: int
    seed: int
    cells: tuple[Cell, ...] = (FAILING,)

    @property
    def name(self) -> str:
        """Of its files."""
        told = "" if self.cells == (FAILING,) else "-" + "-".join(f"{a}_{b}" for a, b in self.cells)
        return f"{self.arm}-{self.size}{told}-{self.seed}"


def main() -> None:
    """Draw, train and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "workbench-proof-gain")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sizes", default="100,300,900")
    parser.add_argument("--steps", type=int, default=2_400, help="of 8 pictures, in each training")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    os.environ.setdefault("FIFTYONE_DATABASE_NAME", f"workbench_proof_{os.getpid()}")
    sizes, seeds = [int(size) for size in args.sizes.split(",")], range(args.seeds)
    arms = [("none", 0)] + [(arm, n) for n in sizes for arm in ("untargeted", "targeted", "oracle", "targeted+30")]
    wanted = [Training(arm, n, seed) for seed in seeds for arm, n in arms]
    run(wanted, args.folder, args.steps)
    print(_report(sizes, seeds, args.folder, args.steps))
    if args.rounds:
        print(_rounds(args.rounds, seeds, args.folder, args.steps))


def run(wanted: Sequence[Training], folder: Path, steps: int) -> None:
    """Make the trainings that the folder lacks, two at once."""
    missing = [one for one in wanted if not _file(one, folder, steps).exists()]
    _draw(missing, folder)
    with WorkerProcesses(2) as workers:
        futures = [workers.submit(train, one, folder, steps) for one in missing]
        for number, done in enumerate(as_completed(futures), 1):
            said = done.result()
            with (folder / "trainings.jsonl").open("a", encoding="utf-8") as log:
                log.write(json.dumps(said) + "\n")
            print(f"<!-- {number}/{len(missing)} {said['name']} {said['seconds']:.0f} s -->", flush=True)


def train(one: Training, folder: Path, steps: int) -> dict[str, Any]:
    """One training in this process; its tally is kept, a summary given."""
    from workbench.training import network

    started = time.perf_counter()
    learned = (_real_train(folder) + _added(one, folder)).examples()
    epochs = max(2, round(steps * BATCH / len(learned)))
    found, history = network.train(
        learned,
        _real_val(folder).examples(),
        len(CLASSES),
        epochs=epochs,
        patience=max(4, epochs // 3),
        seed=one.seed,
        threads=1,
        step=lambda epoch, lost, ap: None,
    )
    truth = _judged(folder)
    judged = tallied(truth, network.infer(found, [example.picture for example in truth.examples()]))
    write_bytes(_file(one, folder, steps), to_bytes(judged, []))
    seconds = time.perf_counter() - started
    aps = [row["ap50"] for row in history if "ap50" in row]
    return {"name": one.name, "pictures": len(learned), "epochs": len(history), "of": epochs, "val_ap50": aps,
            "seconds": seconds}  # fmt: skip


def _file(one: Training, folder: Path, steps: int) -> Path:
    return folder / "tallies" / f"{one.name}-{steps}.npz"


def _tally(one: Training, folder: Path, steps: int) -> Tally:
    return from_bytes(_file(one, folder, steps).read_bytes())[0]


def _draw(wanted: Sequence[Training], folder: Path) -> None:
    """Everything that the trainings need, by two processes, before they start."""
    if not wanted:
        return
    (folder / "tallies").mkdir(parents=True, exist_ok=True)
    for part in (_real_train, _real_val, _judged):
        part(folder)
    for one in sorted(wanted, key=lambda one: -one.size):
        _added(one, folder)


@cache
def _real_train(folder: Path) -> Pool:
    """Natural real pictures: the failing cell is as rare as it is."""
    return _natural(TRAIN, 0, folder)


@cache
def _real_val(folder: Path) -> Pool:
    return _natural(VAL, TRAIN, folder)


def _natural(n: int, first: int, folder: Path) -> Pool:
    """Natural pictures number ``first`` and following; frames of cells are never used twice."""
    before, after = natural_counts(first) if first else dict.fromkeys(CELLS, 0), natural_counts(first + n)
    found = Pool([], [], [])
    for light, surface in CELLS:
        cell = (light, surface)
        found += real(light, surface, after[cell], folder).taken(slice(before[cell], after[cell]))
    return found


@cache
def _judged(folder: Path) -> Pool:
    """Test pictures, ``TEST`` of each cell, drawn for nothing else; then the tagged ones of each, to choose by."""
    found = Pool([], [], [])
    for light, surface in CELLS:
        found += real(light, surface, TEST, folder, first=20_000)
    for cell in CELLS:
        found += tagged(cell, folder)
    return found


def tagged(cell: Cell, folder: Path) -> Pool:
    """The real pictures of a failure that somebody tagged."""
    return real(*cell, TAGGED, folder, first=10_000)


def _added(one: Training, folder: Path) -> Pool:
    """What an arm has beside the real training pictures."""
    found = Pool([], [], [])
    share = one.size // len(one.cells)
    for cell in one.cells:
        if one.arm == "untargeted":
            found += pool(untargeted(), share, folder)
        elif one.arm == "oracle":
            found += real(*cell, share, folder, first=30_000)
        elif one.arm != "none":
            found += pool(recreated(cell, folder), share, folder)
        if one.arm == "targeted+30":
            found += tagged(cell, folder)
    return found


def untargeted() -> Scenario:
    """Wide randomization by somebody who knows the task, not the failure."""
    from workbench.recreating.run import BASE

    return Scenario.load(BASE).replace(SCENE | WIDE, name="untargeted")


def recreated(cell: Cell, folder: Path) -> Scenario:
    """``wb.recreate`` from the tagged pictures of a cell, against the real training pictures; made once."""
    file = folder / f"recreated-{'-'.join(cell)}.yaml"
    if not file.exists():
        _recreate(cell, folder).dump(file)
    return Scenario.load(file)


def _recreate(cell: Cell, folder: Path) -> Scenario:
    from workbench import store, tagging
    from workbench.measuring import measure
    from workbench.recreating import recreate
    from workbench.schema.labels import Label, Record

    place = folder / "photos"
    place.mkdir(parents=True, exist_ok=True)
    dataset = store.open_dataset(f"proof-gain-{os.getpid()}")
    try:
        for kind, pictures in (("usual", _real_train(folder)), ("tagged", tagged(cell, folder))):
            records = []
            for i, (jpeg, boxes, classes) in enumerate(
                zip(pictures.jpegs, pictures.boxes, pictures.classes, strict=True)
            ):
                path = place / f"{kind}-{'-'.join(cell)}-{i:04}.jpg"
                path.write_bytes(jpeg)
                labels = [Label(CLASSES[c], tuple(b)) for b, c in zip(boxes.tolist(), classes, strict=True)]
                records.append(Record(path, f"{kind}/{path.name}", *SIZE_WH, labels=tuple(labels)))
            store.add(dataset, records, source="real")
        measure(dataset)
        origins = store.table(dataset).to_frame()["origin"]
        tag = f"failure:{'_'.join(cell)}"
        tagging.tag(dataset, tag, ids=[i for i, origin in origins.items() if str(origin).startswith("tagged")])
        found = recreate(dataset, f"'{tag}' in tags")
        print("\n".join(f"<!-- {line} -->" for line in str(found).splitlines()), flush=True)
        return found.scenario
    finally:
        store.delete_dataset(dataset.name)


def _rows(cells: Sequence[Cell]) -> Mask:
    """The test pictures of cells."""
    chosen = [cell in cells for cell in CELLS]
    return np.concatenate([np.repeat(chosen, TEST), np.zeros(TAGGED * len(CELLS), np.bool_)])


def _tagged_rows(cell: Cell) -> Mask:
    return np.concatenate([np.zeros(TEST * len(CELLS), np.bool_), np.repeat([one == cell for one in CELLS], TAGGED)])


def _slices(cells: Sequence[Cell]) -> dict[str, Mask]:
    return {"failing": _rows(cells), "others": _rows([c for c in CELLS if c not in cells]), "all": _rows(CELLS)}


def _report(sizes: Sequence[int], seeds: Sequence[int], folder: Path, steps: int) -> str:
    """The tables of the arms."""

    def arm(name: str, n: int) -> list[Tally]:
        return [_tally(Training(name, n, seed), folder, steps) for seed in seeds]

    none, lines = arm("none", 0), []
    for metric in ("recall", "ap50"):
        told = {part: means(none, rows, metric).mean() for part, rows in _slices([FAILING]).items()}
        lines += [f"\n{metric}, without added pictures: " + ", ".join(f"{k} {v:.3f}" for k, v in told.items()), ""]
        lines += ["| N | arm | gain on failing | way to the oracle | gain on others | gain on all |", "|---" * 6 + "|"]
        for n in sizes:
            oracle = arm("oracle", n)
            for name in ("untargeted", "targeted", "targeted+30", "oracle"):
                own = arm(name, n)
                gains = {part: gain(none, own, rows, metric) for part, rows in _slices([FAILING]).items()}
                way = closed(none, own, oracle, _rows([FAILING]), metric)
                cells = [_told(gains["failing"]), _share(way), _told(gains["others"]), _told(gains["all"])]
                lines.append(f"| {n} | {name} | {' | '.join(cells)} |")
            more = gain(arm("untargeted", n), arm("targeted", n), _rows([FAILING]), metric)
            lines.append(f"| {n} | targeted - untargeted | {_told(more)} | | | |")
    said = gate(max(sizes), gain(none, arm("oracle", max(sizes)), _rows([FAILING]), "recall"))
    lines += ["", f"gate: {said or 'real pictures of the failure help; it is one of coverage'}"]
    return "\n".join(lines)


def _rounds(rounds: int, seeds: Sequence[int], folder: Path, steps: int) -> str:
    """Each round recreates the cell that is found least by the model before, on tagged pictures, of those left."""
    chosen: list[Cell] = []
    before = [_tally(Training("none", 0, seed), folder, steps) for seed in seeds]
    lines = ["\n| round | made for | recall of these | others | all | better in seeds |", "|---" * 6 + "|"]
    for number in range(1, rounds + 1):
        left = [cell for cell in CELLS if cell not in chosen]
        chosen.append(min(left, key=lambda cell: float(means(before, _tagged_rows(cell), "recall").mean())))
        wanted = [Training("round", number * ROUND_SIZE, seed, tuple(chosen)) for seed in seeds]
        run(wanted, folder, steps)
        now = [_tally(one, folder, steps) for one in wanted]
        parts = {part: gain(before, now, rows, "recall") for part, rows in _slices([chosen[-1]]).items()}
        better = means(now, _rows(CELLS), "recall") > means(before, _rows(CELLS), "recall")
        name = " x ".join(chosen[-1])
        lines.append(f"| {number} | {name} | {' | '.join(map(_told, parts.values()))} | {better.sum()}/{len(seeds)} |")
        before = now
    return "\n".join(lines)


def _told(one: Change) -> str:
    if one.value is None or one.low is None or one.high is None:
        return "-" if one.value is None else f"{one.value:+.3f}"
    return f"{one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f})"


def _share(one: Change) -> str:
    return "-" if one.value is None else f"{one.value:.0%} ({one.low:.0%} to {one.high:.0%})"


if __name__ == "__main__":
    from tests.proof import proof_gain  # workers import its functions by this name

    proof_gain.main()
