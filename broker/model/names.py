"""URIs, scopes, language tags and DateTimes: their form and how long they may be (clauses 4.6.1, 4.6.3, 4.6.5, 4.18).

    scope = [ "/" ] level *( "/" level )           ; level = letter *( letter / number / "_" )

Letters and numbers are those of all of Unicode. The names of types and attributes are the @context's business
(`ldcontext.names`), which knows prefixes.
"""

from __future__ import annotations

import re
from functools import lru_cache

from broker.model.values import NGSI_LD_NULL, to_instant

URI_CHARS_MAX = 2048  # ids and objects: what proxies and clients carry in a path, and what an index row may hold
SCOPE_CHARS_MAX = 2048

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\s<>\"{}|\\^`\x00-\x20\x7f]+")
_UNSEEN = re.compile(
    "[\u0080-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u2800\u3000\u3164\ud800-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
    + "".join(chr(plane * 0x10000 + last) for plane in range(1, 14) for last in (0xFFFE, 0xFFFF))
    + "\U000e0000-\U0010ffff]"
)
"""Blanks, controls, fillers, selectors, private use, noncharacters: ids that look the same would differ by them."""

_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:[-_][A-Za-z0-9]{1,8})*|@none")


def is_word(text: str) -> bool:
    """Whether the text is a letter, and then letters, numbers and `_`."""
    return text[:1].isalpha() and text.replace("_", "").isalnum()


def is_uri(text: str) -> bool:
    """Whether the text is an absolute URI or IRI of bearable length: `urn:ngsi-ld:House:1`, `https://例え.jp/1`.

    Every character of it can be seen (RFC 3987, and narrower).
    """
    if len(text) > URI_CHARS_MAX or _URI.fullmatch(text) is None or text == NGSI_LD_NULL:
        return False
    return text.isascii() or _UNSEEN.search(text) is None


def is_scope(text: str) -> bool:
    """Whether the text is a scope: `/misono/east`, `misono` (clause 4.18)."""
    if not 0 < len(text) <= SCOPE_CHARS_MAX:
        return False
    return all(map(is_word, text.removeprefix("/").split("/")))


def is_language(text: str) -> bool:
    """Whether the text is a language tag of RFC 5646 in form, or `@none` (clause 4.6.5)."""
    return _LANGUAGE.fullmatch(text) is not None


@lru_cache(maxsize=8192)
def is_datetime(text: str) -> bool:
    """Whether the text is a DateTime: `2026-01-01T00:00:00.5Z` (clause 4.6.3)."""
    return len(text) <= len("2026-01-01T00:00:00.123456789Z") and to_instant(text) is not None
