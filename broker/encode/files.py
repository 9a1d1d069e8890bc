r"""Entities as files, one text after the other, nothing kept: what `decode.files` reads back (clauses 4.5.1, 4.5.4).

lines(…)   b'{"id":"urn:ngsi-ld:House:1",…}\n', …             NDJSON
array(…)   b'[\n{"id":"urn:ngsi-ld:House:1",…}', b',\n{…}', b'\n]\n'

Streams: an entity is written before the next one is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from broker.encode.entity import Representation, encode_entity
from broker.encode.text import dump
from broker.ldcontext.active import ActiveContext
from broker.model.entity import Entity
from broker.model.values import Json

WHOLE = Representation(sys_attrs=True)
"""With every instant: expiresAt must not get lost."""


def texts(
    entities: Iterable[Entity], representation: Representation, names: ActiveContext, context: Json
) -> Iterator[bytes]:
    """Each entity as JSON that stands for itself: it carries the @context that its names are compacted with."""
    for entity in entities:
        yield dump({**encode_entity(entity, representation, names), "@context": context})


def lines(each: Iterable[bytes]) -> Iterator[bytes]:
    """NDJSON: an entity a line."""
    for text in each:
        yield text + b"\n"


def array(each: Iterable[bytes]) -> Iterator[bytes]:
    """One JSON array; `[]` where there are none."""
    before = b"[\n"
    for text in each:
        yield before + text
        before = b",\n"
    yield b"[]\n" if before == b"[\n" else b"\n]\n"
