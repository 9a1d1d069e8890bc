"""What the subscriber may not see is not told, at the moment of sending; nor is a dead letter of it shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from broker.access.policies import AllowAll
from broker.ports import Principal, Restriction
from tests.contract.history.test_delivering import QUICK, City
from tests.fakes.hiding import HIDDEN_ENTITY, HidingPolicy
from tests.fakes.receiver import Receiver, answer, answer_ok
from tests.http.doors import ROOT, broker, front_door


class Changing(AllowAll):
    """Allows all, until it hides."""

    hides = False

    def restrict(self, principal: Principal, tenant: str, operation: str) -> Restriction:
        """Everything, or what the hiding policy leaves."""
        chosen = HidingPolicy() if self.hides else AllowAll()
        return chosen.restrict(principal, tenant, operation)


@pytest.mark.parametrize("store", ["memory", "sqlite", "mongo"])
def test_access_is_asked_as_of_sending(store: str, tmp_path: Path) -> None:
    access = Changing()
    options: Any = {**QUICK, "store": store, "data": str(tmp_path / "data"), "notify_attempts": "2"}
    options |= {"notify_backoff_s": "0.6", "notify_backoff_max_s": "0.6"}
    with broker(access=access, deliver=True, **options) as (built, doors), Receiver(behave=answer(500)) as receiver:
        city = City(front_door(doors), built.store.outbox, tmp_path)
        city.subscribe(receiver.url)

        def put(value: int, **more: object) -> None:
            body = [
                {"id": name, "type": "Thing", "shown": prop(value), **more}
                for name in (HIDDEN_ENTITY, "urn:ngsi-ld:Thing:1")
            ]
            reply = city.door("POST", ROOT + "/entityOperations/upsert", {}, json.dumps(body).encode())
            assert reply.status in (201, 204, 207)

        put(1, hidden=prop("secret"))
        city.until(lambda: len(city.ask("GET", "/admin/dead-letters")) == 2)
        access.hides = True
        [seen] = city.ask("GET", "/admin/dead-letters")
        assert seen["entityId"] == "urn:ngsi-ld:Thing:1"
        assert city.ask("POST", "/admin/dead-letters/discard", {"subscriptionId": "urn:ngsi-ld:Subscription:1"}) == {
            "discarded": 1
        }
        access.hides = False
        [left] = city.ask("GET", "/admin/dead-letters")
        assert left["entityId"] == HIDDEN_ENTITY
        refused = receiver.refused
        city.ask("POST", "/admin/dead-letters/redeliver", {"numbers": [left["number"]]})
        city.until(lambda: receiver.refused > refused)
        access.hides = True  # between two attempts
        receiver.behave = answer_ok
        city.until(lambda: city.idle)
        assert receiver.received == []
        put(2)
        [told] = receiver.wait(1)
        assert told.json["data"] == [{"id": "urn:ngsi-ld:Thing:1", "type": "Thing", "shown": prop(2)}]


def prop(value: object) -> dict[str, object]:
    return {"type": "Property", "value": value}
