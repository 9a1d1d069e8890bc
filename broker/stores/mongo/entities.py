r"""An entity as a document of the collection `entities`, and back.

    _id "city\nurn:x:1"   t "city"   i "urn:x:1"
    d   the normalized document as JSON text, which no server looks into, packed (zlib) where it is long
    e   true: it holds integers beyond 64 bits
    v c m x   version, created, modified, expires        nx  when something of it expires next
    o n       stamps of its creation (the order of pages) and of its last change
    p         changes under way (`pending`)              g   true: deleted, what follows from it is not written yet
    k b f s z what queries are answered by (`Index`)

What it lacks is absent.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

import orjson

from broker.model.entity import Document, Entity
from broker.model.expiry import live, next_expiry
from broker.model.values import Instant
from broker.ports import Labels
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.ground import key
from broker.stores.mongo.packing import PACKED_MIN

Index: TypeAlias = Callable[[Document, Labels], Bson]
"""What queries are answered by, of a document and its labels: some of INDEXED."""

INDEXED: Final = ("k", "b", "f", "s", "z")
OPTIONAL: Final = ("e", "x", "nx", *INDEXED)
"""Members that an update takes away where the new document lacks them."""
SHOWN: Final = dict.fromkeys(("d", "e", "v", "c", "m", "x", "nx", "g"), 1)
"""The projection that `to_entity` and `to_live` need."""
LIVE: Final[Bson] = {"g": {"$exists": False}}
"""What every filter on entities holds."""


@dataclass(frozen=True, slots=True)
class Stamped:
    """The numbers of an entity: of its creation and of its last change."""

    created: int
    changed: int


def to_bson(tenant: str, entity: Entity, stamped: Stamped, indexed: Bson) -> Bson:
    """The document of an entity, without changes under way."""
    text, exact = _text(entity.document)
    found: Bson = {
        "_id": key(tenant, entity.id),
        "t": tenant,
        "i": entity.id,
        "d": _packed(text),
        "v": entity.version,
        "c": entity.created_at,
        "m": entity.modified_at,
        "o": stamped.created,
        "n": stamped.changed,
    }
    due = next_expiry(entity) if entity.expires_at is not None or b'"expiresAt"' in text else None
    more = {"e": exact or None, "x": entity.expires_at, "nx": due}
    found.update((name, value) for name, value in more.items() if value is not None)
    return found | indexed


def to_entity(found: Bson) -> Entity:
    """The entity of a document, deleted or expired or not."""
    return Entity(document_of(found), found["c"], found["m"], found.get("x"), found["v"])


def to_live(found: Bson | None, now: Instant) -> Entity | None:
    """The entity as it is now; None for one that is not there, deleted or expired."""
    if found is None or found.get("g"):
        return None
    entity = to_entity(found)
    return live(entity, now) if found.get("nx") is not None else entity


def document_of(found: Bson) -> Document:
    """Its normalized document."""
    return cast(Document, load_any(found["d"]) if found.get("e") else orjson.loads(_unpacked(found["d"])))


def dump(value: Any) -> tuple[bytes, bool]:  # noqa: ANN401 - any JSON
    """The JSON text, packed where it is long, and whether it holds integers beyond 64 bits."""
    text, exact = _text(value)
    return _packed(text), exact


def load_any(text: bytes) -> Any:  # noqa: ANN401 - any JSON
    """The value, every number as it came; slower than orjson, which rounds long integers."""
    return json.loads(_unpacked(text))


def _text(value: Any) -> tuple[bytes, bool]:  # noqa: ANN401 - any JSON
    try:
        return orjson.dumps(value), False
    except TypeError:  # orjson's limit is 64 bits
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), True


def _packed(text: bytes) -> bytes:
    """MongoDB takes 16 MB a document; no JSON text begins as a packed one does."""
    return text if len(text) < PACKED_MIN else zlib.compress(text, 1)


def _unpacked(text: bytes) -> bytes:
    return zlib.decompress(text) if text[:1] == b"x" else text
