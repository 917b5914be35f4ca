"""The detector on real renders, trainers on a command line, and predictions in the database."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import write_export
from workbench.actions.evaluate import evaluate
from workbench.actions.load import load
from workbench.actions.train import CommandTrainer, Detector, predict
from workbench.actions.train.examples import overlap
from workbench.adapters import store
from workbench.base.errors import Cancelled, InputError, MissingExtra, OutputError
from workbench.base.progress import Cancel, Work
from workbench.core.schema.labels import Label


@pytest.fixture(scope="module")
def renders(sample_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty pictures of the sample data as an export; all parts are one class."""
    folder = tmp_path_factory.mktemp("renders")
    source = sample_data / "synthetic"
    coco = json.loads((source / "annotations" / "instances_train.json").read_text())
    images = coco["images"][:40]
    ids = {one["id"] for one in images}
    boxes = [{**one, "category_id": 1} for one in coco["annotations"] if one["image_id"] in ids]
    content = {"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "part"}]}
    (folder / "annotations").mkdir()
    (folder / "images").mkdir()
    for split in ("train", "val"):
        (folder / "annotations" / f"instances_{split}.json").write_text(json.dumps(content))
        (folder / "images" / split).symlink_to(source / "images" / "train")
    return folder


def recall(truth: Sequence[Any], found: Sequence[Sequence[Label]]) -> float:
    """Share of the true boxes that some of the dozen surest predictions overlaps by half."""
    hits = n = 0
    for boxes, labels in zip(truth, found, strict=True):
        surest = sorted(labels, key=lambda label: -(label.confidence or 0))[:12]
        predicted = np.array([label.xyxy for label in surest], np.float32).reshape(-1, 4)
        hits += int((overlap(predicted, boxes) >= 0.5).any(axis=0).sum()) if len(predicted) else 0
        n += len(boxes)
    return hits / n


def test_the_detector_learns(renders: Path) -> None:
    detector = Detector(size_wh=(160, 128), epochs=30, patience=30)
    assert detector.fit(renders) is detector and detector.classes == ["part"]
    assert detector.history[-1]["loss"] < 0.6 * detector.history[0]["loss"]
    coco = json.loads((renders / "annotations" / "instances_train.json").read_text())
    paths = [renders / "images" / "train" / one["file_name"] for one in coco["images"]]
    found = detector.predict(paths)
    truth = []
    for one in coco["images"]:
        corners = [box["bbox"] for box in coco["annotations"] if box["image_id"] == one["id"]]
        truth.append(np.array([[x, y, x + w, y + h] for x, y, w, h in corners], np.float32).reshape(-1, 4))
    own, others = recall(truth, found), recall(truth, [*found[1:], found[0]])
    assert own > 0.3 and own > 3 * others, f"{own:.2f} on their own pictures, {others:.2f} on the next ones"
    edges = np.array([label.xyxy for labels in found for label in labels])
    assert (edges >= 0).all() and (edges <= [640, 480, 640, 480]).all(), "pixels of the picture, not of the input"
    assert "30 epochs, best AP50" in str(detector) and "40 images of val" in str(detector)


def test_same_seed_same_answers_and_the_callers_randomness_stays(renders: Path) -> None:
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3).tolist()
    torch.manual_seed(5)
    picture = next((renders / "images" / "train").iterdir())
    made = [Detector(size_wh=(64, 64), epochs=1).fit(renders) for _ in range(2)]
    assert torch.rand(3).tolist() == expected
    assert made[0].history == made[1].history
    assert made[0].predict([picture]) == made[1].predict([picture])


def test_the_second_stage_goes_on_from_the_first(renders: Path, tmp_path: Path) -> None:
    staged, alone = tmp_path / "staged", tmp_path / "alone"
    for folder, splits in ((staged, {"pretrain": "train", "finetune": "train"}), (alone, {"train": "train"})):
        for split, given in {**splits, "val": "val"}.items():
            (folder / "images").mkdir(parents=True, exist_ok=True)
            (folder / "annotations").mkdir(exist_ok=True)
            (folder / "images" / split).symlink_to(renders / "images" / given)
            text = (renders / "annotations" / f"instances_{given}.json").read_text()
            (folder / "annotations" / f"instances_{split}.json").write_text(text)
    two, one = (Detector(size_wh=(96, 64), epochs=4).fit(folder) for folder in (staged, alone))
    assert [said["stage"] for said in two.history] == ["pretrain"] * 4 + ["finetune"] * 4
    losses = [said["loss"] for said in two.history]
    assert losses[:4] == [said["loss"] for said in one.history]
    assert losses[4] < losses[0] - 0.3, "learning goes on; it does not begin anew"


