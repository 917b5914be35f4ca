"""Sample efficiency: what do targeted pictures of a failure bring, against untargeted and against real ones?

    python -m tests.proof.proof_gain [--folder DIR] [--seeds 5] [--sizes 300,100] [--arms ...] [--rounds 3] [--report]

Real is ``standin``: other scenes and another camera than the generator's. The detector is the workbench's. For each
seed a baseline learns from natural real pictures until AP on real validation pictures no longer rises. Every arm, the
one without added pictures too, goes on from that baseline with the same number of steps, and keeps the best of its
checks on the same validation pictures. A failure is one rare cell of light and surface (2.25 % of the real data). 30
real pictures of it are tagged, with the word for the surface where it is metal, as a curator sees it; ``wb.recreate``
makes a scenario of them, and N pictures are drawn. Arms: none; N untargeted (wide randomization of everything); N
targeted; N real ones of the cell (oracle); N targeted and the 30 tagged ones. Never seen before the end: the test
pictures, many of the failing cell and as many of each other. Pairs of seeds and pictures; see ``looping.arms``.

Everything is kept in the folder: pools of pictures, recreated scenarios, and a line in ``trainings.jsonl`` with the
tally beside it per training. A second call goes on; ``--report`` prints the arms that are complete.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.proof.standin import CELLS, CLASSES, SCENE, SIZE_WH, Pool, natural, pool, real, tallied
from tests.tools.arms import closed, gain, means
from workbench.actions.rounds.verdict import gate
from workbench.base.files import write_bytes
from workbench.base.processes import WorkerProcesses
from workbench.core.metrics.compare import Change
from workbench.core.metrics.counts import RoundCounts, from_bytes, to_bytes
from workbench.core.scenario import Scenario
from workbench.core.tables.column import Mask

if TYPE_CHECKING:
    from workbench.actions.train.network import Network

TRAIN, VAL, TEST, TAGGED = 400, 200, 150, 30  # real pictures: natural, natural, of each cell, of the failure
WIDE: dict[str, Any] = {  # what somebody would vary who does not know the failure
    "sensor.exposure.ev": {"uniform": [-3.0, 1.5]},
    "sensor.noise.gain": {"log_uniform": [1, 24]},
    "lighting.environment.intensity": {"log_uniform": [20, 800]},
    "lighting.key.intensity": {"log_uniform": [20, 4000]},
    "lighting.key.direction.elevation": {"uniform": [10, 85]},
    "sensor.camera.pose.radius": {"uniform": [0.32, 0.44]},  # the camera is mounted: its distance is known
}
PATIENCE_S = 3600.0  # of the fit: what it finds must not hang on how busy the machine is
BATCH = 8  # of the detector
BASE_STEPS, STEPS = 3_000, 600  # at most, of the baseline and of every arm after it
ARMS = ("targeted", "oracle", "untargeted", "targeted+30")
Cell = tuple[str, str]
FAILING: Cell = ("hard", "metal")
ROUND_SIZE = 200


@dataclass(frozen=True)
class Training:
    """One training.

    Attributes:
        arm: ``none``, one of ``ARMS``, or ``round``.
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
    parser.add_argument("--sizes", default="300,100")
    parser.add_argument("--arms", default=",".join(ARMS), help="beside the one without added pictures")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--report", action="store_true", help="train nothing; print what is complete")
    args = parser.parse_args()
    os.environ.setdefault("FIFTYONE_DATABASE_NAME", f"workbench_proof_{os.getpid()}")
    sizes = [int(size) for size in args.sizes.split(",")]
    arms = [("none", 0)] + [(arm, n) for n in sizes for arm in args.arms.split(",")]
    by_seed = {seed: [Training(arm, n, seed) for arm, n in arms] for seed in range(args.seeds)}
    if not args.report:
        for pair in zip_longest(*[iter(by_seed)] * 2):  # two seeds at once, so that few complete ones are soon there
            run([one for seed in pair if seed is not None for one in by_seed[seed]], args.folder)
    largest = {seed: [one for one in own if one.size in (0, max(sizes))] for seed, own in by_seed.items()}
    done = [seed for seed, own in largest.items() if _tallies(own, args.folder)]
    print(f"{len(done)} of {args.seeds} seeds are complete")
    if done:
        print(_report(sizes, done, args.folder))
        print(_rounds(args.rounds, done, args.folder, train_missing=not args.report))


