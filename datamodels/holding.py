"""One model, compiled: what is wrong with an entity of its type as it would be stored. Pure.

document (whole IRIs) ─> the schema of the stored spelling ─> units and bounds in other units ─> Violations
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeAlias, cast

from jsonschema_rs import Draft202012Validator, ValidationError

from broker.model.entity import Document
from broker.model.values import Json
from broker.ports.validator import Violation
from datamodels import schemas
from datamodels.forms import Schema
from datamodels.library import Library, is_link
from datamodels.source import Attribute, Form, Model, Package
from datamodels.units import NoConversion, convert

Path: TypeAlias = tuple[str | int, ...]
"""From the document down: names as they are there, and places in lists."""
VIOLATIONS_MAX: Final = 32
"""Of one entity: who gets so many has something else to mend first."""
_TEXT_MAX: Final = 200


@dataclass(frozen=True)
class Held:
    """A model that entities are held to; made by `compile_model`, which is dear."""

    name: str
    model: Model
    validator: Draft202012Validator
    names: Mapping[str, str]
    """IRI -> term, for pointers."""
    measured: Mapping[str, tuple[Attribute, frozenset[str]]]
    """Attributes (IRI) whose bounds hold for other units too, after conversion; and these units."""
    links: Mapping[str, tuple[Attribute, frozenset[str]]]
    """Attributes (IRI) whose targets have types, and the IRIs of these."""

    def violations(self, document: Document) -> list[Violation]:
        """What the document breaks, at most VIOLATIONS_MAX; an empty list is the usual case, and cheap."""
        found: list[Violation] = []
        if not self.validator.is_valid(document):
            found += [self._violation(document, error) for error in self.validator.iter_errors(document)]
        for iri, (attribute, units) in self.measured.items():
            held = document.get(iri)
            if held is not None and (type(held) is list or held.get("unitCode") in units):  # type: ignore[operator, union-attr]
                found += self._converted(document, iri, attribute)
        return found[:VIOLATIONS_MAX]

    def targets(self, document: Document) -> Iterator[tuple[str, str, Attribute]]:
        """`(pointer, entity id, attribute)` of each relationship whose target's type is said by the model."""
        for path, target, attribute in self._led_to(document):
            yield self._pointer(path), target, attribute

    def targets_in(self, document: Document) -> list[str]:
        """The ids alone; asked at every write."""
        found: list[str] = []
        for iri in self.links:
            held = document.get(iri)
            target = held.get("object") if type(held) is dict else None
            if type(target) is str:
                found.append(target)
            elif held is not None:
                found += [one for _, instance in _instances(held) for _, one in _targets(instance)]
        return found

    def astray(self, document: Document, types_of: Mapping[str, frozenset[str]]) -> Iterator[Violation]:
        """Relationships that lead to entities of other types; `types_of` has the types (IRIs) of those that are known.

        What a hidden or a missing entity would be of is not known, and not said.
        """
        for path, target, attribute in self._led_to(document):
            types = types_of.get(target)
            if types is not None and self.links[attribute.iri][1].isdisjoint(types):
                text = f"{target} is of another type; {' or '.join(attribute.targets)}"
                yield self.refuse(document, path, "targets", text)

    def _led_to(self, document: Document) -> Iterator[tuple[Path, str, Attribute]]:
        for iri, (attribute, _) in self.links.items():
            for at, instance in _instances(document.get(iri)):
                yield from (((iri, *at, *place), target, attribute) for place, target in _targets(instance))

    def refuse(self, document: Document, path: Path, rule: str, wanted: str) -> Violation:
        """A violation of this model at a place of the document."""
        return Violation(str(document["id"]), self._pointer(path), rule, self.name, wanted[:_TEXT_MAX], _pointer(path))

    def _pointer(self, path: Path) -> str:
        return _pointer([self.names.get(part, part) if isinstance(part, str) else part for part in path])

    def _violation(self, document: Document, error: ValidationError) -> Violation:
        rule = str(error.schema_path[-1]) if error.schema_path else "schema"
        return self.refuse(document, tuple(error.instance_path), rule, self._in_terms(error.message))

    def _in_terms(self, message: str) -> str:
        for iri in sorted(self.names, key=len, reverse=True):  # one may begin as another does
            message = message.replace(iri, self.names[iri])
        return message

    def _converted(self, document: Document, iri: str, attribute: Attribute) -> Iterator[Violation]:
        """Bounds of a value in another unit than the model's: the schema knows those of its own."""
        for at, instance in _instances(document[iri]):
            unit = instance.get("unitCode")
            if not isinstance(unit, str) or unit not in attribute.units:
                continue
            for value in _listed(instance.get("value")):
                if isinstance(value, int | float) and not isinstance(value, bool):
                    yield from self._bounded(document, ((iri, *at, "value"), value, unit), attribute)

    def _bounded(self, document: Document, said: tuple[Path, float, str], attribute: Attribute) -> Iterator[Violation]:
        path, value, unit = said
        try:
            converted = convert(_as_float(value), unit, attribute.unit)
        except NoConversion:
            return  # a model that takes a unit which no table of ours converts says nothing of its bounds
        for rule, bound, kept in bounds_of(attribute.form):
            if not kept(converted):
                text = f"{_as_float(value):g} {unit} is {converted:g} {attribute.unit}; {rule} {bound:g}"
                yield self.refuse(document, path, rule, text)


