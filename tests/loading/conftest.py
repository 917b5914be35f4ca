"""A dataset of one's own in the database."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest


@pytest.fixture
def dataset_name() -> Iterator[str]:
    from workbench import store

    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    if name in store.list_datasets():
        store.delete_dataset(name)
