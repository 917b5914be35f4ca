"""Generating into a real dataset, and making a sample again from what the database holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.actions.generate import generate, reproduce
from workbench.base.errors import DatasetError
from workbench.core.scenario import Scenario


@pytest.fixture
def dataset():
    from workbench.adapters import store

    name = "test-generating"
    if name in store.list_datasets():
        store.delete_dataset(name)
    yield store.open_dataset(name)
    store.delete_dataset(name)


def test_samples_carry_their_lineage_and_can_be_made_again(dataset, tmp_path: Path) -> None:
    from workbench.adapters import store

    anchored = Scenario.load("dim_metal").replace({"sensor.camera.resolution": [160, 120]})
    first = generate(anchored, into=dataset, n=4, folder=tmp_path, workers=1).result()
    again = generate(anchored, into=dataset.name, n=4, folder=tmp_path, workers=1).result()
    assert (first.generated, again.generated, again.already_there) == (4, 0, 4)
    assert first.sample_ids == again.sample_ids
    assert store.info(dataset)["per_source"] == {"synthetic": 4}
    lineage = store.lineage(dataset, first.sample_ids[2])
    assert lineage["scenario_sha256"] == anchored.sha256
    assert lineage["params"] == anchored.resolve(2, lineage["attempt"]).params()
    for sample_id in first.sample_ids[:2]:
        made = reproduce(dataset, sample_id)
        assert (made.identical, made.image_identical, made.max_pixel_difference) == (True, True, 0)
        assert made.changed_assets == ()


def test_a_changed_picture_is_found_out(dataset, small: Scenario, tmp_path: Path, processes) -> None:
    (sample_id,) = (
        generate(small, into=dataset, n=1, backend="flat", folder=tmp_path, executor=processes).result().sample_ids
    )
    picture = tmp_path / "images" / "000000.jpg"
    other = generate(
        small.replace(seed=1), into=dataset, n=1, backend="flat", folder=tmp_path / "b", executor=processes
    )
    other.result()
    picture.write_bytes((tmp_path / "b" / "images" / "000000.jpg").read_bytes())
    made = reproduce(dataset, sample_id, executor=processes)
    assert made.identical and not made.image_identical
    assert made.max_pixel_difference > 20


def test_a_real_sample_cannot_be_made_again(dataset, tmp_path: Path) -> None:
    import cv2
    import numpy as np

    from workbench.adapters import store
    from workbench.core.schema.labels import Record

    cv2.imwrite(str(tmp_path / "real.png"), np.zeros((4, 4, 3), np.uint8))
    (sample_id,) = store.add(dataset, [Record(tmp_path / "real.png", "real.png", 4, 4)], source="real").ids
    with pytest.raises(DatasetError, match="the workbench generated"):
        reproduce(dataset, sample_id)
