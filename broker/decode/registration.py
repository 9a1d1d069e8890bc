"""A CSourceRegistration, or a fragment of one, from a body (clauses 5.2.8 to 5.2.11, 5.2.34, 5.9.2, 5.9.3).

A body is read to its members (`decode_registration`); a new registration is made of them (`created`), or an existing
one is revised by them (`revised`): what the members must be together is looked at then, on the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final
from urllib.parse import urlsplit

from broker.decode.credentials import decode_contract, decode_credentials, decode_info, header_text
from broker.decode.given import Given
from broker.decode.information import decode_information
from broker.decode.lifetime import decode_lifetime
from broker.decode.reading import Reading, attribute_iri, no_null, refusal
from broker.ldcontext.active import ActiveContext
from broker.model.geometry import check_geometry
from broker.model.names import is_scope
from broker.model.registration import OPERATION_GROUPS, OPERATIONS, Interval, Registration
from broker.model.secrets import HIDDEN, takes_secrets_along, unmasked_registration
from broker.model.values import NGSI_LD_NULL, Instant, Json

MILLISECONDS_MAX: Final = 86_400_000  # a day
TYPE: Final = "ContextSourceRegistration"
_CLAUSE: Final = "5.2.9"
_MODES: Final = ("inclusive", "exclusive", "redirect", "auxiliary")
_READ_ONLY: Final = frozenset(
    {"status", "timesSent", "timesFailed", "lastSuccess", "lastFailure", "createdAt", "modifiedAt", "deletedAt"}
)
_AUXILIARY: Final = frozenset({"retrieveOps", "retrieveEntity", "queryEntity"})
_NEEDED: Final = {"endpoint": "endpoint", "information": "information"}


@dataclass(frozen=True, slots=True)
class Received:
    """The members of a body, decoded, by the name of the field; None for one that is to go.

    `others` are the context source's own properties by IRI, None for one that is to go.
    """

    members: Mapping[str, Any]
    others: Mapping[str, Json]
    id: str | None = None


def decode_registration(body: Json, names: ActiveContext, *, fragment: bool = False) -> Received:
    """The members of a registration's body, `@context` left out; in a fragment a null removes a member.

    Raises BadRequestData.
    """
    given = Given(body, "", _CLAUSE)
    held = given.members()
    if "type" in held or not fragment:
        given.needed("type").one_of(TYPE)
    identifier = given.member("id").uri() if "id" in held else None
    members: dict[str, Any] = {}
    others: dict[str, Json] = {}
    for name, value in held.items():
        if name in _READ_ONLY or name in ("id", "type", "@context"):
            continue
        removed = fragment and (value is None or value == NGSI_LD_NULL)
        if name in _READERS:
            members |= _read(name, given.member(name), names, removed=removed)
        else:
            others[attribute_iri(name, "/" + name, Reading(names))] = None if removed else _own(given.member(name))
    return Received(members, others, identifier)


def created(received: Received, registration_id: str, now: Instant) -> Registration:
    """The new registration. Raises BadRequestData where its members don't go together (clause 5.9.2.4)."""
    for name, field in _NEEDED.items():
        if field not in received.members:
            raise refusal(f"The member '{name}' is missing.", "/" + name, _CLAUSE, f"a member '{name}'")
    made = Registration(id=registration_id, others=dict(received.others) or None, **received.members)
    return _checked(made, None, received, now)


def revised(current: Registration, received: Received, now: Instant) -> Registration:
    """The registration with the members that were received in the place of its own (clauses 5.5.8, 5.9.3.4).

    Raises BadRequestData.
    """
    if received.id is not None and received.id != current.id:
        raise refusal("The id of a registration stays as it is.", "/id", _CLAUSE, f'"id": "{current.id}", or no id')
    for name, field in _NEEDED.items():
        if received.members.get(field, ()) is None:
            raise refusal(f"A registration has '{name}'.", "/" + name, _CLAUSE, "another value in its place")
    members = {name: _DEFAULTS[name] if value is None else value for name, value in received.members.items()}
    others = {**(current.others if isinstance(current.others, dict) else {}), **received.others}
    kept: dict[str, Json] = {iri: value for iri, value in others.items() if value is not None}
    return _checked(replace(current, others=kept or None, **members), current, received, now)


def _checked(found: Registration, before: Registration | None, received: Received, now: Instant) -> Registration:
    """The registration, its secrets put in, where its members go together."""
    if found.expires_at is not None and "expires_at" in received.members and found.expires_at <= now:
        raise refusal("expiresAt has passed.", "/expiresAt", "5.9.2.4", "a moment that is still to come")
    if found.mode == "exclusive":
        _check_exclusive(found)
    if found.mode == "auxiliary" and not _AUXILIARY.issuperset(found.operations):  # none given: it is read, no more
        raise refusal(
            "An auxiliary source is only read.", "/operations", "5.9.2.4", "one or more of: retrieveOps, "
            "retrieveEntity, queryEntity",
        )  # fmt: skip
    if found.pass_tenant and found.tenant is not None:
        raise refusal(
            "passTenant passes the tenant of each request on, and tenant is always the same.", "/passTenant", _CLAUSE,
            "one of the two",
        )  # fmt: skip
    if before is not None and takes_secrets_along(found, before, received.members.keys()):
        raise refusal(
            "The secrets of the registration were for another endpoint.", "/endpoint", _CLAUSE,
            "the secrets again, in credentials and contextSourceInfo, or null in their place",
        )  # fmt: skip
    whole = unmasked_registration(found, before)
    if whole is None:
        raise refusal(
            f"'{HIDDEN}' stands for a secret that is not shown, and there is none to put in its place.",
            "/credentials" if "credentials" in received.members else "/contextSourceInfo", _CLAUSE,
            "the secret itself; a known one is kept for its own endpoint only",
        )  # fmt: skip
    return whole


