"""Random input that several folders of tests draw: spoiled bytes and values, filters, records, members of splits."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from workbench.adapters.formats.toolkit.boxes import rounded_out
from workbench.core.schema.labels import Camera, Label, Record
from workbench.core.splits.groups import Member
from workbench.core.tables.filter import And, Filter, Missing, Not, OneOf, Or, Range

WIDTH, HEIGHT = 64, 48  # of the records
_NONE = st.none()


PIECES = (
    *(b"[", b"{", b"null", b"-1", b"1e999", b"NaN", b"\0", b"..", b"\xff", b'"\\ud800"', b"\xed\xa0\x80"),
    *(b"[" * 20_000, b'{"a":' * 20_000, b"9" * 400, b"9" * 5_000),
)


@st.composite
def mutations(draw):
    """A function that spoils some bytes: cut, insert, replace, repeat."""
    edits = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["cut", "insert", "replace", "repeat"]),
                st.floats(0, 1),
                st.integers(1, 12),
                st.binary(max_size=6) | st.sampled_from(PIECES),
            ),
            min_size=1,
            max_size=4,
        )
    )

    def spoil(data: bytes) -> bytes:
        for kind, share, length, piece in edits:
            at = int(share * len(data))
            end = at + length
            new = {"cut": b"", "insert": piece + data[at:end], "replace": piece, "repeat": data[at:end] * 3}[kind]
            data = data[:at] + new + data[end:]
        return data

    return spoil


class _Twice(dict[str, Any]):
    """An object that JSON text holds with every key twice, the second time with another value."""

    def items(self) -> Any:
        return [*super().items(), *((key, None) for key in self)]


HOSTILE = (
    *(None, True, 0, -1, 1.5, float("nan"), float("inf"), -0.0, 10**9, 2**63, 10**400, 1e308),
    *("", " ", "x", "\ud800", "a\0b", "../../x", "x" * 10_000, "2020-01-01", "NaN", "-1"),
    *([], {}, [[]], [None], {"": None}, {"\ud800": 1}, [0, 0, 0, 0], [float("nan")] * 4, [1, "x"], {"x": [1]}),
)
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def value_mutations(draw):
    """A function that changes plain data anywhere: another value, a key gone, renamed or twice, a list doubled."""
    kinds = st.sampled_from(["replace", "replace", "replace", "remove", "rename", "twice", "repeat", "wrap"])
    edits = draw(
        st.lists(st.tuples(st.floats(0, 1), kinds, st.sampled_from(HOSTILE) | plain_values), min_size=1, max_size=3)
    )

    def spoil(document: Any) -> Any:
        whole = [copy.deepcopy(document)]
        for share, kind, value in edits:
            if not (places := list(_places(whole))):
                return None
            _edit(*places[int(share * (len(places) - 1))], kind, copy.deepcopy(value))
        return whole[0] if whole else None

    return spoil


def _places(part: Any) -> Iterator[tuple[Any, Any]]:
    """Every value inside as container and key."""
    for key, value in list(part.items() if isinstance(part, dict) else enumerate(part)):
        yield part, key
        if isinstance(value, (dict, list)):
            yield from _places(value)


def _edit(part: Any, key: Any, kind: str, value: Any) -> None:
    own = part[key]
    if kind == "remove":
        del part[key]
    elif kind == "rename" and isinstance(part, dict):
        part[str(value)[:10]] = part.pop(key)
    elif kind == "twice" and isinstance(own, dict):
        part[key] = _Twice(own)
    elif kind == "repeat" and isinstance(own, list):
        part[key] = own * 2
    elif kind == "wrap":
        part[key] = [own]
    else:
        part[key] = value


@st.composite
def document_mutations(draw):
    """A function that spoils the bytes of a document: its values where it is JSON or has a line of it, or its bytes."""
    of_values, of_bytes, which = draw(value_mutations()), draw(mutations()), draw(st.integers(0, 5))

    def spoil(data: bytes) -> bytes:
        if not which:
            return of_bytes(data)
        try:
            return _json(of_values(json.loads(data)))
        except ValueError:
            lines = data.split(b"\n")
            at = which % len(lines)
        try:
            lines[at] = _json(of_values(json.loads(lines[at])))
        except ValueError:
            return of_bytes(data)
        return b"\n".join(lines)

    return spoil


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


facet_names = st.sampled_from(["lighting", "tags", "class", "n"])
facet_values = st.one_of(st.sampled_from(["dim", "bright", "mug", "x", "it's", 'a"b', "\\"]), st.integers(-3, 5))
conditions: st.SearchStrategy[Filter] = st.one_of(
    st.builds(OneOf, facet_names, st.lists(facet_values, min_size=1, max_size=3).map(tuple)),
    st.builds(Range, st.just("n"), st.sampled_from(["<", "<=", ">", ">="]), st.floats(-5, 5)),
    st.builds(Missing, facet_names),
)
filters = st.recursive(
    conditions,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)

names = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)
splits = st.sampled_from(["train", "val", "test", "pretrain"])
attributes = st.dictionaries(
    st.sampled_from(["lighting", "surface", "gain", "flag", "note"]), st.sampled_from(["dim", "metal", "x y", "<b>"])
)


@st.composite
def boxes(draw):
    left = draw(st.floats(0, WIDTH - 1))
    top = draw(st.floats(0, HEIGHT - 1))
    right = draw(st.floats(left + 0.01, WIDTH))
    bottom = draw(st.floats(top + 0.01, HEIGHT))
    return left, top, right, bottom


POINTS = ("nose", "left eye", "<b>")


@st.composite
def keypoints(draw, count=None):
    rows = []
    for _ in range(count or draw(st.integers(1, 3))):
        seen = draw(st.sampled_from([0, 1, 2]))
        rows.append([draw(st.floats(0, WIDTH)), draw(st.floats(0, HEIGHT)), seen] if seen else [0, 0, 0])
    return np.array(rows, dtype=np.float64)


@st.composite
def labels(draw):
    xyxy = draw(boxes())
    kind = draw(st.sampled_from(["box", "outline", "mask"]))
    polygons, mask = (), None
    if kind == "outline":
        left, top, right, bottom = xyxy
        polygons = (np.array([[left, top], [right, top], [right, bottom], [left, bottom]]),)
    if kind == "mask":
        left, top, right, bottom = rounded_out(xyxy)
        rng = np.random.default_rng(draw(st.integers(0, 99)))
        mask = rng.random((bottom - top, right - left)) < 0.5
    score = draw(st.none() | st.floats(0, 1))
    points = draw(st.none() | keypoints())
    pose = draw(st.none() | st.just(np.array([[0, -1, 0, 0.5], [1, 0, 0, -2], [0, 0, 1, 3.25], [0, 0, 0, 1]])))
    return Label(
        draw(names), xyxy, polygons, mask, draw(attributes), score, draw(st.none() | st.integers(1, 9)),
        keypoints=points, keypoint_names=() if points is None else draw(st.sampled_from([(), POINTS[: len(points)]])),
        T_cam_obj=pose, size_m=None if pose is None else draw(st.none() | st.just((0.1, 0.2, 0.3))),
    )  # fmt: skip


cameras = st.none() | st.builds(
    Camera,
    width=st.just(WIDTH),
    height=st.just(HEIGHT),
    fx=st.floats(1, 900),
    fy=st.floats(1, 900),
    cx=st.floats(0, 64),
    cy=st.floats(0, 48),
    T_world_cam=st.none() | st.just(np.eye(4)),
)
records = st.builds(
    Record,
    image_path=st.just(Path("unused")),
    origin=st.just("unused"),
    width=st.just(WIDTH),
    height=st.just(HEIGHT),
    labels=st.lists(labels(), max_size=4).map(tuple),
    split=splits,
    scene_id=st.none() | names,
    classification=st.none() | names,
    attributes=attributes,
    camera=cameras,
    generation=st.just({}) | st.just({"seed": 7, "params": {"exposure.ev": -1.5}, "list": [1, {"a": None}]}),
    tags=st.lists(names, max_size=2, unique=True).map(tuple),
)


@st.composite
def data_sets(draw, *, splits=_NONE, near=_NONE):
    members = []
    for at in range(draw(st.integers(1, 40))):
        synthetic = draw(st.booleans())
        earlier = [member.id for member in members]
        parents = draw(st.lists(st.sampled_from(earlier), max_size=2, unique=True)) if synthetic and earlier else []
        members.append(
            Member(
                id=f"id{at}",
                synthetic=synthetic,
                split=draw(splits),
                scene_id=draw(st.none() | st.sampled_from(["s1", "s2", "s3", "s4"])),
                content_sha256=draw(st.sampled_from([f"sha{at}", "same1", "same2"])),
                parents=tuple(parents),
                near=draw(near),
            )
        )
    return members
