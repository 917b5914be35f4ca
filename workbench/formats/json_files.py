"""Small JSON files that come with one frame or scene, read without trust."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from workbench.formats.problems import Problems

LIMIT_BYTES = 256 << 20


def read_object(path: Path, where: str, problems: Problems) -> dict[str, Any] | None:
    """The object in a JSON file, or ``None``; why it cannot be used is named."""
    content = read_json(path, where, problems)
    if content is None or isinstance(content, dict):
        return content
    message = f"Wanted a JSON object, found {type(content).__name__}. File left out."
    problems.add("broken_annotation", where, message)
    return None


def read_list(path: Path, where: str, problems: Problems) -> list[Any] | None:
    """The list in a JSON file, or ``None``; why it cannot be used is named."""
    content = read_json(path, where, problems)
    if content is None or isinstance(content, list):
        return content
    problems.add("broken_annotation", where, f"Wanted a JSON list, found {type(content).__name__}. File left out.")
    return None


def read_json(path: Path, where: str, problems: Problems) -> Any:
    """The content of a JSON file, or ``None``; why it cannot be used is named."""
    try:
        size = path.stat().st_size
        if size > LIMIT_BYTES:
            raise ValueError(f"{size >> 20:,} MB, more than the {LIMIT_BYTES >> 20} that such a file may have")
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError, OSError) as cause:  # deep nesting, bad encodings and bad JSON alike
        message = f"Wanted valid JSON, found {type(cause).__name__}: {cause!s:.150}. File left out."
        problems.add("broken_annotation", where, message)
        return None


def dicts_in(values: Any) -> list[dict[str, Any]]:
    """The objects of a list; nothing when it is no list.

    >>> dicts_in([{"a": 1}, 2]), dicts_in(None)
    ([{'a': 1}], [])
    """
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
