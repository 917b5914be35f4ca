"""Duplicates side by side, in a page or a cell of a notebook."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from workbench.core.report import html
from workbench.core.report.thumbnails import thumbnail

SHOWN = 200  # pairs on the page
SHOWN_IN_CELL = 12

Shown = tuple[str, tuple[str, str], tuple[str, str]]  # caption, origins, paths


def page(text: str, shown: Sequence[Shown]) -> str:
    """A whole HTML document: the report's text and its pairs."""
    return html.page("Duplicates", _body(text, shown, SHOWN))


def fragment(text: str, shown: Sequence[Shown]) -> str:
    """The same for a notebook's cell, with fewer pairs."""
    return html.fragment(_body(text, shown, SHOWN_IN_CELL))


def _body(text: str, shown: Sequence[Shown], most: int) -> Markup:
    figures = [_figure(*pair) for pair in shown[:most]]
    rest = f"{len(shown) - most:,} more pairs are in pairs_frame()." if len(shown) > most else ""
    return html.join(Markup("<pre>{}</pre>").format(text), *figures, html.paragraphs([rest] if rest else []))


def _figure(caption: str, origins: tuple[str, str], paths: tuple[str, str]) -> Markup:
    images = html.join(*(thumbnail(path, origin) for path, origin in zip(paths, origins, strict=True)))
    return html.part("figure", images, caption, " = ".join(origins))
