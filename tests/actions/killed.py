"""Actions in processes that can be killed: ``python killed.py FOLDER``, then one JSON list per line on stdin.

FiftyOne takes seconds to import, so this process imports it once and forks for every line ``[step, action, number]``:
``start`` answers with the id of the process, every other step with ``null`` when it has ended well, or what went wrong;
``whole`` and ``complete`` leave the state that the action has led to in a file.
Each number has a dataset and a folder of its own, so that every kill meets the action at its beginning.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import fiftyone.core.odm.database as odm
import numpy as np
from PIL import Image

import workbench as wb
from tests.builders import contents
from workbench.actions.generate import generate
from workbench.adapters import store
from workbench.base.errors import DatasetError
from workbench.base.progress import Work, silent
from workbench.core.scenario import Scenario
from workbench.core.schema.labels import Label

# modules whose names are those of functions too
splits, rounds, predictions = (
    import_module(f"workbench.adapters.store.{name}") for name in ("remembered_splits", "rounds", "predictions")
)
N = 24  # pictures
MARK = "WORKBENCH_TEST_KILLED"  # in the environment of all that such a process starts
VOLATILE = {"_id", "_dataset_id", "_rand", "created_at", "last_modified_at", "content", "dataset_id", "token"}
QUIET = Work(silent)


def name_of(action: str, number: int) -> str:
    return f"killed-{action}-{number}"


def small_steps() -> None:
    """Make all writes so small that there are many moments between them."""
    import_module("workbench.actions.load").BATCH = import_module("workbench.actions.measure").BATCH = 4
    predictions.WRITE_BATCH = splits.BATCH = 3
    rounds.PART_BYTES = 400


def write_data(folder: Path) -> None:
    """Pictures of one nut each, and two models' predictions of them."""
    folder.mkdir(parents=True)
    images, boxes, found = [], [], [[], []]
    for i in range(N):
        pixels = np.random.default_rng(i).integers(0, 90, (48, 64, 3), np.uint8)
        pixels[8:24, 8:24] = 240
        Image.fromarray(pixels).save(folder / f"{i:02}.png")
        images.append({"id": i, "file_name": f"{i:02}.png", "width": 64, "height": 48, "scene_id": f"s{i}"})
        boxes.append({"id": i, "image_id": i, "category_id": 1, "bbox": [8, 8, 16, 16]})
        for model, own in enumerate(found):
            own.append({"image_id": i, "category_id": 1, "bbox": [8, 8 + 20 * (i % 3 == model), 16, 16], "score": 0.9})
    document = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "nut"}]}
    (folder / "labels.json").write_text(json.dumps(document))
    for model, own in enumerate(found):
        (folder.parent / f"model{model}.json").write_text(json.dumps(own))


class Nuts:
    """A model that finds every nut."""

    def fit(self, split_dir: Path) -> None:
        pass

    def predict(self, images: Sequence[Path]) -> list[list[Label]]:
        return [[Label("nut", (8, 8, 24, 24), confidence=0.9)] for _ in images]


@dataclass(frozen=True)
class Action:
    """One action.

    Attributes:
        prepare: what is there before it.
        act: does it; done again after a kill, it completes what is missing.
        partly: checks what a kill has left.
    """

    act: Callable[[str, Path], object]
    prepare: Callable[[str, Path], object] = lambda name, folder: loaded(name, folder)
    partly: Callable[[str, Path], object] = lambda name, folder: None


def data(folder: Path) -> Path:
    return folder.parent.parent / "data"


def loaded(name: str, folder: Path) -> Any:
    wb.load(name, data(folder), source="real", work=QUIET)
    return store.require_dataset(name)


def evaluated(name: str, folder: Path, model: int) -> Any:
    return wb.evaluate(name, data(folder).parent / f"model{model}.json", annotations=data(folder), work=QUIET)


def with_predictions(name: str, folder: Path) -> None:
    loaded(name, folder)
    evaluated(name, folder, 0)


def documents(name: str) -> list[dict[str, Any]]:
    """All samples, without what differs from run to run."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(each) for key, each in sorted(value.items()) if key not in VOLATILE}
        return [plain(each) for each in value] if isinstance(value, list) else value

    return [plain(each) for each in store.require_dataset(name)._sample_collection.find({}).sort("origin", 1)]


def state(name: str, folder: Path) -> str:
    """A text of all that an action may have changed: the same after it was cut off and done again as uncut."""
    dataset = store.require_dataset(name)
    own = {"dataset_id": dataset._doc.id}
    database = odm.get_db_conn()
    heads = [(head["number"], head["name"], head["said"]["metrics"]) for head in database[rounds.ROUNDS].find(own)]
    return json.dumps(
        {
            "samples": documents(name) if "generate" not in name else sorted(dataset.values("source_key")),
            "notes": {k: v for k, v in (dataset.info.get("workbench") or {}).items() if k != "loads"},
            "fields": sorted(dataset.get_field_schema(flat=True)),
            "rounds": sorted(heads),
            "parts": database[rounds.PARTS].count_documents(own),
            "draws": sorted((d["key"], d["split"]) for d in database[splits.DRAWS].find(own)),
            "intents": database[splits.INTENTS].count_documents(own),
            "files": {path: sha for path, sha in contents(folder).items() if stays(path)},
        },
        default=str, sort_keys=True,
    )  # fmt: skip


def stays(path: str) -> bool:
    """Whether a file is the same in every run: a frame's record has times, a scenario the ids of its samples."""
    return not any(part in path for part in ("frames/", "fitted", "state"))


def not_twice(name: str, folder: Path) -> None:
    if name in store.list_datasets():
        keys = store.require_dataset(name).values("source_key")
        assert len(keys) == len(set(keys))


