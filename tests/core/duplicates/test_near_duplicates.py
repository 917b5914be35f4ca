"""Near duplicates: the eight edits are found, different pictures are not; threshold, groups and hashes are what
they say."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.duplicates.compare import compared, edited
from workbench.core.duplicates.candidates import candidates
from workbench.core.duplicates.connected import connected
from workbench.core.duplicates.correlation import alignment, scores
from workbench.core.duplicates.edits import EDITS
from workbench.core.duplicates.fingerprints import are_flat, fingerprint, hamming, hash_signs
from workbench.core.duplicates.threshold import WRONG_AT_MOST, calibrated


def made(seed: int) -> np.ndarray:
    """A smooth picture with some edges."""
    rng = np.random.default_rng(seed)
    image = cv2.resize(rng.uniform(0, 255, (7, 9)).astype(np.float32), (320, 240), interpolation=cv2.INTER_CUBIC)
    for _ in range(6):
        x, y, side = (int(v) for v in rng.integers(20, 200, 3))
        image[y : y + side // 3, x : x + side // 2] = rng.uniform(0, 255)
    return np.clip(image, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_picture_is_a_candidate_and_alike(name):
    originals = [made(seed) for seed in range(12)]
    images = originals + [edited(image, name) for image in originals]
    thumbs = np.stack([fingerprint(image) for image in images])
    pairs = np.stack([np.arange(12), np.arange(12, 24)], 1)
    assert set(map(tuple, pairs.tolist())) <= set(map(tuple, candidates(thumbs).tolist()))
    assert scores(thumbs, pairs).min() > 0.9
    assert compared(images, pairs).min() > 0.99
    different = np.stack([np.arange(11), np.arange(1, 12)], 1)
    assert scores(thumbs, different).max() < 0.9


@pytest.mark.parametrize(
    ("name", "middle", "corner"),
    [
        ("JPEG quality 30", (0.5, 0.5), (0.2, 0.3)),
        ("mirrored", (0.5, 0.5), (0.8, 0.3)),
        ("cropped 5 % each side", (0.5, 0.5), ((0.2 - 0.05) / 0.9, (0.3 - 0.05) / 0.9)),
    ],
)
def test_alignment_says_where_a_point_went(name, middle, corner):
    image = made(3)
    matrix = alignment(fingerprint(image), fingerprint(edited(image, name)))
    for point, wanted in [((0.5, 0.5), middle), ((0.2, 0.3), corner)]:
        np.testing.assert_allclose(matrix @ np.array([*point, 1.0]), wanted, atol=0.021)


def test_hashes_differ_in_as_many_bits_as_counted_one_by_one():
    signs = hash_signs(np.stack([fingerprint(made(seed)) for seed in range(5)]))
    wanted = [[int((a != b).sum()) for b in signs] for a in signs]
    assert hamming(signs, signs).tolist() == wanted


def test_flat_pictures_are_known_and_dark_ones_are_not_flat():
    dark = (made(1) // 32).astype(np.uint8)
    thumbs = np.stack([fingerprint(np.full((60, 80), 255, np.uint8)), fingerprint(dark)])
    assert are_flat(thumbs).tolist() == [True, False]


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_few_pictures_have_few_candidates(n):
    thumbs = np.stack([fingerprint(made(seed)) for seed in range(4)])[:n]
    pairs = candidates(thumbs)
    assert len(pairs) == n * (n - 1) // 2 and scores(thumbs, pairs).shape == (len(pairs),)


@given(
    st.integers(1, 30).flatmap(
        lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=40))
    )
)
def test_groups_are_what_walking_along_pairs_reaches(case):
    n, pairs = case
    reach = np.eye(n, dtype=bool)
    for a, b in pairs:
        reach[a, b] = reach[b, a] = True
    for _ in range(n):
        reach = reach @ reach
    wanted = {tuple(np.flatnonzero(row).tolist()) for row in reach if row.sum() > 1}
    found = connected(n, pairs)
    assert {tuple(group) for group in found} == wanted and len(found) == len(wanted)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4])
def test_real_duplicates_do_not_raise_the_threshold(share):
    rng = np.random.default_rng(5)
    copies = {"a": rng.uniform(0.95, 1, 400).astype(np.float32)}
    nearest = rng.uniform(0.3, 0.9, 1000).astype(np.float32)
    twins = int(1000 * share)
    nearest[:twins] = rng.uniform(0.95, 1, twins)
    found = calibrated(copies, nearest)
    assert 0.94 <= found.score <= 0.96 and found.wrong <= WRONG_AT_MOST and found.found["a"] >= 0.98


def test_pictures_that_are_alike_raise_the_threshold():
    rng = np.random.default_rng(6)
    copies = {"a": rng.uniform(0.94, 1, 400).astype(np.float32)}
    nearest = rng.uniform(0.80, 0.97, 1000).astype(np.float32)
    found = calibrated(copies, nearest)
    assert found.score > 0.955 and (nearest >= found.score).mean() <= 2 * WRONG_AT_MOST
