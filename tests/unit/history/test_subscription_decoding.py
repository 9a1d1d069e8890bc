"""A Subscription's body: every member, and every refusal with the place it is about."""

from __future__ import annotations

from typing import Any

import pytest

from broker.decode.subscription import SECONDS_MAX, Received, created, decode_subscription, revised
from broker.errors import BadRequestData, NgsiError, OperationNotSupported
from broker.ldcontext.compile import compile_context
from broker.ldcontext.core import core_context
from broker.model.subscription import Endpoint, Selector, Subscription
from broker.query.ast import And, Compare, Exists, Geo, HasType, Op, Or, Path, UriValue
from broker.query.projection import Projection
from broker.query.stored import node_from_json, projection_from_json
from tests.fakes.clock import START

NAMES = core_context()
NS = "https://uri.etsi.org/ngsi-ld/default-context/"
ID = "urn:ngsi-ld:Subscription:1"
ENDPOINT = {"uri": "https://example.org/notify"}
NOTIFICATION = {"endpoint": ENDPOINT}
SMALL: dict[str, Any] = {"type": "Subscription", "entities": [{"type": "House"}], "notification": NOTIFICATION}


def no_fetch(_url: str) -> Any:
    raise AssertionError


def read(body: dict[str, Any]) -> Subscription:
    return created(decode_subscription(body, NAMES), ID, START)


def with_endpoint(**members: Any) -> dict[str, Any]:
    return {**SMALL, "notification": {"endpoint": {**ENDPOINT, **members}}}


def noted(**members: Any) -> dict[str, Any]:
    return {**SMALL, "notification": {**NOTIFICATION, **members}}


def test_names_are_expanded_and_queries_read() -> None:
    found = read(
        {
            **SMALL,
            "entities": [
                {"type": "(House;Home),Flat", "id": ["urn:a:1", "urn:a:2"], "idPattern": "unused"},
                {"type": "*", "idPattern": "^urn:a:"},
            ],
            "watchedAttributes": ["name", "scope", "name"],
            "q": 'name=="a";kind==big',
            "expandValues": "kind",
            "geoQ": {"georel": "within", "geometry": "Point", "coordinates": [1, 2], "geoproperty": "place"},
            "scopeQ": "/a/#",
            "notification": {**NOTIFICATION, "attributes": ["name"]},
        }
    )
    either = Or((And((HasType(f"{NS}House"), HasType(f"{NS}Home"))), HasType(f"{NS}Flat")))
    first, second = found.entities
    assert (first.ids, first.id_pattern, node_from_json(first.types)) == (("urn:a:1", "urn:a:2"), None, either)
    assert second == Selector("*", None, (), "^urn:a:")
    assert found.watched == (f"{NS}name", "scope")
    assert found.q is not None
    assert node_from_json(found.q.node) == And(
        (Compare(Path(f"{NS}name"), Op.EQ, "a"), Compare(Path(f"{NS}kind"), Op.EQ, UriValue(f"{NS}big")))
    )
    assert found.geo is not None
    geo = node_from_json(found.geo.node)
    assert isinstance(geo, Geo)
    assert geo.path == Path(f"{NS}place")
    assert found.notification.attributes == (f"{NS}name",)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Eiffel%20Tower", "Eiffel Tower"),
        ("%E5%A1%94", "塔"),
        ("100%", "100%"),
        ("100%25", "100%"),
        ("50% off", "50% off"),
        ("%FF", "%FF"),
    ],
)
def test_q_may_be_written_as_in_a_uri(text: str, value: str) -> None:
    found = read({**SMALL, "q": f'name=="{text}"'}).q
    assert found is not None
    assert found.text == f'name=="{text}"'
    assert node_from_json(found.node) == Compare(Path(f"{NS}name"), Op.EQ, value)


