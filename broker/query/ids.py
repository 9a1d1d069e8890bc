"""`id` and `idPattern`: text -> AST (clause 5.7.2)."""

from __future__ import annotations

import re
from typing import Final

from broker.errors import BadRequestData, TooComplexQuery
from broker.query.ast import IdIn, IdPattern, Node
from broker.query.patterns import compile_pattern

IDS_MAX: Final = 1000
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\x00-\x1f\"<>\\^`{}]+")


def parse_ids(text: str) -> Node:
    """Parse `urn:a:1,urn:a:2`.

    Raises BadRequestData where one is no URI (clause 5.7.2.4) and TooComplexQuery past a thousand.
    """
    ids = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if len(ids) > IDS_MAX:
        raise TooComplexQuery(
            f"id lists {len(ids)} entities.", pointer="id", clause="5.5.2", remedy=f"List at most {IDS_MAX}."
        )
    for one in ids:
        if not _URI.fullmatch(one):
            raise BadRequestData(
                f"{one[:80]!r} is no URI.",
                pointer="id",
                clause="5.7.2.4",
                remedy="Give URIs with commas between them: urn:ngsi-ld:House:1,urn:ngsi-ld:House:2.",
            )
    return IdIn(ids)


def parse_id_pattern(text: str) -> Node:
    """Parse an `idPattern`; it matches anywhere in the id unless it has anchors.

    Raises BadRequestData for a pattern that is not accepted, TooComplexQuery for one that is too long.
    """
    try:
        compile_pattern(text)
    except (BadRequestData, TooComplexQuery) as refusal:
        refusal.pointer = "idPattern"
        raise
    return IdPattern(text)
