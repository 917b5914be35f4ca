"""YAML from strangers: whatever is wrong with it, or hostile in it, ends in one kind of error."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Any, Final

import yaml

MOST_VALUES: Final = 100_000  # that the aliases and merge keys of a document may stand for


class _Loader(yaml.SafeLoader):
    """Plain values only; a key that appears twice is an error where keys must be unique."""

    unique_keys = False

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        if self.unique_keys:
            keys = Counter((key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode))
            (_, key), n = next(iter(keys.most_common(1)), (("", ""), 0))
            if n > 1:
                raise yaml.MarkedYAMLError(None, None, f"the key {key!r} appears twice", node.start_mark)
        return super().construct_mapping(node, deep)


class _UniqueKeys(_Loader):
    unique_keys = True


def parse(text: str | bytes, *, unique_keys: bool = False) -> Any:
    """The value of a YAML or JSON text.

    Args:
        text: of one document.
        unique_keys: refuse a mapping that has a key twice; else the last one counts.

    Raises:
        ValueError: it is not YAML, holds what no plain value is, is nested too deeply, or its aliases stand for more
            than ``MOST_VALUES`` values; the message is one line.

    >>> parse("names: [cone, cube]"), parse("")
    ({'names': ['cone', 'cube']}, None)
    """
    try:
        loader = (_UniqueKeys if unique_keys else _Loader)(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            if _size(node, {}) > MOST_VALUES:
                raise ValueError(f"its aliases stand for more than {MOST_VALUES:,} values")
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except RecursionError as cause:
        raise ValueError("it is nested too deeply") from cause
    except Exception as cause:  # PyYAML's constructors raise nearly anything: KeyError, AttributeError, IndexError
        known = isinstance(cause, (yaml.YAMLError, ValueError))
        reason = " ".join(str(cause).split())[:300]
        raise ValueError(reason if known else f"a value does not fit its tag ({reason})") from cause


def _size(node: yaml.Node, sizes: dict[int, int]) -> int:
    """Number of values that a node stands for, each alias written out."""
    known = sizes.get(id(node))
    if known is not None:
        return known
    sizes[id(node)] = MOST_VALUES + 1  # a node inside itself has no end
    parts = node.value if isinstance(node, (yaml.SequenceNode, yaml.MappingNode)) else ()
    total = 1
    for part in parts:
        total += sum(_size(child, sizes) for child in (part if isinstance(part, tuple) else (part,)))
    sizes[id(node)] = total
    return total
