"""Entities as they are answered: normalized, concise, simplified (clauses 4.5.1 to 4.5.4, 4.15, 6.3.7, 6.3.11).

An answer may share parts with the stored document: it is written out and thrown away, never changed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, cast

from broker.encode.language import choose
from broker.ldcontext.active import ActiveContext
from broker.model.entity import INSTANCE_MEMBERS, VALUE_MEMBER, Document, Entity, Instance, as_list, instances, part_of
from broker.model.kinds import is_bare, is_geometry
from broker.model.values import NGSI_LD_NULL, Instant, Json, to_text

Format: TypeAlias = Literal["normalized", "concise", "simplified"]

_PLAIN = frozenset(
    {"type", "value", "object", "unitCode", "observedAt", "datasetId", "languageMap", "json", "valueList", "objectList"}
)
"""Members that are written as they are stored; an instance of these alone is part of the answer as it is."""

_SYSTEM = frozenset({"createdAt", "modifiedAt", "expiresAt", "deletedAt"})
_COMPACTED = frozenset({"vocab", "previousVocab", "valueType"})
_COMPACTED_TYPES = frozenset({"objectType", "entityTypeSealed"})
_LINKED = frozenset({"entity", "entityList"})
_WRAPPED = frozenset({"LanguageProperty", "VocabProperty", "JsonProperty"})


@dataclass(frozen=True, slots=True)
class Representation:
    """How entities are shown (clause 6.3.7): `lang` filters as 4.15 says, `dataset_ids` are kept (`@none`: default)."""

    format: Format = "normalized"
    sys_attrs: bool = False
    lang: str | None = None
    dataset_ids: frozenset[str] = frozenset()

    @property
    def is_plain(self) -> bool:
        """Whether this is the normalized representation of the whole entity without system attributes."""
        return self.format == "normalized" and not (self.sys_attrs or self.lang or self.dataset_ids)


def encode_entity(entity: Entity, representation: Representation, names: ActiveContext) -> dict[str, Json]:
    """The entity in a representation, names compacted; no @context.

    A Relationship whose instance holds `entity` (a document or several, `stamped` where system attributes are asked
    for) or `entityList` is shown with its linked entities inline (clause 4.5.23.2).
    """
    if representation.is_plain:
        return encode_normalized(entity.document, names)
    document = stamped(entity) if representation.sys_attrs else entity.document
    return encode_document(document, representation, names)


def encode_normalized(document: Document, names: ActiveContext) -> dict[str, Json]:
    """The normalized representation without system attributes: `{"id": …, "type": "House", "temperature": {…}}`."""
    terms = names.terms
    shown: dict[str, Json] = {}
    writer: _Writer | None = None
    for name, value in document.items():
        if type(value) is dict and _PLAIN.issuperset(value):
            shown[terms[name]] = value
            continue
        if writer is None:
            writer = _Writer(Representation(), names)
        writer.put(shown, name, value)
    return shown


def encode_document(document: Document, representation: Representation, names: ActiveContext) -> dict[str, Json]:
    """A document, `stamped` where system attributes are asked for, in a representation."""
    return _Writer(representation, names).document(document)


def encode_instance(
    instance: Instance, representation: Representation, names: ActiveContext, created: str | None = None
) -> Json:
    """One attribute instance, an object whatever the representation: in a history each has its time beside it.

    `created` is the entity's createdAt, which sub-attributes share unless they say otherwise.
    """
    return _Writer(representation, names, created).instance(instance, alone=False)


def encode_value(instance: Instance, representation: Representation, names: ActiveContext) -> Json:
    """What the simplified representation shows of one instance: `20.5`, or `{"vocab": "home"}` (clause 4.5.4)."""
    return _Writer(representation, names).simplified_value(instance)


def stamped(entity: Entity) -> Document:
    """The entity's document with its system attributes as members: `createdAt`, `modifiedAt`, `expiresAt`."""
    document = {
        **entity.document,
        "createdAt": to_text(entity.created_at),
        "modifiedAt": to_text(entity.modified_at),
    }
    if entity.expires_at is not None:
        document["expiresAt"] = short_text(entity.expires_at)
    return part_of(document, entity.document)


