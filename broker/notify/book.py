"""The subscriptions as they are now, read again only when they changed.

After a commit of this process it is asked at once whether one changed; of changes by other processes after FRESH_S.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Final

from broker.errors import NonexistentTenant
from broker.model.subscription import Subscription
from broker.model.values import Instant
from broker.ports.held import Held, HeldStore
from broker.ports.outbox import SUBSCRIPTION

FRESH_S: Final = 0.02


@dataclass(frozen=True, slots=True)
class Entry:
    """A subscription, the version of its document, and when it was made and last changed."""

    subscription: Subscription
    version: int
    created_at: Instant
    modified_at: Instant


class Book:
    """Subscriptions by tenant and id, of all processes: the generation in the store tells of a change."""

    def __init__(self, held: HeldStore) -> None:
        self._held = held
        self._known: dict[str, tuple[int, dict[str, Entry | None]]] = {}
        self._before: dict[str, dict[str, Entry | None]] = {}
        self._fresh: dict[str, float] = {}

    def stale(self, tenant: str) -> None:
        """Something was committed: for any thread."""
        self._fresh.pop(tenant, None)

    def find(self, tenant: str, subscription_id: str) -> Entry | None:
        """One subscription; None where it is gone."""
        try:
            known = self._of(tenant)
            if subscription_id not in known:
                held = self._held.find_held(tenant, SUBSCRIPTION, subscription_id)
                known[subscription_id] = None if held is None else self._entry(tenant, held)
        except NonexistentTenant:
            return None
        return known[subscription_id]

    def all(self, tenant: str) -> Mapping[str, Entry]:
        """Every subscription of a tenant."""
        try:
            known = self._of(tenant)
            held = self._held.all_held(tenant, SUBSCRIPTION)
        except NonexistentTenant:
            return {}
        for one in held:
            if known.get(one.id) is None:
                known[one.id] = self._entry(tenant, one)
        self._before.pop(tenant, None)
        return {name: entry for name, entry in known.items() if entry is not None}

    def generation(self, tenant: str) -> int:
        """Rises with every change to one of them; 0 for a tenant that is not there."""
        try:
            return self._held.held_generation(tenant, SUBSCRIPTION)
        except NonexistentTenant:
            return 0

    def _of(self, tenant: str) -> dict[str, Entry | None]:
        kept, now = self._known.get(tenant), monotonic()
        if kept is not None and now < self._fresh.get(tenant, 0.0):
            return kept[1]
        self._fresh[tenant] = now + FRESH_S  # before it is read: a commit in between makes it stale again
        generation = self._held.held_generation(tenant, SUBSCRIPTION)
        if kept is None or kept[0] != generation:
            if kept is not None:
                self._before[tenant] = {**self._before.get(tenant, {}), **kept[1]}
            kept = self._known[tenant] = (generation, {})
        return kept[1]

    def _entry(self, tenant: str, held: Held) -> Entry:
        """The entry of a document: that of a generation before where it is the same still."""
        old = self._before.get(tenant, {}).get(held.id)
        if old is not None and (old.version, old.modified_at) == (held.version, held.modified_at):
            return old
        return Entry(Subscription.from_body(held.body), held.version, held.created_at, held.modified_at)
