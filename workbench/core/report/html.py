"""Reports as HTML: one style, light and dark, for cells of a notebook and for pages that open anywhere.

Text from data is escaped by the templates; a page allows no scripts and loads nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

Row = Sequence[object]
MOST_ROWS = 40


def _shown(cell: object) -> object:
    """A cell of a table: whole numbers with commas."""
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else cell


@functools.cache
def _macros() -> Any:
    environment = Environment(loader=PackageLoader("workbench.core.report"), autoescape=True)
    environment.filters |= {"px": lambda value: f"{value:.1f}", "shown": _shown}
    return environment.get_template("macros.html").module


def part(name: str, *args: Any) -> Markup:
    """A macro of ``templates/macros.html``, filled."""
    filled: Markup = getattr(_macros(), name)(*args)
    return filled


def join(*parts: str) -> Markup:
    """Parts one after the other; text that is not ``Markup`` is escaped.

    >>> join(Markup("<b>"), "1 < 2", Markup("</b>"))
    Markup('<b>1 &lt; 2</b>')
    """
    return Markup("").join(parts)


def fragment(*parts: str) -> str:
    """A report for a cell of a notebook."""
    return str(part("fragment", join(*parts)))


def page(title: str, *parts: str, facts: Iterable[str] = ()) -> str:
    """A report as a whole document.

    Args:
        title: of the page.
        parts: HTML as ``Markup``, or text.
        facts: lines under the title, for example the dataset and the date.
    """
    return str(part("page", title, join(*parts), [fact for fact in facts if fact]))


def section(title: str, *parts: str) -> Markup:
    """Parts under a heading."""
    return part("section", title, join(*parts))


def paragraphs(lines: Iterable[str]) -> Markup:
    """A paragraph per line."""
    return part("paragraphs", list(lines))


def bullets(lines: Iterable[str]) -> Markup:
    """A list."""
    return part("bullets", list(lines))


def table(
    head: Row,
    rows: Iterable[Row],
    *,
    marks: Mapping[tuple[int, int], str] | None = None,
    caption: str = "",
    rest: str = "",
) -> Markup:
    """A table; columns of numbers are aligned to the right.

    Args:
        head: names of the columns.
        rows: values; ``Markup`` is HTML already.
        marks: class of style by row and column, e.g. ``wb-few``.
        caption: below the table.
        rest: where the rows after the first ``MOST_ROWS`` are, e.g. "are in manifest.json."
    """
    listed = [list(row) for row in rows]
    numeric = [bool(listed) and all(isinstance(row[at], int | float) for row in listed) for at in range(len(head))]
    more = f"{len(listed) - MOST_ROWS:,} more {rest}" if rest and len(listed) > MOST_ROWS else ""
    shown = listed[:MOST_ROWS] if rest else listed
    return part("table", list(head), shown, numeric, dict(marks or {}), caption, more)
