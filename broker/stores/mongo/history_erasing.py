"""Erasing what history has of an entity, the ids that stand anywhere, and histories of whole tenants."""

from __future__ import annotations

from itertools import islice
from typing import Final

from broker.model.values import Json
from broker.stores.mongo.connection import Bson
from broker.stores.mongo.ground import Ground, key
from broker.stores.mongo.history_heads import Head
from broker.stores.mongo.history_leaves import HISTORY, read

BATCH: Final = 500


def erase(ground: Ground, head: Head | None, tenant: str, iri: str) -> dict[str, Json]:
    """Delete every leaf and the head: how many there were, by table; an entity with a life has a head anyway."""
    which: Bson = {"t": tenant, "i": iri, "k": HISTORY}
    instances = sum(len(read(one).entries) for one in ground.trail.find(which))
    ground.trail.delete_many(which)
    ground.known.delete_one({"_id": key(tenant, iri), "t": tenant, "i": iri})
    return {"history": int(head is not None), "instance": instances}


def known_ids(ground: Ground, tenant: str) -> list[str]:
    """Every id that stands in a document of the tenant."""
    found: set[str] = set()
    for collection in (ground.entities, ground.known, ground.trail):
        grouped = collection.aggregate([{"$match": {"t": tenant}}, {"$group": {"_id": "$i"}}])
        found.update(one["_id"] for one in grouped if one["_id"])
    return sorted(found)


def copy_all(ground: Ground, tenant: str, into: str) -> None:
    """The same leaves and heads in another tenant."""
    for collection, which in ((ground.trail, {"t": tenant, "k": HISTORY}), (ground.known, {"t": tenant})):
        documents = iter(collection.find(which, batch_size=BATCH))
        while batch := list(islice(documents, BATCH)):
            collection.insert_many([_moved(one, tenant, into) for one in batch], ordered=False)


def drop_all(ground: Ground, tenant: str) -> None:
    """None is left."""
    ground.trail.delete_many({"t": tenant, "k": HISTORY})
    ground.known.delete_many({"t": tenant})


def _moved(document: Bson, tenant: str, into: str) -> Bson:
    return {**document, "t": into, "_id": into + document["_id"][len(tenant) :]}