def test_every_other_member_is_kept_as_it_came() -> None:
    found = read(
        {
            **SMALL,
            "id": ID,
            "notificationTrigger": ["entityDeleted", "entityCreated", "entityDeleted"],
            "csf": "endpoint",
            "datasetId": ["@none", "urn:d:1"],
            "description": "",
            "expiresAt": "2026-01-01T00:00:01Z",
            "isActive": False,
            "jsonKeys": ["raw"],
            "jsonldContext": "https://example.org/c.jsonld",
            "lang": "ja,en;q=0.5",
            "localOnly": True,
            "ngsildConformance": "1.6",
            "splitEntities": False,
            "subscriptionName": "name",
            "throttling": 0.5,
            "status": "expired",
            "createdAt": "never",
        }
    )
    assert (found.triggers, found.csf, found.dataset_ids) == (
        ("entityDeleted", "entityCreated"),
        "endpoint",
        ("@none", "urn:d:1"),
    )
    assert (found.description, found.expires_at, found.active) == ("", START + 1_000_000, False)
    assert (found.json_keys, found.jsonld_context, found.lang) == (
        (f"{NS}raw",),
        "https://example.org/c.jsonld",
        "ja,en;q=0.5",
    )
    assert (found.local_only, found.conformance, found.split_entities) == (True, "1.6", False)
    assert (found.name, found.throttling, found.status(START)) == ("name", 0.5, "paused")


def test_a_notification_is_read_whole() -> None:
    found = read(
        noted(
            endpoint={
                "uri": "mqtts://user:word@host:8884/city/alerts",
                "accept": "application/ld+json",
                "timeout": 500,
                "cooldown": 0.5,
                "receiverInfo": [{"key": "Any thing", "value": "a\nb"}],
                "notifierInfo": [{"key": "MQTT-QoS", "value": "2"}, {"key": "MQTT-Version", "value": "mqtt3.1.1"}],
            },
            format="concise",
            pick=["id", "owner{name,kin}"],
            join="flat",
            joinLevel=2,
            showChanges=True,
            sysAttrs=True,
            timesSent=42,
            status="failed",
        )
    ).notification
    assert found.endpoint == Endpoint(
        "mqtts://user:word@host:8884/city/alerts",
        "application/ld+json",
        500,
        0.5,
        (("Any thing", "a\nb"),),
        (("MQTT-QoS", "2"), ("MQTT-Version", "mqtt3.1.1")),
    )
    assert (found.format, found.join, found.join_level, found.show_changes, found.sys_attrs) == (
        "concise",
        "flat",
        2,
        True,
        True,
    )
    assert found.pick is not None
    inner = Projection(((f"{NS}name", None), (f"{NS}kin", None)))
    assert projection_from_json(found.pick.projection) == Projection((("id", None), (f"{NS}owner", inner)))


