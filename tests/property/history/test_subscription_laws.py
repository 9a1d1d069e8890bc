"""What a subscription means survives being shown: under its own @context, and under any other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.decode.notification import ENDPOINT_MEMBERS, NOTIFICATION_MEMBERS
from broker.decode.subscription import created, decode_subscription, revised
from broker.encode.subscription import Shown, encode_subscription
from broker.errors import NgsiError
from broker.ldcontext.active import ActiveContext
from broker.ldcontext.compile import compile_context
from broker.ldcontext.core import core_context
from broker.model.subscription import TRIGGERS, Subscription
from tests.fakes.clock import START

ID = "urn:ngsi-ld:Subscription:1"
MEMBERS = [
    "id", "type", "entities", "notification", "notificationTrigger", "watchedAttributes", "q", "geoQ", "scopeQ", "csf",
    "datasetId", "description", "expandValues", "expiresAt", "isActive", "jsonKeys", "jsonldContext", "lang",
    "localOnly", "ngsildConformance", "splitEntities", "subscriptionName", "throttling", "timeInterval", "temporalQ",
]  # fmt: skip


def no_fetch(_url: str) -> Any:
    raise AssertionError


OURS = compile_context(
    {"colour": "https://x.org/colour", "Car": "https://x.org/Car", "size": "https://x.org/s"}, no_fetch
)
THEIRS = compile_context(
    {"farbe": "https://x.org/colour", "Auto": "https://x.org/Car", "size": "https://y.org/size", "x": "https://x.org/"},
    no_fetch,
)
CONTEXTS = [OURS, THEIRS, core_context()]

names = st.sampled_from(["colour", "size", "name", "https://x.org/colour"])
few_names = st.lists(names, min_size=1, max_size=3, unique=True)
types = st.sampled_from(["Car", "Car|Van", "(Car;Van),House", "((Car|Van);House)", "*"])
selectors = st.fixed_dictionaries(
    {"type": types},
    optional={"id": st.sampled_from(["urn:a:1", ["urn:a:1", "urn:a:2"]]), "idPattern": st.sampled_from(["a.*", "^x$"])},
)
values = st.one_of(
    st.integers(), st.booleans(), st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=12)
)


@st.composite
def queries(draw: st.DrawFn) -> str:
    terms = []
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(["colour", "size", "name"]))
        operator = draw(st.sampled_from(["==", "!=", ""]))
        terms.append(name + (operator + json.dumps(draw(values), ensure_ascii=False) if operator else ""))
    return draw(st.sampled_from([";", "|"])).join(terms)


geo_queries = st.fixed_dictionaries(
    {
        "georel": st.sampled_from(["near;maxDistance==5", "within"]),
        "geometry": st.just("Point"),
        "coordinates": st.just([8, 40]),
    },
    optional={"geoproperty": names},
)
endpoints = st.fixed_dictionaries(
    {"uri": st.sampled_from(["http://h/a", "mqtts://h:1/a/b"])},
    optional={
        "accept": st.sampled_from(["application/json", "application/ld+json"]),
        "timeout": st.floats(0.5, 1000) | st.integers(1, 1000),
        "cooldown": st.integers(1, 1000),
        "receiverInfo": st.lists(st.fixed_dictionaries({"key": st.just("Prefer"), "value": st.just("x")}), max_size=2),
    },
)
projections: list[st.SearchStrategy[dict[str, Any]]] = [
    st.just({}),
    st.fixed_dictionaries({"attributes": few_names}),
    st.fixed_dictionaries({"pick": st.just(["id", "colour|size"])}),
    st.fixed_dictionaries({"omit": few_names}),
    st.fixed_dictionaries({"pick": st.just(["colour{size,name}"]), "join": st.just("inline")}),
]
notifications = st.builds(
    lambda base, projection: {**base, **projection},
    st.fixed_dictionaries(
        {"endpoint": endpoints},
        optional={"format": st.sampled_from(["normalized", "keyValues"]), "sysAttrs": st.booleans()},
    ),
    st.one_of(projections),
)
bodies = st.fixed_dictionaries(
    {
        "type": st.just("Subscription"),
        "entities": st.lists(selectors, min_size=1, max_size=2),
        "notification": notifications,
    },
    optional={
        "watchedAttributes": few_names,
        "notificationTrigger": st.lists(st.sampled_from(TRIGGERS), min_size=1, unique=True),
        "q": queries(),
        "expandValues": st.sampled_from(["colour", "size,name"]),
        "geoQ": geo_queries,
        "scopeQ": st.just("/a/#"),
        "datasetId": st.just(["@none"]),
        "throttling": st.floats(0.1, 1e6),
        "isActive": st.booleans(),
        "localOnly": st.just(True),
        "expiresAt": st.just("2030-01-01T00:00:00.5Z"),
        "description": st.text(max_size=20),
    },
)


def read(body: Any, context: ActiveContext) -> Subscription:
    return created(decode_subscription(body, context), ID, START)


def meaning(subscription: Subscription) -> dict[str, Any]:
    """The body without the texts that only tell how it was written."""
    body: dict[str, Any] = json.loads(json.dumps(subscription.to_body()))
    for selector in body["entities"]:
        selector["type"] = "*" if selector["type"] == "*" else ""
    for holder, name in ((body, "q"), (body, "geoQ"), (body["notification"], "pick"), (body["notification"], "omit")):
        if name in holder:
            holder[name] = holder[name].get("node", holder[name].get("projection"))
    body["triggers"] = sorted(subscription.fires_on)
    body.pop("notificationTrigger", None)
    return body


@pytest.mark.parametrize("context", CONTEXTS, ids=["own", "other", "core"])
@given(body=bodies)
def test_what_is_shown_can_be_subscribed_to_again(context: ActiveContext, body: dict[str, Any]) -> None:
    first = read(body, OURS)
    shown = json.loads(json.dumps(encode_subscription(first, context, Shown(START))))
    shown.pop("jsonldContext")
    again = read(shown, context)
    assert meaning(again) == meaning(first)


@given(body=bodies)
def test_its_own_words_come_back(body: dict[str, Any]) -> None:
    shown = encode_subscription(read(body, OURS), OURS, Shown(START))
    for name in ("q", "scopeQ", "throttling", "description", "datasetId", "watchedAttributes"):
        if name in body:
            expected = (
                ["colour" if one.startswith("https:") else one for one in body[name]]
                if name == "watchedAttributes"
                else body[name]
            )
            assert shown[name] == (list(dict.fromkeys(expected)) if isinstance(expected, list) else expected)


@given(body=bodies)
def test_a_body_holds_all_there_is(body: dict[str, Any]) -> None:
    found = read(body, OURS)
    assert Subscription.from_body(json.loads(json.dumps(found.to_body()))) == found


telling = st.sampled_from(
    ["urn:ngsi-ld:null", "urn:a:1", "*", "a.b", "(", "http://[", "mqtt://h/a", "2030-01-01T00:00:00Z"]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_infinity=False, allow_nan=False) | st.text(max_size=8)
    | telling,
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*MEMBERS, "key", "value"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip
places = st.sampled_from(
    [(one,) for one in MEMBERS]
    + [("notification", one) for one in sorted(NOTIFICATION_MEMBERS)]
    + [("notification", "endpoint", one) for one in sorted(ENDPOINT_MEMBERS)]
    + [("entities", 0, one) for one in ("type", "id", "idPattern")]
)


@given(body=bodies, place=places, value=anything, fragment=st.booleans())
def test_whatever_is_sent_is_taken_or_refused(
    body: dict[str, Any], place: tuple[Any, ...], value: Any, fragment: bool
) -> None:
    *holders, last = place
    whole: Any = json.loads(json.dumps(body))
    holder = whole
    for name in holders:
        holder = holder[name]
    holder[last] = value
    made = taken(whole, read(body, OURS) if fragment else None)
    if isinstance(made, NgsiError):
        assert (bool(made.clause), bool(made.remedy), made.status < 500) == (True, True, True), made.detail
        return
    assert Subscription.from_body(json.loads(json.dumps(made.to_body()))) == made
    for context in CONTEXTS:
        encode_subscription(made, context, Shown(START))


def taken(body: Any, before: Subscription | None) -> Subscription | NgsiError:
    """What becomes of a new subscription, or of one that is revised."""
    try:
        received = decode_subscription(body, OURS, fragment=before is not None)
        return created(received, ID, START) if before is None else revised(before, received, START)
    except NgsiError as refused:
        return refused