def run(wanted: Sequence[Training], folder: Path) -> None:
    """Make the trainings that the folder lacks, two at once."""
    missing = [one for one in wanted if not _file(one, folder).exists()]
    bases = sorted({one.seed for one in missing if not _base_file(one.seed, folder).exists()})
    (folder / "tallies").mkdir(parents=True, exist_ok=True)
    for part in (_real_train, _real_val, _judged) if missing else ():
        part(folder)
    with WorkerProcesses(2) as workers:
        _each_done([workers.submit(learn_base, seed, folder) for seed in bases], folder)
        for group in dict.fromkeys((one.arm, one.size, one.cells) for one in missing):
            own = [one for one in missing if (one.arm, one.size, one.cells) == group]
            _added(own[0], folder)  # drawn once, by two processes
            _each_done([workers.submit(train, one, folder) for one in own], folder)


def _each_done(futures: Sequence[Future[dict[str, Any]]], folder: Path) -> None:
    for done in as_completed(futures):
        said = done.result()
        with (folder / "trainings.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(said) + "\n")
        print(f"<!-- {said} -->", flush=True)


def learn_base(seed: int, folder: Path) -> dict[str, Any]:
    """The baseline of one seed, in this process; its weights are kept, a summary given."""
    import torch

    started = time.perf_counter()
    found, history = _learned(_real_train(folder), BASE_STEPS, seed, folder, None)
    stream = io.BytesIO()
    torch.save(found.state_dict(), stream)
    write_bytes(_base_file(seed, folder), stream.getvalue())
    return _summary(f"base-{seed}", started, history)


def train(one: Training, folder: Path) -> dict[str, Any]:
    """One training in this process; its tally is kept, a summary given."""
    import torch

    from workbench.actions.train import network

    started = time.perf_counter()
    base = network.Network(len(CLASSES))
    base.load_state_dict(torch.load(_base_file(one.seed, folder), weights_only=True))
    found, history = _learned(_real_train(folder) + _added(one, folder), STEPS, one.seed, folder, base)
    truth = _judged(folder)
    judged = tallied(truth, network.infer(found, [example.picture for example in truth.examples()]))
    write_bytes(_file(one, folder), to_bytes(judged, []))
    recalls = {part: float(means([judged], rows, "recall")[0]) for part, rows in _slices(one.cells).items()}
    return _summary(one.name, started, history) | recalls


def _learned(
    pictures: Pool, steps: int, seed: int, folder: Path, start: Network | None
) -> tuple[Network, list[dict[str, float]]]:
    from workbench.actions.train import network

    epochs = max(2, round(steps * BATCH / len(pictures)))
    return network.train(
        pictures.examples(),
        _real_val(folder).examples(),
        len(CLASSES),
        epochs=epochs,
        patience=max(4, epochs // 3),
        seed=seed,
        threads=1,
        step=lambda epoch, lost, ap: None,
        start=start,
    )


def _summary(name: str, started: float, history: Sequence[dict[str, float]]) -> dict[str, Any]:
    best = max((one for one in history if "ap50" in one), key=lambda one: one["ap50"])
    seconds = round(time.perf_counter() - started)
    return {"name": name, "seconds": seconds, "epochs": len(history), "best": int(best["epoch"]), "ap50": best["ap50"]}


def _base_file(seed: int, folder: Path) -> Path:
    return folder / f"base-{seed}-{BASE_STEPS}.pt"


def _file(one: Training, folder: Path) -> Path:
    return folder / "tallies" / f"{one.name}-{BASE_STEPS}-{STEPS}.npz"


def _tallies(wanted: Sequence[Training], folder: Path) -> list[RoundCounts]:
    """Of trainings that are made; none where one of them is not."""
    files = [_file(one, folder) for one in wanted]
    return [from_bytes(file.read_bytes())[0] for file in files] if all(file.exists() for file in files) else []


@cache
def _real_train(folder: Path) -> Pool:
    """Natural real pictures: the failing cell is as rare as it is."""
    return natural(TRAIN, 0, folder)


@cache
def _real_val(folder: Path) -> Pool:
    return natural(VAL, TRAIN, folder)


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
    from workbench.actions.recreate.recreate import BASE

    return Scenario.load(BASE).replace(SCENE | WIDE, name="untargeted")


def recreated(cell: Cell, folder: Path) -> Scenario:
    """``wb.recreate`` from the tagged pictures of a cell, against the real training pictures; made once."""
    file = folder / f"recreated-{'-'.join(cell)}.yaml"
    if not file.exists():
        _recreate(cell, folder).dump(file)
    return Scenario.load(file)


def _recreate(cell: Cell, folder: Path) -> Scenario:
    from workbench.actions import tag as tagging
    from workbench.actions.measure import measure
    from workbench.actions.recreate import recreate
    from workbench.adapters import store
    from workbench.core.schema.labels import Label, Record

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
        chosen = [i for i, origin in origins.items() if str(origin).startswith("tagged")]
        tagging.tag(dataset, tag, ids=chosen)
        if cell[1] == "metal":
            store.set_values(dataset, {one: {"surface": "metal"} for one in chosen})
        found = recreate(dataset, f"'{tag}' in tags", seconds=PATIENCE_S)
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


def _report(sizes: Sequence[int], seeds: Sequence[int], folder: Path) -> str:
    """The tables of the arms that are complete."""

    def arm(name: str, n: int) -> list[RoundCounts]:
        return _tallies([Training(name, n, seed) for seed in seeds], folder)

    none, lines = arm("none", 0), [""]
    oracle = arm("oracle", max(sizes))
    for metric in ("recall", "ap50"):
        told = {part: means(none, rows, metric).mean() for part, rows in _slices([FAILING]).items()}
        lines += [f"\n{metric}, without added pictures: " + ", ".join(f"{k} {v:.3f}" for k, v in told.items()), ""]
        lines += [f"| N | arm | gain on failing | way to {max(sizes)} real | gain on others | gain on all |"]
        lines += ["|---" * 6 + "|"]
        for n, name in [(n, name) for n in sorted(sizes) for name in ARMS if arm(name, n)]:
            own = arm(name, n)
            gains = [_told(gain(none, own, rows, metric)) for rows in _slices([FAILING]).values()]
            way = _share(closed(none, own, oracle, _rows([FAILING]), metric)) if oracle else "-"
            lines.append(f"| {n} | {name} | {gains[0]} | {way} | {gains[1]} | {gains[2]} |")
        for n, m in [(n, m) for n in sorted(sizes) for m in sorted(sizes) if n <= m]:
            if arm("targeted", n) and arm("untargeted", m):
                more = _told(gain(arm("untargeted", m), arm("targeted", n), _rows([FAILING]), metric))
                lines.append(f"| | {n} targeted - {m} untargeted | {more} | | | |")
    if oracle:
        said = gate(max(sizes), gain(none, oracle, _rows([FAILING]), "recall"))
        lines += ["", f"gate: {said or 'real pictures of the failure help; it is one of coverage'}"]
    return "\n".join(lines)


def _rounds(rounds: int, seeds: Sequence[int], folder: Path, *, train_missing: bool) -> str:
    """Each round recreates the cell that is found least by the model before, on tagged pictures, of those left."""
    chosen: list[Cell] = []
    before = _tallies([Training("none", 0, seed) for seed in seeds], folder)
    lines = ["\n| round | made for | recall of these | others | all | better in seeds |", "|---" * 6 + "|"]
    for number in range(1, rounds + 1):
        left = [cell for cell in CELLS if cell not in chosen]
        chosen.append(min(left, key=lambda cell: float(means(before, _tagged_rows(cell), "recall").mean())))
        wanted = [Training("round", number * ROUND_SIZE, seed, tuple(chosen)) for seed in seeds]
        if train_missing:
            run(wanted, folder)
        if not (now := _tallies(wanted, folder)):
            break
        parts = {part: gain(before, now, rows, "recall") for part, rows in _slices([chosen[-1]]).items()}
        better = means(now, _rows(CELLS), "recall") > means(before, _rows(CELLS), "recall")
        name = " x ".join(chosen[-1])
        lines.append(f"| {number} | {name} | {' | '.join(map(_told, parts.values()))} | {better.sum()}/{len(seeds)} |")
        before = now
    return "\n".join(lines) if len(lines) > 2 else ""


def _told(one: Change) -> str:
    if one.value is None or one.low is None or one.high is None:
        return "-" if one.value is None else f"{one.value:+.3f}"
    return f"{one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f})"


def _share(one: Change) -> str:
    return "-" if one.value is None else f"{one.value:.0%} ({one.low:.0%} to {one.high:.0%})"


if __name__ == "__main__":
    from tests.proof import proof_gain  # workers import its functions by this name

    proof_gain.main()
