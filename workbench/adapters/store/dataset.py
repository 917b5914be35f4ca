"""A dataset as the rest of the workbench sees it."""

from __future__ import annotations

from typing import Protocol


class Dataset(Protocol):
    """A ``fiftyone.Dataset``. Outside ``store`` it is handed on, and nothing but these is used of it.

    Attributes:
        name: its name, by which every public function finds it as well.
    """

    name: str

    def __len__(self) -> int:
        """Number of samples; groups count once."""

    def reload(self) -> None:
        """Fetch what other processes changed of its fields and notes."""
