"""`/health` tells of the delivery of notifications where this process delivers, and of its end."""

from __future__ import annotations

import json

from broker.notify.dispatch import Dispatch
from tests.http.doors import broker, front_door


def test_delivery_is_a_part_of_health() -> None:
    with broker(deliver=True) as (built, doors):
        door = front_door(doors)
        reply = door("GET", "/health")
        assert (reply.status, json.loads(reply.body)["parts"]) == (200, {"store": "ok", "delivery": "ok"})
        dispatch = built.delivers.__self__  # type: ignore[union-attr]
        assert isinstance(dispatch, Dispatch)
        dispatch.stop()
        reply = door("GET", "/health")
        assert (reply.status, json.loads(reply.body)["parts"]) == (503, {"store": "ok", "delivery": "failing"})
