"""A subscription as it is answered: in the words of whoever asks, without its secrets."""

from __future__ import annotations

from typing import Any

from broker.decode.subscription import created, decode_subscription
from broker.encode.subscription import Shown, encode_subscription
from broker.ldcontext.compile import compile_context
from broker.ldcontext.core import core_context
from broker.model.secrets import is_secret
from broker.model.subscription import Subscription
from tests.fakes.clock import START

NAMES = core_context()
ID = "urn:ngsi-ld:Subscription:1"


def no_fetch(_url: str) -> Any:
    raise AssertionError


OURS = compile_context(
    {"colour": "https://x.org/colour", "Car": "https://x.org/Car", "by": "https://x.org/by"}, no_fetch
)
THEIRS = compile_context(
    {"farbe": "https://x.org/colour", "Auto": "https://x.org/Car", "von": "https://x.org/by"}, no_fetch
)
BODY: dict[str, Any] = {
    "id": ID,
    "type": "Subscription",
    "entities": [{"type": "(Car|Van)", "id": "urn:a:1"}, {"type": "*", "idPattern": "a"}],
    "watchedAttributes": ["colour", "scope"],
    "notificationTrigger": ["entityDeleted"],
    "q": 'colour == "red"'.replace(" ", ""),
    "geoQ": {"georel": "near;maxDistance==5", "geometry": "Point", "coordinates": "[1,2]", "geoproperty": "by"},
    "expandValues": "colour",
    "throttling": 5,
    "notification": {
        "endpoint": {
            "uri": "https://user:word@h/notify",
            "accept": "application/ld+json",
            "receiverInfo": [{"key": "Authorization", "value": "Bearer x"}, {"key": "Prefer", "value": "body=json"}],
        },
        "format": "keyValues",
        "pick": ["id,colour", "by{colour}"],
        "join": "inline",
        "joinLevel": 1,
        "sysAttrs": True,
    },
}


def made(body: dict[str, Any] = BODY) -> Subscription:
    return created(decode_subscription(body, OURS), ID, START)


def test_in_its_own_context_it_comes_back_as_it_was_sent() -> None:
    found = encode_subscription(made(), OURS, Shown(START))
    endpoint = {
        **BODY["notification"]["endpoint"],
        "uri": "https://user:***@h/notify",
        "receiverInfo": [{"key": "Authorization", "value": "***"}, {"key": "Prefer", "value": "body=json"}],
    }
    notification = {**BODY["notification"], "endpoint": endpoint}
    assert found == {**BODY, "notification": notification, "status": "active", "jsonldContext": ""}


def test_in_another_context_it_says_the_same_in_other_words() -> None:
    found: Any = encode_subscription(made(), THEIRS, Shown(START))
    assert found["entities"] == [
        {"id": "urn:a:1", "type": "Auto|Van"},
        {"idPattern": "a", "type": "*"},
    ]
    assert found["watchedAttributes"] == ["farbe", "scope"]
    assert found["q"] == "farbe==red"
    assert found["expandValues"] == "farbe"
    assert found["geoQ"]["geoproperty"] == "von"
    assert found["notification"]["pick"] == ["id", "farbe", "von{farbe}"]
    again = created(decode_subscription({**BODY, "q": found["q"], "expandValues": "farbe"}, THEIRS), ID, START).q
    first = made().q
    assert again is not None
    assert first is not None
    assert (again.node, again.text == first.text) == (first.node, False)


def test_without_a_context_names_are_iris() -> None:
    found: Any = encode_subscription(made(), NAMES, Shown(START))
    assert found["entities"][0]["type"] == "https://x.org/Car|Van"
    assert found["watchedAttributes"] == ["https://x.org/colour", "scope"]
    assert found["notification"]["pick"][2] == "https://x.org/by{https://x.org/colour}"


def test_counters_status_and_system_attributes_are_shown() -> None:
    shown = Shown(START, {"timesSent": 3, "status": "ok"}, {"createdAt": "then"})
    body = {**BODY, "isActive": False, "expiresAt": "2026-01-01T00:00:01Z"}
    found: Any = encode_subscription(made(body), OURS, shown)
    assert (found["status"], found["isActive"], found["expiresAt"]) == ("paused", False, "2026-01-01T00:00:01.000000Z")
    assert (found["notification"]["timesSent"], found["notification"]["status"]) == (3, "ok")
    assert found["createdAt"] == "then"
    assert encode_subscription(made(body), OURS, Shown(START + 1_000_000))["status"] == "expired"


def test_default_triggers_are_shown_where_changes_notify() -> None:
    body = {name: value for name, value in BODY.items() if name not in ("notificationTrigger", "watchedAttributes")}
    assert encode_subscription(made(body), OURS, Shown(START))["notificationTrigger"] == [
        "attributeCreated",
        "attributeUpdated",
    ]
    timed = {name: value for name, value in body.items() if name != "throttling"} | {"timeInterval": 5}
    assert "notificationTrigger" not in encode_subscription(made(timed), OURS, Shown(START))


def test_what_names_a_secret_is_known_by_its_words() -> None:
    for key in ("Authorization", "X-Auth-Token", "x-api-key", "apiKey", "Cookie", "password", "client_secret"):
        assert is_secret(key), key
    for key in ("Prefer", "X-Additional-Key", "NGSILD-Tenant", "MQTT-QoS", "Content-Language"):
        assert not is_secret(key), key
