"""What several tests share: a database and a home of their own, small pictures, and the real data."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from PIL import Image

from tests.sizes import EXAMPLES, LONG, QUICK
from tests.without import refuse_what_quick_tests_do_without

# set before anything imports FiftyOne, and inherited by the processes that tests start; every worker of pytest-xdist is
# a process of its own and so has its own
DATABASE = f"workbench_test_{os.getpid()}"
HOME = Path(tempfile.mkdtemp(prefix="workbench-test-home-"))
os.environ["FIFTYONE_DATABASE_NAME"] = DATABASE
os.environ["FIFTYONE_DO_NOT_TRACK"] = "1"
os.environ["WORKBENCH_HOME"] = str(HOME)

TOO_SLOW = [HealthCheck.too_slow]  # no test of time
settings.register_profile("here", deadline=None, suppress_health_check=TOO_SLOW, max_examples=EXAMPLES)
settings.load_profile("here")

if QUICK:
    refuse_what_quick_tests_do_without()

collect_ignore = ["bench/blender_scenes.py"]  # runs in Blender's own Python

REPOSITORY = Path(__file__).resolve().parents[1]
TOGETHER = ("tests/ui/browser",)  # folders whose tests share one server or one drawing process, and so one worker
LONGEST = ("tests/ui/browser", "tests/notebooks", "tests/packaging")  # begun first, so that none is left for the end


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for the long run, and begin with the longest folders."""
    left_out = [] if LONG else [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = sorted((item for item in items if item not in left_out), key=_rank)


def _rank(item: pytest.Item) -> int:
    folder = _folder_of(item.nodeid, LONGEST)
    return LONGEST.index(folder) if folder else len(LONGEST)


def _folder_of(nodeid: str, folders: Sequence[str]) -> str | None:
    return next((folder for folder in folders if nodeid.startswith(f"{folder}/")), None)


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each worker whole modules or folders, in the order of collection.

    Not ``--dist loadgroup``: pytest-xdist 3.8 hangs the group on the id of a test, which pytest 9 does not take over.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Shares(LoadScopeScheduling):
        """What shares fixtures goes to one worker."""

        def _split_scope(self, nodeid: str) -> str:
            return _folder_of(nodeid, TOGETHER) or nodeid.split("::")[0]

    config.option.loadscopereorder = False
    return Shares(config, log)


def pytest_sessionfinish() -> None:
    """Drop the tests' own database and home; a user's datasets are in another database."""
    if "workbench.adapters.store.database" in sys.modules:
        from fiftyone.core.odm.database import get_db_client

        from workbench.adapters.store.database import connect

        if connect.cache_info().currsize:  # some test reached the database
            get_db_client().drop_database(DATABASE)
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with the real data sets; absent on a user's machine, required in CI."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"the real data sets must be present in CI: {folder}")
        pytest.skip(f"the real data sets are not here: {folder}")
    return folder


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """The checkout's sample data."""
    return REPOSITORY / "sample_data"


@pytest.fixture
def dataset() -> Iterator[Any]:
    """A new, empty dataset."""
    from workbench.adapters import store

    name = f"test-{uuid.uuid4().hex[:12]}"
    yield store.open_dataset(name)
    store.delete_dataset(name)


@pytest.fixture
def dataset_name() -> Iterator[str]:
    """Name for a dataset that the test makes itself; removed afterwards."""
    from workbench.adapters import store

    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    if name in store.list_datasets():
        store.delete_dataset(name)


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """Write a small picture; returns its path. The seed makes its content."""

    def write(name: str = "a.png", *, seed: int = 0, size: tuple[int, int] = (64, 48)) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)
        Image.fromarray(pixels).save(path)
        return path

    return write
