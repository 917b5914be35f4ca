"""One turn of the loop in one call: what it makes, and that a stopped or failed one leaves everything as it was."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fiftyone.core.odm.database as odm_database
import numpy as np
import psutil
import pytest
from PIL import Image

from workbench.actions.audit import FACTORS, audit
from workbench.actions.duplicates.search import NOTE as THRESHOLD
from workbench.actions.export import export
from workbench.actions.load import load
from workbench.actions.retrain import retrain
from workbench.actions.rounds import record_round, rounds
from workbench.actions.tag import tag
from workbench.actions.train import CommandTrainer, Detector
from workbench.adapters.store.remembered_splits import DRAWS
from workbench.base.errors import Cancelled, InputError, OutputError
from workbench.base.progress import Cancel, Tick, Work
from workbench.core.schema.labels import Label

N, BOX = 30, (8, 8, 24, 24)


@pytest.fixture
def loaded(dataset: Any, tmp_path: Path) -> Any:
    """Thirty real pictures of one bright nut each, a third under harsh light, in scenes of their own."""
    (tmp_path / "in").mkdir()
    images, boxes = [], []
    for i in range(N):
        pixels = np.random.default_rng(i).integers(0, 90, (48, 64, 3), np.uint8)
        pixels[8:24, 8:24] = 240
        Image.fromarray(pixels).save(tmp_path / "in" / f"{i:02}.png")
        images.append({"id": i, "file_name": f"{i:02}.png", "width": 64, "height": 48, "scene_id": f"s{i}"})
        images[-1] |= {"lighting": "harsh" if i % 3 == 0 else "normal", "surface": "metal"}
        boxes.append({"id": i, "image_id": i, "category_id": 1, "bbox": [8, 8, 16, 16]})
    document = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "nut"}]}
    (tmp_path / "in" / "labels.json").write_text(json.dumps(document))
    load(dataset, tmp_path / "in", source="real", work=Work(lambda tick: None))
    tag(dataset, "failure:glare", where="lighting == 'harsh'")
    return dataset


class Fixed:
    """Finds the nut in some pictures, or fails."""

    def __init__(self, found: Callable[[int], bool] = lambda i: True, *, fails: bool = False) -> None:
        self.found, self.fails, self.seen = found, fails, Path()

    def fit(self, split_dir: Path) -> None:
        self.seen = split_dir
        assert (split_dir / "annotations" / "instances_train.json").is_file()
        if self.fails:
            raise InputError("The model fails to learn.")

    def predict(self, images: Sequence[Path]) -> list[list[Label]]:
        chosen = [self.found(int(path.stem[:2])) for path in images]
        return [[Label("nut", BOX, confidence=0.9)] if hit else [] for hit in chosen]


def everything(dataset: Any, folder: Path) -> dict[str, Any]:
    """All that a turn of the loop could touch: documents without time stamps, fields, rounds, draws, files.

    Left out is what is only remembered to save time: matches, fingerprints and the threshold calibrated on them.
    """
    dataset.reload()
    database = odm_database.get_db_conn()
    own = {"dataset_id": dataset._doc.id}
    documents = list(dataset._sample_collection.find({}, {"last_modified_at": 0}).sort("_id", 1))
    notes = {key: value for key, value in dataset.info["workbench"].items() if key != THRESHOLD}
    return {
        "documents": json.dumps(documents, default=str, sort_keys=True),
        "fields": sorted(dataset.get_field_schema(flat=True)),
        "notes": notes,
        "rounds": [(one.number, one.name, one.metrics) for one in rounds(dataset).rounds],
        "parts": database["workbench_round_parts"].count_documents(own),
        "draws": sorted((one["wish"], one["key"], one["split"]) for one in database[DRAWS].find(own)),
        "files": sorted(str(path) for path in folder.rglob("*") if "torchinductor" not in str(path)),
    }


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own for temporary files, to see whether any stays."""
    import tempfile

    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def test_two_turns_and_a_verdict(loaded: Any, tmp_path: Path) -> None:
    ticks: list[Tick] = []
    first = retrain(loaded, Fixed(lambda i: i % 3 != 0), name="first", folder=tmp_path / "1", work=Work(ticks.append))
    assert (first.field, first.model, first.round.number, first.round.split) == ("predictions_first", None, 1, "test")
    assert first.round.manifest_sha256 and first.round.seconds is not None and first.round.images == 0
    labels = [tick.label.split()[0] for tick in ticks]
    assert list(dict.fromkeys(labels))[-4:] == ["exporting", "training", "predicting", "evaluating"]
    second = retrain(loaded, Fixed(), name="second", folder=tmp_path / "2")
    assert second.round.metrics["recall"] == 1.0 > float(first.round.metrics["recall"] or 0)
    assert second.round.split == first.round.split and rounds(loaded).compared == (1, 2)
    assert "predictions in predictions_second" in str(second)
    again = retrain(loaded, Fixed(lambda i: False), name="second", folder=tmp_path / "3")
    assert again.round.number == 2 and again.round.metrics["recall"] == 0.0
    with pytest.raises(OutputError, match="The folder is not empty"):
        retrain(loaded, Fixed(), name="third", folder=tmp_path / "3")
    with pytest.raises(InputError, match="not a name for a round"):
        retrain(loaded, Fixed(), name=" ", folder=tmp_path / "4")


