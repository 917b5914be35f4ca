"""JSON files, read without trust: small ones of a frame or scene, and whole data sets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.adapters.formats.toolkit.problems import Problems
from workbench.base.errors import InputError

LIMIT_BYTES = 256 << 20
DATA_SET_LIMIT_BYTES = 512 << 20  # as Python objects it takes about ten times as much memory


def parse(path: Path, *, shown: str, object_hook: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """The content of a JSON file that holds a whole data set.

    Args:
        path: the file.
        shown: its name for messages.
        object_hook: turns every object into something else.

    Raises:
        InputError: it is too large, or not JSON; the message says line and column.
    """
    fix = "Correct the file or export it again."
    try:
        size = path.stat().st_size
        if size > DATA_SET_LIMIT_BYTES:
            problem = f"The file has {size >> 20:,} MB, the limit for JSON is {DATA_SET_LIMIT_BYTES >> 20:,} MB."
            raise InputError(problem, at=shown, fix="Split it into several files.")
        return json.loads(path.read_bytes(), object_hook=object_hook)
    except json.JSONDecodeError as cause:
        problem = f"The file is not valid JSON: {cause.msg} at line {cause.lineno}, column {cause.colno}."
        raise InputError(problem, at=shown, fix=fix) from cause
    except (UnicodeDecodeError, RecursionError, ValueError, OSError) as cause:
        problem = f"The file cannot be read as JSON ({type(cause).__name__}: {cause!s:.180})."
        raise InputError(problem, at=shown, fix=fix) from cause


def read_object(path: Path, where: str, problems: Problems) -> dict[str, Any] | None:
    """The object in a JSON file, or ``None``; the reason is reported."""
    content = read_json(path, where, problems)
    if content is None or isinstance(content, dict):
        return content
    message = f"The file holds no JSON object, but {json_type(content)}; file left out."
    problems.add("broken_annotation", where, message)
    return None


def read_list(path: Path, where: str, problems: Problems) -> list[Any] | None:
    """The list in a JSON file, or ``None``; the reason is reported."""
    content = read_json(path, where, problems)
    if content is None or isinstance(content, list):
        return content
    problems.add("broken_annotation", where, f"The file holds no JSON list, but {json_type(content)}; file left out.")
    return None


def read_json(path: Path, where: str, problems: Problems) -> Any:
    """The content of a JSON file, or ``None``; the reason is reported."""
    try:
        size = path.stat().st_size
        if size > LIMIT_BYTES:
            raise ValueError(f"{size >> 20:,} MB, the limit is {LIMIT_BYTES >> 20} MB")
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError, OSError) as cause:  # deep nesting, bad encodings and bad JSON alike
        message = f"The file is not valid JSON ({type(cause).__name__}: {cause!s:.150}); file left out."
        problems.add("broken_annotation", where, message)
        return None


def json_type(value: Any) -> str:
    """What a value is in JSON, with its article.

    >>> json_type([]), json_type({}), json_type("a"), json_type(1), json_type(None)
    ('a list', 'an object', 'a string', 'a number', 'null')
    """
    names = {
        list: "a list",
        dict: "an object",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "null" if value is None else type(value).__name__)


def dicts_in(values: Any) -> list[dict[str, Any]]:
    """The objects of a list; nothing when it is no list.

    >>> dicts_in([{"a": 1}, 2]), dicts_in(None)
    ([{'a': 1}], [])
    """
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
