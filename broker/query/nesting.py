"""JSON in a query parameter, read with the same limits as a body (clauses 4.10, 4.23.3)."""

from __future__ import annotations

import json
from typing import Final, cast

from broker.errors import BadRequestData, TooComplexQuery
from broker.model.values import Json

CHARACTERS_MAX: Final = 65_536  # some 3,000 positions


def read_json(text: str, parameter: str, clause: str) -> Json:
    """`"[8,40]"` gives `[8, 40]`. Raises BadRequestData, naming the parameter, and TooComplexQuery past 64 kB."""
    if len(text) > CHARACTERS_MAX:
        raise TooComplexQuery(
            f"{parameter} has {len(text)} characters.",
            pointer=parameter,
            clause="5.5.2",
            remedy=f"At most {CHARACTERS_MAX} characters are read.",
        )
    try:
        return cast(Json, json.loads(text, parse_constant=_no_constant))
    except (ValueError, RecursionError) as error:
        raise BadRequestData(
            f"{parameter} is no JSON.", pointer=parameter, clause=clause, remedy="Coordinates are JSON arrays: [8,40]."
        ) from error


def _no_constant(name: str) -> None:
    raise ValueError(name)
