"""Stored documents as text and back, every number as it came."""

from __future__ import annotations

import json
from typing import Any, cast

import orjson

from broker.model.entity import Document, Entity

_INTEGER_MAX = 2**63


def dump(value: Any) -> tuple[bytes, bool]:  # noqa: ANN401 - any JSON
    """The JSON text, and whether it holds integers beyond 64 bits."""
    try:
        return orjson.dumps(value), False
    except TypeError:  # orjson's limit is 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), True


def load(text: str, *, exact_integers: bool) -> Any:  # noqa: ANN401 - any JSON
    """The value; with `exact_integers` read so that integers beyond 64 bits stay what they are."""
    return json.loads(text) if exact_integers else orjson.loads(text)


def load_any(text: str) -> Any:  # noqa: ANN401 - any JSON
    """The value, where nothing says whether it holds long integers."""
    return json.loads(text)


ENTITY_COLUMNS = "document, created_at, modified_at, expires_at, version, exact_integers, next_expiry"
"""What `to_entity` reads, in its order."""


def to_entity(row: tuple[Any, ...]) -> Entity:
    """The stored entity of a row of ENTITY_COLUMNS."""
    text, created_at, modified_at, expires_at, version = row[:5]
    document = json.loads(text) if row[5] else orjson.loads(text)
    return Entity(cast(Document, document), created_at, modified_at, expires_at, version)
