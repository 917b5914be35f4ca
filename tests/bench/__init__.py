"""Benchmarks: each is a script that prints a table; ratios come from one run. ``make bench`` runs all."""

from __future__ import annotations

import os


def own_database() -> str:
    """Name of a database for this benchmark alone; call it before anything imports FiftyOne.

    Not when a module is imported: the tests collect all modules, and have a database of their own.
    """
    name = os.environ["FIFTYONE_DATABASE_NAME"] = f"workbench_bench_{os.getpid()}"
    return name
