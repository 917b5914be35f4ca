"""Commands that recreate a failure as a scenario, and change what it draws."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.actions import recreate as recreating
from workbench.actions.recreate.recreate import BASE
from workbench.base.errors import InputError
from workbench.base.plurals import counted
from workbench.base.progress import Cancel, Listener
from workbench.core.scenario import Scenario
from workbench.core.scenario.distribution import Distribution
from workbench.core.scenario.document import distribution_document, parse_value, value_text
from workbench.core.schema import fields
from workbench.core.tables.filter import Filter, Not, OneOf, all_of
from workbench.ui.board.command import Command, Reply
from workbench.ui.board.jobs import Done
from workbench.ui.board.panels.generate_export import made_of
from workbench.ui.board.state import Selection

if TYPE_CHECKING:
    from workbench.ui.board.board import Board

FIT_S = 90.0
TEST = OneOf(fields.SPLIT, ("test",))


def recreate(
    board: Board,
    source: str,
    name: str = "",
    probes: bool = True,
    seconds: float = FIT_S,
    spare_test: bool = True,
) -> Reply:
    """Start to make a scenario of the filtered or selected samples, or of those of a failure tag.

    What a scenario is fitted to can judge no round any more, so samples of ``test`` are spared unless wished otherwise.
    """
    chosen = board.joined
    given, said = _chosen(chosen, str(source), bool(spare_test))
    label, by_pictures, most_s = str(name).strip() or None, bool(probes), float(seconds)
    options: dict[str, Any] = {**given, "name": label, "probes": by_pictures, "seconds": most_s}

    def work(listener: Listener, cancel: Cancel) -> Done:
        found = recreating.recreate(chosen.dataset, **options, listener=listener, cancel=cancel)
        rows = [_told(row, found.scenario) for row in found.parameters]
        result = {"name": found.scenario.name, "yaml": found.scenario.dump(), "samples": found.samples, "rows": rows}
        return Done(str(found).splitlines()[0], result | {"before": found.gap_before, "after": found.gap_after})

    more = (f", name={label!r}" if label else "") + ("" if by_pictures else ", probes=False")
    more += "" if most_s == FIT_S else f", seconds={most_s:g}"
    chosen.note_code(f"found = wb.recreate(ds, {said}{more})")
    return Reply(board.jobs.start(f"Recreate {label or source}", work, kind="recreate"))


def _chosen(chosen: Selection, source: str, spare_test: bool) -> tuple[dict[str, Any], str]:
    """What to recreate, as arguments and as code."""
    table = chosen.table
    test = table.mask(TEST) if fields.SPLIT in table.columns else np.zeros(len(table), np.bool_)
    if source == "selected":
        ids = chosen.ids
        if not ids:
            raise InputError("selected samples", found="none", where="recreate", fix="Click pictures first.")
        kept = [i for i, is_test in zip(ids, test[table.rows_of(ids)], strict=True) if not (spare_test and is_test)]
        _require(len(kept), len(ids))
        return {"ids": kept}, "ids=selection.ids" if len(kept) == len(ids) else f"ids={kept!r}"
    condition: Filter = chosen.filter if source == "filtered" else OneOf(fields.TAGS, (source,))
    rows = table.mask(condition)
    if spare_test and (rows & test).any():
        _require(int((rows & ~test).sum()), int(rows.sum()))
        condition = all_of(condition, Not(TEST))
    elif source == "filtered":
        return {"where": condition}, "where=selection.filter"
    return {"where": condition}, f"where={str(condition)!r}"


def _require(kept: int, given: int) -> None:
    if not kept:
        fix = "Tag some of train or val as well; or do not leave test out, but then these judge no round any more."
        found = f"{counted(given, 'sample')} of test"
        raise InputError("samples outside of test", found=found, where="recreate", fix=fix)


def _told(row: recreating.Row, made: Scenario) -> dict[str, Any]:
    """A row with its distribution as text: as it was made, and as it varies freely."""
    texts = {"value": _text(made.draws[row.path]), "wide": _text(Scenario.load(BASE).draws[row.path])}
    return {**dataclasses.asdict(row), "measured": _plain(row.measured), **texts}


def _text(distribution: Distribution) -> str:
    return value_text(distribution_document(distribution))


def revise(board: Board, text: str, path: str, value: str, mode: str = "free") -> Reply:
    """A scenario with another distribution of one parameter; gives its text, and that of the distribution.

    ``mode`` is ``jitter`` for one that was measured, else ``free``.
    """
    made, entry = made_of("", text), str(path)
    if entry not in made.draws:
        raise InputError("a parameter", found=repr(entry)[:80], where="recreate")
    given = parse_value(str(value), where=entry)
    again = made.replace({entry: given}, modes={**made.modes, entry: str(mode)})
    board.joined.note_code(f"found.scenario = found.scenario.replace({{{entry!r}: {given!r}}})")
    return Reply({"yaml": again.dump(), "value": _text(again.draws[entry])})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return ", ".join(f"{word} {share:.0%}" for word, share in value.items())
    if isinstance(value, list | tuple):
        return " to ".join(map(str, value))
    return value if value is None or isinstance(value, str) else f"{value:.4g}"


SHAPING = {
    "recreate": Command(recreate),
    "revise": Command(revise),
}