def short_text(instant: Instant) -> str:
    """`2026-01-01T00:00:00Z`: a time that a client gave, without a fraction it did not have."""
    return to_text(instant).replace(".000000Z", "Z")


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes one document; `created` is its createdAt, which its instances share unless they say otherwise."""

    representation: Representation
    names: ActiveContext
    created: str | None = None

    def document(self, document: Document) -> dict[str, Json]:
        writer = replace(self, created=cast("str | None", document.get("createdAt")))
        shown: dict[str, Json] = {}
        for name, value in document.items():
            writer.put(shown, name, value)
        return shown

    def put(self, shown: dict[str, Json], name: str, value: Json) -> None:
        """Put one member of a document into the answer, unless the representation leaves it out."""
        if name in ("id", "scope"):
            shown[name] = value
        elif name == "type":
            shown[name] = self._types(value)
        elif name in _SYSTEM:
            if self.representation.sys_attrs:
                shown[name] = value
        else:
            found = self._selected(instances(value))
            if found:
                shown[self.names.terms[name]] = self._attribute(found)

    def _selected(self, found: list[Instance]) -> list[Instance]:
        wanted = self.representation.dataset_ids
        return [one for one in found if one.get("datasetId", "@none") in wanted] if wanted else found

    def _attribute(self, found: list[Instance]) -> Json:
        if self.representation.format == "simplified":
            return self._simplified(found)
        return self._instances(found)

    def _instances(self, found: list[Instance]) -> Json:
        """One instance, or a list; in a list each is an object, for a bare value would make it an array of values."""
        if len(found) == 1:
            return self.instance(found[0], alone=True)
        return [self.instance(one, alone=False) for one in found]

    def _types(self, value: Json) -> Json:
        terms = self.names.terms
        return terms[value] if isinstance(value, str) else [terms[one] for one in as_list(value)]

    def _values(self, value: Json) -> Json:
        compact = self.names.compact_value
        if value == NGSI_LD_NULL:  # no word of the @context, whatever prefixes it has
            return value
        return compact(value) if isinstance(value, str) else [compact(one) for one in as_list(value)]

    def instance(self, instance: Instance, *, alone: bool) -> Json:
        """One instance with its sub-attributes, normalized or concise."""
        shown: dict[str, Json] = {}
        for name, value in self._in_language(instance).items():
            if name in _PLAIN:
                shown[name] = value
            elif name not in INSTANCE_MEMBERS:
                shown[self.names.terms[name]] = self._sub_attribute(value)
            elif name not in _SYSTEM:
                shown[name] = self._member(name, value)
            elif self.representation.sys_attrs:
                shown[name] = value
        if self.representation.sys_attrs and self.created is not None:
            created = shown.setdefault("createdAt", self.created)
            shown.setdefault("modifiedAt", created)
        return _concise(shown, alone=alone) if self.representation.format == "concise" else shown

    def _sub_attribute(self, value: Json) -> Json:
        if isinstance(value, str):  # the NGSI-LD null of a notification
            return value
        return self._instances(instances(value))

    def _member(self, name: str, value: Json) -> Json:
        if name in _COMPACTED:
            return self._values(value)
        if name in _COMPACTED_TYPES:
            return self._types(value)
        return self._linked(value) if name in _LINKED else value

    def _linked(self, value: Json) -> Json:
        if isinstance(value, list):
            return [self._linked(one) for one in value]
        inner = replace(self.representation, dataset_ids=frozenset())
        return encode_document(cast("Document", value), inner, self.names)

    def _in_language(self, instance: Instance) -> Instance:
        """A LanguageProperty as a Property in one language, where one is asked for (clause 4.15)."""
        if self.representation.lang is None or not isinstance(instance.get("languageMap"), dict):
            return instance
        tag, text = choose(cast("dict[str, Json]", instance["languageMap"]), self.representation.lang)
        rest = {name: value for name, value in instance.items() if name not in ("type", "languageMap", "valueType")}
        return {"type": "Property", "value": text, "lang": tag, **rest}

    def _simplified(self, found: list[Instance]) -> Json:
        """The value alone, or `{"dataset": {…}}` where instances have to be told apart (clause 4.5.4)."""
        alone = len(found) == 1 and ("datasetId" not in found[0] or bool(self.representation.dataset_ids))
        if alone:
            return self.simplified_value(found[0])
        return {"dataset": {str(one.get("datasetId", "@none")): self.simplified_value(one) for one in found}}

    def simplified_value(self, instance: Instance) -> Json:
        """The value alone; languages, vocabularies and JSON stay wrapped."""
        instance = self._in_language(instance)
        for name in ("entity", "entityList"):
            if name in instance:
                return self._linked(instance[name])
        kind = cast("str", instance["type"])
        name = VALUE_MEMBER[kind]
        value = instance[name]
        if kind == "ListRelationship":
            return _uris(value)
        if kind == "VocabProperty":
            value = self._values(value)
        return {name: value} if kind in _WRAPPED else value


def _uris(objects: Json) -> Json:
    """`[{"object": "urn:a:1"}]` gives `["urn:a:1"]` (clause 4.5.22.3)."""
    if not isinstance(objects, list):
        return objects
    return [one["object"] if isinstance(one, dict) else one for one in objects]


def _concise(instance: Instance, *, alone: bool) -> Json:
    """A normalized instance without what can be told from the rest (clauses 4.5.2.3, 4.5.3.3).

    `{"type": "Property", "value": 1}` gives `1`; with a unitCode, `{"value": 1, "unitCode": "CEL"}`. A Property whose
    value looks like a geometry keeps its type: it would be read as a GeoProperty.
    """
    kind = cast("str", instance["type"])
    rest = {name: value for name, value in instance.items() if name != "type"}
    if alone and rest.keys() == {"value"} and is_bare(kind, rest["value"]):
        return rest["value"]
    if kind == "ListRelationship":
        rest["objectList"] = _uris(rest["objectList"])
    ambiguous = "value" in rest and is_geometry(rest["value"]) != (kind == "GeoProperty")
    return {"type": kind, **rest} if ambiguous else rest
