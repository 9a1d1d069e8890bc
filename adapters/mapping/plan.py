"""What a mapping's file says, compiled: names are IRIs, templates are read, rules lie by their quantity."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from adapters.mapping.templates import Template
from adapters.mapping.values import Rule
from broker.ldcontext.active import ActiveContext
from broker.model.values import Json

Kind: TypeAlias = Literal[
    "Property", "VocabProperty", "LanguageProperty", "JsonProperty", "ListProperty", "GeoProperty", "Relationship"
]
READING_QUALITY: Final = "https://misono.example/def/readingQuality"
"""The sub-attribute of a value that the device itself is not sure of: `uncertain`."""


@dataclass(frozen=True, slots=True, eq=False)  # each is itself: told apart without being compared
class Member:
    """One member of a value that is an object: `L1` of `current`; the first source that is there is taken."""

    sources: tuple[str, ...]
    rule: Rule


@dataclass(frozen=True, slots=True, eq=False)
class AttributeRule:
    """One attribute instance of an entity.

    `sources` are quantities, the first one that is there is taken; `@observedAt`, `@receivedAt` and `@name` of what a
    template knows are there always. `members` make an object, `places` (longitude, latitude, altitude) a point,
    `link` an object id; `dataset` makes it one of several instances. `observed` is whether observedAt stands with it,
    `doubtful` whether a name of the wire may be none that an attribute has.
    """

    name: str
    iri: str
    names: ActiveContext
    kind: Kind = "Property"
    sources: tuple[str, ...] = ()
    rule: Rule = field(default_factory=Rule)
    members: Mapping[str, Member] = field(default_factory=dict)
    places: tuple[str, ...] = ()
    link: Template | None = None
    language: str = ""
    dataset: Template | None = None
    observed: bool = True
    doubtful: bool = False
    simple: bool = field(init=False)
    """Whether a number or a text makes the instance without being looked at again."""

    def __post_init__(self) -> None:
        simple = self.kind == "Property" and self.dataset is None and not self.doubtful
        object.__setattr__(self, "simple", simple)

    @property
    def triggers(self) -> frozenset[str]:
        """The quantities of which one must be there."""
        every = (*self.sources, *self.places, *(one for member in self.members.values() for one in member.sources))
        return frozenset(one for one in every if not one.startswith("@"))


@dataclass(frozen=True, slots=True)
class When:
    """Which Readings an entity is made of: their part, their facts, which quantities are there (all, or any)."""

    part: re.Pattern[str] | None = None
    facts: Mapping[str, re.Pattern[str]] = field(default_factory=dict)
    has: frozenset[str] = frozenset()
    any: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class EntityRule:
    """One entity of a message. `others`: quantities that no rule takes become Properties of their own names."""

    id: Template
    type: str
    names: ActiveContext
    attributes: tuple[AttributeRule, ...]
    when: When | None = None
    fixed: Mapping[str, Json] = field(default_factory=dict)
    others: bool = False
    by_quantity: Mapping[str, tuple[AttributeRule, ...]] = field(default_factory=dict)
    always: tuple[AttributeRule, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandRule:
    """An attribute whose change is a command: `CommandRule("https://…/chargingLimit", "SetChargingProfile", …)`.

    `entity_type` (IRI) is which entity of the mapping has it. The attribute's value, in `unit`, becomes the
    device's by `words` (attribute's word -> device's), or by `times` and `plus`. `settings` are all other members of
    the file, for whoever checks limits; `names` expands the attributes that they name.
    """

    attribute: str
    term: str
    name: str
    entity_type: str
    names: ActiveContext
    unit: str = ""
    times: float = 1
    plus: float = 0
    words: Mapping[str, Json] | None = None
    settings: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """A test inside of the file, as it stands there; trying.py runs it."""

    about: str
    body: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class DeviceMapping:
    """A mapping's file, read: `read_mapping` makes it, `apply` uses it.

    `entities` are tried in order; the first is that which a device's own `entity_id` and `entity_type` name. `codec` is
    the one that samples are read with where they name none. `ignore` are quantities that need no rule: what says only
    them is not quarantined.
    """

    name: str
    version: int
    file: str
    entities: tuple[EntityRule, ...]
    commands: tuple[CommandRule, ...] = ()
    samples: tuple[Sample, ...] = ()
    codec: Mapping[str, Json] = field(default_factory=dict)
    ignore: re.Pattern[str] | None = None
