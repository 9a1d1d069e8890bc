"""Entities and fragments: wire forms to the document of `model.entity` (clauses 4.5.1, 4.5.4, 5.2.4, 5.5.4).

Normalized and concise attributes may be mixed. The parsed JSON belongs to the decoder: an instance that needs no
change becomes part of the document as it is, which is what most instances of most requests do.
"""

from __future__ import annotations

from functools import lru_cache

from broker.decode.attribute import decode_instance, decode_member, twice
from broker.decode.members import decode_datetime, decode_types, decode_uri
from broker.decode.reading import (
    NGSI_LD,
    NO_ATTRIBUTES,
    Reading,
    attribute_iri,
    below,
    no_attribute,
    no_null,
    refusal,
    shown,
)
from broker.decode.values import decode_value
from broker.errors import BadRequestData, InvalidRequest
from broker.ldcontext.active import ActiveContext
from broker.model.entity import ATTRIBUTES_MAX, VALUE_MEMBER, Document, instances
from broker.model.kinds import PROOF, SYSTEM_MEMBERS, is_dataset_map, is_geometry, told_kind
from broker.model.names import is_datetime, is_scope, is_uri
from broker.model.values import NGSI_LD_NULL, Json

PLACES = frozenset(NGSI_LD + term for term in ("location", "observationSpace", "operationSpace"))
_SPECIAL = NO_ATTRIBUTES | PLACES | {NGSI_LD + PROOF}
_UNIT_CHARS_PLAIN = 3
_PLAIN = frozenset({"type", "value", "unitCode", "observedAt"})
IDENTITY = frozenset({"id", "@id", "type", "@type", "scope", "expiresAt", "@context"}) | SYSTEM_MEMBERS
_WRAPS = frozenset({"languageMap", "json", "vocab"})


def decode_entity(body: Json, names: ActiveContext) -> Document:
    """A whole entity, to be created or to replace another.

    `{"id": "urn:ngsi-ld:House:1", "type": "House", "temperature": 20.5}` gives `{"id": "urn:ngsi-ld:House:1",
    "type": "https://…/House", "https://…/temperature": {"type": "Property", "value": 20.5}}`.

    Raises BadRequestData, which names the member at fault, and InvalidRequest for what is no object (clauses 4.5.1,
    5.5.4); so do the other functions here.
    """
    members, reading = members_of(body), _reading(names)
    document = identity_of(members, reading)
    for name in ("id", "type"):
        if name not in document:
            raise refusal(
                f"The entity has no '{name}'.", f"/{name}", "4.5.1", f"a member '{name}' beside the attributes"
            )
    _attributes(members, document, reading)
    return document


_reading = lru_cache(maxsize=64)(Reading)
"""The plain way to read a document, which is that of nearly all, by its names."""


def decode_fragment(
    body: Json, names: ActiveContext, *, nulls: bool, simplified: bool = False, merge: bool = False
) -> Document:
    """A part of an entity: `id` and `type` may be absent, and with `nulls` members may be the NGSI-LD null.

    `merge`: nulls may stand inside of values too, and instances may lack their value (clause 5.5.12). `simplified`:
    each attribute is a value alone (clause 4.5.4); it implies `merge`, and kinds are guesses.

    Raises BadRequestData (clauses 4.5.1, 5.5.4).
    """
    reading = Reading(names, nulls=nulls, merge=merge or simplified)
    members = members_of(body)
    document = identity_of(members, reading)
    (_simplified if simplified else _attributes)(members, document, reading)
    return document


def decode_simplified(body: Json, names: ActiveContext) -> Document:
    """A whole entity in the simplified representation (clause 4.5.4), for import.

    `{"id": "urn:ngsi-ld:House:1", "type": "House", "owner": "urn:ngsi-ld:Person:1", "size": {"type": "big"}}`: what
    the concise representation would not take as a value (`size`) is a value here, and a text that starts with
    `urn:ngsi-ld:` is read as a Relationship.

    Raises BadRequestData (clauses 4.5.1, 5.5.4).
    """
    members = members_of(body)
    reading = Reading(names)
    document = identity_of(members, reading)
    for name in ("id", "type"):
        if name not in document:
            raise refusal(
                f"The entity has no '{name}'.", f"/{name}", "4.5.1", f"a member '{name}' beside the attributes"
            )
    _simplified(members, document, reading)
    for name, instance in document.items():
        if isinstance(instance, dict) and _is_reference(instance.get("value")):
            document[name] = {"type": "Relationship", "object": instance["value"]}
    return document


def is_simplified(body: Json) -> bool:
    """Whether an entity as it came is simplified and neither normalized nor concise: no member is an instance."""
    if not isinstance(body, dict):
        return False
    return not any(_is_typed(one) for name, one in body.items() if name not in IDENTITY)


def members_of(body: Json) -> dict[str, Json]:
    """The body as an object of no more members than an entity has. Raises InvalidRequest, BadRequestData."""
    if not isinstance(body, dict):
        raise InvalidRequest(
            f"An entity is a JSON object, not {shown(body)}.", clause="5.5.4", remedy='{"id": "urn:…", "type": "…", …}'
        )
    if len(body) > ATTRIBUTES_MAX:
        raise refusal(
            f"The entity has {len(body)} members.", "", "4.5.1", f"at most {ATTRIBUTES_MAX}, or several entities"
        )
    return body


