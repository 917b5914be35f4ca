"""Numbers that the board shows of a real data set, against a few lines of plain Python over its files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench as wb
from tests.ui.board.conftest import Browser
from workbench.ui.board import Board

IOU, LEAST = 0.5, 0.3
Box = list[float]


class Nuts:
    """The annotation file as it lies there, and predictions made of it."""

    def __init__(self, folder: Path) -> None:
        (file,) = folder.rglob("*.json")
        self.coco = json.loads(file.read_text())
        self.names = {c["id"]: c["name"] for c in self.coco["categories"]}
        self.files = {i["id"]: Path(i["file_name"]).name for i in self.coco["images"]}
        rng = np.random.default_rng(11)
        self.predictions: list[dict[str, Any]] = []
        named = sorted(self.files)[:-3]  # three images of which the model says nothing, so all their labels are missed
        for truth in self.coco["annotations"]:
            if truth["image_id"] not in named or rng.random() < 0.2:
                continue
            box = np.array(truth["bbox"], float)
            moved = box + rng.normal(0, 0.12, 4) * box[[2, 3, 2, 3]]
            other = rng.random() < 0.15
            kind = rng.choice(sorted(self.names)) if other else truth["category_id"]
            self._add(truth["image_id"], int(kind), moved, rng.random())
        for image in named:
            self._add(image, min(self.names), np.array([5.0, 5, 30, 30]), rng.random())
        self.covered = set(self.files)

    def _add(self, image: int, kind: int, box: Any, score: float) -> None:
        values = {"image_id": image, "category_id": kind, "score": round(float(score), 6)}
        self.predictions.append({**values, "bbox": [round(float(v), 3) for v in box]})

    def of(self, entries: list[dict[str, Any]], image: int, kind: int) -> list[dict[str, Any]]:
        return [e for e in entries if e["image_id"] == image and e["category_id"] == kind]

    def hits(self) -> Counter[tuple[int, int]]:
        """Labels that are matched by image and class: the surest prediction takes the best label that is left."""
        counts: Counter[tuple[int, int]] = Counter()
        for image in self.covered:
            for kind in self.names:
                left = [truth["bbox"] for truth in self.of(self.coco["annotations"], image, kind)]
                sure = [p for p in self.of(self.predictions, image, kind) if p["score"] >= LEAST]
                for prediction in sorted(sure, key=lambda p: -p["score"]):
                    shares = [iou(prediction["bbox"], box) for box in left]
                    if shares and max(shares) >= IOU:
                        left.pop(int(np.argmax(shares)))
                        counts[image, kind] += 1
        return counts


def iou(a: Box, b: Box) -> float:
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(0.0, width) * max(0.0, height)
    return both / (a[2] * a[3] + b[2] * b[3] - both)


@pytest.fixture
def nuts(shared_data: Path) -> Nuts:
    return Nuts(shared_data / "coco_nuts")


def test_numbers_of_the_board_are_those_of_the_files(
    nuts: Nuts, shared_data: Path, dataset: Any, tmp_path: Path
) -> None:
    wb.load(dataset, shared_data / "coco_nuts", source="real")
    (tmp_path / "results.json").write_text(json.dumps(nuts.predictions))
    browser = Browser(Board(dataset))
    board = browser.board
    labels = nuts.coco["annotations"]

    def facet(name: str) -> dict[str, int]:
        (state,) = [f for f in board._state["facets"] if f["name"] == name]
        return {bar["value"]: bar["count"] for bar in state["bars"]}

    # samples and facets
    images_with = {
        name: {a["image_id"] for a in labels if a["category_id"] == kind} for kind, name in nuts.names.items()
    }
    assert board._state["counts"]["all"] == len(nuts.files) == 18
    assert facet("class") == {name: len(images) for name, images in images_with.items() if images}
    few = [i for i in nuts.files if sum(a["image_id"] == i for a in labels) <= 8]
    browser.ask("where", text="labels <= 8 and class == 'fig'")
    shown = {i for i in few if i in images_with["fig"]}
    assert board._state["counts"]["filtered"] == len(shown)
    names = {tile["name"] for tile in browser.ask("page", start=0, count=50)[0]["result"]["tiles"]}
    assert {Path(name).name for name in names} == {nuts.files[i] for i in shown}
    # tags
    browser.ask("tag", name="failure:fig", target="filtered", expected=len(shown))
    browser.ask("clear")
    assert facet("tags") == {"failure:fig": len(shown)}
    assert [(s["tag"], s["count"]) for s in board._state["scenarios"]] == [("failure:fig", len(shown))]
    # evaluation: hits, misses, wrong, and which images it judged
    number = browser.ask("evaluate", predictions=str(tmp_path / "results.json"), iou=IOU, confidence=LEAST)[0]["result"]
    assert browser.job(number)["state"] == "done"
    result = browser.ask("job_result", number=number)[0]["result"]
    hits, judged = nuts.hits(), [a for a in labels if a["image_id"] in nuts.covered]
    sure = sum(p["score"] >= LEAST for p in nuts.predictions)
    assert (result["samples"], result["covered"], result["total"]) == (len(nuts.covered), len(nuts.covered), 18)
    assert (result["tp"], result["fp"], result["fn"]) == (
        sum(hits.values()),
        sure - sum(hits.values()),
        len(judged) - sum(hits.values()),
    )
    assert board._state["evaluation"]["samples"] == len(nuts.covered)
    # recall by class: labels of the class, in images that were judged
    cells = browser.ask("heat", by=["class"], metric="recall")[0]["result"]["cells"]
    for cell in cells:
        (kind,) = [kind for kind, name in nuts.names.items() if name == cell["words"][0]]
        of_class = [a for a in judged if a["category_id"] == kind]
        found = sum(n for (_, k), n in hits.items() if k == kind)
        assert cell["labels"] == len(of_class)
        assert cell["samples"] == len({a["image_id"] for a in of_class})
        assert cell["value"] == pytest.approx(found / len(of_class))
    # recall of the tagged images
    of_tag = [a for a in judged if a["image_id"] in shown]
    (cell,) = [c for c in browser.ask("heat", by=["tags"], metric="recall")[0]["result"]["cells"] if c["words"][0]]
    found = sum(n for (image, _), n in hits.items() if image in shown)
    assert (cell["labels"], cell["value"]) == (len(of_tag), pytest.approx(found / len(of_tag)))
    # a round, which covers the same images
    number = browser.ask("record", predictions="predictions", name="first")[0]["result"]
    assert browser.job(number)["state"] == "done"
    board_of_rounds = browser.ask("scoreboard", metric="recall")[0]["result"]
    assert board_of_rounds["rounds"][0]["samples"] == len(nuts.covered)
    # embeddings
    assert browser.ask("embeddings")[0]["result"] == {"embedded": 0, "all": 18}
    number = browser.ask("embed")[0]["result"]
    assert browser.job(number)["state"] == "done"
    assert browser.ask("embeddings")[0]["result"] == {"embedded": 18, "all": 18}
    # splits of an export, as the files say that were written
    args = {"format": "coco", "scope": "all", "splits": {"splits": {"train": 0.6, "val": 0.4}}}
    number = browser.ask("export", folder=str(tmp_path / "out"), **args)[0]["result"]
    assert browser.job(number)["state"] == "done", browser.job(number)
    told = browser.ask("job_result", number=number)[0]["result"]["splits"]
    for split, counts in told.items():
        (file,) = (tmp_path / "out").rglob(f"*{split}*.json")
        written = json.loads(file.read_text())
        assert counts["samples"] == len(written["images"]) and counts["labels"] == len(written["annotations"])
    assert sum(counts["samples"] for counts in told.values()) == 18
    assert sum(counts["labels"] for counts in told.values()) == 165
