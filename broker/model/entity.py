"""An entity as this broker holds it: its expanded document and its system attributes (clause 4.5.1).

The *document* is the normalized representation with every name expanded, exactly what is stored:

    {"id": "urn:ngsi-ld:House:1", "type": "https://…/House",            one type, or a list of several
     "scope": "/misono/east",                                            absent, one scope, or a list of several
     "https://…/temperature": {"type": "Property", "value": 20.5, "unitCode": "CEL",
                               "https://…/accuracy": {"type": "Property", "value": 0.1}},
     "https://…/name": [{"type": "Property", "value": "a"},              a list only for two or more instances,
                        {"type": "Property", "value": "b", "datasetId": "urn:x:1"}]}      one a datasetId

The same holds for sub-attributes at every depth. Attribute names are IRIs (they hold a colon), so that they never
meet the members of 4.5. Vocab terms and objectType are stored expanded. An instance carries `createdAt` only where
it differs from the entity's, and `modifiedAt` only where it differs from its own createdAt. Documents are
never changed in place once they are in an Entity: a change makes a new document and shares what it keeps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias, cast

from broker.model.values import Instant, Json

Instance: TypeAlias = dict[str, Json]
Document: TypeAlias = dict[str, Json]

ATTRIBUTES_MAX = 2000
"""Members an entity may have, and sub-attributes an instance."""
ENTITY_MEMBERS = frozenset({"id", "type", "scope"})
INSTANCE_MEMBERS = frozenset(
    {
        "type", "value", "object", "languageMap", "vocab", "json", "valueList", "objectList", "valueType",
        "objectType", "unitCode", "observedAt", "datasetId", "expiresAt", "createdAt", "modifiedAt", "deletedAt",
        "instanceId", "ngsildproof", "entityIdSealed", "entityTypeSealed", "lang", "entity", "entityList",
        "previousValue", "previousObject",
        "previousLanguageMap", "previousVocab", "previousJson", "previousValueList", "previousObjectList",
    }
)  # fmt: skip
VALUE_MEMBER = {
    "Property": "value",
    "GeoProperty": "value",
    "Relationship": "object",
    "LanguageProperty": "languageMap",
    "VocabProperty": "vocab",
    "JsonProperty": "json",
    "ListProperty": "valueList",
    "ListRelationship": "objectList",
}
"""Attribute kind -> the member that holds its value (clauses 5.2.5 to 5.2.7, 5.2.32, 5.2.35 to 5.2.38)."""


@dataclass(slots=True)
class Entity:  # never changed once made; not `frozen`, which would double the time to make one
    """A stored entity. `version` starts at 1, rises by one a write, and is the ETag."""

    document: Document
    created_at: Instant
    modified_at: Instant
    expires_at: Instant | None = None
    version: int = 1

    @property
    def id(self) -> str:
        """The entity's URI."""
        return cast(str, self.document["id"])

    @property
    def types(self) -> list[str]:
        """Its type IRIs, one or more."""
        return as_list(self.document["type"])

    @property
    def scopes(self) -> list[str]:
        """Its scopes, none or more: `["/misono/east"]`."""
        return as_list(self.document.get("scope"))

    def attributes(self) -> Iterator[tuple[str, list[Instance]]]:
        """Yield each attribute's IRI and its instances, one a datasetId."""
        for name, value in self.document.items():
            if name not in ENTITY_MEMBERS:
                yield name, instances(value)

    def instances(self, name: str) -> list[Instance]:
        """The instances of attribute `name`; none where the entity lacks it."""
        return instances(self.document.get(name)) if name not in ENTITY_MEMBERS else []


class Part(dict[str, Json]):
    """Members of a document from which a projection took its id or type; `of` is `(id, types)` for all that."""

    __slots__ = ("of",)

    def __init__(self, members: Document, of: tuple[str, list[str]]) -> None:
        super().__init__(members)
        self.of = of


def part_of(members: Document, whole: Document) -> Document:
    """Members that come from a document: who they are of stays known, whatever was left out."""
    return members if "id" in members and "type" in members else Part(members, identity_of(whole))


def identity_of(document: Document) -> tuple[str, list[str]]:
    """The id and types of a document, also where a projection took them; `("", [])` of what never had any."""
    if isinstance(document, Part):
        return document.of
    return cast(str, document.get("id", "")), as_list(document.get("type"))


def instances(value: Json) -> list[Instance]:
    """The instances an attribute member holds: none, one, or a list of two and more."""
    if isinstance(value, list):
        return cast("list[Instance]", value)
    return [] if value is None else [cast("Instance", value)]


def member(found: list[Instance]) -> Json:
    """The member that holds these instances: one stands alone, more in a list."""
    return cast("Json", found[0] if len(found) == 1 else found)


def sub_attributes(instance: Instance) -> Iterator[tuple[str, list[Instance]]]:
    """Yield the IRI and the instances of each sub-attribute of an instance."""
    for name, value in instance.items():
        if name not in INSTANCE_MEMBERS:
            yield name, instances(value)


def as_list(value: Json) -> list[str]:
    """`None`, `"a"`, `["a", "b"]` as a list of text."""
    if value is None:
        return []
    return cast("list[str]", value if isinstance(value, list) else [value])
