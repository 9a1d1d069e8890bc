"""What the data model of an entity says of a command: the bounds of its attribute, and what would be wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from adapters.commands.judging import Range
from broker.model.entity import Document, as_list
from broker.model.values import Json
from datamodels.gate import Compiled
from datamodels.library import Library
from datamodels.source import Attribute


class Models(Protocol):
    """What is known of an attribute of entities of some types."""

    def about(self, entity: Document, attribute: str, instance: Mapping[str, Json]) -> tuple[Range, tuple[str, ...]]:
        """The bounds of the attribute, and what is wrong with this instance of it."""

    def kind(self, type_: str, attribute: str) -> str:
        """What an attribute of an entity of this type (IRIs) usually is; `Property` where nothing says so."""


class NoModels:
    """Where there are none."""

    def about(self, _: Document, __: str, ___: Mapping[str, Json]) -> tuple[Range, tuple[str, ...]]:
        """Nothing is known."""
        return Range(), ()

    def kind(self, _: str, __: str) -> str:
        """Nothing is known."""
        return "Property"


@dataclass(slots=True)
class LibraryModels:
    """Those of the packages, as they are now."""

    now: Callable[[], Library]
    _compiled: Compiled | None = field(default=None)

    def about(self, entity: Document, attribute: str, instance: Mapping[str, Json]) -> tuple[Range, tuple[str, ...]]:
        """As Models says; of an entity of several types the bounds of the last that has some."""
        compiled = self._current()
        document: Document = {**entity, attribute: dict(instance)}
        found, against = Range(), []
        start = f"/{attribute.replace('~', '~0').replace('/', '~1')}"
        for iri in as_list(entity["type"]):
            held = compiled.of(iri)
            if held is None:
                continue
            said = next((one for one in held.model.attributes.values() if one.iri == attribute), None)
            if said is not None:
                found = range_of(said)
            against += [
                f"{one.wanted} ({one.model})"
                for one in held.violations(document)
                if (one.path + "/").startswith(start + "/")
            ]
        return found, tuple(against)

    def kind(self, type_: str, attribute: str) -> str:
        """As Models says."""
        held = self._current().of(type_)
        attributes = () if held is None else held.model.attributes.values()
        return next((one.kinds[0] for one in attributes if one.iri == attribute), "Property")

    def _current(self) -> Compiled:
        library = self.now()
        if self._compiled is None or self._compiled.library is not library:
            self._compiled = Compiled(library)
        return self._compiled


def range_of(attribute: Attribute) -> Range:
    """The bounds that a model gives; one that is itself excluded is held by the model's own schema."""
    form = attribute.form
    return Range(_first(form.least, form.above), _first(form.most, form.below), attribute.unit)


def _first(one: float | None, other: float | None) -> float | None:
    return other if one is None else one
