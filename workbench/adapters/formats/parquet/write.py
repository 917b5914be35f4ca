"""Write a folder that Hugging Face's ``datasets`` loads: Parquet files with the images inside, by split.

Columns that trainers use (``image``, ``objects`` with boxes and classes, the attributes) stand beside ``record``, the
whole record as JSON text, from which the reader makes it again. Format: the ``parquet`` loader of ``datasets``, whose
feature types lie in the schema's metadata.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from workbench.adapters.formats.coco.sample_json import document
from workbench.adapters.formats.toolkit import fidelity as losses
from workbench.adapters.formats.toolkit.boxes import ROUNDING_PX
from workbench.adapters.formats.toolkit.contract import NamedRecord, everything, survey
from workbench.adapters.formats.toolkit.names import in_order
from workbench.base.files import write_bytes
from workbench.core.schema.fields import ATTRIBUTES, SCENE_ID, SOURCE
from workbench.core.schema.labels import Record

name = "parquet"
numbered, embeds = False, True
holds = everything
tolerance_px = ROUNDING_PX
takes: frozenset[str] | None = None

SHARD_BYTES = 256 << 20
_ROWS = 64  # of a row group, which is what is in memory at once
_TEXTS = (SOURCE, *ATTRIBUTES, SCENE_ID)


def picture_path(split: str, name: str) -> str:
    """What the reader calls an image.

    >>> picture_path("train", "a.jpg")
    'train/a.jpg'
    """
    return f"{split}/{name}"


def lost(records: Sequence[Record]) -> list[str]:
    """Everything but per-pixel maps and point clouds is kept."""
    return losses.of_files(records)


def write(folder: Path, items: Sequence[NamedRecord]) -> None:
    """Write the Parquet files and a README that names them by split; see ``contract.Writer.write``."""
    import pyarrow as pa  # deferred: only where Parquet is written
    import pyarrow.parquet as pq

    overview = survey(items)
    schema = _schema(overview.names)
    numbers = {name: at for at, name in enumerate(overview.names)}
    splits = in_order(overview.by_split)
    (folder / "data").mkdir(parents=True, exist_ok=True)
    for split in splits:
        own = overview.by_split[split]
        shards = list(_shards(own))
        for at, shard in enumerate(shards):
            path = folder / "data" / f"{split}-{at:05d}-of-{len(shards):05d}.parquet"
            with pq.ParquetWriter(path, schema, compression="zstd") as file:
                for start in range(0, len(shard), _ROWS):
                    rows = [_row(own[number], number, numbers) for number in shard[start : start + _ROWS]]
                    file.write_table(pa.Table.from_pylist(rows, schema=schema))
    write_bytes(folder / "README.md", _card(splits).encode())


def _shards(items: Sequence[NamedRecord]) -> Iterator[range]:
    """Numbers of samples, as many as make a file of the usual size."""
    first, room = 0, SHARD_BYTES
    for number, item in enumerate(items):
        size = item.record.medium.stat().st_size
        if number > first and size > room:
            yield range(first, number)
            first, room = number, SHARD_BYTES
        room -= size
    yield range(first, len(items))


def _row(item: NamedRecord, number: int, numbers: dict[str, int]) -> dict[str, Any]:
    record = item.record
    content = document(item, number)
    row = {
        "image": {"bytes": record.medium.read_bytes(), "path": item.name},
        "image_id": number,
        "width": record.width,
        "height": record.height,
        "objects": {
            "bbox": [entry["bbox"] for entry in content["annotations"]],
            "area": [float(entry["area"]) for entry in content["annotations"]],
            "category": [numbers[name] for name in record.labels.names],
        },
        "record": json.dumps(content, ensure_ascii=False, sort_keys=True),
    }
    return row | {key: record.attributes.get(key) for key in _TEXTS} | {SCENE_ID: record.scene_id}


def _schema(names: Sequence[str]) -> Any:
    """Arrow's types, and the types of ``datasets`` in the metadata."""
    import pyarrow as pa

    objects = pa.struct(
        [
            ("bbox", pa.list_(pa.list_(pa.float64()))),
            ("area", pa.list_(pa.float64())),
            ("category", pa.list_(pa.int64())),
        ]
    )
    fields = [("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), ("image_id", pa.int64())]
    fields += [("width", pa.int32()), ("height", pa.int32()), ("objects", objects)]
    fields += [(key, pa.string()) for key in _TEXTS] + [("record", pa.string())]
    number, text = {"dtype": "float64", "_type": "Value"}, {"dtype": "string", "_type": "Value"}
    features: dict[str, Any] = {
        "image": {"_type": "Image"},
        "image_id": {"dtype": "int64", "_type": "Value"},
        "width": {"dtype": "int32", "_type": "Value"},
        "height": {"dtype": "int32", "_type": "Value"},
        "objects": {
            "bbox": {"feature": {"feature": number, "_type": "List"}, "_type": "List"},
            "area": {"feature": number, "_type": "List"},
            "category": {"feature": {"names": list(names), "_type": "ClassLabel"}, "_type": "List"},
        },
        **dict.fromkeys((*_TEXTS, "record"), text),
    }
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}}, ensure_ascii=False)})


def _card(splits: Sequence[str]) -> str:
    """The head of a data set card, where ``datasets`` looks for the files of each split."""
    files = "".join(f"  - split: {split}\n    path: data/{split}-*\n" for split in splits)
    return f"---\nconfigs:\n- config_name: default\n  data_files:\n{files}---\n"
