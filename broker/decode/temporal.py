"""Histories as they are sent: the temporal representation of an entity (clauses 4.5.6 to 4.5.9, 5.2.20).

    {"id": "urn:ngsi-ld:House:1", "type": "House",
     "temperature": [{"type": "Property", "value": 20.5, "observedAt": "2026-01-01T00:00:00Z"}, …],
     "humidity": {"type": "Property", "values": [[61, "2026-01-01T00:00:00Z"], …]}}

An attribute holds instances, one or a list of any number, or it is in the simplified temporal representation. An
instance whose value is the NGSI-LD null says that the attribute was deleted (clause 5.5.4).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from broker.decode.attribute import decode_instance, twice
from broker.decode.entity import IDENTITY, PLACES, check_place, identity_of, is_plain, members_of
from broker.decode.members import decode_datetime
from broker.decode.reading import NO_ATTRIBUTES, Reading, below, no_attribute, refusal, shown
from broker.errors import BadRequestData
from broker.ldcontext.active import ActiveContext
from broker.model.entity import VALUE_MEMBER, Instance, as_list, member
from broker.model.kinds import is_instance
from broker.model.names import is_datetime, is_scope
from broker.model.values import NGSI_LD_NULL, Json

SCOPE = "scope"
INSTANCES_MAX = 10_000
"""Instances of one attribute in one request."""

_VALUES_MEMBER = {f"{name}s": (kind, name) for kind, name in VALUE_MEMBER.items() if kind != "GeoProperty"}
"""`values` -> (`Property`, `value`), `objectLists` -> (`ListRelationship`, `objectList`) (clause 4.5.9)."""
_WRAPPED = frozenset({"languageMap", "vocab", "json"})
_PAIR = 2
_SCOPE_MEMBERS = frozenset({"type", "value", "observedAt"})


@dataclass(slots=True)
class History:
    """What was sent of one entity's history: instances by attribute IRI, those of its scopes under `scope`.

    `id` is empty and `types` are none where a fragment leaves them out.
    """

    id: str = ""
    types: tuple[str, ...] = ()
    attributes: dict[str, list[Instance]] = field(default_factory=dict)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that were sent last: `("/misono/east",)`."""
        sent = self.attributes.get(SCOPE)
        return tuple(as_list(sent[-1]["value"])) if sent else ()


def decode_history(body: Json, names: ActiveContext) -> History:
    """The history in a body, whole or a fragment of one.

    Raises BadRequestData, which names the member at fault, and InvalidRequest for what is no object (clauses 4.5.6 to
    4.5.9, 5.5.4).
    """
    members = members_of(body)
    found = History()
    if not members.keys().isdisjoint(IDENTITY):
        given = {name: members[name] for name in IDENTITY & members.keys() if name != SCOPE}
        document = identity_of(given, Reading(names))
        found.id, found.types = str(document.get("id", "")), tuple(as_list(document.get("type")))
        if SCOPE in members:
            found.attributes[SCOPE] = _scopes(members[SCOPE], names)
    iris = names.iris
    for name, value in members.items():
        if name in IDENTITY:
            continue
        try:
            iri = iris[name]
        except BadRequestData as illegal:
            illegal.pointer = below("", name)
            raise
        if iri in found.attributes:
            raise twice(name, iri, below("", name))
        found.attributes[iri] = _attribute(name, iri, value, names)
    return found


def decode_replacement(body: Json, names: ActiveContext, name: str) -> Instance:
    """The one instance of attribute `name` (IRI) that takes the place of another (clause 5.6.14).

    It comes alone, or under its name as the only element of an array. Raises BadRequestData.
    """
    members = {key: value for key, value in members_of(body).items() if key not in ("id", "@id", "@context")}
    inner = [key for key in members if key not in IDENTITY and names.iris[key] == name]
    if len(inner) == 1 and not members.keys() - IDENTITY - set(inner):
        found = _attribute(inner[0], name, members[inner[0]], names)
        if len(found) != 1:
            raise refusal(
                f"There are {len(found)} instances.", below("", inner[0]), "5.6.14.3", "the one instance that is new"
            )
        return found[0]
    if not is_instance(members):
        raise refusal("The body is no instance.", "", "5.6.14.3", '{"type": "Property", "value": 20.5}, with its time')
    return _instance(members, "", "", names)


def _attribute(name: str, iri: str, value: Json, names: ActiveContext) -> list[Instance]:
    """The instances under an attribute's name."""
    if iri in NO_ATTRIBUTES:
        raise no_attribute(name, below("", name))
    sent = value if isinstance(value, list) and value and _is_instances(value) else [value]
    if len(sent) > INSTANCES_MAX:
        raise refusal(
            f"The attribute has {len(sent)} instances.",
            below("", name),
            "4.5.7",
            f"at most {INSTANCES_MAX} in a request",
        )
    found: list[Instance] = []
    for at, one in enumerate(sent):
        if type(one) is dict and is_plain(one):
            found.append(one)
            continue
        pointer = below(below("", name), at) if sent is value else below("", name)
        found += _series(one, pointer, name, names) or [_instance(one, pointer, name, names)]
    if iri in PLACES:
        check_place(name, member(found))
    return found