def measured_whole(name: str, folder: Path) -> None:
    for sample in documents(name):
        if sample.get("measured_file"):
            assert sample["measures"] and all("gloss" in box for box in sample["ground_truth"]["detections"])


def evaluated_whole(name: str, folder: Path) -> None:
    """Predictions of two models are never used; where a dataset says that it was evaluated, each outcome is right."""
    rows = [sample["predictions"]["detections"][0]["bounding_box"][1] > 0.5 for sample in documents(name)]
    of_one = rows in [[i % 3 == model for i in range(N)] for model in range(2)]
    try:
        predictions.require_boxes(store.require_dataset(name), "predictions")
        assert of_one, "predictions of two models are taken for those of one"
    except DatasetError as error:
        assert "cut off" in str(error)
    if store.note(store.require_dataset(name), "evaluation") is None:
        return
    for at, sample in enumerate(documents(name)):
        (found,) = sample["predictions"]["detections"]
        hit = found["bounding_box"][1] == 8 / 48
        words = ("hit", "hit") if hit else ("miss", "false_alarm")
        outcomes = (sample["ground_truth"]["detections"][0].get("outcome"), found.get("outcome"))
        assert outcomes == words, f"sample {at}: {outcomes}"
        assert sample["evaluation"]["hits"] == float(hit)


def generated(name: str, folder: Path) -> None:
    scenario = Scenario("small").replace({"sensor.camera.resolution": [48, 32], "assets.targets.count": 2})
    generate(scenario, into=name, n=10, backend="flat", workers=1, folder=folder / "out", work=QUIET).result()


def exported(name: str, folder: Path) -> None:
    if not (folder / "out").exists():
        wb.export(name, folder / "out", near_duplicates=False, work=QUIET)


def splits_with_folder(name: str, folder: Path) -> None:
    dataset = store.require_dataset(name)
    there = store.remembered_splits(dataset, wb.SplitSpec.of(None).memory)
    assert len(there) == (N if (folder / "out").exists() else 0)
    assert not (folder / "out").exists() or (folder / "out" / "manifest.json").is_file()


def recorded(name: str, folder: Path) -> None:
    for model in ("first", "second"):
        wb.record_round(name, "predictions", name=model, work=QUIET)
        with (folder / "state-acknowledged").open("a") as log:
            log.write(f"{model}\n")


def rounds_whole(name: str, folder: Path) -> None:
    known = [each.name for each in wb.rounds(name).rounds]
    assert len(known) == len(set(known))
    if (log := folder / "state-acknowledged").exists():
        assert set(log.read_text().split()) <= set(known), "recorded and lost"


def retrained(name: str, folder: Path) -> None:
    if "first" not in [each.name for each in wb.rounds(name).rounds]:
        wb.retrain(name, Nuts(), name="first", folder=folder / "out", work=QUIET)


def recreated(name: str, folder: Path) -> None:
    ids = store.select(store.require_dataset(name))[:3]
    wb.recreate(name, ids=ids, probes=False, work=QUIET).scenario.dump(folder / "fitted.yaml")


def scenario_whole(name: str, folder: Path) -> None:
    if (folder / "fitted.yaml").exists():
        Scenario.load(folder / "fitted.yaml")


def measured(name: str, folder: Path) -> None:
    wb.measure(name, work=QUIET)


ACTIONS = {
    "load": Action(loaded, lambda name, folder: None, not_twice),
    "measure": Action(measured, partly=measured_whole),
    "evaluate": Action(lambda name, folder: evaluated(name, folder, 1), with_predictions, evaluated_whole),
    "recreate": Action(recreated, lambda n, f: (loaded(n, f), measured(n, f)), scenario_whole),
    "generate": Action(generated, lambda name, folder: store.open_dataset(name), not_twice),
    "export": Action(exported, partly=splits_with_folder),
    "record_round": Action(recorded, with_predictions, rounds_whole),
    "retrain": Action(retrained, partly=rounds_whole),
}


def step(kind: str, action: str, number: int, root: Path) -> None:
    """What a forked process does."""
    name, folder = name_of(action, number), root / action / str(number)
    folder.mkdir(parents=True, exist_ok=True)
    os.environ[MARK] = f"{name}-{root.name}"
    small_steps()
    if kind == "prepare":
        ACTIONS[action].prepare(name, folder)
    elif kind == "start":
        ACTIONS[action].act(name, folder)
    else:
        if kind == "complete":
            ACTIONS[action].partly(name, folder)
        began_s = time.monotonic()
        ACTIONS[action].act(name, folder)
        took_s = time.monotonic() - began_s
        reached = {"took_s": took_s, "state": json.loads(state(name, folder).replace(name, "NAME"))}
        (root / action / f"state-{number}.json").write_text(json.dumps(reached))
        store.delete_dataset(name)


def main() -> None:
    root = Path(sys.argv[1])
    gc.freeze()  # what is copied to every process stays as it is
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        kind, action, number = json.loads(line)
        if kind == "reap":
            os.waitpid(number, 0)
            print("null", flush=True)
            continue
        log = root / f"log-{action}-{number}"
        pid = os.fork()
        if pid == 0:
            try:
                step(kind, action, number, root)
                os._exit(0)
            except BaseException:
                log.write_text(traceback.format_exc())
                os._exit(1)
        if kind == "start":
            print(json.dumps(pid), flush=True)
            continue
        status = os.waitpid(pid, 0)[1]
        print(json.dumps(None if status == 0 else log.read_text() if log.exists() else f"status {status}"), flush=True)


if __name__ == "__main__":
    main()
