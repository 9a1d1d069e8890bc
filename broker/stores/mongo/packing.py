"""JSON values as text, long ones packed: MongoDB takes 16 MB a document, and an image or an entity map may be long."""

from __future__ import annotations

import json
import zlib
from typing import Any, Final, TypeAlias

from broker.encode.text import dump

PACKED_MIN: Final = 1 << 20
"""Bytes from which a text is packed; an entity map of 100,000 ids has six million, packed some hundred thousand."""

Packed: TypeAlias = str | bytes


def packed(value: Any) -> Packed:  # noqa: ANN401 - any JSON
    """The value's text, or, where that is long, its bytes packed."""
    text = dump(value)
    return text.decode() if len(text) < PACKED_MIN else zlib.compress(text, 1)


def unpacked(found: Packed) -> Any:  # noqa: ANN401 - any JSON
    """The value, every number as it came."""
    return json.loads(found if isinstance(found, str) else zlib.decompress(found))
