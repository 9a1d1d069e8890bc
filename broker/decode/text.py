"""Bytes to JSON values, exactly as they were written or not at all (clauses 4.6.1, 5.5.4)."""

from __future__ import annotations

from typing import cast

from jiter import from_json

from broker.errors import BadRequestData, InvalidRequest
from broker.model.values import Json

DEPTH_MAX = 64  # nested objects and arrays: bounds every recursion over a document

_REMEDY = "one JSON document (RFC 8259) in UTF-8, every member name once in its object"


def parse_json(body: bytes) -> Json:
    """The JSON value of a request body; integers of any length and floats exactly as written.

    `b'{"a": 1.10}'` gives `{"a": 1.1}`.

    Raises InvalidRequest with line and column for anything that is no JSON: invalid UTF-8, NaN, a duplicate member,
    a lone surrogate, text after the end (clause 5.5.4); BadRequestData for a number beyond the range of a double and
    for nesting over 64.
    """
    if not body:
        raise InvalidRequest("The request has no body.", clause="5.5.4", remedy=_REMEDY)
    try:
        document = cast("Json", from_json(body, catch_duplicate_keys=True, allow_inf_nan=False))
    except ValueError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}.", clause="5.5.4", remedy=_REMEDY) from None
    _check(document)
    return document


def _check(document: Json) -> None:
    """Refuse what the parser lets through: 1e400 (it gives infinity) and deep nesting, level by level."""
    level = [document]
    for _ in range(DEPTH_MAX):
        deeper: list[Json] = []
        for node in level:
            for child in node.values() if type(node) is dict else node if type(node) is list else (node,):
                kind = type(child)
                if kind is dict or kind is list:
                    deeper.append(child)
                elif kind is float and child - child != 0.0:  # type: ignore[operator]  # true of infinity alone
                    raise BadRequestData(
                        "A number is beyond the range of a double (about 1.8e308).",
                        clause="4.6.3",
                        remedy="a finite number, or a string",
                    )
        if not deeper:
            return
        level = deeper
    raise BadRequestData(
        f"The body nests objects and arrays more than {DEPTH_MAX} deep.", clause="5.5.4", remedy="a flatter document"
    )
