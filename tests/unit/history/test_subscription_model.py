"""A subscription's body is all of it, and its status and triggers follow from it."""

from __future__ import annotations

import json

import pytest

from broker.model.subscription import (
    Endpoint,
    Filter,
    GeoFilter,
    NotificationParams,
    Projected,
    Selector,
    Subscription,
)
from broker.model.values import Json

_ENDPOINT = Endpoint("https://example.org/notify")
_SMALL = Subscription(
    "urn:ngsi-ld:Subscription:1", NotificationParams(_ENDPOINT), (Selector("House", ["HasType", "x"]),)
)
_NODE: Json = ["Exists", ["Path", "https://x.org/a", ["tuple"], ["tuple"]]]
_WHOLE = Subscription(
    id="urn:ngsi-ld:Subscription:2",
    notification=NotificationParams(
        Endpoint("mqtt://host/a", "application/geo+json", 1500, 0.5, (("Authorization", "x"),), (("MQTT-QoS", "1"),)),
        format="concise",
        pick=Projected(("a", "b{c}"), {"names": [["a", None]], "omits": False}),
        omit=Projected(("d",), {"names": [["d", None]], "omits": True}),
        attributes=("https://x.org/a",),
        join="inline",
        join_level=3,
        show_changes=True,
        sys_attrs=True,
    ),
    entities=(Selector("*"), Selector("House", ["HasType", "https://x.org/House"], ("urn:a:1",), "urn:.*")),
    watched=("https://x.org/a",),
    triggers=("entityDeleted",),
    q=Filter("a", _NODE),
    geo=GeoFilter({"georel": "near;maxDistance==1", "coordinates": [1, 2]}, _NODE),
    scope_q="/a/#",
    csf="x==1",
    dataset_ids=("@none",),
    lang="ja,en;q=0.5",
    expand_values=("https://x.org/a",),
    json_keys=("https://x.org/b",),
    expires_at=1,
    active=False,
    jsonld_context="https://x.org/c.jsonld",
    local_only=False,
    split_entities=True,
    conformance="1.6",
    throttling=0.5,
    time_interval=5,
    name="name",
    description="text",
    principal="nurse",
    purposes=("care",),
)


@pytest.mark.parametrize("subscription", [_SMALL, _WHOLE])
def test_the_body_is_the_whole_subscription(subscription: Subscription) -> None:
    body = json.loads(json.dumps(subscription.to_body()))
    assert Subscription.from_body(body) == subscription


def test_deletions_are_silent_unless_asked_for() -> None:
    assert _SMALL.fires_on == {"attributeCreated", "attributeUpdated"}
    assert _WHOLE.fires_on == {"entityDeleted"}


def test_entity_updated_stands_for_three_triggers() -> None:
    updated = Subscription("urn:a:1", NotificationParams(_ENDPOINT), triggers=("entityCreated", "entityUpdated"))
    assert updated.fires_on == {"entityCreated", "attributeCreated", "attributeUpdated", "attributeDeleted"}


def test_expiry_counts_before_a_pause() -> None:
    assert [_WHOLE.status(0), _WHOLE.status(1), _SMALL.status(2)] == ["paused", "expired", "active"]
