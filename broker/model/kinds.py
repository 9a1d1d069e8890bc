"""Which kind an attribute instance is, and which members each kind may have (clauses 4.5.2, 4.5.3, 4.5.18 to 4.5.24).

The same rule serves both directions: what `decode` reads as a bare value, `encode` may write as one.
"""

from __future__ import annotations

from broker.model.entity import INSTANCE_MEMBERS, VALUE_MEMBER, Instance
from broker.model.geometry import GEOMETRY_TYPES
from broker.model.names import is_uri
from broker.model.values import Json

KIND_OF_MEMBER = {
    "value": "Property",
    "object": "Relationship",
    "languageMap": "LanguageProperty",
    "vocab": "VocabProperty",
    "json": "JsonProperty",
    "valueList": "ListProperty",
    "objectList": "ListRelationship",
}
"""Value member -> the kind it tells in the concise representation (`value` also tells a GeoProperty)."""

GEOMETRIES = GEOMETRY_TYPES | {"GeometryCollection"}  # the latter only to be refused
SYSTEM_MEMBERS = frozenset({"createdAt", "modifiedAt", "deletedAt", "instanceId"})
"""Members the broker makes; where a client sends them they are ignored (clause 5.2.2)."""

LISTS = frozenset({"ListProperty", "ListRelationship"})
RELATIONSHIPS = frozenset({"Relationship", "ListRelationship"})
WITH_UNIT = frozenset({"Property", "ListProperty"})
PROOF = "ngsildproof"
SEALED = frozenset({"entityIdSealed", "entityTypeSealed"})
"""Members of the proof Property alone (clause 4.5.2.2)."""

_VALUE_MEMBERS = frozenset(KIND_OF_MEMBER)
_TELLING = INSTANCE_MEMBERS | {"@type", "@context"}


def is_geometry(value: Json) -> bool:
    """Whether the value has the shape of a GeoJSON geometry: `{"type": "Point", "coordinates": […]}`."""
    if not isinstance(value, dict) or not ("coordinates" in value or "geometries" in value):
        return False
    kind = value.get("type")
    return isinstance(kind, str) and kind in GEOMETRIES


def is_instance(value: Json) -> bool:
    """Whether a JSON object reads as an attribute instance and not as a Property's value.

    `{"value": 1}`, `{"type": "Property", …}` and `{"observedAt": …, "accuracy": 1}` do;
    `{"city": "東京"}` and `{"@type": "xsd:date", "@value": "2026-01-01"}` do not.
    """
    if not isinstance(value, dict):
        return False
    if _TELLING.isdisjoint(value):
        return any(_is_normalized(one) for one in value.values())
    return "@value" not in value


def is_bare(kind: str, value: Json) -> bool:
    """Whether an attribute of this kind, with nothing but its value, may be written as that value alone.

    A list is bare unless it holds an object: those are read as several instances.
    """
    if kind == "GeoProperty":
        return is_geometry(value)
    if kind != "Property":
        return False
    if isinstance(value, list):
        return not any(isinstance(one, dict) for one in value)
    return not (is_instance(value) or is_dataset_map(value))


def is_dataset_map(value: Json) -> bool:
    """Whether the value is the simplified form of several instances: `{"dataset": {"@none": 1, "urn:x:1": 2}}`."""
    if not isinstance(value, dict) or value.keys() != {"dataset"}:
        return False
    held = value["dataset"]
    return isinstance(held, dict) and bool(held) and all(one == "@none" or is_uri(one) for one in held)


def told_kind(instance: Instance) -> str | None:
    """The kind that the value member of a concise instance tells; None where it has none."""
    told = _VALUE_MEMBERS & instance.keys()
    if not told:
        return None
    name = next(name for name in KIND_OF_MEMBER if name in told)
    if name == "value" and is_geometry(instance["value"]):
        return "GeoProperty"
    return KIND_OF_MEMBER[name]


def _is_normalized(value: Json) -> bool:
    if isinstance(value, list):
        return bool(value) and _is_normalized(value[0])
    if not isinstance(value, dict):
        return False
    kind = value.get("type")
    return isinstance(kind, str) and VALUE_MEMBER.get(kind) in value
