"""What data says of a class as a whole, beside its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Attribute = str | int | float | bool


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """Facts of one class, the same for all its labels.

    Attributes:
        supercategory: the class above it, ``None`` when the data names none.
        keypoints: names of its keypoints, in order.
        skeleton: pairs of keypoints that are joined, as indices in ``keypoints`` from 0.
        attributes: what else the data says of it (``color``, ``isthing``, ``synonyms`` ...).

    >>> bool(ClassFacts()), bool(ClassFacts(supercategory="tool"))
    (False, True)
    """

    supercategory: str | None = None
    keypoints: tuple[str, ...] = ()
    skeleton: tuple[tuple[int, int], ...] = ()
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.supercategory or self.keypoints or self.skeleton or self.attributes)

    def joined(self, other: ClassFacts) -> tuple[ClassFacts, list[str]]:
        """Both together, and the names of the facts in which they disagree; there these facts count.

        >>> ClassFacts("tool").joined(ClassFacts("thing", ("a", "b")))
        (ClassFacts(supercategory='tool', keypoints=('a', 'b'), skeleton=(), attributes={}), ['supercategory'])
        """
        names = ("supercategory", "keypoints", "skeleton")
        disagree = [
            key for key in names if getattr(self, key) and getattr(other, key) not in (getattr(self, key), None, ())
        ]
        disagree += [key for key, value in other.attributes.items() if self.attributes.get(key, value) != value]
        values = {key: getattr(self, key) or getattr(other, key) for key in names}
        return ClassFacts(**values, attributes={**other.attributes, **self.attributes}), disagree

    def to_dict(self) -> dict[str, Any]:
        """The facts that there are, as plain values.

        >>> ClassFacts("tool", ("a", "b"), ((0, 1),)).to_dict()
        {'supercategory': 'tool', 'keypoints': ['a', 'b'], 'skeleton': [[0, 1]]}
        """
        plain = {
            "supercategory": self.supercategory,
            "keypoints": list(self.keypoints),
            "skeleton": [list(pair) for pair in self.skeleton],
            "attributes": dict(self.attributes),
        }
        return {key: value for key, value in plain.items() if value}

    @classmethod
    def from_dict(cls, values: Any) -> ClassFacts:
        """The facts of ``to_dict``, whoever wrote the values; what is no fact is passed over.

        >>> ClassFacts.from_dict({"supercategory": "tool", "skeleton": [[0, 1]]})
        ClassFacts(supercategory='tool', keypoints=(), skeleton=((0, 1),), attributes={})
        """
        if not isinstance(values, Mapping):
            return cls()
        above, names, attributes = (values.get(key) for key in ("supercategory", "keypoints", "attributes"))
        return cls(
            supercategory=above if isinstance(above, str) and above else None,
            keypoints=tuple(map(str, names)) if isinstance(names, list) else (),
            skeleton=pairs_of(values.get("skeleton")),
            attributes={k: v for k, v in attributes.items() if isinstance(v, Attribute)}
            if isinstance(attributes, Mapping)
            else {},
        )


def pairs_of(values: Any, *, first: int = 0) -> tuple[tuple[int, int], ...]:
    """Pairs of whole numbers, counted from ``first``, as indices from 0; nothing when they are something else.

    >>> pairs_of([[1, 2], [2, 3]], first=1), pairs_of([[0, 1]], first=1), pairs_of("x")
    (((0, 1), (1, 2)), (), ())
    """
    if not isinstance(values, list):
        return ()
    pairs = [tuple(pair) for pair in values if isinstance(pair, list) and len(pair) == 2]
    sound = len(pairs) == len(values) and all(type(end) is int and end >= first for pair in pairs for end in pair)
    return tuple((a - first, b - first) for a, b in pairs) if sound else ()


def of_classes(facts: Mapping[str, ClassFacts]) -> dict[str, Any]:
    """Facts by class as plain values."""
    return {name: own.to_dict() for name, own in sorted(facts.items()) if own}


def classes_from(values: Any) -> dict[str, ClassFacts]:
    """The facts of ``of_classes``, whoever wrote the values."""
    if not isinstance(values, Mapping):
        return {}
    facts = {str(name): ClassFacts.from_dict(own) for name, own in values.items()}
    return {name: own for name, own in facts.items() if own}
