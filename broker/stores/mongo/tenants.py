r"""Which tenants there are, places among them: one document each in the hub, written before the first of what is in it.

{"_id": "tenant\ncity", "k": "tenant", "t": "city"}
"""

from __future__ import annotations

from typing import Final

from pymongo.collection import Collection

from broker.ports.places import snapshot_of
from broker.stores.mongo.connection import Bson, asking
from broker.stores.mongo.ground import key
from broker.stores.mongo.pulse import Moved, Pulse

KIND: Final = "tenant"


class MongoTenants:
    """Tenants. One that was seen once is known without asking, until places are dropped."""

    def __init__(self, hub: Collection[Bson], pulse: Pulse) -> None:
        self._hub, self._pulse = hub, pulse
        self._known = {""}
        pulse.keep(self)

    def exists(self, tenant: str) -> bool:
        """Whether something was ever created in it."""
        if tenant in self._known:
            return True
        with asking():
            found = self._hub.find_one({"_id": key(KIND, tenant)}, {"_id": 1}) is not None
        if found:
            self._known.add(tenant)
        return found

    def names(self) -> list[str]:
        """All of them, the default tenant first."""
        with asking():
            found = {str(row["t"]) for row in self._hub.find({"k": KIND}, {"t": 1})}
        return ["", *sorted(found - {""})]

    def make(self, tenant: str) -> None:
        """From now on it exists: before anything is written in it, and only where something will be."""
        if tenant not in self._known:
            self._hub.update_one({"_id": key(KIND, tenant)}, {"$set": {"k": KIND, "t": tenant}}, upsert=True)
            self._known.add(tenant)

    def remove(self, tenant: str) -> None:
        """Strike out a place, here and in the other processes; tenants stay."""
        self._known.discard(tenant)
        if self._hub.delete_one({"_id": key(KIND, tenant)}).deleted_count:
            self._pulse.tell([KIND])

    def refresh(self, moved: Moved) -> None:
        """Forget the places where some went: they are asked for again. Tenants stay."""
        if moved(KIND):
            self._known = {tenant for tenant in self._known.copy() if snapshot_of(tenant) is None}
