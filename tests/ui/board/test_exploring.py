"""What the explorer asks for: the map, the lasso, more like this, taught attributes; and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from tests.ui.board.conftest import Browser
from workbench.actions.tag import tag
from workbench.adapters.store.vectors import add_vectors
from workbench.core.embeddings import NETWORK


@pytest.fixture
def seen(browser: Browser) -> Browser:
    """Vectors of all six samples: the dim ones alike, the bright ones alike."""
    ids = browser.board.state.filtered_ids
    rng = np.random.default_rng(0)
    vectors = np.repeat([[9.0] * 20 + [0.0] * 20, [0.0] * 20 + [9.0] * 20], 3, axis=0) + rng.random((6, 40))
    add_vectors(browser.board.state.dataset, NETWORK, ids, ["s"] * 6, vectors)
    return browser


def test_map_and_lasso(seen: Browser) -> None:
    assert seen.ask("embeddings")[0]["result"] == {"embedded": 6, "all": 6}
    seen.board.filter = "lighting == 'dim'"
    answer, buffers = seen.ask("embedding_map", color="lighting")
    points = np.frombuffer(buffers[0], np.float32).reshape(-1, 2)
    codes, kept = (np.frombuffer(buffer, np.uint8) for buffer in buffers[1:])
    assert answer["result"]["names"] == ["bright", "dim"] and answer["result"]["embedded"] == 6
    assert points.shape == (6, 2) and points.min() >= 0 and points.max() <= 1
    assert codes.tolist() == [1, 1, 1, 0, 0, 0] and kept.tolist() == [1, 1, 1, 0, 0, 0]
    everywhere = [[-1, -1], [2, -1], [2, 2], [-1, 2]]
    assert seen.ask("lasso", corners=everywhere)[0]["result"] == {"chosen": 6}
    assert seen.ask("lasso", corners=everywhere, filtered=True)[0]["result"] == {"chosen": 3}
    x, y = points[4]
    around = [[x - 1e-3, y - 1e-3], [x + 1e-3, y - 1e-3], [x + 1e-3, y + 1e-3], [x - 1e-3, y + 1e-3]]
    seen.ask("lasso", corners=[[float(a), float(b)] for a, b in around])
    assert seen.board.state.table.ids[4] in seen.board.selected_ids
    assert seen.board.code.splitlines()[-1].startswith("selection.select([")


def test_more_like_the_chosen(seen: Browser) -> None:
    ids = seen.board.state.filtered_ids
    seen.ask("select", ids=ids[:1])
    answer, buffers = seen.ask("similar")
    assert [one["id"] for one in answer["result"]["tiles"]][:2] in ([ids[1], ids[2]], [ids[2], ids[1]])
    assert len(answer["result"]["tiles"]) == len(buffers) == 5
    assert "wb.similar(ds, selection.ids" in seen.board.code
    seen.board.filter = "lighting == 'bright'"
    assert {one["id"] for one in seen.ask("similar", filtered=True)[0]["result"]["tiles"]} == set(ids[3:])


def test_teach_shows_a_facet_and_what_it_doubts(seen: Browser) -> None:
    ids, dataset = seen.board.state.filtered_ids, seen.board.state.dataset
    refused = seen.ask("teach", attribute="finish")[0]
    assert not refused["ok"] and "No sample has a tag finish:<word>" in refused["error"]
    for word, chosen in (("rough", ids[:2]), ("fine", ids[3:5])):
        tag(dataset, f"finish:{word}", ids=chosen)
    refused = seen.ask("teach", attribute="finish")[0]
    assert not refused["ok"] and "5 marks each" in refused["error"]


@pytest.mark.parametrize(
    ("command", "args", "text"),
    [
        ("embedding_map", {}, "vectors"),
        ("lasso", {"corners": [[0, 0], [1, 0], [1, 1]]}, "Draw the map first"),
        ("similar", {}, "Choose one or more images"),
        ("teach", {"attribute": "<b>"}, "the name of an attribute"),
    ],
)
def test_refused_without_anything_to_look_at(
    browser: Browser, command: str, args: dict[str, object], text: str
) -> None:
    answer = browser.ask(command, **args)[0]
    assert not answer["ok"] and text in answer["error"]


@pytest.mark.parametrize(
    ("command", "args"),
    [
        ("embedding_map", {"color": "measures.noise"}),
        ("embedding_map", {"color": "nothing"}),
        ("lasso", {"corners": [[0, 0]]}),
        ("lasso", {"corners": "abc"}),
        ("lasso", {"corners": [[0, 0, 0]] * 3}),
        ("lasso", {"corners": [[0, 0]] * 5_000}),
    ],
)
def test_nonsense_is_refused(seen: Browser, command: str, args: dict[str, object]) -> None:
    seen.ask("embedding_map")
    assert not seen.ask(command, **args)[0]["ok"]
    assert seen.board.selected_ids == []
