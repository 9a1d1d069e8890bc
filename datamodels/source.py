"""What a package's source says, read: packages, models, attributes, vocabularies. Pure values.

Names are the terms of the package's @context; IRIs are whole. A text is one in Japanese and one in English, both there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from broker.model.values import Json

Kind: TypeAlias = Literal[
    "Property", "GeoProperty", "Relationship", "LanguageProperty", "VocabProperty", "ListProperty",
    "ListRelationship", "JsonProperty",
]  # fmt: skip
Presence: TypeAlias = Literal["required", "recommended", "optional"]
Personal: TypeAlias = Literal["none", "personal", "special-care"]
"""Of whom an attribute tells: nobody, a person (個人情報), or what needs special care (要配慮個人情報)."""


@dataclass(frozen=True, slots=True)
class Text:
    """`{ja: 住宅, en: House}`."""

    ja: str
    en: str


@dataclass(frozen=True, slots=True)
class Form:
    """What a value is: `type` in the words of JSON Schema, with `date`, `time`, `date-time`, `duration`, `uri` beside.

    `many` says that it is an array of such values, `alone` that a single one may also stand without the array.
    `members` are those of an object, by name; `required` which of them must be there. `fixed` are the values that there
    can be, where they are not a vocabulary's. `besides` are single values that it may have beyond its bounds, as the -1
    of a level that is not known. `iri` is that of a member: members are terms of the @context too.
    """

    type: Literal[
        "string", "number", "integer", "boolean", "object", "date", "time", "date-time", "duration", "uri", "any"
    ] = "any"
    many: bool = False
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    pattern: str = ""
    longest: int | None = None
    fixed: tuple[Json, ...] = ()
    members: Mapping[str, Form] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    iri: str = ""
    besides: tuple[Json, ...] = ()
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of one model.

    `kinds` are those that it may have, the usual one first. `unit` is a UN/CEFACT code; a value that comes with a
    unitCode of `units` is converted, of another one refused. `sign` says what positive means. `vocabulary` names the
    words of a VocabProperty, or the texts that a Property may have, of this package or `package:name`. `geometries` are
    the types of a GeoProperty, `targets` those of entities that a relationship may lead to (none: any). `same_as` maps
    a vocabulary of others (`saref`, `sosa`, `schema`, `dpv`, `cim`, …) to the IRI there.
    """

    name: str
    iri: str
    label: Text
    description: Text
    kinds: tuple[Kind, ...] = ("Property",)
    form: Form = Form()
    presence: Presence = "optional"
    unit: str = ""
    units: tuple[str, ...] = ()
    sign: Text | None = None
    vocabulary: str = ""
    geometries: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    personal: Personal = "none"
    same_as: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Word:
    """One value of a vocabulary."""

    name: str
    iri: str
    label: Text
    same_as: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Values of VocabProperties that belong together; `closed` says that there are no others."""

    name: str
    label: Text
    words: tuple[Word, ...]
    closed: bool = True


@dataclass(frozen=True, slots=True)
class MapStyle:
    """How an entity is drawn: a symbol's name, a colour (#rrggbb), and the attribute that tells its state."""

    symbol: str = "circle"
    colour: str = "#336699"
    by: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """One entity type. `based_on` are the standards and models that it follows, as IRIs or names of documents."""

    name: str
    iri: str
    version: str
    label: Text
    description: Text
    attributes: Mapping[str, Attribute]
    based_on: tuple[str, ...] = ()
    same_as: Mapping[str, str] = field(default_factory=dict)
    map: MapStyle = MapStyle()


@dataclass(frozen=True, slots=True)
class Package:
    """A package: its models and vocabularies by name. `context` is the URL of its @context, with the major version."""

    name: str
    version: str
    title: Text
    description: Text
    licence: str
    namespace: str
    context: str
    models: Mapping[str, Model]
    vocabularies: Mapping[str, Vocabulary]
    depends: Mapping[str, str] = field(default_factory=dict)
    attribution: tuple[str, ...] = ()
