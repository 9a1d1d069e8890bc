"""NotificationParams and Endpoint of a subscription (clauses 5.2.14, 5.2.15, 5.2.22, 7.2)."""

from __future__ import annotations

import re
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from broker.decode.given import Given, standing_at
from broker.decode.reading import refusal
from broker.errors import OperationNotSupported
from broker.ldcontext.active import ActiveContext
from broker.model.subscription import Endpoint, NotificationParams, Projected
from broker.query.projection import Projection, bind_projection, parse_omit, parse_pick
from broker.query.stored import projection_to_json

JOIN_LEVEL_MAX: Final = 100
MILLISECONDS_MAX: Final = 86_400_000  # a day: longer than anybody waits for an answer
PAIRS_MAX: Final = 100
HTTP_SCHEMES: Final = frozenset({"http", "https"})
MQTT_SCHEMES: Final = frozenset({"mqtt", "mqtts"})
NOTIFICATION_MEMBERS: Final = frozenset(
    {"endpoint", "attributes", "format", "join", "joinLevel", "omit", "pick", "showChanges", "sysAttrs", "type"}
    | {"lastFailure", "lastNotification", "lastSuccess", "status", "timesFailed", "timesSent"}
)
"""All that the data type knows, what is read-only included (clause 5.2.14.2)."""
ENDPOINT_MEMBERS: Final = frozenset(
    {"uri", "accept", "cooldown", "notifierInfo", "receiverInfo", "timeout", "type"}
)  # fmt: skip

_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")
_HEADER_TEXT: Final = re.compile(r"[\t\x20-\x7e\x80-\uffff]*")
_OWN_HEADERS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"}
)
_MQTT: Final = {"MQTT-QoS": ("0", "1", "2"), "MQTT-Version": ("mqtt3.1.1", "mqtt5.0")}
_NO_TOPIC: Final = frozenset("+#\0")
_SIMPLIFIED: Final = frozenset({"simplified", "keyValues"})
_NO_ATTRIBUTES: Final = frozenset({"id", "type", "scope"})
_CLAUSE: Final = "5.2.14.1"
_FORMATS: Final[tuple[Literal["normalized", "concise", "simplified", "keyValues"], ...]] = (
    "normalized", "concise", "simplified", "keyValues",
)  # fmt: skip


def decode_notification(given: Given, names: ActiveContext) -> NotificationParams:
    """The parameters, names expanded; what is read-only is left out.

    Raises BadRequestData for a member of the wrong shape and for members that exclude each other, and
    OperationNotSupported for an endpoint that this broker cannot speak to.
    """
    body = given.members()
    given = Given(given.value, given.pointer, _CLAUSE)
    _require_one_projection(given)
    found = NotificationParams(
        endpoint=_endpoint(given.needed("endpoint")),
        format=given.member("format").one_of(*_FORMATS) if "format" in body else "normalized",
        attributes=_attributes(given.member("attributes"), names) if "attributes" in body else (),
        pick=_projected(given.member("pick"), names, "pick") if "pick" in body else None,
        omit=_projected(given.member("omit"), names, "omit") if "omit" in body else None,
        join=given.member("join").one_of("flat", "inline", "@none") if "join" in body else "@none",
        join_level=given.member("joinLevel").whole(JOIN_LEVEL_MAX) if "joinLevel" in body else 1,
        show_changes="showChanges" in body and given.member("showChanges").flag(),
        sys_attrs="sysAttrs" in body and given.member("sysAttrs").flag(),
    )
    if found.show_changes and found.format in _SIMPLIFIED:
        raise refusal(
            "showChanges has no place in the simplified format.", given.member("showChanges").pointer, _CLAUSE,
            "showChanges false, or the format normalized or concise",
        )  # fmt: skip
    return found


def _require_one_projection(given: Given) -> None:
    members = given.members()
    here = [name for name in ("pick", "omit", "attributes") if name in members]
    if len(here) > 1:
        raise refusal(
            f"{here[0]} and {here[1]} exclude each other.", given.member(here[1]).pointer, "4.21", f"only {here[0]}"
        )


