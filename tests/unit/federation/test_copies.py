"""The copy of a subscription that a source gets (clause 5.8.1.4)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.decode.subscription import created, decode_subscription
from broker.ldcontext.core import core_context
from broker.model.registration import EntityInfo, Information, Registration
from broker.model.subscription import Subscription
from federation.copies import copy_of, digest, fragment, is_distributed
from federation.messages import Match

NS = "https://uri.etsi.org/ngsi-ld/default-context/"
CAR, BUS, SPEED, COLOUR = f"{NS}Car", f"{NS}Bus", f"{NS}speed", f"{NS}colour"
RELAY = "urn:ngsi-ld:Subscription:copy", "http://misono:1026/federation/relay/t"


def subscription(**members: Any) -> Subscription:
    body = {
        "type": "Subscription",
        "entities": [{"type": "Car"}],
        "notification": {"endpoint": {"uri": "http://subscriber.example/"}},
    } | members
    return created(decode_subscription(body, core_context()), "urn:s:1", 0)


def registered(*information: Information, **members: Any) -> Match:
    return Match(Registration("urn:r:1", "http://aizu", information, **members), information)


def cars(*properties: str, **of_entity: Any) -> Information:
    return Information((EntityInfo((CAR,), **of_entity),), properties)


def copy(given: Subscription, match: Match) -> dict[str, Any] | None:
    return copy_of(given, match, RELAY, core_context(), 0)


def test_it_notifies_this_broker_and_nobody_else() -> None:
    given = subscription(
        subscriptionName="mine", description="mine too", q="speed>50",
        notification={
            "format": "concise",
            "endpoint": {
                "uri": "http://subscriber.example/", "accept": "application/ld+json",
                "receiverInfo": [{"key": "Authorization", "value": "Bearer x"}],
            },
        },
    )  # fmt: skip
    found = copy(given, registered(cars()))
    assert found == {
        "id": RELAY[0],
        "type": "Subscription",
        "entities": [{"type": "Car"}],
        "q": "speed>50",
        "isActive": True,
        "notification": {"format": "concise", "endpoint": {"uri": RELAY[1], "accept": "application/json"}},
    }


def test_it_is_reduced_to_the_attributes_that_are_registered() -> None:
    found = copy(subscription(watchedAttributes=["speed", "brand"]), registered(cars(SPEED, COLOUR)))
    assert found is not None
    assert found["watchedAttributes"] == ["speed"]
    assert found["notification"]["attributes"] == ["colour", "speed"]
    found = copy(subscription(), registered(cars(SPEED)))
    assert found is not None
    assert found["watchedAttributes"] == ["speed"]
    found = copy(subscription(timeInterval=5), registered(cars(SPEED)))
    assert found is not None
    assert "watchedAttributes" not in found
    assert copy(subscription(watchedAttributes=["brand"]), registered(cars(SPEED))) is None


@pytest.mark.parametrize(
    ("entities", "information", "expected"),
    [
        ([{"type": "Car"}], cars(id="urn:c:1"), [{"type": "Car", "id": "urn:c:1"}]),
        ([{"type": "Car"}], cars(id_pattern="^urn:c:.*"), [{"type": "Car", "idPattern": "^urn:c:.*"}]),
        (
            [{"type": "Car", "id": ["urn:c:1", "urn:d:1"]}],
            cars(id_pattern="^urn:c:.*"),
            [{"type": "Car", "id": "urn:c:1"}],
        ),
        ([{"type": "Car", "idPattern": "1$"}], cars(id_pattern="^urn:c:.*"), [{"type": "Car", "idPattern": "1$"}]),
        ([{"type": "Car"}, {"type": "Bus"}], cars(), [{"type": "Car"}]),
        ([{"type": "Car|Bus"}], cars(), [{"type": "Car|Bus"}]),
        ([{"type": "Car"}], Information((), (SPEED,)), [{"type": "Car"}]),
    ],
)
def test_it_is_about_entities_that_are_subscribed_to_and_registered(
    entities: list[Any], information: Information, expected: list[Any]
) -> None:
    found = copy(subscription(entities=entities), registered(information))
    assert found is not None
    assert found["entities"] == expected


def test_a_subscription_to_attributes_is_about_the_types_of_the_source() -> None:
    body: dict[str, Any] = {
        "type": "Subscription", "watchedAttributes": ["speed"],
        "notification": {"endpoint": {"uri": "http://subscriber.example/"}},
    }  # fmt: skip
    given = created(decode_subscription(body, core_context()), "urn:s:1", 0)
    found = copy(given, registered(Information((EntityInfo((CAR, BUS)),), (SPEED,))))
    assert found is not None
    assert found["entities"] == [{"type": "Car|Bus"}]


def test_of_split_entities_nothing_is_decided_at_the_source() -> None:
    given = subscription(
        splitEntities=True, q="speed>50", scopeQ="/a",
        geoQ={"georel": "near;maxDistance==1", "geometry": "Point", "coordinates": [0, 0]},
        notification={"format": "keyValues", "pick": ["speed"], "endpoint": {"uri": "http://subscriber.example/"}},
    )  # fmt: skip
    found = copy(given, registered(cars()))
    assert found is not None
    assert found["splitEntities"] is True
    assert not found.keys() & {"q", "scopeQ", "geoQ"}
    assert found["notification"].keys() == {"format", "sysAttrs", "endpoint"}
    assert found["notification"]["format"] == "normalized"


def test_what_is_about_this_brokers_own_entities_stays_here() -> None:
    assert is_distributed(subscription())
    assert not is_distributed(subscription(localOnly=True))
    assert not is_distributed(subscription(entities=[{"type": "*"}]))


def test_a_change_takes_away_what_the_copy_had() -> None:
    before = copy(subscription(q="speed>50"), registered(cars()))
    after = copy(subscription(), registered(cars()))
    assert before is not None
    assert after is not None
    changes = fragment(after, list(before))
    assert changes["q"] is None
    assert "id" not in changes
    assert digest(before) != digest(after) == digest(dict(after))


def test_a_paused_subscription_is_paused_there() -> None:
    found = copy(replace(subscription(), active=False), registered(cars(), management_local=True))
    assert found is not None
    assert found["isActive"] is False
    assert found["localOnly"] is True
