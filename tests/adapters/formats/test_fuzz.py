"""Readers meet mutated files: they raise nothing but the product's own errors, and hang on nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.adapters.formats.reading import read_all
from tests.adapters.formats.seeds import COCO, HOME, SEEDS
from tests.bounds import bounded
from tests.sizes import ANY_VALUE_CASES, FUZZ_CASES
from tests.strategies import mutations, plain_values
from workbench.adapters.formats.registry import FORMATS
from workbench.adapters.formats.toolkit.problems import Problems
from workbench.adapters.formats.toolkit.source import Source


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


@pytest.mark.parametrize("name", sorted(SEEDS))
@settings(max_examples=FUZZ_CASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoil=mutations(), which=st.integers(0, 12))
def test_mutated_annotations(seeded, name, spoil, which):
    files = sorted(SEEDS[name])
    file = files[which % len(files)]
    (seeded[name] / file).write_bytes(spoil(SEEDS[name][file]))
    with bounded():
        read_all(name, seeded[name])
    (seeded[name] / file).write_bytes(SEEDS[name][file])


@settings(max_examples=ANY_VALUE_CASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_coco_with_any_value_anywhere(seeded, data):
    content = json.loads(json.dumps(COCO))
    part = data.draw(st.sampled_from(["images", "categories", "annotations"]))
    entry = data.draw(st.sampled_from(content[part]))
    entry[data.draw(st.sampled_from([*entry, "width", "generation", "keypoints", "score"]))] = data.draw(plain_values)
    (seeded["coco"] / "labels.json").write_text(json.dumps(content))
    with bounded():
        read_all("coco", seeded["coco"])
    (seeded["coco"] / "labels.json").write_bytes(SEEDS["coco"]["labels.json"])


@settings(max_examples=ANY_VALUE_CASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_fiftyone_with_any_value_anywhere(seeded, data):
    original = SEEDS["fiftyone"]["samples.json"]
    content = json.loads(original)
    sample = content["samples"][0]
    places = [sample, sample["ground_truth"]["detections"][0], sample["keypoints"]["keypoints"][0], sample["camera"]]
    entry = data.draw(st.sampled_from(places))
    further = ["polygons", "T_cam_obj", "size_m", "mask_path", "_media_type", "source_key", "generation", "visibility"]
    entry[data.draw(st.sampled_from([*entry, *further]))] = data.draw(plain_values)
    (seeded["fiftyone"] / "samples.json").write_text(json.dumps(content))
    with bounded():
        read_all("fiftyone", seeded["fiftyone"])
    (seeded["fiftyone"] / "samples.json").write_bytes(original)


@settings(max_examples=ANY_VALUE_CASES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoil=mutations(), suffix=st.sampled_from(["jpg", "png", "gif", "tif", "webp", "bmp"]))
def test_mutated_pictures(tmp_path_factory, picture, spoil, suffix):
    folder = tmp_path_factory.mktemp("pictures")
    path = picture(folder / f"a.{suffix}")
    path.write_bytes(spoil(path.read_bytes()))
    problems = Problems()
    with bounded():
        records = list(FORMATS["folder"].read(Source(folder, problems)))
    assert len(records) + problems.records_lost == 1
    shutil.rmtree(folder)
