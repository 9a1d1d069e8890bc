"""Where persons are named in the database: documents of theirs that say so beside their text.

    entities   `k` holds "w<pseudonym>"                        `keys`
    trail      `y1` of leaves, rows of the log and of the outbox: pseudonyms, under an index {t, y1}

What is found is a superset; `naming` reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from broker.model.values import Json
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.entities import SHOWN, load_any, to_entity
from broker.stores.mongo.ground import Ground
from broker.stores.mongo.history_leaves import HISTORY, read
from broker.stores.mongo.keys import NAMED, SUBJECT, subject_key
from broker.stores.mongo.packing import unpacked
from broker.stores.naming import Named

_LOG: Final = "c"


def told(ground: Ground, tenant: str, subject: str | None) -> Iterator[Named]:
    """Whatever may name this person (None: anybody)."""
    keys: Json = {"$gte": SUBJECT, "$lt": chr(ord(SUBJECT) + 1)} if subject is None else subject_key(subject)
    for one in ground.entities.find({"t": tenant, "k": keys}, {**SHOWN, "i": 1}):
        yield str(one["i"]), to_entity(one).document
    named: Json = {"$exists": True} if subject is None else subject
    for one in ground.trail.find({"t": tenant, NAMED: named}):
        yield from ((str(one["i"]), document) for document in _documents(one))


def _documents(one: Bson) -> Iterator[Mapping[str, Json]]:
    if one["k"] == HISTORY:
        yield from ({name: past.body} for name, past in read(one).entries)
    else:
        for name in ("b", "a"):
            if name in one:
                yield unpacked(one[name]) if one["k"] == _LOG else load_any(one[name])[4]
