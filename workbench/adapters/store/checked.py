"""Documents that only the workbench writes to the database: looked at before anything relies on them.

Another program may have changed them, or a restored backup may hold half of them.
"""

from __future__ import annotations

from typing import Any

from workbench.adapters.store.database import Dataset
from workbench.base.errors import DatasetError
from workbench.base.shapes import Shape, fault


def checked(dataset: Dataset, document: Any, shape: Shape, collection: str) -> Any:
    """The document of a collection, where it has its shape.

    Raises:
        DatasetError: it has another one.
    """
    if text := fault(document, shape):
        raise damaged(dataset, text, collection, document)
    return document


def damaged(dataset: Dataset, text: str, collection: str, document: Any = None) -> DatasetError:
    """The error for a document of a collection that cannot be used."""
    own_id = document.get("_id") if isinstance(document, dict) else None
    which = f"the document {str(own_id)[:40]}" if own_id is not None else "the document"
    return DatasetError(
        f"A document in the collection '{collection}' of the database is damaged: {text}.",
        at=dataset.name,
        fix=f"Restore a backup of the database, or delete {which} there: only what it holds is lost.",
    )