def test_a_saved_detector_is_the_same_one(renders: Path, tmp_path: Path) -> None:
    picture = next((renders / "images" / "train").iterdir())
    made = Detector(size_wh=(96, 64), epochs=1).fit(renders)
    assert sorted(path.name for path in made.save(tmp_path / "model").iterdir()) == ["detector.json", "weights.npz"]
    again = Detector.load(tmp_path / "model")
    assert again.predict([picture]) == made.predict([picture])
    assert (again.classes, again.size_wh, again.history) == (["part"], (96, 64), made.history)
    with pytest.raises(OutputError, match="The folder is not empty"):
        made.save(tmp_path / "model")
    with pytest.raises(InputError, match="fitted"):
        Detector().save(tmp_path / "other")
    weights, about = tmp_path / "model" / "weights.npz", tmp_path / "model" / "detector.json"
    whole = weights.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"x" * 100):
        weights.write_bytes(broken)
        with pytest.raises(InputError, match="holds no trained detector"):
            Detector.load(tmp_path / "model")
    weights.write_bytes(whole)
    about.write_text(about.read_text().replace('"part"', '"part", "other"'))
    with pytest.raises(InputError, match="holds no trained detector"):
        Detector.load(tmp_path / "model")


def test_cancelled_training_leaves_the_detector_as_it_was(renders: Path) -> None:
    cancel = Cancel()
    detector = Detector(size_wh=(64, 64), epochs=2, work=Work(cancel=cancel)).fit(renders)
    picture = next((renders / "images" / "train").iterdir())
    before, history = detector.predict([picture]), detector.history
    cancel.set()
    with pytest.raises(Cancelled):
        detector.fit(renders)
    assert detector.predict([picture]) == before and detector.history is history


def test_what_the_detector_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fitted"):
        Detector().predict([])
    with pytest.raises(InputError, match="multiples of 32"):
        Detector(size_wh=(300, 200))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"physical-ai-workbench\[train\]"):
        Detector().fit(tmp_path)


SCRIPT = """
import json, sys
asked, answer = sys.argv[1:]
said = json.load(open(asked))
nut = {one["name"]: one["id"] for one in said["categories"]}["nut"]
found = [{"image_id": one["id"], "category_id": nut, "bbox": [1, 2, one["width"] / 2, 4], "score": 0.5}
         for one in said["images"]]
json.dump(found, open(answer, "w"))
"""


def test_a_command_line_is_a_trainer(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "an export; rm $HOME", 3)
    (tmp_path / "predict.py").write_text(SCRIPT)
    (tmp_path / "train.py").write_text("import sys, pathlib; pathlib.Path(sys.argv[1], 'model').write_text('trained')")
    python, place = sys.executable, tmp_path
    trainer = CommandTrainer(
        f"{python} {place}/predict.py {{images}} {{predictions}}", f"{python} {place}/train.py {{train_dir}}"
    )
    paths = sorted((folder / "images" / "train").iterdir())
    with pytest.raises(InputError, match="fitted"):
        trainer.predict(paths)
    trainer.fit(folder)
    assert (folder / "model").read_text() == "trained", "a path is one argument, whatever it holds"
    assert trainer.predict(paths) == [[Label("nut", (1, 2, 33, 6), confidence=0.5)]] * 3
    elsewhere = CommandTrainer(trainer.predict_command, classes=["mug", "nut"])
    assert elsewhere.predict(paths) == trainer.predict(paths), "trained elsewhere: its classes are told"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("import sys; sys.exit('out of memory')", r"predict command failed \(exit 1\)\. Last lines: out of memory"),
        ("pass", "wrote no file of predictions"),
        ("import os; os.kill(os.getpid(), 9)", r"predict command was killed \(signal 9\). It printed nothing"),
        ("import sys; open(sys.argv[2], 'w').write('[{}]')", "predictions cannot be used: No image has the id None"),
        ("import time; time.sleep(60)", "timed out"),
    ],
)
def test_commands_that_fail(script: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "predict.py").write_text(script)
    command = f"{sys.executable} {tmp_path}/predict.py {{images}} {{predictions}}"
    trainer = CommandTrainer(command, timeout_s=1 if "sleep" in script else None)
    trainer.fit(write_export(tmp_path / "out", 1))
    with pytest.raises(InputError, match=message):
        trainer.predict(sorted((tmp_path / "out" / "images" / "train").iterdir()))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("predict {images}", "predictions"),
        ("predict {images} {predictions} {weights}", "weights"),
        ("predict {images} {predictions", "command"),
        ("predict '{images} {predictions}", "command"),
    ],
)
def test_templates_are_checked_at_once(command: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        CommandTrainer(command)


class Fixed:
    """Finds the same box everywhere."""

    def fit(self, split_dir: Path) -> None:
        pass

    def predict(self, images: Sequence[Path]) -> list[list[Label]]:
        return [[Label("nut", (8, 8, 24, 24), confidence=0.7)] for _ in images]


def test_predictions_go_into_the_dataset(dataset: Any, tmp_path: Path) -> None:
    load(dataset, write_export(tmp_path / "out", 3, 2), source="real", work=Work(lambda tick: None))
    assert predict(dataset, Fixed(), field="mine", where="split == 'val'") == 2
    assert evaluate(dataset, "mine", where="split == 'val'").recall == 1.0
    judged = evaluate(dataset, "mine")
    assert (judged.samples, judged.covered, judged.total, judged.recall) == (2, 2, 5, 1.0)
    assert evaluate(dataset, "mine", scope="all").recall == pytest.approx(2 / 5)
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        predict(dataset, Fixed(), field="other", work=Work(cancel=cancel))
    assert "other" not in store.info(dataset)["fields"]
    with pytest.raises(InputError, match="samples to predict on"):
        predict(dataset, Fixed(), where="split == 'test'")