def identity_of(members: dict[str, Json], reading: Reading) -> Document:
    """The members that are no attributes: `id`, `type`, `scope` and `expiresAt`, where they are there."""
    document: Document = {}
    for name, alias in (("id", "@id"), ("type", "@type")):
        given = name if name in members else alias
        if given not in members:
            continue
        if alias != given and alias in members:
            raise refusal(f"'{name}' and '{alias}' mean the same.", f"/{alias}", "4.5.1", f"'{name}' alone")
        read = _types if name == "type" else _id
        document[name] = read(members[given], "/" + given, reading)
    if "scope" in members:
        document["scope"] = _scope(members["scope"], reading)
    for name in SYSTEM_MEMBERS & members.keys():
        if isinstance(members[name], dict | list):
            raise no_attribute(name, "/" + name)
    if "expiresAt" in members:
        document["expiresAt"] = decode_datetime(members["expiresAt"], "/expiresAt", reading)
    return document


def _id(value: Json, pointer: str, _: Reading) -> Json:
    return decode_uri(value, pointer, "4.5.1")


def _types(value: Json, pointer: str, reading: Reading) -> Json:
    if value == NGSI_LD_NULL:
        raise refusal("An entity keeps its types.", pointer, "5.5.4", "a type name, or an array of type names")
    return decode_types(value, pointer, reading)


def _scope(value: Json, reading: Reading) -> Json:
    """One scope or several, without repetition: `"/misono/east"` (clause 4.18)."""
    if value == NGSI_LD_NULL and reading.nulls:
        return value
    if value is None:
        raise no_null("/scope")
    given = value if isinstance(value, list) else [value]
    for one in given:
        if not isinstance(one, str) or not is_scope(one):
            raise refusal(
                f"{shown(one)} is no scope.", "/scope", "4.18", "levels of letters, digits and '_': '/misono/east'"
            )
    if not given:
        raise refusal("The list of scopes is empty.", "/scope", "4.18", "one scope or more, or no member 'scope'")
    kept = list(dict.fromkeys(given))
    return kept if len(kept) > 1 else kept[0]


def _attributes(members: dict[str, Json], document: Document, reading: Reading) -> None:
    """Put every attribute into the document; the plain ones without a further look."""
    iris = reading.names.iris
    for name, value in members.items():
        if name in IDENTITY:
            continue
        try:
            iri = iris[name]
        except BadRequestData as illegal:
            illegal.pointer = below("", name)
            raise
        if iri in document:
            raise twice(name, iri, below("", name))
        if iri in _SPECIAL:
            document[iri] = _special(name, iri, value, reading)
        elif type(value) is dict and is_plain(value):
            document[iri] = value
        else:
            document[iri] = decode_member(value, below("", name), name, reading)


def _special(name: str, iri: str, value: Json, reading: Reading) -> Json:
    """An attribute of a name to which the core @context gives a meaning (clauses 4.5.1, 4.5.2.2, 4.7.1)."""
    if iri in NO_ATTRIBUTES:
        raise no_attribute(name, below("", name))
    held = decode_member(value, below("", name), name, reading)
    if iri in PLACES:
        check_place(name, held)
    return held


def check_place(name: str, held: Json) -> None:
    """Raise BadRequestData where a place of the core @context is no GeoProperty (clause 4.7.1)."""
    for instance in [] if isinstance(held, str) else instances(held):  # a text is the null: it takes the place away
        if instance.get("type", "GeoProperty") != "GeoProperty":
            raise refusal(
                f"'{name}' is a GeoProperty, not a {instance['type']}.",
                below("", name),
                "4.7.1",
                'a geometry: {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139.7, 35.7]}}',
            )


def is_plain(value: dict[str, Json]) -> bool:
    """Whether this is a normalized Property of a scalar with at most a unit and a time: nothing needs to change."""
    if not _PLAIN.issuperset(value) or value.get("type") != "Property":
        return False
    held = value.get("value")
    if held is None or held.__class__ in (dict, list) or held == NGSI_LD_NULL:
        return False
    members = 2
    if "observedAt" in value:
        observed = value["observedAt"]
        if observed.__class__ is not str or not is_datetime(observed) or "," in observed:
            return False
        members = 3
    if members == len(value):
        return True
    unit = value.get("unitCode")
    return unit.__class__ is str and 0 < len(unit) <= _UNIT_CHARS_PLAIN  # longer ones, and the null, go the long way


def _simplified(members: dict[str, Json], document: Document, reading: Reading) -> None:
    for name, value in members.items():
        if name in IDENTITY:
            continue
        pointer = below("", name)
        iri = attribute_iri(name, pointer, reading)
        if iri in document:
            raise twice(name, iri, pointer)
        document[iri] = held = _simplified_member(value, pointer, name, reading)
        if iri in PLACES:
            check_place(name, held)


def _simplified_member(value: Json, pointer: str, name: str, reading: Reading) -> Json:
    """A value alone; wrapped ones (`languageMap`, `json`, `vocab`, `dataset`) tell their kind (clause 4.5.4)."""
    if value == NGSI_LD_NULL or is_dataset_map(value) or is_geometry(value):
        return decode_member(value, pointer, name, reading)
    if isinstance(value, dict) and len(value) == 1 and not _WRAPS.isdisjoint(value):
        return decode_instance(value, pointer, name, reading)
    return {"type": "Property", "value": decode_value("Property", value, pointer, reading)}


def _is_reference(value: Json) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_is_reference(one) for one in value)
    return isinstance(value, str) and value.startswith("urn:ngsi-ld:") and is_uri(value)


def _is_typed(value: Json) -> bool:
    """Whether the value is an attribute instance, or was meant as one: `{"type": "string", "value": "x"}`."""
    if isinstance(value, list):
        return bool(value) and _is_typed(value[0])
    if not isinstance(value, dict) or is_geometry(value) or _WRAPS.issuperset(value):
        return False
    kind = value.get("type")
    return told_kind(value) is not None or (isinstance(kind, str) and kind in VALUE_MEMBER)
