"""Numbers of things in words."""

from __future__ import annotations

import re
from collections.abc import Sequence

NOUN = re.compile(r"\{n\}((?: [A-Za-z]+)?? [a-z]+)s\b")  # after at most one other word


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


def filled(template: str, n: int) -> str:
    """A template with the number in place of ``{n}``, and one thing in the singular.

    >>> filled("masks of {n} labels", 1), filled("found {n} other files (a, b)", 2), filled("found {n} others", 1)
    ('masks of 1 label', 'found 2 other files (a, b)', 'found 1 other')
    >>> filled("skeletons of {n} classes", 1), filled("skeletons of {n} classes", 2)
    ('skeletons of 1 class', 'skeletons of 2 classes')
    """
    single = NOUN.sub(r"{n}\1", template).replace("{n} classe", "{n} class") if n == 1 else template
    return single.replace("{n}", f"{n:,}")


def listed(words: Sequence[str], most: int = 5) -> str:
    """Some words in a sentence, with how many there are beyond them.

    >>> listed(["cone", "cube"]), listed(["a", "b", "c", "d"], 2)
    ('cone, cube', 'a, b and 2 more')
    """
    more = len(words) - most
    return ", ".join(words[:most]) + (f" and {more:,} more" if more > 0 else "")
