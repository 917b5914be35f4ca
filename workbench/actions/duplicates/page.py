"""The page that shows duplicates side by side; thumbnails are inside it, text from data is escaped."""

from __future__ import annotations

import html
from collections.abc import Sequence

from workbench.core.report.thumbnails import thumbnail

SHOWN = 200  # pairs on the page
SHOWN_IN_CELL = 12

Shown = tuple[str, tuple[str, str], tuple[str, str]]

_STYLE = """
.wb-duplicates { font: 14px/1.45 system-ui, sans-serif; }
.wb-duplicates pre { white-space: pre-wrap; font: inherit; }
.wb-duplicates figure { display: inline-block; margin: 0 16px 20px 0; vertical-align: top; max-width: 500px; }
.wb-duplicates img { width: 240px; margin-right: 4px; background: #8882; }
.wb-duplicates figcaption { overflow-wrap: anywhere; }
.wb-duplicates small { opacity: .75; }
"""


def page(text: str, shown: Sequence[Shown]) -> str:
    """A whole HTML document: the report's text and its pairs."""
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>Duplicates</title>"
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; img-src data:; "
        "style-src 'unsafe-inline'\"><style>body { margin: 24px; } :root { color-scheme: light dark; }</style></head>"
        f"<body><h1>Duplicates</h1>{_body(text, shown, SHOWN)}</body></html>\n"
    )


def fragment(text: str, shown: Sequence[Shown]) -> str:
    """The same for a notebook's cell, with fewer pairs."""
    return _body(text, shown, SHOWN_IN_CELL)


def _body(text: str, shown: Sequence[Shown], most: int) -> str:
    figures = "".join(_figure(*one) for one in shown[:most])
    rest = f"<p>{len(shown) - most:,} more pairs are in <code>pairs_frame()</code>.</p>" if len(shown) > most else ""
    return f"<div class='wb-duplicates'><style>{_STYLE}</style><pre>{html.escape(text)}</pre>{figures}{rest}</div>"


def _figure(caption: str, origins: tuple[str, str], pictures: tuple[str, str]) -> str:
    images = "".join(thumbnail(path, origin) for path, origin in zip(pictures, origins, strict=True))
    names = " = ".join(html.escape(origin) for origin in origins)
    return f"<figure>{images}<figcaption>{html.escape(caption)}<br><small>{names}</small></figcaption></figure>"
