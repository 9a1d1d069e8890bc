"""`type`, the selection by entity type: text -> AST (clause 4.17).

any = all *( ( "|" / "," ) all )
all = "(" any *( ";" any ) ")" / TYPE              ; TYPE is a name or an IRI
"""

from __future__ import annotations

import re
from typing import Final

from broker.errors import BadRequestData
from broker.query.ast import EVERYTHING, HasType, Node
from broker.query.disjunction import parse_disjunction

_TYPE: Final = re.compile(r"[^\W\d_]\w*|[A-Za-z][A-Za-z0-9+.-]*:[^\s\"<>\\^`{}]+|[^\W\d_]\w*:[^\W\d_]\w*")


def parse_types(text: str) -> Node:
    """Parse a percent-decoded `type`: `(Home;Vehicle),Motorhome`; `*` selects everything.

    Raises BadRequestData (says the column) and TooComplexQuery.
    """
    if text == "*":
        return EVERYTHING
    return parse_disjunction(text, parameter="type", clause="4.17", element=_type)


def _type(text: str, column: int) -> Node:
    if not _TYPE.fullmatch(text):
        raise BadRequestData(
            f"type, column {column}: {text[:80]!r} is no entity type.",
            pointer="type",
            clause="4.17",
            remedy="A type is a name, such as Building, or a URI.",
        )
    return HasType(text)
