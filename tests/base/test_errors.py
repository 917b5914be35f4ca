"""Messages about names: the likely one is hinted at, and of many names those of use are listed."""

from __future__ import annotations

import pytest

from workbench.base.errors import one_of

FACETS = ["lighting", "surface", "tags", *(f"measures.{name}" for name in ("noise", "blur_px", "contrast"))]
MANY = [*FACETS, *(f"generation.params.p{i:02}" for i in range(60))]


@pytest.mark.parametrize(
    ("name", "meant"),
    [("lightning", "lighting"), ("nois", "measures.noise"), ("contrst", "measures.contrast"), ("surfce", "surface")],
)
@pytest.mark.parametrize("valid", [FACETS, MANY])
def test_the_name_that_is_meant_comes_first(name: str, meant: str, valid: list[str]) -> None:
    assert one_of(name, valid).startswith(f"Did you mean '{meant}'? Valid: ")


def test_of_many_names_the_plain_ones_are_listed() -> None:
    text = one_of("zzz", MANY)
    assert text.endswith(f" and {len(MANY) - 20} more.")
    assert all(f"{name}," in text or f"{name} and" in text for name in FACETS)
