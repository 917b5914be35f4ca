"""Why a picture exists, what came of it, and taking that out and back."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from workbench.actions.generate import generate
from workbench.actions.lineage import lineage, remove_descendants, restore
from workbench.base.errors import DatasetError, InputError
from workbench.core.scenario import Anchor, Scenario
from workbench.core.schema.labels import Record
from workbench.ui.cli.main import main


@pytest.fixture
def family(dataset, small: Scenario, tmp_path: Path):
    """Two real samples tagged; three frames that recreate them; two that recreate one of those; one of no parent."""
    from workbench.actions.tag import tag
    from workbench.adapters import store

    for i in range(2):
        cv2.imwrite(str(tmp_path / f"real{i}.png"), np.full((4, 4, 3), i, np.uint8))
    records = [Record(tmp_path / f"real{i}.png", f"real{i}.png", 4, 4) for i in range(2)]
    real = store.add(dataset, records, source="real").ids
    change = tag(dataset, "failure:glare", ids=real, reason="edges vanish", who="ada")

    def made(scenario: Scenario, n: int) -> list[str]:
        return generate(
            scenario, into=dataset, n=n, backend="flat", workers=0, folder=tmp_path / scenario.name
        ).result().sample_ids  # fmt: skip

    tagged = Anchor(sample_ids=tuple(real), dataset=dataset.name, tags=("failure:glare",))
    first = made(small.replace(name="glare_again", anchor=tagged), 3)
    second = made(small.replace(name="deeper", anchor=Anchor(sample_ids=(first[0],), dataset=dataset.name)), 2)
    other = made(small.replace(name="other"), 1)
    return {"real": real, "change": change, "first": first, "second": second, "other": other}


def ids(dataset) -> set[str]:
    from workbench.adapters import store

    return {one.id for one in store.read(dataset)}


def test_why_and_what_came_of_it(dataset, family) -> None:
    found = lineage(dataset, family["first"][1])
    assert found.parents == tuple(family["real"])
    assert found.why[0].startswith("frame 1, try ")
    assert f"this frame recreates {family['real'][1]}" in found.why
    assert "ada tagged them 'failure:glare' in change 1" in found.why[-1] and "edges vanish" in found.why[-1]
    assert [entry.change_id for entry in found.changes] == [family["change"].change_id]
    root = lineage(dataset, family["real"][0])
    assert root.why == ("loaded as real from real0.png",)
    assert set(root.children) == set(family["first"])
    assert set(root.descendants) == {*family["first"], *family["second"]}
    assert root.scenarios == {"glare_again": 3, "deeper": 2}
    assert "5 samples, 3 of them direct" in str(root)


@pytest.mark.parametrize(
    ("what", "taken"),
    [
        ("change", ("first", "second")),
        ("scenario", ("first", "second")),
        ("sample", ("second",)),
    ],
)
def test_descendants_go_and_come_back(dataset, family, what: str, taken: tuple[str, ...]) -> None:
    from workbench.adapters import store

    before = {one.id: one for one in store.read(dataset)}
    given = {"change": family["change"].change_id, "scenario": "glare_again", "sample": family["first"][0]}[what]
    gone = {i for name in taken for i in family[name]}
    done = remove_descendants(dataset, **{what: given}, reason="wrong light", who="bo")
    assert (done.samples, done.state, done.who, done.reason) == (len(gone), "removed", "bo", "wrong light")
    assert ids(dataset) == set(before) - gone
    with pytest.raises(DatasetError, match="descend"):
        remove_descendants(dataset, **{what: given})
    assert restore(dataset).state == "restored"
    after = {one.id: one for one in store.read(dataset)}
    assert set(after) == set(before)
    for i in gone:
        assert after[i].source_key == before[i].source_key
        assert after[i].record.generation == before[i].record.generation
    with pytest.raises(DatasetError, match=r"There is no removal to restore"):
        restore(dataset)


def test_generated_again_meanwhile_stays_new(dataset, family, small: Scenario, tmp_path: Path) -> None:
    remove_descendants(dataset, scenario="other")
    again = generate(
        small.replace(name="other"), into=dataset, n=1, backend="flat", workers=0, folder=tmp_path / "other"
    ).result()
    restore(dataset)
    assert again.sample_ids[0] in ids(dataset) and family["other"][0] not in ids(dataset)


@pytest.mark.parametrize("state", ["removing", "restoring"])
def test_what_was_cut_off_is_carried_out(dataset, family, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends after the documents were copied, and before they were deleted where they were."""
    from workbench.adapters.store import removals

    before = ids(dataset)
    if state == "restoring":
        remove_descendants(dataset, scenario="glare_again")
    step = "_take_out" if state == "removing" else "_put_back"
    original = getattr(removals, step)

    def cut(*arguments) -> None:
        original(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(removals, step, cut)
    with pytest.raises(KeyboardInterrupt):
        remove_descendants(dataset, scenario="glare_again") if state == "removing" else restore(dataset)
    monkeypatch.setattr(removals, step, original)
    assert removals.finish_pending(dataset) == 1
    assert ids(dataset) == (before - {*family["first"], *family["second"]} if state == "removing" else before)


def test_mistakes(dataset, family) -> None:
    with pytest.raises(InputError, match="one of sample, change and scenario is needed, not 0"):
        remove_descendants(dataset)
    with pytest.raises(DatasetError, match="There is no change"):
        remove_descendants(dataset, change="0" * 24)
    with pytest.raises(DatasetError, match="descend from scenario nothing"):
        remove_descendants(dataset, scenario="nothing")


def test_a_cloud_goes_with_its_picture(dataset, small: Scenario, tmp_path: Path) -> None:
    clouds = small.replace(name="clouds", annotators=("point_cloud",))
    generate(clouds, into=dataset, n=2, backend="flat", workers=0, folder=tmp_path).result()
    assert dataset._sample_collection.count_documents({}) == 4
    remove_descendants(dataset, scenario="clouds")
    assert dataset._sample_collection.count_documents({}) == 0
    restore(dataset)
    assert dataset._sample_collection.count_documents({}) == 4


def test_the_commands(dataset, family, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["lineage", dataset.name, family["real"][0]]) == 0
    assert "descendants: 5 samples" in capfd.readouterr().out
    assert main(["remove", dataset.name, "--change", family["change"].change_id]) == 0
    assert capfd.readouterr().out.startswith("Removed 5 descendants of change 1 ('failure:glare'); the files stay.")
    assert main(["restore", dataset.name]) == 0
    assert capfd.readouterr().out.startswith("Restored 5 descendants of change 1")
    assert main(["lineage", dataset.name, "0" * 24]) == 1
    assert json.dumps(capfd.readouterr().err)
