"""Readers meet mutated files: they raise nothing but the product's own errors, and hang on nothing."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.adapters.formats.seeds import COCO, HOME, SEEDS
from workbench.adapters.formats.registry import FORMATS, choose
from workbench.adapters.formats.toolkit.problems import KINDS, Problems
from workbench.adapters.formats.toolkit.source import Source
from workbench.base.errors import WorkbenchError

EXAMPLES = 100


@st.composite
def mutations(draw):
    """A function that spoils some bytes: cut, insert, replace, repeat."""
    edits = draw(
        st.lists(
            st.tuples(
                st.sampled_from(["cut", "insert", "replace", "repeat"]),
                st.floats(0, 1),
                st.integers(1, 12),
                st.binary(max_size=6)
                | st.sampled_from([b"[", b"{", b"null", b"-1", b"1e999", b"NaN", b"\0", b"..", b"\xff"]),
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


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory, picture: Callable[..., Path]) -> dict[str, Path]:
    folders = {}
    for name, files in SEEDS.items():
        folders[name] = tmp_path_factory.mktemp(name)
        picture(folders[name] / HOME[name])
        for file, data in files.items():
            (folders[name] / file).parent.mkdir(parents=True, exist_ok=True)
            (folders[name] / file).write_bytes(data)
    return folders


def read_all(name: str, folder: Path) -> None:
    source = Source(folder)
    problems = source.problems
    with contextlib.suppress(WorkbenchError):  # one of the two outcomes that are allowed
        choose(source)
    try:
        records = list(FORMATS[name].read(source))
    except WorkbenchError as error:
        assert str(error).startswith("Wanted ")
        return
    for record in records:
        for label in record.labels:
            left, top, right, bottom = label.xyxy
            assert 0 <= left < right <= record.width
            assert 0 <= top < bottom <= record.height
    assert {problem.kind for problem in problems} <= set(KINDS)


@pytest.mark.parametrize("name", sorted(SEEDS))
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoil=mutations(), which=st.integers(0, 12))
def test_mutated_annotations(seeded, name, spoil, which):
    read_mutated(seeded, name, spoil, which)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(SEEDS))
@settings(max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoil=mutations(), which=st.integers(0, 12))
def test_mutated_annotations_at_length(seeded, name, spoil, which):
    read_mutated(seeded, name, spoil, which)


def read_mutated(seeded, name, spoil, which):
    files = sorted(SEEDS[name])
    file = files[which % len(files)]
    (seeded[name] / file).write_bytes(spoil(SEEDS[name][file]))
    read_all(name, seeded[name])
    (seeded[name] / file).write_bytes(SEEDS[name][file])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_coco_with_any_value_anywhere(seeded, data):
    content = json.loads(json.dumps(COCO))
    part = data.draw(st.sampled_from(["images", "categories", "annotations"]))
    entry = data.draw(st.sampled_from(content[part]))
    entry[data.draw(st.sampled_from([*entry, "width", "generation", "keypoints", "score"]))] = data.draw(values)
    (seeded["coco"] / "labels.json").write_text(json.dumps(content))
    read_all("coco", seeded["coco"])
    (seeded["coco"] / "labels.json").write_bytes(SEEDS["coco"]["labels.json"])


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_fiftyone_with_any_value_anywhere(seeded, data):
    original = SEEDS["fiftyone"]["samples.json"]
    content = json.loads(original)
    sample = content["samples"][0]
    places = [sample, sample["ground_truth"]["detections"][0], sample["keypoints"]["keypoints"][0], sample["camera"]]
    entry = data.draw(st.sampled_from(places))
    further = ["polygons", "T_cam_obj", "size_m", "mask_path", "_media_type", "source_key", "generation", "visibility"]
    entry[data.draw(st.sampled_from([*entry, *further]))] = data.draw(values)
    (seeded["fiftyone"] / "samples.json").write_text(json.dumps(content))
    read_all("fiftyone", seeded["fiftyone"])
    (seeded["fiftyone"] / "samples.json").write_bytes(original)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoil=mutations(), suffix=st.sampled_from(["jpg", "png", "gif", "tif", "webp", "bmp"]))
def test_mutated_pictures(tmp_path_factory, picture, spoil, suffix):
    folder = tmp_path_factory.mktemp("pictures")
    path = picture(folder / f"a.{suffix}")
    path.write_bytes(spoil(path.read_bytes()))
    problems = Problems()
    records = list(FORMATS["folder"].read(Source(folder, problems)))
    assert len(records) + problems.records_lost == 1
    shutil.rmtree(folder)
