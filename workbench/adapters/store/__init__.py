"""The dataset in the database: the only place that knows FiftyOne and MongoDB.

Everything else hands in and gets out the nouns of ``schema`` and ``slicing``.
"""

from workbench.adapters.store.app import app_selection, follow_in_app, open_app
from workbench.adapters.store.asked import asked, warn
from workbench.adapters.store.class_facts import class_facts, set_class_facts
from workbench.adapters.store.columns import facets, save_view, select, view
from workbench.adapters.store.corrections import Corrections
from workbench.adapters.store.database import connect, reached_by
from workbench.adapters.store.dataset import Dataset
from workbench.adapters.store.datasets import (
    delete_dataset,
    identity,
    info,
    list_datasets,
    open_dataset,
    opened,
    require_dataset,
    revision,
)
from workbench.adapters.store.datasets import open_dataset as open
from workbench.adapters.store.embedded import find_mongod
from workbench.adapters.store.field_types import Mixed
from workbench.adapters.store.held_back import has_splits, held_back
from workbench.adapters.store.notes import append_note, change_note, evaluation, note, set_note
from workbench.adapters.store.odd_labels import OddLabels
from workbench.adapters.store.odd_samples import odd_label_problems, odd_labels
from workbench.adapters.store.relatives import Relatives, relatives
from workbench.adapters.store.remembered_splits import (
    put_splits_back,
    remember_splits,
    remembered_splits,
    remembering,
)
from workbench.adapters.store.removals import Removal, list_removals, remove, restore
from workbench.adapters.store.samples import (
    Added,
    Medium,
    Stored,
    add,
    lineage,
    media,
    read,
    require_sample,
    set_label_values,
    set_values,
    source_keys,
)
from workbench.adapters.store.snapshot import Snapshot, table

__all__ = [
    "Added",
    "Corrections",
    "Dataset",
    "Medium",
    "Mixed",
    "OddLabels",
    "Relatives",
    "Removal",
    "Snapshot",
    "Stored",
    "add",
    "app_selection",
    "append_note",
    "asked",
    "change_note",
    "class_facts",
    "connect",
    "delete_dataset",
    "evaluation",
    "facets",
    "find_mongod",
    "follow_in_app",
    "has_splits",
    "held_back",
    "identity",
    "info",
    "lineage",
    "list_datasets",
    "list_removals",
    "media",
    "note",
    "odd_label_problems",
    "odd_labels",
    "open",
    "open_app",
    "open_dataset",
    "opened",
    "put_splits_back",
    "reached_by",
    "read",
    "relatives",
    "remember_splits",
    "remembered_splits",
    "remembering",
    "remove",
    "require_dataset",
    "require_sample",
    "restore",
    "revision",
    "save_view",
    "select",
    "set_class_facts",
    "set_label_values",
    "set_note",
    "set_values",
    "source_keys",
    "table",
    "view",
    "warn",
]
