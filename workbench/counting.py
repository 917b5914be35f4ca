"""Numbers of things in words."""

from __future__ import annotations


def counted(n: int, noun: str, plural: str = "") -> str:
    """A number with its noun.

    Args:
        n: how many.
        noun: of one; may have words before it (``"real picture"``).
        plural: of several, where it is not the noun with an ``s``.

    >>> counted(1, "sample"), counted(1200, "sample"), counted(0, "class", "classes")
    ('1 sample', '1,200 samples', '0 classes')
    """
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