def test_what_is_not_given_has_the_default_of_the_clause() -> None:
    found = read({**SMALL, "notification": {"endpoint": {"uri": "http://h"}}})
    assert found == Subscription(ID, found.notification, found.entities)
    assert found.notification.endpoint == Endpoint("http://h")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/type"),
        ({**SMALL, "type": "Query"}, "/type"),
        ({**SMALL, "id": "no-uri"}, "/id"),
        ({**SMALL, "id": ""}, "/id"),
        ({"type": "Subscription", "entities": [{"type": "House"}]}, "/notification"),
        ({"type": "Subscription", "notification": NOTIFICATION}, "/entities"),
        ({"type": "Subscription", "notification": NOTIFICATION, "localOnly": False}, "/entities"),
        ({**SMALL, "notification": None}, "/notification"),
        ({**SMALL, "notification": []}, "/notification"),
        ({**SMALL, "notification": {}}, "/notification/endpoint"),
        ({**SMALL, "notification": {"endpoint": None}}, "/notification/endpoint"),
        ({**SMALL, "notification": {"endpoint": {}}}, "/notification/endpoint/uri"),
        ({**SMALL, "entities": []}, "/entities"),
        ({**SMALL, "entities": [{"id": "urn:a:1"}]}, "/entities/0"),
        ({**SMALL, "entities": [{"type": "House"}, {"type": "a b"}]}, "/entities/1/type"),
        ({**SMALL, "entities": [{"type": "House", "idPattern": "("}]}, "/entities/0/idPattern"),
        ({**SMALL, "entities": [{"type": "*"}], "localOnly": False}, "/localOnly"),
        ({**SMALL, "watchedAttributes": []}, "/watchedAttributes"),
        ({**SMALL, "watchedAttributes": ["a", "b c"]}, "/watchedAttributes/1"),
        ({**SMALL, "watchedAttributes": ["id"]}, "/watchedAttributes/0"),
        ({**SMALL, "notificationTrigger": []}, "/notificationTrigger"),
        ({**SMALL, "notificationTrigger": ["entityChanged"]}, "/notificationTrigger/0"),
        ({**SMALL, "q": "(("}, "/q"),
        ({**SMALL, "q": ""}, "/q"),
        ({**SMALL, "csf": "(("}, "/csf"),
        ({**SMALL, "scopeQ": "//"}, "/scopeQ"),
        ({**SMALL, "geoQ": {"georel": "near", "geometry": "Point", "coordinates": [1, 2]}}, "/geoQ"),
        ({**SMALL, "geoQ": {"geometry": "Point", "coordinates": [1, 2]}}, "/geoQ/georel"),
        ({**SMALL, "temporalQ": {}}, "/temporalQ"),
        ({**SMALL, "datasetId": ["none"]}, "/datasetId/0"),
        ({**SMALL, "expiresAt": "2026-01-01T00:00:00Z"}, "/expiresAt"),
        ({**SMALL, "expiresAt": "2027-01-01T00:00:00+09:00"}, "/expiresAt"),
        ({**SMALL, "isActive": "true"}, "/isActive"),
        ({**SMALL, "jsonldContext": "unknownContext"}, "/jsonldContext"),
        ({**SMALL, "ngsildConformance": "one"}, "/ngsildConformance"),
        ({**SMALL, "subscriptionName": 5}, "/subscriptionName"),
        ({**SMALL, "throttling": 0}, "/throttling"),
        ({**SMALL, "throttling": True}, "/throttling"),
        ({**SMALL, "throttling": SECONDS_MAX + 1}, "/throttling"),
        ({**SMALL, "throttling": 10**400}, "/throttling"),
        ({**SMALL, "timeInterval": -1}, "/timeInterval"),
        ({**SMALL, "timeInterval": 0.001}, "/timeInterval"),
        ({**SMALL, "timeInterval": 5, "throttling": 5}, "/throttling"),
        ({**SMALL, "timeInterval": 5, "watchedAttributes": ["a"]}, "/watchedAttributes"),
        ({**SMALL, "expandValues": "a b"}, "/expandValues"),
        (noted(format="xml"), "/notification/format"),
        (noted(attributes=[]), "/notification/attributes"),
        (noted(attributes=["name", "id"]), "/notification/attributes/1"),
        (noted(pick=[]), "/notification/pick"),
        (noted(pick=["a}"]), "/notification/pick"),
        (noted(omit=[]), "/notification/omit"),
        (noted(pick=["id"], omit=["id"]), "/notification/omit"),
        (noted(pick=["id"], attributes=["name"]), "/notification/attributes"),
        (noted(omit=["a"], attributes=["name"]), "/notification/attributes"),
        (noted(pick=["a{b{c}}"], join="inline"), "/notification/pick"),
        (noted(omit=["a{b}"]), "/notification/omit"),
        (noted(join="nested"), "/notification/join"),
        (noted(join="flat", joinLevel=0), "/notification/joinLevel"),
        (noted(joinLevel=1.5), "/notification/joinLevel"),
        (noted(showChanges="yes"), "/notification/showChanges"),
        (noted(showChanges=True, format="keyValues"), "/notification/showChanges"),
        (noted(showChanges=True, format="simplified"), "/notification/showChanges"),
        (with_endpoint(uri="nowhere"), "/notification/endpoint/uri"),
        (with_endpoint(uri="http:///path"), "/notification/endpoint/uri"),
        (with_endpoint(uri="http://h:99999/"), "/notification/endpoint/uri"),
        (with_endpoint(uri="http://[::1/"), "/notification/endpoint/uri"),
        (with_endpoint(uri="mqtt://h"), "/notification/endpoint/uri"),
        (with_endpoint(uri="mqtt://h/a/+/b"), "/notification/endpoint/uri"),
        (with_endpoint(uri="mqtt://h/a/%23"), "/notification/endpoint/uri"),
        (with_endpoint(uri="mqtt://h/a/#"), "/notification/endpoint/uri"),
        (with_endpoint(uri="mqtt://h/a", accept="application/geo+json"), "/notification/endpoint/accept"),
        (with_endpoint(accept="text/html"), "/notification/endpoint/accept"),
        (with_endpoint(timeout=0), "/notification/endpoint/timeout"),
        (with_endpoint(cooldown="5"), "/notification/endpoint/cooldown"),
        (with_endpoint(receiverInfo=[{"key": "K", "value": 42}]), "/notification/endpoint/receiverInfo/0/value"),
        (with_endpoint(receiverInfo=[{"key": "K"}]), "/notification/endpoint/receiverInfo/0/value"),
        (with_endpoint(receiverInfo=[{"key": 5, "value": "v"}]), "/notification/endpoint/receiverInfo/0/key"),
        (with_endpoint(receiverInfo=[{"key": "a b", "value": "v"}]), "/notification/endpoint/receiverInfo/0/key"),
        (with_endpoint(receiverInfo=[{"key": "Host", "value": "v"}]), "/notification/endpoint/receiverInfo/0/key"),
        (
            with_endpoint(receiverInfo=[{"key": "K", "value": "a\r\nX: b"}]),
            "/notification/endpoint/receiverInfo/0/value",
        ),
        (with_endpoint(notifierInfo=[{"key": "K", "value": {"a": 1}}]), "/notification/endpoint/notifierInfo/0/value"),
        (
            with_endpoint(uri="mqtt://h/a", notifierInfo=[{"key": "MQTT-QoS", "value": "3"}]),
            "/notification/endpoint/notifierInfo/0/value",
        ),
        (with_endpoint(receiverInfo=[{"key": "Authorization", "value": "***"}]), "/notification/endpoint"),
    ],
)
def test_what_does_not_hold_is_refused_where_it_stands(body: dict[str, Any], pointer: str) -> None:
    with pytest.raises(BadRequestData) as refused:
        read(body)
    assert refused.value.pointer == pointer
    assert refused.value.clause
    assert refused.value.remedy


