"""The datasheet of an export: one page that says what is in it and what is not; it opens anywhere, without network.

Questions after Gebru et al., "Datasheets for Datasets" (2021): composition, collection, gaps, use. Text from data is
escaped; pictures are small and inside the page.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from workbench.actions.export.manifest import Shipped
from workbench.actions.export.summary import EXAMPLES, UNKNOWN, Summary, cell_of
from workbench.base.files import sha256_text
from workbench.base.plurals import counted
from workbench.core.report.thumbnails import inline
from workbench.core.schema.fields import ATTRIBUTES
from workbench.core.splits.spec import command_line

FEW = 10  # samples of a slice below which a gap is named
SHOWN = 40  # rows of a table

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --accent: #2a78d6; --other: #d97c1e; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1060px; margin: 32px auto; padding: 0 20px; }
h1 { font-size: 26px; margin: 0; } h2 { font-size: 19px; margin: 36px 0 8px; }
table { border-collapse: collapse; } th, td { padding: 3px 12px 3px 0; text-align: left; vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
th { border-bottom: 1px solid var(--line); font-weight: 600; } .wide { overflow-x: auto; }
.bar { display: inline-block; height: 10px; background: var(--accent); } .bar.syn { background: var(--other); }
.few { background: #d97c1e44; } .none { background: #c0392b44; } small, .soft { opacity: .7; }
figure { display: inline-block; width: 236px; margin: 0 12px 16px 0; vertical-align: top; }
figure img { width: 236px; display: block; background: var(--soft); }
figcaption { font-size: 13px; overflow-wrap: anywhere; }
pre { background: var(--soft); padding: 10px; white-space: pre-wrap; overflow-wrap: anywhere; }
"""
_HEAD = (
    "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><title>Datasheet</title>"
    "<meta name='viewport' content='width=device-width'><meta http-equiv='Content-Security-Policy' "
    "content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"
    f"<style>{_STYLE}</style></head><body>\n"
)
Row = Sequence[object]


def page(manifest: Mapping[str, Any], summary: Summary, shipped: Sequence[Shipped], notes: Sequence[str]) -> str:
    """The page as one HTML document, the same for the same input.

    Args:
        manifest: what ``manifest.json`` will say.
        summary: counts of the samples.
        shipped: the samples.
        notes: what else is worth knowing.
    """
    splits = manifest["splits"]
    samples, labels = (sum(n[key] for n in splits.values()) for key in ("samples", "labels"))
    head = (
        f"<h1>Datasheet</h1><p>{counted(samples, 'sample')} with {counted(labels, 'label')} in "
        f"{counted(len(splits), 'split')}, format <b>{_text(manifest['choice']['format'])}</b>.</p>"
    )
    slice_by = manifest["choice"]["slice_by"]
    parts = [
        head,
        _section("What is in it", _splits(splits) + _stratification(manifest)),
        _section(f"Samples per slice: {' x '.join(slice_by)}", _slices(summary, list(splits))),
        _section("Labels per class", _classes(splits)),
        _section("Examples", _examples(summary, shipped)),
        _section("Known gaps", _list(_gaps(manifest, summary, notes))),
        _section("How it was made", _made(manifest, summary)),
    ]
    return _HEAD + "\n".join(parts) + "\n</body></html>\n"


def _text(value: object) -> str:
    return html.escape(f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value))


def _section(title: str, body: str) -> str:
    return f"<section><h2>{_text(title)}</h2>{body}</section>"


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{_text(line)}</li>" for line in lines) + "</ul>"


def _table(head: Row, rows: Iterable[Row], marks: Mapping[tuple[int, int], str] | None = None) -> str:
    """A table; numbers to the right. ``marks`` gives a class of style by row and column."""
    marks = marks or {}
    listed = [list(row) for row in rows]
    number = [bool(listed) and all(isinstance(row[at], int) for row in listed) for at in range(len(head))]
    top = "".join(f"<th class='{'n' if n else ''}'>{_text(cell)}</th>" for cell, n in zip(head, number, strict=True))
    body = ""
    for y, row in enumerate(listed[:SHOWN]):
        cells = (
            f"<td class='{'n ' if number[x] else ''}{marks.get((y, x), '')}'>{_cell(cell)}</td>"
            for x, cell in enumerate(row)
        )
        body += f"<tr>{''.join(cells)}</tr>\n"
    more = f"<p class='soft'>{len(listed) - SHOWN:,} more are in manifest.json.</p>" if len(listed) > SHOWN else ""
    return f"<div class='wide'><table><tr>{top}</tr>\n{body}</table></div>{more}"


class _Html(str):
    """Text that is HTML already."""


def _cell(cell: object) -> str:
    return cell if isinstance(cell, _Html) else _text(cell)


def _splits(splits: Mapping[str, Any]) -> str:
    most = max((n["samples"] for n in splits.values()), default=1) or 1

    def bar(n: Mapping[str, int]) -> _Html:
        widths = [round(260 * n[source] / most) for source in ("real", "synthetic")]
        return _Html(
            f"<span class='bar' style='width:{widths[0]}px'></span>"
            f"<span class='bar syn' style='width:{widths[1]}px'></span>"
        )

    rows = [(name, n["samples"], n["real"], n["synthetic"], n["labels"], bar(n)) for name, n in splits.items()]
    keys = [
        f"<span class='bar {kind}' style='width:10px'></span> {name}"
        for name, kind in (("real", ""), ("synthetic", "syn"))
    ]
    table = _table(("split", "samples", "real", "synthetic", "labels", ""), rows)
    return f"{table}<p class='soft'>{' '.join(keys)}</p>"