def _check_exclusive(found: Registration) -> None:
    """Raise BadRequestData where it is not about named attributes of single entities (clause 4.3.6.3)."""
    for at, one in enumerate(found.information):
        pointer = f"/information/{at}"
        if not one.entities or any(info.id is None for info in one.entities):
            raise refusal(
                "An exclusive registration is about single entities.", pointer + "/entities", "4.3.6.3",
                "an id in each of the entities; or mode redirect",
            )  # fmt: skip
        if not one.attributes:
            raise refusal(
                "An exclusive registration names attributes.", pointer, "4.3.6.3",
                "propertyNames or relationshipNames; or mode redirect",
            )  # fmt: skip


def _own(given: Given) -> Json:
    """A property of the context source itself: any JSON but null."""
    if given.value is None or given.value == NGSI_LD_NULL:
        raise no_null(given.pointer)
    return given.value


def _read(name: str, given: Given, names: ActiveContext, *, removed: bool) -> dict[str, Any]:
    """The fields that a member makes: one, or the four of `management`."""
    field, read = _READERS[name]
    if name == "management":
        return dict.fromkeys(_MANAGEMENT) if removed else _management(given)
    return {field: None if removed else read(given, names)}


_MANAGEMENT: Final = ("timeout_ms", "cooldown_ms", "cache_duration", "management_local")


def _management(given: Given) -> dict[str, Any]:
    """The members of a RegistrationManagementInfo; what is not there is None (clause 5.2.34)."""
    held = given.members()
    found: dict[str, Any] = dict.fromkeys(_MANAGEMENT)
    for name, field in (("timeout", "timeout_ms"), ("cooldown", "cooldown_ms")):
        if name in held:
            found[field] = given.member(name).above_zero(MILLISECONDS_MAX)
    if "cacheDuration" in held:
        found["cache_duration"] = _duration(given.member("cacheDuration"), None)
    if "localOnly" in held:
        found["management_local"] = given.member("localOnly").flag()
    return found


def _duration(given: Given, _: ActiveContext | None) -> str:
    decode_lifetime(given)
    return given.text()


def _endpoint(given: Given, _: ActiveContext) -> str:
    """A URL that requests can be sent to."""
    text = given.uri()
    wanted = "a URL such as https://broker.example.org:1026"
    try:
        parts = urlsplit(text)
        usable = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise given.refused(wanted) from None
    if not usable or parts.query or parts.fragment:
        raise given.refused(wanted)
    if parts.username is not None:
        raise refusal("An endpoint holds no password.", given.pointer, _CLAUSE, "the secret in 'credentials'")
    return text


def _operations(given: Given, _: ActiveContext) -> tuple[str, ...]:
    found = []
    for one in given.each():
        if one.value not in OPERATIONS and one.value not in OPERATION_GROUPS:
            raise one.refused("an operation of clause 4.20 or a group of them, such as retrieveOps")
        found.append(one.text())
    return tuple(dict.fromkeys(found))


def _alias(given: Given, _: ActiveContext) -> str:
    text = header_text(given)
    if not set(text).isdisjoint(' ,;"()'):
        raise given.refused("a pseudonym, as it stands in a Via header")
    return text


def _datasets(given: Given, _: ActiveContext) -> tuple[str, ...]:
    each = [given] if isinstance(given.value, str) else given.each()
    return tuple(dict.fromkeys(one.text() if one.value == "@none" else one.uri() for one in each))


def _scopes(given: Given, _: ActiveContext) -> tuple[str, ...]:
    each = [given] if isinstance(given.value, str) else given.each()
    for one in each:
        if not is_scope(one.text()):
            raise one.refused("a scope: levels of letters, digits and '_': '/misono/east'")
    return tuple(dict.fromkeys(one.text() for one in each))


def _interval(given: Given, _: ActiveContext) -> Interval:
    start = given.needed("startAt").instant()
    end = given.member("endAt").instant() if "endAt" in given.members() else None
    if end is not None and end < start:
        raise given.member("endAt").refused("a moment that is not before startAt")
    return Interval(start, end)


def _geometry(given: Given, _: ActiveContext) -> Json:
    return check_geometry(given.value, given.pointer, "4.7.1")


def _some_text(given: Given, _: ActiveContext) -> str:
    return given.text()


_READERS: Final[dict[str, tuple[str, Callable[[Given, ActiveContext], Any]]]] = {
    "endpoint": ("endpoint", _endpoint),
    "information": ("information", decode_information),
    "mode": ("mode", lambda given, _: given.one_of(*_MODES)),
    "operations": ("operations", _operations),
    "tenant": ("tenant", lambda given, _: header_text(given)),
    "contextSourceAlias": ("alias", _alias),
    "contextSourceInfo": ("info", decode_info),
    "datasetId": ("dataset_ids", _datasets),
    "scope": ("scopes", _scopes),
    "expiresAt": ("expires_at", lambda given, _: given.instant()),
    "location": ("location", _geometry),
    "observationSpace": ("observation_space", _geometry),
    "operationSpace": ("operation_space", _geometry),
    "observationInterval": ("observation_interval", _interval),
    "managementInterval": ("management_interval", _interval),
    "refreshRate": ("refresh_rate", _duration),
    "registrationName": ("name", _some_text),
    "description": ("description", _some_text),
    "localOnly": ("management_local", lambda given, _: given.flag()),  # where peers put it that know no management
    "management": ("", _some_text),
    "contract": ("contract", decode_contract),
    "credentials": ("credentials", decode_credentials),
    "passTenant": ("pass_tenant", lambda given, _: given.flag()),
}
_DEFAULTS: Final[dict[str, Any]] = {one.name: one.default for one in fields(Registration)}