def stops_at(word: str, cancel: Cancel) -> Callable[[Tick], None]:
    """Ask to stop as soon as a stage of this name begins."""

    def listener(tick: Tick) -> None:
        if tick.label.startswith(word):
            cancel.set()

    return listener


@pytest.mark.parametrize("recorded_before", [False, True])
@pytest.mark.parametrize("stage", ["exporting", "training", "predicting", "evaluating"])
def test_a_stopped_turn_leaves_everything_as_it_was(
    stage: str, recorded_before: bool, loaded: Any, tmp_path: Path, temporary: Path
) -> None:
    if recorded_before:  # the same name: its field and its round are there
        retrain(loaded, Fixed(lambda i: i % 2 == 0), name="a", folder=tmp_path / "before")
    before, cancel = everything(loaded, tmp_path), Cancel()
    with pytest.raises(Cancelled):
        stopping = stops_at(stage, cancel)
        retrain(loaded, Fixed(), name="a", folder=tmp_path / "out", work=Work(stopping, cancel))
    assert everything(loaded, tmp_path) == before


def test_a_failed_turn_leaves_everything_as_it_was(loaded: Any, tmp_path: Path, temporary: Path) -> None:
    before = everything(loaded, tmp_path)
    with pytest.raises(InputError, match="fails to learn"):
        retrain(loaded, Fixed(fails=True), name="a", folder=tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="fails to learn"):
        retrain(loaded, Fixed(fails=True), name="a", folder=tmp_path / "empty")
    (tmp_path / "empty").rmdir()  # which is still there, and empty
    assert everything(loaded, tmp_path) == before


def test_a_stopped_detector(loaded: Any, tmp_path: Path, temporary: Path) -> None:
    detector = Detector(size_wh=(64, 64), epochs=50)
    before, cancel = everything(loaded, tmp_path), Cancel()

    def listener(tick: Tick) -> None:
        if tick.unit == "epoch" and tick.done == 2:
            cancel.set()

    with pytest.raises(Cancelled):
        retrain(loaded, detector, name="a", folder=tmp_path / "out", work=Work(listener, cancel))
    assert everything(loaded, tmp_path) == before
    assert (detector.history, detector.work) == ([], None)
    detector.epochs = 1
    done = retrain(loaded, detector, name="a", folder=tmp_path / "out")
    assert done.model is not None and Detector.load(done.model).classes == ["nut"]


def test_a_stopped_program_ends_with_all_that_it_started(loaded: Any, tmp_path: Path, temporary: Path) -> None:
    sign = tmp_path / "started"
    started = f"p = subprocess.Popen(['sleep', '100']); open({str(sign)!r}, 'w').write(str(p.pid))"
    code = f"import subprocess, time; {started}; time.sleep(100)"
    (tmp_path / "train.py").write_text(code)
    trainer = CommandTrainer("p {images} {predictions}", f"{sys.executable} {tmp_path}/train.py {{train_dir}}")

    class Soon(Cancel):
        """Asked to stop once the program has started another."""

        def check(self) -> None:
            if sign.is_file() and sign.read_text():
                self.set()
            super().check()

    before = everything(loaded, tmp_path)
    with pytest.raises(Cancelled):
        retrain(loaded, trainer, name="a", folder=tmp_path / "out", work=Work(cancel=Soon()))
    child = int(sign.read_text())
    state = Path(f"/proc/{child}/stat")
    assert not state.exists() or state.read_text().split()[2] == "Z"
    sign.unlink()
    assert everything(loaded, tmp_path) == before


