"""`pick` and `omit`: which members of an entity, and of the entities it links to, are given (clause 4.21).

    any  = name *( ( "|" / "," ) name )
    name = NAME [ "{" any "}" ]

`id,locatedAt{id,name}` picks the id and locatedAt of the entity, and the id and name of what locatedAt points to.
`omit=type,locatedAt{name}` keeps locatedAt, and leaves out the name of what it points to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

from broker.errors import BadRequestData, TooComplexQuery
from broker.ldcontext.active import ActiveContext
from broker.model.entity import ENTITY_MEMBERS, Document, instances, member, part_of
from broker.query.bind import Compacting, Names

CHARACTERS_MAX: Final = 4096
DEPTH_MAX: Final = 16
SYSTEM_MEMBERS: Final = frozenset({"createdAt", "modifiedAt", "deletedAt", "expiresAt"})
CORE_MEMBERS: Final = ENTITY_MEMBERS | SYSTEM_MEMBERS
"""Members of an entity that are no attributes: picked and omitted by their own names, never expanded."""
_TOKEN: Final = re.compile(r"[|,{}]|[^|,{}]+")
_NAME: Final = re.compile(r"[^\W\d_]\w*|[A-Za-z][A-Za-z0-9+.-]*:[^\s\"<>\\^`]+|[^\W\d_]\w*:[^\W\d_]\w*")


@dataclass(frozen=True)
class Projection:
    """Names, each with the projection of what it links to, if any; `omits` says that the names are left out."""

    names: tuple[tuple[str, Projection | None], ...]
    omits: bool = False

    @cached_property
    def by_name(self) -> Mapping[str, Projection | None]:
        """The names as a mapping; of a name given twice the last one with braces counts."""
        found: dict[str, Projection | None] = {}
        for name, inner in self.names:
            if inner is not None or name not in found:
                found[name] = inner
        return MappingProxyType(found)

    @cached_property
    def whole(self) -> frozenset[str]:
        """The names without braces: what `omit` takes away."""
        return frozenset(name for name, inner in self.names if inner is None)

    @cached_property
    def depth(self) -> int:
        """How many levels of linked entities it speaks of: 1 for `locatedAt{name}`, 0 for `name`."""
        return max((1 + inner.depth for _, inner in self.names if inner is not None), default=0)

    def linked(self, name: str) -> Projection | None:
        """What to give of the entities that Relationship `name` points to; None for all of them."""
        return self.by_name.get(name)

    def gives(self, name: str) -> bool:
        """Whether member `name` of the entity is given."""
        return name not in self.whole if self.omits else name in self.by_name


def parse_pick(text: str) -> Projection:
    """Parse `pick`. Raises BadRequestData (says the column) and TooComplexQuery."""
    return _Reading(text, "pick").projection()


def parse_omit(text: str) -> Projection:
    """Parse `omit`. Raises BadRequestData (says the column) and TooComplexQuery."""
    return _Reading(text, "omit").projection()


def unbind_projection(projection: Projection, names: ActiveContext) -> Projection:
    """A bound projection in the terms of a @context, to be rendered."""
    return bind_projection(projection, Compacting(names))


def bind_projection(projection: Projection, names: Names) -> Projection:
    """The projection with attribute names as IRIs; core members keep theirs."""
    parameter = "omit" if projection.omits else "pick"
    return Projection(
        tuple(
            (
                name if name in CORE_MEMBERS else names.expand(name, parameter),
                None if inner is None else bind_projection(inner, names),
            )
            for name, inner in projection.names
        ),
        projection.omits,
    )


def project(document: Document, projection: Projection) -> Document:
    """The members of a document that a bound projection gives, in their order; `id`, `type` and `scope` as any other.

    `{"id": …, "type": …, "https://…/name": …}` with `pick=name` gives `{"https://…/name": …}`. createdAt and
    modifiedAt are no members of a document: ask `projection.gives("createdAt")`.
    """
    if projection.omits:
        left_out = projection.whole
        return part_of({name: value for name, value in document.items() if name not in left_out}, document)
    picked = projection.by_name
    return part_of({name: value for name, value in document.items() if name in picked}, document)


def keep_datasets(document: Document, dataset_ids: frozenset[str]) -> Document:
    """The document with the instances of these datasets (`@none`: the default one); attributes left without one go."""
    kept: Document = {}
    for name, value in document.items():
        if name in ENTITY_MEMBERS:
            kept[name] = value
            continue
        found = [one for one in instances(value) if one.get("datasetId", "@none") in dataset_ids]
        if found:
            kept[name] = member(found)
    return kept


class _Reading:
    """Where in the text the parser stands."""

    def __init__(self, text: str, parameter: str) -> None:
        if len(text) > CHARACTERS_MAX:
            raise TooComplexQuery(
                f"{parameter} has {len(text)} characters.",
                pointer=parameter,
                clause="5.5.2",
                remedy=f"At most {CHARACTERS_MAX} characters are read.",
            )
        self._tokens = [(found.group(), found.start()) for found in _TOKEN.finditer(text)]
        self._tokens.append(("", len(text)))
        self._at = 0
        self._parameter = parameter

    def projection(self) -> Projection:
        found = self._any(0)
        if self._tokens[self._at][0]:
            raise self._refusal("',' or the end")
        return found

    def _any(self, depth: int) -> Projection:
        if depth > DEPTH_MAX:
            raise TooComplexQuery(
                f"{self._parameter} nests deeper than {DEPTH_MAX} braces.",
                pointer=self._parameter,
                clause="5.5.2",
                remedy="Ask for the linked entities by requests of their own.",
            )
        names = [self._name(depth)]
        while self._tokens[self._at][0] in ("|", ","):
            self._at += 1
            names.append(self._name(depth))
        return Projection(tuple(names), omits=self._parameter == "omit")

    def _name(self, depth: int) -> tuple[str, Projection | None]:
        name = self._tokens[self._at][0].strip()
        if not _NAME.fullmatch(name):
            raise self._refusal("the name of an attribute, id, type or scope")
        self._at += 1
        if self._tokens[self._at][0] != "{":
            return name, None
        self._at += 1
        inner = self._any(depth + 1)
        if self._tokens[self._at][0] != "}":
            raise self._refusal("',' or '}'")
        self._at += 1
        return name, inner

    def _refusal(self, expected: str) -> BadRequestData:
        found, column = self._tokens[self._at]
        return BadRequestData(
            f"{self._parameter}, column {column}: expected {expected}, got {found[:40] or 'the end'!r}.",
            pointer=self._parameter,
            clause="4.21",
            remedy="temperature,humidity or observation{temperature,humidity}",
        )