def _attributes(given: Given, names: ActiveContext) -> tuple[str, ...]:
    for one in given.each():
        if one.text() in _NO_ATTRIBUTES:
            raise refusal(f"'{one.value}' is no attribute.", one.pointer, _CLAUSE, "pick, which takes id, type, scope")
    return tuple(dict.fromkeys(names.expand(one.text(), one.pointer) for one in given.each()))


def _projected(given: Given, names: ActiveContext, which: Literal["pick", "omit"]) -> Projected:
    texts = given.texts()
    with standing_at(given):
        parsed: Projection = (parse_pick if which == "pick" else parse_omit)(",".join(texts))
        return Projected(texts, projection_to_json(bind_projection(parsed, names)))


def _endpoint(given: Given) -> Endpoint:
    body, given = given.members(), Given(given.value, given.pointer, "5.2.15")
    uri = given.needed("uri").uri()
    scheme = endpoint_scheme(uri, given.member("uri"))
    accepted = (
        "application/json",
        "application/ld+json",
        *(() if scheme in MQTT_SCHEMES else ("application/geo+json",)),
    )
    return Endpoint(
        uri=uri,
        accept=given.member("accept").one_of(*accepted) if "accept" in body else "application/json",
        timeout=given.member("timeout").above_zero(MILLISECONDS_MAX) if "timeout" in body else None,
        cooldown=given.member("cooldown").above_zero(MILLISECONDS_MAX) if "cooldown" in body else None,
        receiver_info=receiver_info_of(given.member("receiverInfo"), scheme) if "receiverInfo" in body else (),
        notifier_info=_notifier_info(given.member("notifierInfo"), scheme) if "notifierInfo" in body else (),
    )


def endpoint_scheme(uri: str, given: Given) -> str:
    """The scheme of an endpoint's URI. Raises BadRequestData and OperationNotSupported."""
    wanted = "http://host/path, https://host/path, mqtt://host/topic or mqtts://host/topic"
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise given.refused(wanted) from None
    if parts.scheme not in HTTP_SCHEMES | MQTT_SCHEMES:
        raise OperationNotSupported(
            f"Notifications cannot be sent to a URI with the scheme '{parts.scheme[:40]}'.",
            pointer=given.pointer, clause="5.2.15", remedy=wanted,
        )  # fmt: skip
    if not host:
        raise given.refused(wanted)
    topic = unquote(parts.path.removeprefix("/"))
    if parts.scheme in MQTT_SCHEMES and (not topic or "#" in uri or not _NO_TOPIC.isdisjoint(topic)):
        raise refusal(
            "An MQTT endpoint names a topic, without wildcards.", given.pointer, "7.2", "mqtt://host:1883/city/alerts"
        )
    return parts.scheme


def receiver_info_of(given: Given, scheme: str) -> tuple[tuple[str, str], ...]:
    """The pairs of receiverInfo, which an HTTP endpoint gets as headers. Raises BadRequestData."""
    rows = _rows(given)
    for one in rows if scheme in HTTP_SCHEMES else ():
        key, value = _pair(one)
        if not _HEADER.fullmatch(key) or key.lower() in _OWN_HEADERS:
            raise one.member("key").refused("the name of an HTTP header that is not the connection's own")
        if not _HEADER_TEXT.fullmatch(value):
            raise one.member("value").refused("one line of text, as an HTTP header holds it")
    return tuple(map(_pair, rows))


def _notifier_info(given: Given, scheme: str) -> tuple[tuple[str, str], ...]:
    rows = _rows(given)
    for one in rows if scheme in MQTT_SCHEMES else ():
        key, value = _pair(one)
        if value not in _MQTT.get(key, (value,)):
            raise refusal(
                f"'{value[:60]}' is no value of {key}.", one.member("value").pointer, "7.2",
                "one of: " + ", ".join(_MQTT[key]),
            )  # fmt: skip
    return tuple(map(_pair, rows))


def _rows(given: Given) -> list[Given]:
    """The elements of a list of key-value pairs, which may be empty."""
    each = [] if given.value == [] else given.each(PAIRS_MAX)
    return [Given(one.value, one.pointer, "5.2.22") for one in each]


def _pair(given: Given) -> tuple[str, str]:
    value = given.needed("value")
    if not isinstance(value.value, str):
        raise refusal("A pair has a text as its value.", value.pointer, "5.2.22", '{"key": "…", "value": "…"}')
    return given.needed("key").text(), value.value
