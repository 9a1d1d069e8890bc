"""Subscribing, where the subscription may be a copy of one that was made here (clauses 5.8.1.4, 6.3.17)."""

from __future__ import annotations

from collections.abc import Mapping

from broker.errors import LoopDetected
from broker.http.exchange import Exchange
from broker.http.messages import Answer
from broker.ports.places import home_of
from federation.hub import FarHandler, Hub, Local
from federation.via import is_loop


def create_subscription(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """POST /subscriptions: refused where this broker itself is who asks; it notifies of its own entities anyway."""
    if is_loop(exchange.request, hub.alias, home_of(exchange.call.tenant)):
        raise LoopDetected(
            "the subscription has come through this hub before", pointer="Via", clause="6.3.17",
            remedy="nothing: this hub notifies of its own entities already",
        )  # fmt: skip
    return local(exchange)


HANDLERS: Mapping[str, FarHandler] = {"create_subscription": create_subscription}
