"""JSON Schema 2020-12 of a model, in three spellings of an entity.

    simplified   the simplified form (clause 4.5.4), by terms: what vendors' schemas of today describe
    normalized   the normalized form, by terms: what a client sends
    stored       the normalized form with whole IRIs, as the broker keeps it: what the gate holds entities to

An entity may have more attributes than its model names; those that it names are as the model says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from broker.model.values import Json
from datamodels import wire
from datamodels.forms import Schema, schema_of, value_schema_of
from datamodels.source import Attribute, Form, Kind, Model, Vocabulary

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_URI: Final[Schema] = {"type": "string", "pattern": r"^[A-Za-z][A-Za-z0-9+.-]*:\S*$"}
_TAG: Final = r"^([A-Za-z]{1,8}([-_][A-Za-z0-9]{1,8})*|@none)$"
_GEOMETRIES: Final = ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon")

WordsOf = Callable[[str], Vocabulary]
"""Gives the vocabulary that an attribute names; those of other packages too."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """How names stand in a document: `attribute` and `type` spell them, `word` a value of a vocabulary."""

    attribute: Callable[[Attribute], str]
    type: Callable[[Model], str]
    word: Callable[[str, str], str]


TERMS: Final = Spelling(lambda one: one.name, lambda one: one.name, lambda name, _iri: name)
IRIS: Final = Spelling(lambda one: one.iri, lambda one: one.iri, lambda _name, iri: iri)


def simplified(model: Model, words: WordsOf) -> Schema:
    """The schema of the simplified form; several instances of an attribute stand in its `dataset` there."""
    properties: Schema = {}
    for one in model.attributes.values():
        value = _any_of([_simplified(kind, one, words) for kind in one.kinds])
        properties[one.name] = _any_of([value, _datasets(value)])
    return _entity(model, TERMS, properties)


def normalized(model: Model, words: WordsOf, spelling: Spelling = TERMS) -> Schema:
    """The schema of the normalized form, by terms or by whole IRIs.

    By terms it has all that NGSI-LD says of an entity as well; what is stored has passed the decoder already.
    """
    properties: Schema = {}
    for one in model.attributes.values():
        instance = _any_of([_instance(kind, one, words, spelling) for kind in one.kinds])
        properties[spelling.attribute(one)] = wire.several(instance)
    if spelling is not TERMS:
        return _entity(model, spelling, properties)
    head: Schema = {"id": wire.reference("uri"), "type": wire.typed(model.name)}
    schema = _entity(model, spelling, wire.entity_members() | properties | head)
    named: Schema = {"anyOf": [wire.reference("name"), {"const": "@context"}]}
    return schema | {
        "propertyNames": named,
        "additionalProperties": wire.reference("attribute"),
        "$defs": wire.definitions(),
    }


def _entity(model: Model, spelling: Spelling, properties: Schema) -> Schema:
    name = spelling.type(model)
    types: Schema = {"anyOf": [{"const": name}, {"type": "array", "contains": {"const": name}}]}
    required = [spelling.attribute(one) for one in model.attributes.values() if one.presence == "required"]
    return {
        "$schema": DIALECT,
        "title": model.label.en,
        "description": model.description.en,
        "type": "object",
        "properties": {"id": _URI, "type": types, **properties},
        "required": ["id", "type", *required],
    }


def _simplified(kind: Kind, one: Attribute, words: WordsOf) -> Schema:
    member, value_of = _VALUES[kind]
    value = _property(one, words, schema_of) if kind == "Property" else value_of(one, words, TERMS)
    return value if kind in _BARE else _object(member, value)


def _instance(kind: Kind, one: Attribute, words: WordsOf, spelling: Spelling) -> Schema:
    member, value_of = _VALUES[kind]
    properties: Schema = {"type": {"const": kind}, member: value_of(one, words, spelling)}
    if one.unit and kind in ("Property", "ListProperty"):
        units: list[Json] = [one.unit, *one.units]
        properties["unitCode"] = {"enum": units}
    instance: Schema = {"type": "object", "properties": properties, "required": ["type", member]}
    return instance | wire.reference(kind) if spelling is TERMS else instance


def _linked(_one: Attribute, _words: WordsOf, _spelling: Spelling) -> Schema:
    return _any_of([_URI, _array(_URI)])


def _links(_one: Attribute, _words: WordsOf, _spelling: Spelling) -> Schema:
    return _array(_any_of([_URI, _object("object", _URI)]))


def _property(one: Attribute, words: WordsOf, by_form: Callable[[Form], Schema]) -> Schema:
    """A Property's value; one whose texts are a vocabulary's has the words as they are."""
    vocabulary = words(one.vocabulary) if one.vocabulary else None
    if vocabulary is None or not vocabulary.closed:
        return by_form(one.form)
    word: Schema = {"enum": [each.name for each in vocabulary.words]}
    return _array(word) if one.form.many else word


def _vocab(one: Attribute, words: WordsOf, spelling: Spelling) -> Schema:
    vocabulary = words(one.vocabulary) if one.vocabulary else None
    word: Schema = {"type": "string"}
    if vocabulary is not None and vocabulary.closed:
        word = {"enum": [spelling.word(each.name, each.iri) for each in vocabulary.words]}
    elif vocabulary is None:
        return _any_of([word, _array(word)])
    return {**_array(word), "minItems": 1} if one.form.many else word


def _languages(one: Attribute, _words: WordsOf, _spelling: Spelling) -> Schema:
    text: Schema = schema_of(one.form) if one.form.type == "string" else {"type": "string"}
    value = _any_of([text, _array(text)])
    return {"type": "object", "propertyNames": {"pattern": _TAG}, "additionalProperties": value, "minProperties": 1}


def _geometry(one: Attribute, _words: WordsOf, _spelling: Spelling) -> Schema:
    """A geometry of the types that the model takes; that its rings close is for the decoder to see."""
    kinds: list[Json] = [*(one.geometries or _GEOMETRIES)]
    return {
        "type": "object",
        "properties": {"type": {"enum": kinds}, "coordinates": {"type": "array", "minItems": 1}},
        "required": ["type", "coordinates"],
    }


def _datasets(value: Schema) -> Schema:
    return _object("dataset", {"type": "object", "additionalProperties": value, "minProperties": 1})


def _array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _object(member: str, value: Schema) -> Schema:
    return {"type": "object", "properties": {member: value}, "required": [member]}


def _any_of(schemas: list[Schema]) -> Schema:
    return schemas[0] if len(schemas) == 1 else {"anyOf": [*schemas]}


_VALUES: Final[Mapping[Kind, tuple[str, Callable[[Attribute, WordsOf, Spelling], Schema]]]] = {
    "Property": ("value", lambda one, words, _: _property(one, words, value_schema_of)),
    "GeoProperty": ("value", _geometry),
    "Relationship": ("object", _linked),
    "LanguageProperty": ("languageMap", _languages),
    "VocabProperty": ("vocab", _vocab),
    "ListProperty": ("valueList", lambda one, _words, _: _array(value_schema_of(one.form))),
    "ListRelationship": ("objectList", _links),
    "JsonProperty": ("json", lambda one, _words, _: schema_of(one.form)),
}
_BARE: Final = frozenset({"Property", "GeoProperty", "Relationship"})
"""Kinds whose value stands alone in the simplified form."""
