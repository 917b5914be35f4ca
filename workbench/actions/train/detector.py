"""A small detector that trains from nothing in minutes on two processor cores, to close the loop without a GPU."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from workbench.actions.train.examples import fitted, read_picture, read_splits
from workbench.base.errors import InputError
from workbench.base.files import whole_folder, write_bytes, write_json
from workbench.base.optional import require
from workbench.base.plurals import counted
from workbench.base.progress import Progress, Work
from workbench.core.schema.labels import Label

BATCH = 16
STEP = 32  # sides of the input are multiples of it
ABOUT, WEIGHTS = "detector.json", "weights.npz"
KEPT = ("size_wh", "epochs", "patience", "seed", "threads", "classes", "history", "stopped_by")


@dataclass
class Detector:
    """Finds boxes by the peaks of one heat map per class; see ``network``. Needs the extra ``train`` (PyTorch).

    Example::

        detector = wb.Detector()
        print(detector.fit("out/cell"))          # what wb.export(..., format="coco") wrote
        wb.predict(ds, detector, field="predictions")
        detector.save("models/first")            # wb.Detector.load("models/first"), or workbench audit --model

    Attributes:
        size_wh: pixels of its input; images are scaled into it and padded. Multiples of 32.
        epochs: most passes over the data, in each stage.
        patience: passes without a better AP on the images to stop by, after which it stops.
        seed: the same data, seed and machine give the same weights.
        threads: of PyTorch; two are faster on a quiet machine of two cores, and many times slower on a busy one.
        work: receives the progress; its ``cancel`` stops between two passes; what was learned before stays as it is.
        classes: what it knows, once fitted.
        history: stage, number and loss of each epoch, and of every second one AP50 on the images to stop by.
        stopped_by: what those images are, in words.
    """

    size_wh: tuple[int, int] = (320, 256)
    epochs: int = 60
    patience: int = 16
    seed: int = 0
    threads: int = 1
    work: Work | None = field(default=None, repr=False)
    classes: list[str] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list, repr=False)
    stopped_by: str = ""
    _network: Any = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if any(side < STEP or side % STEP for side in self.size_wh):
            raise InputError(f"size_wh must be multiples of {STEP}, not {self.size_wh}.")

    def __str__(self) -> str:
        if self._network is None:
            return "detector, not fitted"
        best = max((epoch["ap50"] for epoch in self.history if "ap50" in epoch), default=0.0)
        learned = f"{counted(len(self.classes), 'class', 'classes')}, {counted(len(self.history), 'epoch')}"
        return f"detector: {learned}, best AP50 {best:.3f} on {self.stopped_by}"

    def fit(self, split_dir: str | Path) -> Detector:
        """Learn from a COCO export; returns itself.

        An export with ``stages=True`` is learned in two: first ``pretrain``, then the best of that goes on with
        ``finetune``.

        Raises:
            MissingExtra: PyTorch is not installed.
            InputError: there is no export, or it has no labels.
            Cancelled: the user stopped; nothing has changed.
        """
        network = _network()
        splits = read_splits(Path(split_dir), self.size_wh)
        trained, history = None, []
        total = self.epochs * len(splits.stages)
        with Progress("training", total=total, unit="epoch", work=self.work) as progress:
            for stage, learned in splits.stages.items():
                trained, new = network.train(
                    learned,
                    splits.stopping,
                    len(splits.classes),
                    epochs=self.epochs,
                    patience=self.patience,
                    seed=self.seed,
                    threads=self.threads,
                    step=lambda epoch, lost, ap: progress.advance(),
                    start=trained,
                )
                history += [{"stage": stage, **epoch} for epoch in new]
        self._network, self.history, self.classes, self.stopped_by = trained, history, splits.classes, splits.stopped_by
        return self

    def save(self, folder: str | Path) -> Path:
        """Write what it has learned: ``detector.json`` and ``weights.npz`` (arrays, nothing that runs when read).

        Raises:
            InputError: it was not fitted.
            OutputError: the folder has files in it, or refuses.
        """
        self._require_fitted()
        target, weights = Path(folder), io.BytesIO()
        np.savez(weights, **_network().weights(self._network))
        with whole_folder(target) as part:
            write_bytes(part / WEIGHTS, weights.getvalue())
            write_json(part / ABOUT, {name: getattr(self, name) for name in KEPT})
        return target

    @classmethod
    def load(cls, folder: str | Path) -> Detector:
        """A detector that ``save`` wrote.

        Raises:
            MissingExtra: PyTorch is not installed.
            InputError: no detector lies there, or a broken one.
        """
        path, network = Path(folder), _network()
        try:
            document = json.loads((path / ABOUT).read_text(encoding="utf-8"))
            detector = cls(**{**{name: document[name] for name in KEPT}, "size_wh": tuple(document["size_wh"])})
            with np.load(path / WEIGHTS, allow_pickle=False) as arrays:
                detector._network = network.restored(dict(arrays), len(detector.classes))
        except (OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, zipfile.BadZipFile) as cause:
            fix = "Pass a folder that detector.save(folder) wrote."
            reason = f"{type(cause).__name__}: {cause}"[:300]
            raise InputError(f"The folder holds no trained detector ({reason}).", at=str(path), fix=fix) from cause
        return detector

    def _require_fitted(self) -> None:
        if self._network is None:
            raise InputError("The detector has not been fitted.", fix="Call fit(split_dir) first.")

    def predict(self, images: Sequence[str | Path]) -> list[list[Label]]:
        """Labels with confidence, in pixels of each image.

        Raises:
            InputError: it was not fitted, or an image cannot be read.
        """
        self._require_fitted()
        results: list[list[Label]] = []
        for start in range(0, len(images), BATCH):
            pictures = [read_picture(Path(path)) for path in images[start : start + BATCH]]
            inputs = [fitted(picture, self.size_wh) for picture in pictures]
            answers = _network().infer(self._network, [resized for resized, _ in inputs], threads=self.threads)
            for picture, (_, scale), answer in zip(pictures, inputs, answers, strict=True):
                height, width = picture.shape[:2]
                edges = np.clip(answer.boxes / scale, 0, [width, height, width, height])
                results.append(
                    [
                        Label(self.classes[number], tuple(edge), confidence=score)
                        for edge, number, score in zip(
                            edges.tolist(), answer.classes.tolist(), answer.scores.tolist(), strict=True
                        )
                        if edge[2] > edge[0] and edge[3] > edge[1]
                    ]
                )
        return results


def _network() -> Any:
    """The module with PyTorch, loaded when it is needed."""
    require("torch", purpose="training the detector")
    from workbench.actions.train import network

    return network
