from __future__ import annotations

import pytest

from workbench.actions.generate.reproduce import same_labels
from workbench.core.schema.labels import Label


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (Label("mug", (1, 2, 3, 4), instance_id=1), True),
        (Label("mug", (1, 2, 3, 4 + 1e-9), instance_id=1), True),
        (Label("mug", (1, 2, 3, 5), instance_id=1), False),
        (Label("nut", (1, 2, 3, 4), instance_id=1), False),
        (Label("mug", (1, 2, 3, 4), instance_id=2), False),
    ],
)
def test_same_labels(other: Label, same: bool) -> None:
    assert same_labels((Label("mug", (1, 2, 3, 4), instance_id=1),), (other,)) is same
    assert not same_labels((), (other,))
