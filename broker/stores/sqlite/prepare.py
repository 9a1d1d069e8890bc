"""What an entity's rows need that follows from its document alone, worked out before the writer has it.

The writer is one thread and its transaction is everybody's wait: what another thread can do before, it does. A
document that a decision turns into another one is prepared by the writer.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.model.entity import Document, as_list
from broker.stores.forms import Form, form_of
from broker.stores.sqlite.codec import dump
from broker.stores.sqlite.index import Indexed, index, normal_scope


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document, its text (and whether that holds integers beyond 64 bits), its form, its index rows by path text."""

    document: Document
    text: bytes
    exact: bool
    form: Form
    indexed: Indexed[str]
    scopes: list[str]


def prepare(document: Document) -> Prepared:
    """Pure; some 40 µs for an entity of ten attributes."""
    text, exact = dump(document)
    return Prepared(document, text, exact, form_of(document), index(document, _as_it_is), scopes_of(document))


def scopes_of(document: Document) -> list[str]:
    """The scopes as the index has them."""
    return [normal_scope(scope) for scope in as_list(document["scope"])] if "scope" in document else []


def _as_it_is(text: str) -> str:
    return text
