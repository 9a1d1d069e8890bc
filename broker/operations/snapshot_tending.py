"""Looking after snapshots: what has expired goes, what was left half filled is filled, what nobody knows is dropped."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import partial

from broker.errors import NonexistentTenant
from broker.model.snapshot import Snapshot
from broker.model.values import Instant
from broker.operations.broker import Broker
from broker.operations.snapshot_filling import KIND, LEASE_S, abandon, fill_snapshot, lease_of
from broker.operations.snapshot_news import tell
from broker.ports.held import Drop, Held, HeldCommand, HeldDecision, Leave
from broker.ports.places import home_of, snapshot_of


def tend_snapshots(broker: Broker) -> None:
    """Have every place looked at, in the background; tenants without one are not opened."""
    places = defaultdict[str, list[str]](list)
    for name in broker.tenants.names():
        if snapshot_of(name) is not None:
            places[home_of(name)].append(name)
    for tenant, found in places.items():
        broker.background.submit(partial(_tend_tenant, broker, tenant, found))  # one that fails is alone with it


def _tend_tenant(broker: Broker, tenant: str, places: list[str]) -> None:
    known = _by_place(broker, tenant)
    for place in places:
        _tend(broker, tenant, place, known.get(place))


def _by_place(broker: Broker, tenant: str) -> dict[str, Snapshot]:
    try:
        held = broker.held.all_held(tenant, KIND)
    except NonexistentTenant:
        return {}
    return {one.place: one for one in (Snapshot.from_body(document.body) for document in held)}


def _tend(broker: Broker, tenant: str, place: str, snapshot: Snapshot | None) -> None:
    now = broker.clock.now()
    if snapshot is not None and snapshot.expires_at > now and snapshot.status != "preparing":
        return
    holder = broker.new_id()
    if broker.leases.take(lease_of(place), holder, LEASE_S) is None:
        return  # somebody is at it
    if snapshot is None:
        if place not in _by_place(broker, tenant):
            abandon(broker, place, holder)
    elif snapshot.expires_at <= now:
        _expire(broker, tenant, snapshot)
        abandon(broker, place, holder)
    else:
        broker.places.drop_place(place)
        broker.places.make_place(place)
        broker.background.submit(partial(fill_snapshot, broker, tenant, snapshot.id, (place, holder)))


def _expire(broker: Broker, tenant: str, snapshot: Snapshot) -> None:
    def decide(current: Held | None, _now: Instant) -> HeldDecision:
        return Leave() if current is None or current.body["place"] != snapshot.place else Drop()

    broker.held.apply_held(tenant, [HeldCommand(KIND, snapshot.id, decide)]).result()
    tell(broker, tenant, replace(snapshot, status="failure"))
