"""Values of a document's attributes, whichever kind says them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from broker.model.entity import Document, instances
from broker.model.values import Instant, Json, to_instant

DEF: Final = "https://misono.example/def/"
_MEMBERS: Final = ("value", "object", "vocab", "valueList", "objectList")


def texts_of(document: Document, name: str) -> list[str]:
    """All texts of an attribute: `["a", "b"]` of a Property, a list, a Relationship, words."""
    return [text for one in instances(document.get(name)) for found in _MEMBERS for text in _texts(one.get(found))]


def text_of(document: Document, name: str) -> str:
    """The only text; empty where there is none, or several."""
    found = texts_of(document, name)
    return found[0] if len(found) == 1 else ""


def word_of(document: Document, name: str) -> str:
    """The last part of a word's IRI: `ConsentGiven` of `https://w3id.org/dpv#ConsentGiven`."""
    return text_of(document, name).replace("#", "/").rpartition("/")[2]


def instant_of(document: Document, name: str) -> Instant | None:
    """A DateTime."""
    return to_instant(text_of(document, name))


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for found in ("@value", "object", "@id"):
            yield from _texts(value.get(found))
