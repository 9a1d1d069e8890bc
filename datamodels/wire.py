"""What NGSI-LD says of every entity, as JSON Schema: kinds of attributes, their members, names, URIs and instants.

With these definitions the schema of the normalized form takes exactly what the broker gives back as it came. What no
JSON Schema can say stays with the decoder: that a ring closes, that instances differ in their datasetId, that names
differ in what they mean and are the shortest that the @context has, and which characters beyond ASCII are letters.
"""

from __future__ import annotations

from typing import Final

from broker.decode.members import UNIT_CHARS_MAX
from broker.model.entity import INSTANCE_MEMBERS, VALUE_MEMBER
from broker.model.kinds import KIND_OF_MEMBER, PROOF, RELATIONSHIPS, SEALED, SYSTEM_MEMBERS, WITH_UNIT
from broker.model.names import SCOPE_CHARS_MAX, URI_CHARS_MAX
from broker.model.values import NGSI_LD_NULL, Json
from datamodels.forms import Schema

INSTANCES_MAX: Final = 1000
NO_NAMES: Final = (INSTANCE_MEMBERS | SEALED | {"id", "scope"}) - KIND_OF_MEMBER.keys() - {PROOF}
"""What no attribute of an entity is called: NGSI-LD has members of these names."""
PLACES: Final = ("location", "observationSpace", "operationSpace")
_DEPTH: Final = {
    "Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3,
}  # fmt: skip
_LEAST: Final = {"LineString": 2, "MultiLineString": 2, "Polygon": 4, "MultiPolygon": 4}
"""Positions of a line and of a ring."""

_SCHEME: Final = "[A-Za-z][A-Za-z0-9+.-]*:"
_UNSEEN: Final = (
    r"\u0080-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u2800\u3000\u3164\ue000-\uf8ff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
)
_IRI: Final = _SCHEME + r'[^\u0000-\u0020\u007f<>"{}|\\^`' + _UNSEEN + "]+"
_BEYOND: Final = r"\u00aa-\u1fff\u2070-\u218f\u2c00-\u2dff\u3005-\ud7ff\uf900-\ufaff"
_WORD: Final = f"[A-Za-z{_BEYOND}][A-Za-z0-9_{_BEYOND}]*"
_DAY: Final = (
    r"([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    r"|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)"
)

_NULL: Final[Schema] = {"const": NGSI_LD_NULL}
_NULLS: Final[list[Json]] = [NGSI_LD_NULL, [NGSI_LD_NULL], [{"object": NGSI_LD_NULL}], {"@none": NGSI_LD_NULL}, None]
_LABEL: Final[Schema] = {"not": {"type": ["object", "array"]}}
"""A member that is the broker's to write: what a client sends there is left out, whatever it is."""


def reference(name: str) -> Schema:
    """A reference to one of the definitions."""
    return {"$ref": f"#/$defs/{name}"}


def several(instance: Schema) -> Schema:
    """What an attribute's name holds: one instance, or a list of at least two, one of them without a datasetId."""
    unnamed: Schema = {"not": {"required": ["datasetId"]}}
    found: Schema = {"type": "array", "items": instance, "minItems": 2, "maxItems": INSTANCES_MAX}
    found |= {"contains": unnamed, "minContains": 0, "maxContains": 1}
    return {"if": {"type": "array"}, "then": found, "else": instance}


def entity_members() -> Schema:
    """The members that every entity may have, and the names that no attribute has."""
    members: Schema = dict.fromkeys(sorted(NO_NAMES - SYSTEM_MEMBERS - {"id", "type", "scope"}), False)
    members |= dict.fromkeys(sorted(SYSTEM_MEMBERS), _LABEL)
    places = {name: several(reference("GeoProperty")) for name in PLACES}
    context: Schema = {"@context": True, "scope": reference("scope"), "expiresAt": reference("time")}
    return {**members, **context, PROOF: several(reference("proof")), **places}


def typed(name: str) -> Schema:
    """The type of an entity: this one, alone or among others."""
    row: Schema = {"type": "array", "items": reference("name"), "contains": {"const": name}}
    return {"anyOf": [{"const": name}, row | {"minItems": 2, "uniqueItems": True}]}


def definitions() -> Schema:
    """`$defs` of a schema of the normalized form: one a kind of instance, and what they are made of."""
    kinds: list[Json] = [
        {"if": {"properties": {"type": {"const": kind}}}, "then": reference(kind)} for kind in VALUE_MEMBER
    ]
    one: Schema = {"properties": {"type": {"enum": [*VALUE_MEMBER]}}, "required": ["type"], "allOf": kinds}
    instances: Schema = {kind: _instance(kind) for kind in VALUE_MEMBER}
    return {**_names(), **_values(), **instances, "proof": _proof(), "attribute": several({"type": "object", **one})}


