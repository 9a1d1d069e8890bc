"""Many ways to break a good entity, each with the place that must be named when it is refused.

What is drawn depends on the model's name and a number only: the same mutations each time, as many as are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from random import Random
from typing import Final

from broker.model.values import Json
from datamodels.examples import Broken, Entity, broken, full, sparse
from datamodels.schemas import WordsOf
from datamodels.source import Attribute, Model

_Mutate = Callable[[Random, Entity, Attribute], "Broken | None"]

_NOT: Final[dict[str, tuple[Json, ...]]] = {
    "string": (0, True, ["a"], {"a": "a"}),
    "number": ("12", True, [1], {"a": 1}),
    "integer": (1.5, "12", False, [1]),
    "boolean": ("true", 1, 0, [True]),
    "object": ("a", 1, [1]),
}
"""Values that are not of a type."""
_NO_LINK: Final[tuple[Json, ...]] = ("no URI", "", 5, {"a": 1}, ["no URI"], [], True)
_NO_GEOMETRY: Final[tuple[Json, ...]] = (
    "POINT(139.7 35.8)", [139.7, 35.8], {"type": "Circle", "coordinates": [1, 2]}, {"type": "Point"}, 5,
    {"coordinates": [139.7, 35.8]}, {"type": "Point", "coordinates": []},
)  # fmt: skip
_NO_TIME: Final[tuple[Json, ...]] = ("no such text", "2026/11/23", "25:00:00", "", 5, ["a"], {"a": 1})
_NO_WORD: Final[tuple[Json, ...]] = ("no such word", "", 7, {"a": 1}, ["no such word"])
_KINDS: Final = (
    "Property", "GeoProperty", "Relationship", "LanguageProperty", "VocabProperty", "ListProperty", "JsonProperty",
    "ListRelationship",
)  # fmt: skip


def mutations(model: Model, words: WordsOf, how_many: int = 1000) -> Iterator[Broken]:
    """So many broken entities: of every example every rule once, then drawn ones of ever other examples."""
    made = 0
    for number in count():
        begun = made
        for one in _of_example(model, words, number):
            if made == how_many:
                return
            yield one
            made += 1
        if made == begun:
            return  # nothing of this model can be broken


def _of_example(model: Model, words: WordsOf, number: int) -> Iterator[Broken]:
    yield from broken(model, words, number)
    chance = Random(f"{model.name}.{number}")  # noqa: S311  the same each time is the point
    entity = full(model, words, number)
    least = sparse(model, words, number)
    for attribute in model.attributes.values():
        for mutate in (_kind, _value, partial(_unit), _missing, partial(_word, words)):
            found = mutate(chance, entity, attribute)
            if found is not None:
                yield found
                yield from _twice(found, entity, attribute)
                if attribute.name in least:
                    yield replace(found, entity={**least, attribute.name: found.entity[attribute.name]})
    for member in ("id", "type"):
        yield Broken({name: value for name, value in entity.items() if name != member}, "", "required")
    yield Broken({**entity, "type": "NoSuchType"}, "/type", "anyOf")
    yield Broken({**entity, "id": chance.choice(("no URI", "", 5))}, "/id", "pattern")


def _twice(one: Broken, entity: Entity, attribute: Attribute) -> Iterator[Broken]:
    """The same as the second of two instances."""
    good = entity[attribute.name]
    if isinstance(good, dict) and one.rule != "required":
        pair: list[Json] = [{**good, "datasetId": "urn:ngsi-ld:dataset:second"}, one.entity[attribute.name]]
        pointer = one.pointer.replace(f"/{attribute.name}", f"/{attribute.name}/1", 1)
        yield Broken({**one.entity, attribute.name: pair}, pointer, one.rule)


def _changed(entity: Entity, attribute: Attribute, member: str, value: Json, rule: str) -> Broken:
    instance = entity[attribute.name]
    assert isinstance(instance, dict)
    pointer = f"/{attribute.name}" if len(attribute.kinds) > 1 else f"/{attribute.name}/{member}"
    return Broken({**entity, attribute.name: {**instance, member: value}}, pointer, rule)


def _kind(chance: Random, entity: Entity, attribute: Attribute) -> Broken | None:
    other = chance.choice([kind for kind in (*_KINDS, "RelationShip", "Text") if kind not in attribute.kinds])
    instance = entity[attribute.name]
    assert isinstance(instance, dict)
    return Broken({**entity, attribute.name: {**instance, "type": other}}, f"/{attribute.name}", "const")


def _missing(_chance: Random, entity: Entity, attribute: Attribute) -> Broken | None:
    """Without its value."""
    instance = entity[attribute.name]
    assert isinstance(instance, dict)
    rest = {name: value for name, value in instance.items() if name in ("type", "unitCode")}
    return Broken({**entity, attribute.name: rest}, f"/{attribute.name}", "required")


def _unit(chance: Random, entity: Entity, attribute: Attribute) -> Broken | None:
    instance = entity[attribute.name]
    if not (isinstance(instance, dict) and "unitCode" in instance):
        return None
    return _changed(entity, attribute, "unitCode", chance.choice(("XXX", "", 5, "kWh", "percent")), "enum")


def _word(words: WordsOf, chance: Random, entity: Entity, attribute: Attribute) -> Broken | None:
    if not attribute.vocabulary or not words(attribute.vocabulary).closed:
        return None
    member = {"Property": "value", "VocabProperty": "vocab"}.get(attribute.kinds[0])
    if member is None or len(attribute.kinds) > 1:
        return None
    value = chance.choice(_NO_WORD)
    return _changed(entity, attribute, member, value, "enum")


def _value(chance: Random, entity: Entity, attribute: Attribute) -> Broken | None:
    if len(attribute.kinds) > 1 or attribute.vocabulary:
        return None
    if attribute.kinds[0] == "Relationship":
        return _changed(entity, attribute, "object", chance.choice(_NO_LINK), "anyOf")
    if attribute.kinds[0] == "GeoProperty":
        return _changed(entity, attribute, "value", chance.choice(_NO_GEOMETRY), "type")
    wrong = _wrong(chance, attribute)
    if attribute.kinds[0] != "Property" or wrong is None:
        return None
    value, rule = wrong
    return _changed(entity, attribute, "value", [value] if attribute.form.many else value, rule)


def _wrong(chance: Random, attribute: Attribute) -> tuple[Json, str] | None:
    form = attribute.form
    drawn: list[tuple[Json, str]] = [(value, "type") for value in _NOT.get(form.type, ())]
    if form.fixed:
        drawn = [("no such value", "enum")]
    far = chance.uniform(0.001, 1000)
    step = round(far) + 1 if form.type == "integer" else far
    bounds = ((form.least, -step, "minimum"), (form.most, step, "maximum"), (form.above, -step, "exclusiveMinimum"),
              (form.below, step, "exclusiveMaximum"))  # fmt: skip
    beyond = [(bound + away, rule) for bound, away, rule in bounds if bound is not None]
    drawn += [one for one in beyond if one[0] not in form.besides]
    if form.type == "string" and form.longest is not None:
        drawn.append(("x" * (form.longest + 1 + round(far)), "maxLength"))
    if form.type in ("date", "time", "date-time", "duration", "uri"):
        drawn = [(value, "pattern") for value in _NO_TIME]
    return chance.choice(drawn) if drawn else None
