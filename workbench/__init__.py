"""A Jupyter-first dataset curation workbench for Physical AI.

Names load on first use, so ``import workbench`` is quick and brings nothing heavy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from workbench.auditing import audit
    from workbench.curating import diff, duplicates, export
    from workbench.evaluating import evaluate, heatmap, slices
    from workbench.evaluating.discover import discover
    from workbench.evaluating.gap import gap
    from workbench.exploring import embed, keep_vectors, picture_map, similar, teach
    from workbench.generating.ancestry import lineage, remove_descendants, restore
    from workbench.generating.cluster import cluster
    from workbench.generating.job import generate
    from workbench.generating.preview import preview
    from workbench.generating.reproduce import reproduce
    from workbench.loading import load
    from workbench.looping import record_round, rounds
    from workbench.measuring import measure
    from workbench.recreating import recreate
    from workbench.retraining import retrain
    from workbench.scenario import Scenario
    from workbench.slicing import Filter, parse
    from workbench.store import info, list_datasets, table
    from workbench.store import open_dataset as open
    from workbench.tagging import describe, export_history, history, redo, replay_history, tag, undo, untag
    from workbench.training import CommandTrainer, Detector, Trainer, predict
    from workbench.widgets import Board, Selection

_HOME = {  # public name -> where it lives
    "Board": "workbench.widgets:Board",
    "CommandTrainer": "workbench.training:CommandTrainer",
    "Detector": "workbench.training:Detector",
    "Filter": "workbench.slicing:Filter",
    "Scenario": "workbench.scenario:Scenario",
    "Selection": "workbench.widgets:Selection",
    "Trainer": "workbench.training:Trainer",
    "audit": "workbench.auditing:audit",
    "cluster": "workbench.generating:cluster",
    "describe": "workbench.tagging:describe",
    "diff": "workbench.curating:diff",
    "discover": "workbench.evaluating:discover",
    "duplicates": "workbench.curating:duplicates",
    "embed": "workbench.exploring:embed",
    "evaluate": "workbench.evaluating:evaluate",
    "export": "workbench.curating:export",
    "export_history": "workbench.tagging:export_history",
    "gap": "workbench.evaluating:gap",
    "generate": "workbench.generating:generate",
    "heatmap": "workbench.evaluating:heatmap",
    "history": "workbench.tagging:history",
    "info": "workbench.store:info",
    "keep_vectors": "workbench.exploring:keep_vectors",
    "lineage": "workbench.generating.ancestry:lineage",
    "list_datasets": "workbench.store:list_datasets",
    "load": "workbench.loading:load",
    "measure": "workbench.measuring:measure",
    "open": "workbench.store:open_dataset",
    "parse": "workbench.slicing:parse",
    "picture_map": "workbench.exploring:picture_map",
    "predict": "workbench.training:predict",
    "preview": "workbench.generating:preview",
    "record_round": "workbench.looping:record_round",
    "recreate": "workbench.recreating:recreate",
    "redo": "workbench.tagging:redo",
    "remove_descendants": "workbench.generating.ancestry:remove_descendants",
    "replay_history": "workbench.tagging:replay_history",
    "reproduce": "workbench.generating:reproduce",
    "restore": "workbench.generating.ancestry:restore",
    "retrain": "workbench.retraining:retrain",
    "rounds": "workbench.looping:rounds",
    "similar": "workbench.exploring:similar",
    "slices": "workbench.evaluating:slices",
    "table": "workbench.store:table",
    "tag": "workbench.tagging:tag",
    "teach": "workbench.exploring:teach",
    "undo": "workbench.tagging:undo",
    "untag": "workbench.tagging:untag",
}

__all__ = [
    "Board",
    "CommandTrainer",
    "Detector",
    "Filter",
    "Scenario",
    "Selection",
    "Trainer",
    "audit",
    "cluster",
    "describe",
    "diff",
    "discover",
    "duplicates",
    "embed",
    "evaluate",
    "export",
    "export_history",
    "gap",
    "generate",
    "heatmap",
    "history",
    "info",
    "keep_vectors",
    "lineage",
    "list_datasets",
    "load",
    "measure",
    "open",
    "parse",
    "picture_map",
    "predict",
    "preview",
    "record_round",
    "recreate",
    "redo",
    "remove_descendants",
    "replay_history",
    "reproduce",
    "restore",
    "retrain",
    "rounds",
    "similar",
    "slices",
    "table",
    "tag",
    "teach",
    "undo",
    "untag",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    module, _, attribute = _HOME[name].partition(":")
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