def test_an_endpoint_nobody_can_speak_to_is_not_supported() -> None:
    with pytest.raises(OperationNotSupported) as refused:
        read(with_endpoint(uri="coap://host/path"))
    assert refused.value.pointer == "/notification/endpoint/uri"


def test_entities_are_not_needed_where_attributes_are_watched_or_all_is_local() -> None:
    watching = {"type": "Subscription", "notification": NOTIFICATION, "watchedAttributes": ["name"]}
    assert read(watching).entities == ()
    whole = {"type": "Subscription", "notification": NOTIFICATION, "localOnly": True, "timeInterval": 5}
    assert read(whole).time_interval == 5


def test_unknown_members_are_named_and_left_out() -> None:
    body = {**noted(frequency=1), "watchedAttribute": ["a"], "__context": "x"}
    body["notification"]["endpoint"] = {**ENDPOINT, "url": "x"}
    assert decode_subscription(body, NAMES).ignored == (
        "watchedAttribute",
        "__context",
        "notification/frequency",
        "notification/endpoint/url",
    )


def fragment(**members: Any) -> Received:
    return decode_subscription(members, NAMES, fragment=True)


BEFORE = read({**SMALL, "q": "kind==big", "expandValues": "kind", "throttling": 5, "description": "before"})


def test_a_fragment_replaces_its_members_and_leaves_the_others() -> None:
    after = revised(BEFORE, fragment(description="after", notification={"endpoint": {"uri": "http://h"}}), START)
    assert (after.description, after.throttling, after.q) == ("after", 5, BEFORE.q)
    assert after.notification.endpoint.uri == "http://h"


