"""What several tests share: where the real data lies, and a database of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real data sets; absent on a user's machine, required in CI."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"the real data sets must be present in CI: {folder}")
        pytest.skip(f"the real data sets are not here: {folder}")
    return folder
