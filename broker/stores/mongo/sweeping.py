"""Removing what has expired (clause 4.22), as ordinary changes that are logged and notified."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import groupby
from operator import itemgetter
from typing import Final

from broker.errors import NgsiError
from broker.model.entity import Entity
from broker.model.values import Instant
from broker.ports import Command, Keep, Put, Remove
from broker.stores.mongo.connection import Bson, asking
from broker.stores.mongo.ground import Ground

log = logging.getLogger("misono.store")

SWEEP_MAX: Final = 200  # entities taken up at a time, so that writes come in between

Apply = Callable[[str, Sequence[Command]], Future[list[object]]]


def sweep_entities(ground: Ground, apply: Apply) -> int:
    """Remove what of all tenants' entities has expired by now; how many were touched, those first that expired first.

    A tenant whose writes fail is left for the next time.
    """
    now, swept, last = ground.clock.now(), 0, (0, "")
    while found := _due(ground, now, last):
        last = found[-1]["nx"], found[-1]["_id"]
        for tenant, rows in groupby(sorted(found, key=itemgetter("t")), key=itemgetter("t")):
            swept += _sweep(apply, tenant, [Command(row["i"], _keep_what_lives) for row in rows])
    return swept


def _due(ground: Ground, now: Instant, last: tuple[Instant, str]) -> list[Bson]:
    """What is due by now and comes after the last one of those that were read."""
    after = [{"nx": last[0], "_id": {"$gt": last[1]}}, {"nx": {"$gt": last[0]}}]
    where = {"nx": {"$lte": now}, "$or": after}
    with asking():
        found = ground.entities.find(where, {"t": 1, "i": 1, "nx": 1})
        return list(found.sort([("nx", 1), ("_id", 1)]).limit(SWEEP_MAX))


def _sweep(apply: Apply, tenant: str, commands: Sequence[Command]) -> int:
    try:
        apply(tenant, commands).result()
    except NgsiError as error:
        log.warning("tenant %r is not swept: %s", tenant, error)
        return 0
    return len(commands)


def _keep_what_lives(current: Entity | None, _now: Instant) -> Keep | Put | Remove:
    return Remove() if current is None else Put(current)
