"""Names and values found in data, converted to those of the workbench: splits, attributes and classes."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.core.schema.fields import ATTRIBUTES
from workbench.core.schema.labels import Attribute

_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
    "pretrain": "pretrain",
    "finetune": "finetune",
}
_FOLD = re.compile(r"fold_?\d{1,3}")
PROTECTION = ("test", "val", "train")  # an image in two splits stays in the first of these


def class_name(text: str) -> str:
    r"""A class name as all readers give it: without spaces around it, in Unicode's form NFC.

    >>> class_name("bolt "), class_name("Schlu\u0308ssel") == "Schl\u00fcssel"
    ('bolt', True)
    """
    name = text.strip()
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def split_word(text: str) -> str | None:
    """The split that a single word names, with or without a year at its end, or ``None``.

    >>> split_word("valid"), split_word("Train2017"), split_word("fold3"), split_word("images")
    ('val', 'train', 'fold3', None)
    """
    word = text.strip().lower()
    return word if _FOLD.fullmatch(word) else _SPLITS.get(word.rstrip("0123456789"))


def split_in(text: str) -> str | None:
    """The one split that a file or folder name contains, or ``None``.

    >>> split_in("instances_train2017.json"), split_in("trainval.json"), split_in("train_and_test")
    ('train', None, None)
    """
    whole = split_word(text)
    splits = {whole} if whole else {split_word(word) for word in re.split(r"[^a-z]+", text.lower())} - {None}
    return splits.pop() if len(splits) == 1 else None


def split_of_path(parts: Iterable[str]) -> str | None:
    """The split that the nearest folder names, the last part first.

    >>> split_of_path(("data", "valid", "images"))
    'val'
    """
    return next((word for part in reversed(tuple(parts)) if (word := split_word(part))), None)


def most_protected(splits: Iterable[str]) -> str:
    """The split that an image stays in when it is listed in several.

    >>> most_protected(["train", "test"])
    'test'
    """
    order = {name: rank for rank, name in enumerate(PROTECTION)}
    return min(splits, key=lambda name: (order.get(name, len(order)), name))


def in_order(splits: Iterable[str]) -> list[str]:
    """Splits in the usual order: training first, test last, others after them.

    >>> in_order({"val", "extra", "train"}), in_order({"test", "finetune", "pretrain"})
    (['train', 'val', 'extra'], ['pretrain', 'finetune', 'test'])
    """
    names = set(splits)
    usual = [name for name in ("pretrain", "finetune", "train", "val", "test") if name in names]
    return usual + sorted(names - set(usual))


def attribute_value(value: Any) -> Attribute | None:
    """A plain value, or ``None`` when there is nothing to keep; nested values become JSON text, without bytes.

    >>> attribute_value(float("nan")), attribute_value([1, 2]), attribute_value("dim"), attribute_value(b"x")
    (None, '[1,2]', 'dim', None)
    """
    value = _without_bytes(value) if holds_bytes(value) else value
    if value is None or value == "" or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, (bool, str, float)):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else str(value)
    if isinstance(value, (list, dict)):
        return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str) if value else None
    return str(value)


def holds_bytes(value: Any) -> bool:
    """Whether a value is or holds bytes, which are no facts about an image.

    >>> holds_bytes({"path": "a.png", "bytes": b"x"}), holds_bytes(["a"])
    (True, False)
    """
    if isinstance(value, Mapping):
        return any(map(holds_bytes, value.values()))
    if isinstance(value, list | tuple):
        return any(map(holds_bytes, value))
    return isinstance(value, bytes | bytearray | memoryview)


def _without_bytes(value: Any) -> Any:
    """The rest of a value that holds bytes."""
    if isinstance(value, Mapping):
        rest = {key: _without_bytes(inner) if holds_bytes(inner) else inner for key, inner in value.items()}
        return {key: inner for key, inner in rest.items() if inner is not None}
    return [inner for inner in value if not holds_bytes(inner)] if isinstance(value, list | tuple) else None


def attributes_of(values: Mapping[str, Any], *, known: frozenset[str]) -> dict[str, Attribute]:
    """All that a format does not use itself, as attributes.

    >>> attributes_of({"id": 3, "lighting": "dim", "note": ""}, known=frozenset({"id"}))
    {'lighting': 'dim'}
    """
    attributes: dict[str, Attribute] = {}
    for key, value in values.items():
        plain = attribute_value(value) if key not in known else None
        if plain is not None:
            attributes[str(key)] = str(plain) if key in ATTRIBUTES else plain
    return attributes


def class_of(content: Any) -> tuple[str, dict[str, Attribute]] | None:
    """Class name and further attributes of a semantic label; ``None`` when there is no name in it.

    >>> class_of({"class": "car", "colour": "red"}), class_of({"type": "nut"}), class_of({})
    (('car', {'colour': 'red'}), ('nut', {}), None)
    """
    if not isinstance(content, dict) or not content:
        return None
    key = "class" if "class" in content else next(iter(content))
    name = attribute_value(content[key])
    return None if name is None else (str(name), attributes_of(content, known=frozenset({key})))
