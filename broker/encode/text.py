"""JSON values to bytes, nothing rounded (clause 4.6.1)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from broker.model.values import Json


def dump(document: Json | Mapping[str, Any] | Sequence[Any]) -> bytes:
    """The value as UTF-8 JSON without blanks: `{"a": 1.5}` gives `b'{"a":1.5}'`; integers of any length.

    The fast writer knows 64-bit integers only and says so; longer ones go through the standard library's.
    """
    try:
        return orjson.dumps(document)
    except orjson.JSONEncodeError:
        return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
