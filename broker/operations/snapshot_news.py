"""Telling the receiver that a snapshot names what has become of it (clauses 5.3.4, 5.16.6)."""

from __future__ import annotations

from broker.encode.snapshot import encode_news
from broker.model.snapshot import Snapshot
from broker.operations.broker import Broker
from broker.ports.places import News


def tell(broker: Broker, tenant: str, snapshot: Snapshot) -> None:
    """Send a SnapshotNotification, where the snapshot has an endpoint; one that cannot be delivered is logged."""
    if snapshot.endpoint is None:
        return
    body = encode_news(snapshot, f"urn:ngsi-ld:Notification:{broker.new_id()}", broker.clock.now())
    broker.announce(News(snapshot.endpoint, snapshot.receiver_info, tenant, body))
