"""What the columns of a Parquet file of ``datasets`` are: images, masks, and the names of classes.

Types lie in the schema's metadata (``huggingface``), of all versions of ``datasets``: ``{"feature": ..., "_type":
"Sequence"}`` or ``"List"``, lists of one, and structs; or in ``dataset_info`` of the card, ``README.md``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.adapters.formats.toolkit.tree import Tree
from workbench.base import yaml_text

_PICTURES = ("image", "img", "picture", "photo", "rgb", "color", "colour", "pixel_values", "jpg", "png", "left")
_MASKS = frozenset(
    {"mask", "masks", "label", "labels", "annotation", "annotations", "segmentation", "segmentation_mask", "seg"}
    | {"semantic_segmentation", "instance_segmentation", "semantic", "instance", "instances", "instance_mask"}
    | {"semantic_mask", "label_mask", "target", "gt", "ground_truth", "segmentation_map"}
)
_NO_PICTURES = frozenset({*_MASKS, "depth", "depth_map", "depth_image", "depths", "disparity", "normal", "normals"})
_BYTES_NAMES = frozenset({*_PICTURES, "image_bytes", "bytes", "content", "webp", "jpeg"})
_CARD_BYTES = 1 << 20
_WRAPPERS = ("feature", "sequence", "list", "struct", "dtype")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that hold images.

    Attributes:
        picture: the image of a sample.
        mask: whole numbers per pixel of it, ``None`` when there is none.
        unread: further columns of images, sounds or bytes.
    """

    picture: str
    mask: str | None
    unread: tuple[str, ...]


def columns_of(schema: Any) -> Columns | None:
    """The columns of a schema, ``None`` when none holds images."""
    features = features_of(schema.metadata)
    images = [column.name for column in schema if _holds_pictures(column, features.get(column.name))]
    pictures = [name for name in images if name.lower() not in _NO_PICTURES] or images
    if not pictures:
        return None
    order = {name: at for at, name in enumerate(_PICTURES)}
    picture = min(pictures, key=lambda name: (order.get(name.lower(), len(order)), pictures.index(name)))
    rest = [name for name in images if name != picture and not _is_list(schema.field(name).type)]
    mask = next((name for name in rest if name.lower() in _MASKS), None)
    unread = [column.name for column in schema if column.name not in (picture, mask) and _holds_bytes(column.type)]
    return Columns(picture, mask, tuple(unread))


def features_of(metadata: Mapping[bytes, bytes] | None) -> Mapping[str, Any]:
    """The types that ``datasets`` writes into the metadata of a schema; empty when there are none."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    return features if isinstance(features, Mapping) else {}


def names_of(features: Any) -> dict[str, tuple[str, ...]]:
    """Names of classes by the path of their column, of types in any of their forms.

    >>> label = {"names": ["nut", "bolt"], "_type": "ClassLabel"}
    >>> names_of({"label": label, "objects": {"feature": {"category": label}, "_type": "Sequence"}})
    {'label': ('nut', 'bolt'), 'objects.category': ('nut', 'bolt')}
    >>> names_of([{"name": "label", "dtype": {"class_label": {"names": {"0": "nut", "1": "bolt"}}}}])
    {'label': ('nut', 'bolt')}
    """
    return dict(_names(features, "", 0))


def _names(feature: Any, path: str, depth: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    if depth > 16:
        return
    if isinstance(feature, list):
        for inner in feature:  # a list of one type, or the fields of a card
            name = inner.get("name") if isinstance(inner, Mapping) else None
            yield from _names(inner, _joined(path, name) if isinstance(name, str) else path, depth + 1)
        return
    if not isinstance(feature, Mapping):
        return
    own = feature.get("class_label", feature)
    names = _listed(own.get("names")) if isinstance(own, Mapping) else None
    if names is not None and path:
        yield path, names
        return
    wrapped = [feature[key] for key in _WRAPPERS if isinstance(feature.get(key), Mapping | list)]
    if wrapped and ("_type" in feature or "name" in feature or len(feature) == 1 or "feature" in feature):
        for inner in wrapped:
            yield from _names(inner, path, depth + 1)
        return
    for key, inner in feature.items():
        if isinstance(inner, Mapping | list):
            yield from _names(inner, _joined(path, str(key)), depth + 1)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _listed(names: Any) -> tuple[str, ...] | None:
    if isinstance(names, Mapping):
        try:
            numbered = {int(number): str(name) for number, name in names.items()}
        except (TypeError, ValueError):
            return None
        return tuple(numbered.get(at, str(at)) for at in range(max(numbered, default=-1) + 1)) or None
    return tuple(map(str, names)) if isinstance(names, Sequence) and not isinstance(names, str) and names else None


def names_in_card(tree: Tree) -> dict[str, tuple[str, ...]]:
    """Names of classes in the head of ``README.md``; none when it has no such head."""
    file = "README.md"
    if file not in tree.known or tree.peek(file).stat().st_size > _CARD_BYTES:
        return {}
    head = tree.peek(file).read_bytes().decode(errors="replace").split("---\n", 2)
    try:
        content = yaml_text.parse(head[1]) if len(head) == 3 and not head[0].strip() else None
    except ValueError:
        return {}
    info = content.get("dataset_info") if isinstance(content, Mapping) else None
    info = info[0] if isinstance(info, list) and info else info
    return names_of(info.get("features")) if isinstance(info, Mapping) else {}


def _holds_pictures(column: Any, feature: Any) -> bool:
    import pyarrow as pa

    kind = column.type.value_type if _is_list(column.type) else column.type
    declared = feature.get("_type") if isinstance(feature, Mapping) else None
    if pa.types.is_struct(kind):
        keys = {inner.name for inner in kind}
        return "bytes" in keys and keys <= {"bytes", "path"} and declared not in ("Audio", "Video", "Pdf")
    is_bytes = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    return bool(is_bytes and not _is_list(column.type) and column.name.lower() in _BYTES_NAMES)


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _holds_bytes(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_struct(kind):
        return any(_holds_bytes(inner.type) for inner in kind)
    if _is_list(kind):
        return _holds_bytes(kind.value_type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind))
