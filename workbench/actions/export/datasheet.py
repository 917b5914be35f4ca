"""The datasheet of an export: one page that says what is in it and what is not; it opens anywhere, without network.

Questions after Gebru et al., "Datasheets for Datasets" (2021): composition, collection, gaps, use. Text from data is
escaped; images are small and inside the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from workbench.actions.export.manifest import Shipped
from workbench.actions.export.summary import EXAMPLES, UNKNOWN, Summary, cell_of
from workbench.base.files import sha256_text
from workbench.base.plurals import counted
from workbench.core.report import html
from workbench.core.report.thumbnails import inline
from workbench.core.schema.fields import ATTRIBUTES
from workbench.core.splits.spec import command_line

FEW = 10  # samples of a slice below which a gap is named
REST = "are in manifest.json."


def page(manifest: Mapping[str, Any], summary: Summary, shipped: Sequence[Shipped], notes: Sequence[str]) -> str:
    """The page as one HTML document, the same for the same input.

    Args:
        manifest: what ``manifest.json`` will say.
        summary: counts of the samples.
        shipped: the samples.
        notes: what else is worth knowing.
    """
    splits, slice_by = manifest["splits"], " x ".join(manifest["choice"]["slice_by"])
    samples, labels = (sum(n[key] for n in splits.values()) for key in ("samples", "labels"))
    facts = (
        f"{counted(samples, 'sample')} with {counted(labels, 'label')} in {counted(len(splits), 'split')}",
        f"format {manifest['choice']['format']}",
    )
    parts = [
        html.section("What is in it", _splits(splits), _stratification(manifest)),
        html.section(f"Samples per slice: {slice_by}", _slices(summary, list(splits))),
        html.section("Labels per class", _classes(splits)),
        html.section("Examples", _examples(summary, shipped)),
        html.section("Known gaps", html.bullets(_gaps(manifest, summary, notes))),
        html.section("How it was made", _made(manifest, summary)),
    ]
    return html.page("Datasheet", *parts, facts=facts)


def _splits(splits: Mapping[str, Any]) -> Markup:
    most = max((n["samples"] for n in splits.values()), default=1) or 1

    def bar(n: Mapping[str, int]) -> Markup:
        return html.part("stacked", *(round(260 * n[source] / most) for source in ("real", "synthetic")))

    rows = [(name, n["samples"], n["real"], n["synthetic"], n["labels"], bar(n)) for name, n in splits.items()]
    legend = (html.part("stacked", 10, 0), " real ", html.part("stacked", 0, 10), " synthetic")
    return html.join(html.table(("split", "samples", "real", "synthetic", "labels", ""), rows), *legend)


def _stratification(manifest: Mapping[str, Any]) -> Markup:
    deviation = manifest["stratification"]
    if deviation is None:
        return Markup("")
    return html.paragraphs(
        [
            f"Each split holds its share of every class and attribute to within {deviation['mean']:.1%} on average; "
            f"the largest difference is {deviation['worst']:.1%} ({deviation['where']})."
        ]
    )


def _slices(summary: Summary, splits: Sequence[str]) -> Markup:
    rows = [
        (cell, n.sources["real"], n.sources["synthetic"], *(n.splits[split] for split in splits))
        for cell, n in sorted(summary.cells.items())
    ]
    marks = {
        (y, x): "wb-few" if n else "wb-none"
        for y, row in enumerate(rows)
        for x, n in enumerate(row)
        if isinstance(n, int) and n < FEW
    }
    table = html.table(("slice", "real", "synthetic", *splits), rows, marks=marks, rest=REST)
    return html.join(table, html.paragraphs([f"Orange: fewer than {FEW}. Red: none."]))


def _classes(splits: Mapping[str, Any]) -> Markup:
    names = sorted({name for n in splits.values() for name in n["labels_per_class"]})
    rows = [(name, *(n["labels_per_class"].get(name, 0) for n in splits.values())) for name in names]
    marks = {(y, x): "wb-none" for y, row in enumerate(rows) for x in range(1, len(row)) if row[x] == 0}
    return html.table(("class", *splits), rows, marks=marks, rest=REST) if rows else html.paragraphs(["No labels."])


def _examples(summary: Summary, shipped: Sequence[Shipped]) -> Markup:
    """One of each slice and source in turn, so that rare ones are seen."""
    waiting = summary.examples
    chosen: list[int] = []
    order = sorted(waiting, key=lambda key: sha256_text("|".join(key)))  # not one slice after another
    for at in range(EXAMPLES):
        chosen += [waiting[key][at] for key in order if at < len(waiting[key])]
        if len(chosen) >= EXAMPLES:
            break
    return html.join(*(_figure(shipped[index], summary.slice_by) for index in chosen[:EXAMPLES]))


def _figure(item: Shipped, slice_by: Sequence[str]) -> Markup:
    record = item.record
    caption = f"{item.source}, {cell_of(record.attributes, slice_by)}, {record.split}"
    return html.part("figure", inline(record), caption, record.origin)


def _gaps(manifest: Mapping[str, Any], summary: Summary, notes: Sequence[str]) -> list[str]:
    """What somebody who trains on it should know."""
    splits, cells = manifest["splits"], sorted(summary.cells)
    real = {cell: summary.cells[cell].sources["real"] for cell in cells}
    gaps = []
    missing = [cell for cell in cells if not real[cell] and UNKNOWN not in cell]
    few = [f"{cell} ({real[cell]})" for cell in cells if 0 < real[cell] < FEW and UNKNOWN not in cell]
    if missing:
        gaps.append(f"No real samples of {_some(missing)}: a model cannot be checked there.")
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


def _made(manifest: Mapping[str, Any], summary: Summary) -> Markup:
    choice, versions = manifest["choice"], manifest["versions"]
    given = choice["splits"] or "as given; the rest train .7, val .15, test .15"
    facts = [
        ("filter", choice["where"] or "all samples"),
        ("splits", given if isinstance(given, str) else ", ".join(f"{k}={v:g}" for k, v in given.items())),
        ("seed", str(choice["seed"])),
        ("groups", "scenes, identical images, near duplicates, and generated samples with those they recreate"),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    scenarios = [(name, backend, n) for (name, backend), n in sorted(summary.made.items())]
    table = html.table(("scenario", "renderer", "samples"), scenarios, rest=REST)
    return html.join(
        html.table(("", ""), facts),
        Markup("<h2>Generated samples</h2>"),
        table if scenarios else html.paragraphs(["No generated samples."]),
        Markup("<h2>Repeat the export</h2><pre>{}</pre>").format(command(choice)),
        html.paragraphs(["Every file with its hash, and every sample with its lineage: manifest.json."]),
    )


def command(choice: Mapping[str, Any]) -> str:
    """The line that makes the same export of the same dataset."""
    words = ["workbench export DATASET DIR", f"--format {choice['format']}", *command_line(choice)]
    if choice["where"]:
        words.append("--where '" + choice["where"].replace("'", "'\\''") + "'")
    return " ".join(words)
