"""Totals as they are kept and as they are told: with people and sum, so that each measure can be told of one (pure).

A cell that may not be shown is absent: that there is one already says that somebody is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from broker.model.values import Json
from services.safe.cells import Cell, Table

DIGITS: Final = 6


def kept(table: Table, by: Sequence[str]) -> dict[str, Json]:
    """What may be told of a table, for any measure."""
    every = {**table.cells, **table.margins} if by else {}
    cells: list[Json] = [
        {"groups": dict(zip(by, key, strict=True)), **_kept(cell)}
        for key, cell in sorted(every.items())
        if not cell.hidden
    ]
    return {"by": list(by), "cells": cells, "total": _kept(table.total)}


def told(body: Mapping[str, Any], measure: str) -> dict[str, Json]:
    """What was kept as an answer, by a measure."""
    cells: list[Json] = [{**one["groups"], **_told(one, measure)} for one in body["cells"]]
    return {"measure": measure, "by": body["by"], "cells": cells, "total": _told(body["total"], measure)}


def _kept(cell: Cell) -> dict[str, Json]:
    return {"hidden": cell.hidden} if cell.hidden else {"people": cell.people, "sum": cell.total}


def _told(cell: Mapping[str, Any], measure: str) -> dict[str, Json]:
    if "hidden" in cell:
        return {"hidden": cell["hidden"]}
    people, whole = cell["people"], cell["sum"]
    value = {"count": float(people), "sum": whole}.get(measure)
    return {"people": people, "value": round(whole / people if value is None else value, DIGITS)}
