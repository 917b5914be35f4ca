"""Documents to be spoiled whose readers need a dataset, or fill one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.actions.document_media import picture
from tests.actions.documents import DECLARED, MANIFEST, RESULTS, Document, text
from tests.adapters.formats.seeds import HOME, SEEDS
from tests.builders import record
from workbench.actions.evaluate.import_file import import_predictions
from workbench.actions.load import load
from workbench.actions.rounds.test_samples import read_manifest
from workbench.actions.tag import replay_history
from workbench.adapters import store
from workbench.core.schema.labels import Label


def filled(dataset: Any, folder: Path) -> Any:
    """Two pictures with labels and a history, in a dataset and in a copy of it."""
    for name, seed in (("a.png", 0), ("b.png", 1)):
        pixels = np.random.default_rng(seed).integers(0, 255, (48, 64, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    records = [
        record(folder / name, source_key=key, labels=(Label("nut", (1, 1, 9, 9)),))
        for name, key in (("a.png", "train"), ("b.png", "val"))
    ]
    store.add(dataset, records, source="real")
    return dataset


HISTORY = b"".join(
    text({"change_id": f"{at:024}", "number": at, "when": "2026-01-01T00:00:00+00:00", "who": "me", "role": "change",
          "of": None, "action": "tag", "tag": "failure:glare", "where": "", "reason": "", "samples": ["train"],
          "labels": [["val", "ground_truth.detections", 0]]}) + b"\n" for at in range(2)
)  # fmt: skip


def stored_documents(dataset: Any, loaded: str) -> dict[str, Document]:
    """Those whose readers need a dataset: one that is ``filled``, and the name of one to load into."""

    def evaluated(folder: Path) -> object:
        given = folder / "predictions.json"
        reference = folder / "annotations.json"
        return import_predictions(dataset, given if given.exists() else folder / "rows", reference, "predictions")

    def load_again(folder: Path) -> object:
        load(loaded, folder, source="real")
        dataset = store.require_dataset(loaded)
        return store.table(dataset), list(store.read(dataset)), store.relatives(dataset)

    data_set = {name: {HOME[name]: picture("PNG"), **SEEDS[name]} for name in ("coco", "fiftyone")}
    return {
        "history": Document(
            {"history.jsonl": HISTORY}, lambda folder: replay_history(dataset, folder / "history.jsonl")
        ),
        "manifest_of_round": Document(
            {"manifest.json": text(MANIFEST)}, lambda folder: read_manifest(dataset, folder / "manifest.json")
        ),
        "evaluated_results": Document({"predictions.json": text(RESULTS), **DECLARED}, evaluated),
        "evaluated_rows": Document({"rows/a.txt": b"1 .5 .5 .2 .2 .9\n", **DECLARED}, evaluated),
        **{f"loaded.{name}": Document(files, load_again) for name, files in data_set.items()},
    }