def _stratification(manifest: Mapping[str, Any]) -> str:
    found = manifest["stratification"]
    if found is None:
        return ""
    return (
        f"<p>Each split holds its share of every class and attribute to within {found['mean']:.1%} on average; "
        f"the largest difference is {found['worst']:.1%} ({_text(found['where'])}).</p>"
    )


def _slices(summary: Summary, splits: Sequence[str]) -> str:
    rows = [
        (cell, n.sources["real"], n.sources["synthetic"], *(n.splits[split] for split in splits))
        for cell, n in sorted(summary.cells.items())
    ]
    marks = {
        (y, x): "few" if n else "none"
        for y, row in enumerate(rows)
        for x, n in enumerate(row)
        if isinstance(n, int) and n < FEW
    }
    words = f"<p class='soft'>Orange: fewer than {FEW}. Red: none.</p>"
    return _table(("slice", "real", "synthetic", *splits), rows, marks) + words


def _classes(splits: Mapping[str, Any]) -> str:
    names = sorted({name for n in splits.values() for name in n["labels_per_class"]})
    rows = [(name, *(n["labels_per_class"].get(name, 0) for n in splits.values())) for name in names]
    marks = {(y, x): "none" for y, row in enumerate(rows) for x in range(1, len(row)) if row[x] == 0}
    return _table(("class", *splits), rows, marks) if rows else "<p>No labels.</p>"


def _examples(summary: Summary, shipped: Sequence[Shipped]) -> str:
    """One of each slice and source in turn, so that rare ones are seen."""
    waiting = summary.examples
    chosen: list[int] = []
    order = sorted(waiting, key=lambda key: sha256_text("|".join(key)))  # not one slice after another
    for at in range(EXAMPLES):
        chosen += [waiting[key][at] for key in order if at < len(waiting[key])]
        if len(chosen) >= EXAMPLES:
            break
    return "".join(_figure(shipped[place], summary.slice_by) for place in chosen[:EXAMPLES])


def _figure(item: Shipped, slice_by: Sequence[str]) -> str:
    record = item.record
    caption = _text(f"{item.source}, {cell_of(record.attributes, slice_by)}, {record.split}")
    return (
        f"<figure>{inline(record)}<figcaption>{caption}<br><small>{_text(record.origin)}</small></figcaption></figure>"
    )


def _gaps(manifest: Mapping[str, Any], summary: Summary, notes: Sequence[str]) -> list[str]:
    """What somebody who trains on it should know."""
    splits, cells = manifest["splits"], sorted(summary.cells)
    real = {cell: summary.cells[cell].sources["real"] for cell in cells}
    gaps = []
    missing = [cell for cell in cells if not real[cell] and UNKNOWN not in cell]
    few = [f"{cell} ({real[cell]})" for cell in cells if 0 < real[cell] < FEW and UNKNOWN not in cell]
    if missing:
        gaps.append(f"No real samples of {_some(missing)}: what is learned there is not checked.")
    if few:
        gaps.append(f"Fewer than {FEW} real samples of {_some(few)}.")
    for name in ATTRIBUTES:
        n = summary.unknown[name]
        gaps += [f"The {name} of {n:,} of {counted(summary.samples, 'sample')} is not known."] if n else []
    classes = {name for n in splits.values() for name in n["labels_per_class"]}
    for split, n in splits.items():
        absent = sorted(classes - n["labels_per_class"].keys())
        gaps += [f"{split} has no labels of {_some(absent)}."] if absent else []
    gaps += [f"Not in this format: {text}." for text in manifest["lost"]]
    return [*gaps, *(f"{note[:1].upper()}{note[1:]}." for note in notes)] or ["None found."]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8:,} more" if len(names) > 8 else "")


def _made(manifest: Mapping[str, Any], summary: Summary) -> str:
    choice, versions = manifest["choice"], manifest["versions"]
    given = choice["splits"] or "as given; the rest train .7, val .15, test .15"
    facts = [
        ("filter", choice["where"] or "all samples"),
        ("splits", given if isinstance(given, str) else ", ".join(f"{k}={v:g}" for k, v in given.items())),
        ("seed", str(choice["seed"])),
        ("groups", "scenes, identical pictures, near duplicates, and generated samples with what they recreate"),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    scenarios = [(name, backend, n) for (name, backend), n in sorted(summary.made.items())]
    told = _table(("scenario", "renderer", "samples"), scenarios) if scenarios else "<p>No generated samples.</p>"
    again = f"<pre>{_text(command(choice))}</pre>"
    return (
        _table(("", ""), facts)
        + "<h2>Generated samples</h2>"
        + told
        + "<h2>Again</h2>"
        + again
        + "<p class='soft'>Every file with its hash, and every sample with its lineage: manifest.json.</p>"
    )


def command(choice: Mapping[str, Any]) -> str:
    """The line that makes the same export of the same dataset."""
    words = ["workbench export DATASET DIR", f"--format {choice['format']}", *command_line(choice)]
    if choice["where"]:
        words.append("--where '" + choice["where"].replace("'", "'\\''") + "'")
    return " ".join(words)
