"""Ids and links written with names in braces: `urn:ngsi-ld:ACMeasurement:misono:{device}`.

What is filled in is escaped as a part of a URI, `:` and `/` too: no device can call itself so that it becomes another's
entity.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from broker.model.names import is_uri

_NAME: Final = re.compile(r"\{([A-Za-z][\w.-]*)\}")
_AS_IT_IS: Final = frozenset({"entity"})
"""Names whose text is a URI already."""


@dataclass(frozen=True, slots=True)
class Template:
    """`Template("urn:x:{device}:{part}")`: `pieces` are pairs of a literal and the name after it, `tail` the end."""

    text: str
    pieces: tuple[tuple[str, str], ...]
    tail: str

    @property
    def names(self) -> frozenset[str]:
        """What it asks for: `{"device", "part"}`."""
        return frozenset(name for _, name in self.pieces)

    def fill(self, values: Mapping[str, str]) -> str:
        """The URI. Raises KeyError with the name of what is not there, or empty."""
        made = ""
        for literal, name in self.pieces:
            value = values[name]
            if not value:
                raise KeyError(name)
            made += literal + (value if name in _AS_IT_IS else escaped(value))
        return made + self.tail


def read_template(text: str) -> Template:
    """The template. Raises ValueError where no URI can come of it."""
    pieces, at = [], 0
    for found in _NAME.finditer(text):
        pieces.append((text[at : found.start()], found[1]))
        at = found.end()
    template = Template(text, tuple(pieces), text[at:])
    example = (
        "".join(literal + ("urn:x:y" if name in _AS_IT_IS else "x") for literal, name in template.pieces)
        + template.tail
    )
    if not is_uri(example):
        raise ValueError(f"{text!r} gives no URI: write it as urn:ngsi-ld:TYPE:…{{device}}")
    return template


@lru_cache(maxsize=16_384)
def escaped(text: str) -> str:
    """As a part of a URI: `AA:BB/1` gives `AA%3ABB%2F1`."""
    return quote(text, safe="", errors="surrogatepass")