@pytest.mark.parametrize("null", [None, "urn:ngsi-ld:null"])
def test_a_null_in_a_fragment_removes_the_member(null: Any) -> None:
    after = revised(BEFORE, fragment(q=null, throttling=null, isActive=null), START)
    assert (after.q, after.throttling, after.active) == (None, None, True)


def test_q_alone_is_read_with_the_expand_values_that_stand() -> None:
    after = revised(BEFORE, fragment(q="kind==small"), START)
    assert after.q is not None
    assert node_from_json(after.q.node) == Compare(Path(f"{NS}kind"), Op.EQ, UriValue(f"{NS}small"))


def test_q_of_a_fragment_is_read_in_the_context_of_the_fragment() -> None:
    names = compile_context({"farbe": "https://example.org/colour"}, no_fetch)
    after = revised(BEFORE, decode_subscription({"q": "farbe"}, names, fragment=True), START)
    assert after.q is not None
    assert node_from_json(after.q.node) == Exists(Path("https://example.org/colour"))


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"id": "urn:ngsi-ld:Subscription:2"}, "/id"),
        ({"type": "Thing"}, "/type"),
        ({"notification": None}, "/notification"),
        ({"notification": {"format": "keyValues"}}, "/notification/endpoint"),
        ({"entities": None}, "/entities"),
        ({"timeInterval": 5}, "/throttling"),
        ({"expandValues": "other"}, "/q"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "/expiresAt"),
        ({"expiresAt": "2020-01-01T00:00:00Z", "isActive": False}, "/expiresAt"),
    ],
)
def test_a_fragment_that_breaks_the_whole_is_refused(members: dict[str, Any], pointer: str) -> None:
    with pytest.raises(NgsiError) as refused:
        revised(BEFORE, fragment(**members), START)
    assert refused.value.pointer == pointer


@pytest.mark.parametrize(
    ("active", "expires_at", "members", "status"),
    [
        (False, None, {"isActive": True}, "active"),
        (True, None, {"isActive": False}, "paused"),
        (True, START - 1, {"isActive": True}, "expired"),
        (True, START - 1, {"isActive": False}, "expired"),
        (False, START - 1, {"isActive": True, "expiresAt": "2027-01-01T00:00:00Z"}, "active"),
        (False, START - 1, {"expiresAt": "2027-01-01T00:00:00Z"}, "active"),
        (True, START - 1, {"expiresAt": None}, "active"),
        (False, None, {"expiresAt": "2027-01-01T00:00:00Z"}, "paused"),
        (True, START - 1, {"description": "still expired"}, "expired"),
    ],
)
def test_the_status_follows_is_active_and_expires_at(
    active: bool, expires_at: int | None, members: dict[str, Any], status: str
) -> None:
    before = Subscription(ID, BEFORE.notification, BEFORE.entities, active=active, expires_at=expires_at)
    assert revised(before, fragment(**members), START).status(START) == status


def test_a_secret_that_is_not_shown_is_kept_for_its_own_address() -> None:
    secret = read(with_endpoint(uri="http://u:p@h:1/a", receiverInfo=[{"key": "X-Token", "value": "t"}]))
    hidden = {"uri": "http://u:***@H:1/b", "receiverInfo": [{"key": "x-token", "value": "***"}]}
    after = revised(secret, fragment(notification={"endpoint": hidden}), START)
    assert after.notification.endpoint.uri == "http://u:p@h:1/b".replace("@h", "@H")
    assert after.notification.endpoint.receiver_info == (("x-token", "t"),)
    with pytest.raises(BadRequestData):
        revised(secret, fragment(notification={"endpoint": {**hidden, "uri": "http://u:***@evil:1/b"}}), START)
