"""Documents that somebody spoiled: they are read or refused in words, in bounded time and memory, and nothing else."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.actions.document_stored import filled, stored_documents
from tests.actions.documents import Document, documents
from tests.bounds import bounded
from tests.sizes import DOCUMENT_CASES, STORED_CASES
from tests.strategies import document_mutations
from workbench.adapters import store

KINDS = documents()
STORED = ("history", "manifest_of_round", "evaluated_results", "evaluated_rows", "loaded.coco", "loaded.fiftyone")
many = settings(
    max_examples=DOCUMENT_CASES,
    suppress_health_check=list(HealthCheck),
    phases=[phase for phase in Phase if phase is not Phase.explain],
)
spoiled = given(spoil=document_mutations(), which=st.integers(0, 20))


def put(folder: Path, files: dict[str, bytes]) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def read(document: Document, folder: Path, spoil: Any, which: int) -> None:
    files = dict(document.files)
    name = sorted(files)[which % len(files)]
    files[name] = spoil(files[name])
    put(folder, files)
    with bounded(), contextlib.suppress(*document.refuses):
        document.read(folder)


@pytest.mark.parametrize("name", KINDS)
def test_whole_documents_are_read(name: str, tmp_path: Path) -> None:
    KINDS[name].read(put(tmp_path / "whole", dict(KINDS[name].files)))


@pytest.mark.parametrize("name", KINDS)
@many
@spoiled
def test_mutated_documents(tmp_path_factory: pytest.TempPathFactory, name: str, spoil: Any, which: int) -> None:
    read(KINDS[name], tmp_path_factory.getbasetemp() / name, spoil, which)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Document]]:
    names = ("test-mutated", "test-mutated-loaded")
    yield stored_documents(filled(store.open_dataset(names[0]), tmp_path_factory.mktemp("pictures")), names[1])
    for name in set(names) & set(store.list_datasets()):
        store.delete_dataset(name)


@pytest.mark.parametrize("name", STORED)
@settings(many, max_examples=STORED_CASES)
@spoiled
def test_mutated_documents_that_end_in_the_database(
    stored: dict[str, Document], tmp_path_factory: pytest.TempPathFactory, name: str, spoil: Any, which: int
) -> None:
    read(stored[name], tmp_path_factory.getbasetemp() / name, spoil, which)


def test_every_document_of_the_database_is_tried(stored: dict[str, Document], tmp_path: Path) -> None:
    assert set(stored) == set(STORED)
    for name, document in stored.items():
        document.read(put(tmp_path / name, dict(document.files)))
