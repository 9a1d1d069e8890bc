"""Examples of a model's entities, the same each time: good ones, and ones that break one rule each.

What is drawn depends on the model's name, the attribute and a number only: one attribute more changes no other value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from broker.model.values import Json
from datamodels.schemas import WordsOf
from datamodels.source import Attribute, Form, Kind, Model

Entity = dict[str, Json]

_LONGITUDE, _LATITUDE = 139.7300, 35.8715  # in Misono; what is drawn lies within some hundred metres
_DAY: Final = "2026-11-23"


@dataclass(frozen=True, slots=True)
class Broken:
    """An entity that breaks one rule: `pointer` is where, in it; `rule` names what of the schema says so."""

    entity: Entity
    pointer: str
    rule: str


def full(model: Model, words: WordsOf, number: int = 0) -> Entity:
    """An entity, normalized, with every attribute of its model."""
    return _entity(model, words, number, lambda _one: True)


def sparse(model: Model, words: WordsOf, number: int = 0) -> Entity:
    """... with those that are required alone."""
    return _entity(model, words, number, lambda one: one.presence == "required")


def simplified(entity: Entity) -> Entity:
    """The same in the simplified form (clause 4.5.4)."""
    return {name: value if name in ("id", "type") else _simplified(value) for name, value in entity.items()}


def broken(model: Model, words: WordsOf, number: int = 0) -> Iterator[Broken]:
    """Entities that break one rule each: one a rule that the model has."""
    whole = full(model, words, number)
    for one in model.attributes.values():
        if one.presence == "required":
            yield Broken({name: value for name, value in whole.items() if name != one.name}, "", "required")
        for member, value, rule in _wrong(one, words):
            instance = {**_member(whole, one.name), member: value}
            yield Broken({**whole, one.name: instance}, f"/{one.name}/{member}", rule)


def _entity(model: Model, words: WordsOf, number: int, wanted: Callable[[Attribute], bool]) -> Entity:
    entity: Entity = {"id": f"urn:ngsi-ld:{model.name}:example:{number}", "type": model.name}
    for one in model.attributes.values():
        if wanted(one):
            entity[one.name] = _instance(one, words, Random(f"{model.name}.{one.name}.{number}"))  # noqa: S311  the same each time is the point
    return entity


def _instance(one: Attribute, words: WordsOf, chance: Random) -> Json:
    kind = one.kinds[0]
    member, draw = _MEMBERS[kind]
    instance: Entity = {"type": kind, member: draw(one, words, chance)}
    if one.unit and kind in ("Property", "ListProperty"):
        instance["unitCode"] = one.unit
    return instance


def _simplified(instance: Json) -> Json:
    assert isinstance(instance, dict)
    kind = str(instance["type"])
    member = _MEMBERS[kind][0]  # type: ignore[index]
    value = instance[member]
    return value if kind in ("Property", "GeoProperty", "Relationship") else {member: value}


def _property(one: Attribute, words: WordsOf, chance: Random) -> Json:
    if not one.vocabulary:
        return value_of(one.form, chance, one.name)
    word = chance.choice(words(one.vocabulary).words).name
    return [word] if one.form.many else word


def value_of(form: Form, chance: Random, name: str = "value") -> Json:
    """A value of this form."""
    one = _one(form, chance, name)
    return [one] if form.many else one


def _one(form: Form, chance: Random, name: str) -> Json:
    if form.fixed:
        return chance.choice(form.fixed)
    match form.type:
        case "number" | "integer":
            return _number(form, chance)
        case "boolean":
            return chance.choice((True, False))
        case "object":
            return {member: value_of(of, chance, member) for member, of in form.members.items()} or {name: "a"}
        case kind:
            return _text(form, kind, chance, name)


def _text(form: Form, kind: str, chance: Random, name: str) -> str:
    at = f"{chance.randrange(24):02}:{chance.choice((0, 30)):02}:00"
    texts = {
        "date": _DAY,
        "time": at,
        "date-time": f"{_DAY}T{at}Z",
        "duration": f"PT{chance.choice((15, 30, 60))}M",
        "uri": f"https://misono.example/{name}/{chance.randrange(100)}",
        "string": "office@misono.example" if name == "email" else "",
    }
    text = texts.get(kind) or f"{name} {chance.randrange(100)}"
    if form.pattern and not re.search(form.pattern, text):
        text = matching(form.pattern, chance)
    return text[: form.longest]


def _number(form: Form, chance: Random) -> int | float:
    low = form.least if form.least is not None else form.above
    high = form.most if form.most is not None else form.below
    if low is None:
        low = 0.0 if high is None else high - 10
    if high is None:
        high = low + 10
    if form.type == "integer":
        first = int(low) + (form.least is None and form.above is not None)
        return chance.randint(first, max(first, int(high) - (form.most is None and form.below is not None)))
    share = chance.uniform(0.2, 0.8)
    return round(low + (high - low) * share, 6) if high > low else low


def matching(pattern: str, chance: Random) -> str:
    """A text that a simple pattern takes: classes, groups with `|`, and counts; others raise ValueError."""
    text = _Matching(pattern.removeprefix("^").removesuffix("$"), chance).text()
    if not re.search(pattern, text):
        raise ValueError(f"no example of {pattern}")
    return text


class _Matching:
    """Walks a pattern and writes the least that it takes."""

    def __init__(self, pattern: str, chance: Random) -> None:
        self._rest, self._chance = pattern, chance

    def text(self) -> str:
        choices, found = [], ""
        while self._rest and self._rest[0] != ")":
            if self._rest[0] == "|":
                self._rest = self._rest[1:]
                choices.append(found)
                found = ""
                continue
            found += self._piece()
        return self._chance.choice([*choices, found])

    def _piece(self) -> str:
        head = self._rest[0]
        if head == "(":
            self._rest = self._rest[1:].removeprefix("?:")
            atom = self.text()
            self._rest = self._rest[1:]
        elif head == "[":
            inside, _, self._rest = self._rest[1:].partition("]")
            atom = _of_class(inside, self._chance)
        elif head == "\\":
            atom = {"d": "1", "w": "a", "s": " "}.get(self._rest[1], self._rest[1])
            self._rest = self._rest[2:]
        else:
            atom = "a" if head == "." else head
            self._rest = self._rest[1:]
        return atom * self._times()

    def _times(self) -> int:
        found = re.match(r"\{(\d+)(?:,\d*)?\}|[*+?]", self._rest)
        if found is None:
            return 1
        self._rest = self._rest[found.end() :]
        return int(found[1]) if found[1] else 1 if found[0] == "+" else 0


def _of_class(inside: str, chance: Random) -> str:
    if inside[0] == "^":
        return next(letter for letter in "a0 " if re.fullmatch(f"[{inside}]", letter))
    ranges = re.findall(r"\\?(.)-(.)|\\(.)|(.)", inside)
    low, high, escaped, plain = chance.choice(ranges)
    if low:
        return chr(chance.randint(ord(low), ord(high)))
    return {"d": "1", "w": "a"}.get(escaped, escaped) or str(plain)


def _geometry(one: Attribute, _words: WordsOf, chance: Random) -> Json:
    east, north = (round(chance.uniform(-0.004, 0.004), 6) for _ in range(2))
    x, y = round(_LONGITUDE + east, 6), round(_LATITUDE + north, 6)
    near: list[Json] = [x, y], [round(x + 0.001, 6), y], [round(x + 0.001, 6), round(y + 0.001, 6)]  # type: ignore[assignment]
    ring: list[Json] = [*near, near[0]]
    coordinates: dict[str, Json] = {
        "Point": near[0],
        "MultiPoint": [*near],
        "LineString": [*near],
        "MultiLineString": [[*near]],
        "Polygon": [ring],
        "MultiPolygon": [[ring]],
    }
    kind = one.geometries[0] if one.geometries else "Point"
    return {"type": kind, "coordinates": coordinates[kind]}


def _object(one: Attribute, _words: WordsOf, chance: Random) -> Json:
    link = _link(one, chance)
    return [link] if one.form.many else link


def _link(one: Attribute, chance: Random) -> str:
    target = one.targets[0] if one.targets else "Thing"
    return f"urn:ngsi-ld:{target}:example:{chance.randrange(10)}"


def _language(one: Attribute, _words: WordsOf, _chance: Random) -> Json:
    return {"ja": f"{one.label.ja}の例", "en": f"An example of {one.label.en}"}


def _vocab(one: Attribute, words: WordsOf, chance: Random) -> Json:
    return _property(one, words, chance)


_MEMBERS: Final[dict[Kind, tuple[str, Callable[[Attribute, WordsOf, Random], Json]]]] = {
    "Property": ("value", _property),
    "GeoProperty": ("value", _geometry),
    "Relationship": ("object", _object),
    "LanguageProperty": ("languageMap", _language),
    "VocabProperty": ("vocab", _vocab),
    "ListProperty": ("valueList", lambda one, _words, chance: [value_of(one.form, chance, one.name)]),
    "ListRelationship": ("objectList", lambda one, _words, chance: [{"object": _link(one, chance)}]),
    "JsonProperty": ("json", lambda one, _words, chance: value_of(one.form, chance, one.name)),
}


def _member(entity: Entity, name: str) -> Entity:
    found = entity[name]
    assert isinstance(found, dict)
    return found


def _wrong(one: Attribute, words: WordsOf) -> Iterator[tuple[str, Json, str]]:
    """Members that break a rule of an attribute: `("value", -1, "minimum")`."""
    kind = one.kinds[0]
    member = _MEMBERS[kind][0]
    if len(one.kinds) > 1:
        return
    if kind == "Relationship":
        yield member, "no IRI", "anyOf"
    if kind == "GeoProperty":
        yield member, {"coordinates": [139.7, 35.8]}, "required"
    if one.unit and kind == "Property":
        yield "unitCode", "XXX", "enum"
    if one.vocabulary and words(one.vocabulary).closed and kind in ("Property", "VocabProperty"):
        yield member, ["no such word"] if one.form.many else "no such word", "enum"
    elif kind == "Property":
        for value, rule in _outside(one.form):
            yield member, [value] if one.form.many else value, rule


def _outside(form: Form) -> Iterator[tuple[Json, str]]:
    for bound, step, rule in (
        (form.least, -1, "minimum"), (form.most, 1, "maximum"), (form.above, 0, "exclusiveMinimum"),
        (form.below, 0, "exclusiveMaximum"),
    ):  # fmt: skip
        if bound is not None and bound + step not in form.besides:
            yield bound + step, "anyOf" if form.besides else rule
    if form.fixed:
        yield "no such value", "enum"
    elif form.type in ("number", "integer", "boolean", "object"):
        yield "a text", "type"
    elif form.type == "string":
        yield 1, "type"
    elif form.type != "any":
        yield "no such text", "anyOf" if form.type in ("date", "time", "date-time") else "pattern"