def _names() -> Schema:
    several_names: Schema = {"type": "array", "items": reference("name"), "minItems": 2, "uniqueItems": True}
    levels: Schema = {"type": "string", "maxLength": SCOPE_CHARS_MAX, "pattern": f"^/?{_WORD}(/{_WORD})*$"}
    scopes: Schema = {"type": "array", "items": levels, "minItems": 2, "uniqueItems": True}
    return {
        "uri": {"type": "string", "maxLength": URI_CHARS_MAX, "pattern": f"^{_IRI}$", "not": _NULL},
        "time": {
            "type": "string",
            "pattern": rf"^(?!0000){_DAY}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{{1,9}})?Z$",
        },
        "name": {"type": "string", "pattern": f"^({_WORD}|{_IRI})$", "not": _NULL},
        "names": {"anyOf": [reference("name"), several_names]},
        "scope": {"anyOf": [levels, scopes]},
    }


def _values() -> Schema:
    nested = reference("nested")
    text: Schema = {"type": "string", "not": _NULL}
    texts: Schema = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    degrees: list[Json] = [{"type": "number", "minimum": -most, "maximum": most} for most in (180, 90)]
    number: Schema = {"type": "number"}
    linked: Schema = {"properties": {"object": reference("uri")}, "required": ["object"], "additionalProperties": False}
    return {
        "nested": {
            "if": {"type": "object"},
            "then": {"additionalProperties": {"not": _NULL, **nested}},
            "else": {"items": nested},
        },
        "value": {"not": {"enum": _NULLS}, **nested},
        "position": {"type": "array", "prefixItems": degrees, "items": number, "minItems": 2, "maxItems": 3},
        "geometry": {"anyOf": [_geometry(kind) for kind in _DEPTH]},
        "links": {"anyOf": [reference("uri"), {"type": "array", "items": reference("uri"), "minItems": 1}]},
        "languages": {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": "^([A-Za-z]{1,8}([-_][A-Za-z0-9]{1,8})*|@none)$"},
            "additionalProperties": {"anyOf": [text, texts]},
        },
        "words": {"anyOf": [{**text, "minLength": 1}, {**texts, "items": {"type": "string", "minLength": 1}}],
                  "not": {"enum": _NULLS}},
        "json": {"type": ["object", "array"], "not": {"enum": _NULLS}},
        "list": {"type": "array", **reference("value")},
        "linkList": {"type": "array", "items": {"type": "object", **linked}, "not": {"enum": _NULLS}},
    }  # fmt: skip


_VALUE: Final = {
    "Property": "value", "GeoProperty": "geometry", "Relationship": "links", "LanguageProperty": "languages",
    "VocabProperty": "words", "JsonProperty": "json", "ListProperty": "list", "ListRelationship": "linkList",
}  # fmt: skip


def _geometry(kind: str) -> Schema:
    coordinates: Schema = reference("position")
    for level in range(_DEPTH[kind]):
        least = _LEAST.get(kind, 1) if level == 0 else 1
        coordinates = {"type": "array", "items": coordinates, "minItems": least}
    properties: Schema = {"type": {"const": kind}, "coordinates": coordinates}
    return {"type": "object", "properties": properties, "required": ["type", "coordinates"]}


def _instance(kind: str) -> Schema:
    """An instance of a kind; what is none of its members is a sub-attribute."""
    properties: Schema = dict.fromkeys(sorted(INSTANCE_MEMBERS | SEALED | {"id", "scope"}), False)
    properties |= dict.fromkeys(sorted(SYSTEM_MEMBERS | {"lang"}), _LABEL)
    properties |= {
        "type": {"const": kind},
        VALUE_MEMBER[kind]: reference(_VALUE[kind]),
        "datasetId": reference("uri"),
        "observedAt": reference("time"),
        "expiresAt": reference("time"),
        PROOF: several(reference("proof")),
    }
    if kind in WITH_UNIT:
        properties["unitCode"] = {"type": "string", "minLength": 1, "maxLength": UNIT_CHARS_MAX, "not": _NULL}
    if kind in RELATIONSHIPS:
        properties["objectType"] = reference("names")
    else:
        properties["valueType"] = {"type": "string", "minLength": 1, "maxLength": URI_CHARS_MAX, "not": _NULL}
    if kind == "LanguageProperty":
        properties["valueType"] = {"const": "langString"}
    return {
        "type": "object",
        "properties": properties,
        "required": ["type", VALUE_MEMBER[kind]],
        "propertyNames": reference("name"),
        "additionalProperties": reference("attribute"),
    }


def _proof() -> Schema:
    """A ngsildproof: a Property whose value is an object, with the sealed id and type beside it."""
    proof = _instance("Property")
    properties = proof["properties"]
    assert isinstance(properties, dict)
    sealed: Schema = {"entityIdSealed": {"type": "string"}, "entityTypeSealed": reference("names")}
    return {**proof, "properties": {**properties, **sealed, "value": {"type": "object", **reference("value")}}}
