"""At most so many samples: alike in what they hold, groups whole, the same for a seed, and told in the manifest."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.splits.oracle import leaks
from tests.strategies import data_sets
from workbench.actions.export import export
from workbench.base.errors import InputError
from workbench.core.splits.groups import Member, groups
from workbench.core.splits.limits import settled
from workbench.core.splits.spec import SplitSpec
from workbench.ui.cli import main

RATIOS = {"train": 0.6, "val": 0.2, "test": 0.2}
# 200 photos in scenes of two; a fifth shows a rare class
PHOTOS = [
    Member(f"p{n}", scene_id=f"s{n // 2}", strata=("class=rare",) if n // 2 % 5 == 0 else ("class=usual",))
    for n in range(200)
]


def sizes(splits: dict[str, str]) -> dict[str, int]:
    return dict(Counter(splits.values()))


@pytest.mark.parametrize(
    ("most", "wanted"),
    [
        (50, {"train": 30, "val": 10, "test": 10}),
        (10, {"train": 6, "val": 2, "test": 2}),
        (6, {"train": 4}),  # 4, 1 and 1, and scenes have two
        (200, {"train": 120, "val": 40, "test": 40}),
        (1000, {"train": 120, "val": 40, "test": 40}),
    ],
)
@pytest.mark.parametrize("stratify", [True, False])
def test_each_split_keeps_its_share(most: int, wanted: dict[str, int], stratify: bool) -> None:
    free = settled(PHOTOS, SplitSpec(RATIOS, 3, stratify=stratify))
    found = settled(PHOTOS, SplitSpec(RATIOS, 3, stratify=stratify, max_samples=most))
    if stratify:
        assert sizes(found.splits) == wanted
    assert len(found.splits) <= most
    assert found.splits.items() <= free.splits.items() and found.drawn == free.drawn
    assert {one.reason for one in found.left_out} == ({f"more than {most:,} samples in all"} if most < 200 else set())
    assert sorted([*found.splits, *(one.id for one in found.left_out)]) == sorted(member.id for member in PHOTOS)
    assert set(Counter(f"s{int(i[1:]) // 2}" for i in found.splits).values()) == {2}


def test_what_stays_is_stratified_and_drawn_by_the_seed() -> None:
    found = {seed: settled(PHOTOS, SplitSpec(RATIOS, seed, max_samples=50)).splits for seed in range(5)}
    for splits in found.values():
        assert 8 <= sum(int(i[1:]) // 2 % 5 == 0 for i in splits) <= 12  # a fifth of 50 is 10
    assert len({tuple(sorted(splits)) for splits in found.values()}) == 5
    assert settled(PHOTOS[::-1], SplitSpec(RATIOS, 0, max_samples=50)).splits == found[0]


@given(data_sets(splits=st.none() | st.sampled_from(["train", "val", "test"])), st.integers(1, 40), st.booleans())
def test_groups_stay_whole_and_nothing_leaks(members: list[Member], most: int, given_splits: bool) -> None:
    spec = SplitSpec(None if given_splits else RATIOS, 1)
    free = settled(members, spec).splits
    found = settled(members, SplitSpec(spec.splits, 1, max_samples=most)).splits
    assert len(found) <= most and found.items() <= free.items() and leaks(members, found) == []
    for group in groups(members):
        for split in set(free.values()):
            part = [member.id in found for member in group.members if free.get(member.id) == split]
            assert len(set(part)) <= 1


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (SplitSpec(max_samples=0), "max_samples must be 1 or more, not 0. Leave it out to keep all samples."),
        (
            SplitSpec({"train": 70, "test": 30}, max_samples=80),
            "max_samples: The splits ask for 100 samples, but max_samples allows 80. "
            "Leave it out, or give shares instead of numbers.",
        ),
    ],
)
def test_numbers_that_cannot_be_had(spec: SplitSpec, message: str) -> None:
    with pytest.raises(InputError) as caught:
        settled(PHOTOS, spec)
    assert str(caught.value) == message


def test_command_line_manifest_and_datasheet_tell_it(mixed: Any, tmp_path: Path, capfd: Any) -> None:
    """12 photos and 5 pictures made of them, 2 of those of test: of 15 that could be written 8 are."""
    words = ["export", mixed.name, str(tmp_path / "out"), "--format", "coco", "--max-samples", "8", "--json"]
    assert main(words) == 0
    said = json.loads(capfd.readouterr().out)
    assert {name: n["samples"] for name, n in said["splits"].items()} == {"train": 4, "val": 2, "test": 2}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    reasons = Counter(one["reason"] for one in manifest["left_out"])
    assert reasons == {"more than 8 samples in all": 7, "synthetic, recreates a real sample of test": 2}
    assert len(manifest["samples"]) == 8
    assert "--max-samples 8" in (tmp_path / "out" / "index.html").read_text()
    again = export(mixed, tmp_path / "again", splits=SplitSpec(max_samples=8))
    assert {one.origin for one in again.left_out} == {one["origin"] for one in manifest["left_out"]}
