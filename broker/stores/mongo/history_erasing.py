"""Erasing what history has of an entity, and the ids that stand anywhere."""

from __future__ import annotations

from collections.abc import Sequence

from broker.stores.images import ERASED
from broker.stores.mongo.ground import Ground, key
from broker.stores.mongo.history_heads import Head
from broker.stores.mongo.history_leaves import of_entities, read


def erase(ground: Ground, head: Head | None, tenant: str, iri: str) -> dict[str, int]:
    """Delete every leaf and the head: how many there were, by table; an entity with a life has a head anyway."""
    which = of_entities(tenant, [iri])
    instances = sum(len(read(one).entries) for one in ground.trail.find(which))
    ground.trail.delete_many(which)
    ground.known.delete_one({"_id": key(tenant, iri), "t": tenant, "i": iri})
    return {"history": int(head is not None), "instance": instances}


def finish(ground: Ground, tenant: str, iris: Sequence[str]) -> None:
    """Take away entities that were deleted and of which something was still to be written: it is erased by now."""
    ids = [key(tenant, iri) for iri in iris]
    ground.entities.delete_many({"_id": {"$in": ids}, "t": tenant, "g": {"$exists": True}})


def known_ids(ground: Ground, tenant: str) -> list[str]:
    """Every id that stands in a document of the tenant."""
    found: set[str] = set()
    for collection, more in ((ground.entities, {}), (ground.known, {}), (ground.trail, {"i": {"$exists": True}})):
        grouped = collection.aggregate([{"$match": {"t": tenant, **more}}, {"$group": {"_id": "$i"}}])
        found.update(str(one["_id"]) for one in grouped)
    return sorted(found - {"", ERASED})