def _as_float(value: float) -> float:
    """Itself, or infinity for a whole number that is too long for a float: bounds keep it out all the same."""
    return value if abs(value) <= sys.float_info.max else math.copysign(math.inf, 1 if value > 0 else -1)


def compile_model(package: Package, model: Model, library: Library) -> Held:
    """The model as the gate uses it."""
    words = partial(library.vocabulary, package)
    attributes = model.attributes.values()
    measured = {one.iri: (one, frozenset(one.units)) for one in attributes if one.units and any(bounds_of(one.form))}
    schema = schemas.normalized(model, words, schemas.IRIS)
    free = schemas.normalized(_unbounded(model, measured), words, schemas.IRIS)
    schema["properties"] = {**_properties(schema), **_by_unit(schema, free, measured)}
    names = {model.iri: model.name} | {one.iri: one.name for one in attributes}
    names |= {word.iri: word.name for one in attributes if one.vocabulary for word in words(one.vocabulary).words}
    links = {one.iri: (one, library.targets(one)) for one in attributes if one.targets and is_link(one)}
    links = {iri: (one, types) for iri, (one, types) in links.items() if types}
    return Held(f"{model.name} {model.version}", model, Draft202012Validator(schema), names, measured, links)


def bounds_of(form: Form) -> list[tuple[str, float, Callable[[float], bool]]]:
    """Each bound of a number: the rule's name, the bound, and whether a value keeps it."""
    bounds: list[tuple[str, float | None, Callable[[float, float], bool]]] = [
        ("minimum", form.least, operator.ge),
        ("maximum", form.most, operator.le),
        ("exclusiveMinimum", form.above, operator.gt),
        ("exclusiveMaximum", form.below, operator.lt),
    ]
    return [(rule, bound, partial(_kept, keeps, bound)) for rule, bound, keeps in bounds if bound is not None]


def _kept(keeps: Callable[[float, float], bool], bound: float, value: float) -> bool:
    return keeps(value, bound)


def _by_unit(schema: Schema, free: Schema, measured: Mapping[str, tuple[Attribute, frozenset[str]]]) -> Schema:
    """The schemas of attributes whose bounds are those of values in their own unit only."""
    found: Schema = {}
    for iri, (_, units) in measured.items():
        bounded, unbounded = (cast("Schema", _properties(one)[iri])["else"] for one in (schema, free))
        other: Schema = {"properties": {"unitCode": {"enum": [*sorted(units)]}}, "required": ["unitCode"]}
        instance: Schema = {"if": other, "then": unbounded, "else": bounded}
        several: Schema = {"type": "array", "items": instance, "minItems": 1}
        found[iri] = {"if": {"type": "array"}, "then": several, "else": instance}
    return found


def _properties(schema: Schema) -> Schema:
    return cast("Schema", schema["properties"])


def _unbounded(model: Model, measured: Container[str]) -> Model:
    free = {"least": None, "most": None, "above": None, "below": None}
    attributes = {
        name: replace(one, form=replace(one.form, **free)) if one.iri in measured else one  # type: ignore[arg-type]
        for name, one in model.attributes.items()
    }
    return replace(model, attributes=attributes)


def _pointer(path: Iterable[str | int]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)


def _instances(held: Json) -> Iterator[tuple[Path, Mapping[str, Json]]]:
    """The instances of an attribute, each with the way to it from there."""
    if isinstance(held, dict):
        yield (), held
    elif isinstance(held, list):
        yield from (((at,), one) for at, one in enumerate(held) if isinstance(one, dict))


def _targets(instance: Mapping[str, Json]) -> Iterator[tuple[Path, str]]:
    """The entities that an instance leads to, each with the way to it."""
    for member in ("object", "objectList"):
        held = instance.get(member)
        for at, one in enumerate(_listed(held)):
            target = one.get("object") if isinstance(one, dict) else one
            if isinstance(target, str):
                yield ((member, at) if isinstance(held, list) else (member,)), target


def _listed(value: Json) -> list[Json]:
    return [] if value is None else value if isinstance(value, list) else [value]