def _is_instances(value: list[Json]) -> bool:
    """Whether a list holds instances, and is not the value of one."""
    first = value[0]
    return isinstance(first, dict) and (is_instance(first) or not _VALUES_MEMBER.keys().isdisjoint(first))


def _instance(value: Json, pointer: str, name: str, names: ActiveContext) -> Instance:
    if not _says_deleted(value):
        return decode_instance(value, pointer, name, Reading(names))
    found = decode_instance(value, pointer, name, Reading(names, nulls=True))
    for key, held in found.items():
        if held == NGSI_LD_NULL and key not in VALUE_MEMBER.values():
            raise refusal(f"'{NGSI_LD_NULL}' is no {key}.", below(pointer, key), "5.5.4", "leave the member out")
    deleted_at = value.get("deletedAt") if isinstance(value, dict) else None
    if isinstance(deleted_at, str) and is_datetime(deleted_at):
        found["deletedAt"] = deleted_at.replace(",", ".")
    return found


def _says_deleted(value: Json) -> bool:
    if not isinstance(value, dict):
        return False
    return any(value.get(held) in (NGSI_LD_NULL, {"@none": NGSI_LD_NULL}) for held in VALUE_MEMBER.values())


def _series(value: Json, pointer: str, name: str, names: ActiveContext) -> list[Instance]:
    """The instances of a simplified temporal representation: `{"type": "Property", "values": [[1, "…Z"]]}`."""
    if not isinstance(value, dict):
        return []
    told = _VALUES_MEMBER.keys() & value.keys()
    if len(told) != 1 or value.keys() - {"type", "datasetId"} != told:
        return []
    key = told.pop()
    kind, held = _VALUES_MEMBER[key]
    pairs = value[key]
    if not isinstance(pairs, list) or value.get("type", kind) not in (kind, "GeoProperty"):
        raise refusal(f"{shown(pairs)} is no series.", below(pointer, key), "4.5.9", '[[20.5, "2026-01-01T00:00:00Z"]]')
    shared: Instance = {name: value[name] for name in ("type", "datasetId") if name in value}
    return [
        _instance({**_pair(pair, below(below(pointer, key), at), held, names), **shared}, pointer, name, names)
        for at, pair in enumerate(pairs)
    ]


def _pair(pair: Json, pointer: str, held: str, names: ActiveContext) -> Instance:
    if not isinstance(pair, list) or len(pair) != _PAIR:
        raise refusal(f"{shown(pair)} is no pair.", pointer, "4.5.9", "a value and its time")
    value, time = pair
    if held in _WRAPPED and isinstance(value, dict) and value.keys() == {held}:
        value = value[held]
    return {held: value, "observedAt": decode_datetime(time, below(pointer, 1), Reading(names))}


def _scopes(value: Json, names: ActiveContext) -> list[Instance]:
    """The history of the scope: instances (clause 4.5.6), or scopes alone, which are one instance without a time."""
    sent = value if isinstance(value, list) else [value]
    if sent and all(isinstance(one, dict) for one in sent):
        return [_scope(one, below("/scope", at), names) for at, one in enumerate(sent)]
    if not sent:
        raise refusal("The list of scopes is empty.", "/scope", "4.18", "one scope or more, or no member 'scope'")
    return [{"type": "Property", "value": _checked(value, "/scope")}]


def _scope(value: Json, pointer: str, names: ActiveContext) -> Instance:
    assert isinstance(value, dict)
    if value.get("type", "Property") != "Property" or "value" not in value:
        raise refusal("A scope has a 'value'.", pointer, "4.5.6", '{"type": "Property", "value": "/misono/east"}')
    found: Instance = {"type": "Property", "value": _checked(value["value"], below(pointer, "value"))}
    for key, one in value.items():
        if key == "observedAt":
            found[key] = decode_datetime(one, below(pointer, key), Reading(names))
        elif key not in _SCOPE_MEMBERS and key not in IDENTITY:
            raise refusal(
                f"A scope has no member {shown(key)}.", below(pointer, key), "4.5.6", "type, value and observedAt"
            )
    return found


def _checked(value: Json, pointer: str) -> Json:
    """One scope or several, without repetition; none at all says that they were deleted."""
    sent = value if isinstance(value, list) else [value]
    for one in sent:
        if not isinstance(one, str) or not is_scope(one):
            raise refusal(
                f"{shown(one)} is no scope.", pointer, "4.18", "levels of letters, digits and '_': '/misono/east'"
            )
    kept: list[Json] = list(dict.fromkeys(str(one) for one in sent))
    return kept[0] if len(kept) == 1 else kept
