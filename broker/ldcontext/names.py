"""Legal names and IRIs (clauses 4.6.1, 4.6.2): what may stand for an entity type, an attribute or a prefix."""

from __future__ import annotations

import re
import unicodedata

NAME_CHARACTERS_MAX = 2_048
"""A term or IRI longer than this is refused: names are kept in indexes and caches."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
_NO_IRI = re.compile(r"[\x00-\x20\x7f-\x9f<>\"{}|\\^`\u00a0\u2000-\u200f\u2028-\u202f\ud800-\udfff]")


def is_name(text: str) -> bool:
    """Whether `text` is a letter followed by letters, numbers and `_`: `temperature`, `温度`, `no2_24h`."""
    if text.isascii():
        return text.isidentifier() and text[:1] != "_"
    return unicodedata.category(text[0])[0] == "L" and all(
        character == "_" or unicodedata.category(character)[0] in "LN" for character in text
    )


def is_iri(text: str) -> bool:
    """Whether `text` is an absolute IRI: `https://example.org/speed`, `urn:x:speed`, `ex:speed`."""
    scheme = _SCHEME.match(text)
    return scheme is not None and scheme.end() < len(text) and not _NO_IRI.search(text)