def test_a_stopped_recording_leaves_everything_as_it_was(loaded: Any, tmp_path: Path, temporary: Path) -> None:
    coco = json.loads((tmp_path / "in" / "labels.json").read_text())
    answers = [{"image_id": i, "category_id": 1, "bbox": [8, 8, 16, 16], "score": 0.9} for i in range(N)]
    (tmp_path / "results.json").write_text(json.dumps(answers))
    assert len(coco["images"]) == N
    before, cancel = everything(loaded, tmp_path), Cancel()
    for field in ("new", "new"):
        with pytest.raises(Cancelled):
            record_round(
                loaded,
                tmp_path / "results.json",
                name="a",
                field=field,
                annotations=tmp_path / "in" / "labels.json",
                work=Work(stops_at("evaluating", cancel), cancel),
            )
    assert everything(loaded, tmp_path) == before


def test_a_stopped_audit_leaves_no_file(tmp_path: Path, temporary: Path) -> None:
    cancel = Cancel()

    def listener(tick: Tick) -> None:
        if tick.done:
            cancel.set()

    with pytest.raises(Cancelled):
        audit(Fixed(), factors=FACTORS[:2], frames=2, width_px=160, backend="flat", work=Work(listener, cancel))
    assert list(temporary.iterdir()) == []


KILLED = """
import os, signal, sys, time
import workbench as wb
from pathlib import Path
class Model:
    def fit(self, data):
        if sys.argv[3] == "training":
            (Path(data).parent / "model").mkdir()
            os.kill(os.getpid(), signal.SIGKILL)
    def predict(self, images):
        os.kill(os.getpid(), signal.SIGKILL)
wb.retrain(sys.argv[1], Model(), name="first", folder=sys.argv[2])
"""


@pytest.mark.parametrize("stage", ["training", "predicting"])
def test_a_killed_turn_can_be_done_again_in_the_same_folder(loaded: Any, tmp_path: Path, stage: str) -> None:
    """What it left is taken away; what others put into such a folder is not."""
    target, before = tmp_path / "out", everything(loaded, tmp_path / "out")
    words = [sys.executable, "-c", KILLED, loaded.name, str(target), stage]
    assert subprocess.run(words, timeout=120, check=False, capture_output=True).returncode == -signal.SIGKILL
    assert (target / "data").is_dir()
    with pytest.raises(OutputError, match="not empty"):
        export(loaded, target)
    with pytest.raises(InputError, match="fails to learn"):
        retrain(loaded, Fixed(fails=True), name="first", folder=target)
    assert everything(loaded, target) == before
    subprocess.run(words, timeout=120, check=False, capture_output=True)
    again = retrain(loaded, Fixed(), name="first", folder=target)
    assert again.round.number == 1 and [path.name for path in target.iterdir()] == ["data"]
    with pytest.raises(OutputError, match="not empty"):
        retrain(loaded, Fixed(), name="first", folder=target)


PROGRAM = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
with open(sys.argv[1], "w") as told:
    told.write(f"{os.getpid()} {child.pid} .")
time.sleep(60)
"""
RUNS = """
import sys
from pathlib import Path
from workbench.actions.train import CommandTrainer
told, program = sys.argv[1:]
command = f"{sys.executable} {program} {told} {{train_dir}}"
CommandTrainer(predict_command="true {images} {predictions}", train_command=command).fit(Path("."))
"""


def test_a_command_ends_with_the_process_that_runs_it(tmp_path: Path) -> None:
    """With what it has started itself."""
    told, program = tmp_path / "pids", tmp_path / "train.py"
    program.write_text(PROGRAM)
    running = subprocess.Popen([sys.executable, "-c", RUNS, str(told), str(program)])
    deadline = time.monotonic() + 60
    while not (told.exists() and told.read_text().endswith(".")) and time.monotonic() < deadline:
        time.sleep(0.02)
    pids = [int(pid) for pid in told.read_text().split()[:2]]
    running.kill()
    running.wait()
    deadline = time.monotonic() + 2
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids):
        assert time.monotonic() < deadline, f"{pids} outlived their parent"
        time.sleep(0.05)
