"""What all commands are tried on."""

from __future__ import annotations

import pytest


@pytest.fixture
def name(dataset_name: str) -> str:
    """Name of a dataset that is removed afterwards."""
    return dataset_name
