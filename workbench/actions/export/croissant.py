"""Croissant metadata of an export, so that catalogues and loaders find their way.

Licence and date are the publisher's to add: they are not known here.

Format: https://docs.mlcommons.org/croissant/docs/croissant-spec.html (1.0); checked with ``mlcroissant`` in the tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workbench.actions.export.manifest import Choice

_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_NUMBERS = frozenset({"labels"})


def document(
    choice: Choice, splits: Mapping[str, Mapping[str, int]], columns: Sequence[str], table: str, table_sha256: str
) -> dict[str, Any]:
    """The metadata; without times and places, so the same input gives the same bytes.

    Args:
        choice: what was asked for.
        splits: counts by split.
        columns: of the table of samples.
        table: its file name.
        table_sha256: its hash.
    """
    counts = ", ".join(f"{name} {n['samples']:,}" for name, n in splits.items())
    condition = f" where {choice.where}" if choice.where else ""
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": "curated_splits",
        "description": f"Curated splits in the format {choice.format}{condition}: {counts} samples.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "version": "1.0.0",
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": table,
                "name": table,
                "description": "One row per sample: image, split, source and attributes.",
                "contentUrl": table,
                "encodingFormat": "text/csv",
                "sha256": table_sha256,
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "samples",
                "name": "samples",
                "description": "The samples of all splits.",
                "field": [_field(column, table) for column in columns],
            }
        ],
    }


def _field(column: str, table: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"samples/{column}",
        "name": column,
        "dataType": "sc:Integer" if column in _NUMBERS else "sc:Text",
        "source": {"fileObject": {"@id": table}, "extract": {"column": column}},
    }
