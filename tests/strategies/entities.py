"""Random entities from a small vocabulary, so that random queries tell them apart.

    entities()      one Entity
    populations()   a handful with different ids, whose Relationships point at one another

Every attribute kind, datasetIds, sub-attributes to depth 3, arrays, objects, odd texts, 30-digit integers, created and
modified instants that differ from the entity's, scopes and several types occur.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import strategies as st

from broker.model.entity import Document, Entity, Instance
from broker.model.values import to_instant, to_text

VOCABULARY = "https://example.org/"
SPEED, NAME, SEEN, LINK, LINKS, LABEL, KIND, ADDRESS, TAGS, PLACE, AREA = (
    VOCABULARY + term
    for term in ("speed", "name", "seen", "link", "links", "label", "kind", "address", "tags", "place", "area")
)
ACCURACY, SOURCE, NOTE = (VOCABULARY + term for term in ("accuracy", "source", "note"))
TYPES = [VOCABULARY + term for term in ("Car", "Bus", "House")]
DATASETS = ["urn:data:1", "urn:data:2"]
IDS = [f"urn:e:{number}" for number in range(8)]
SCOPES = ["/a", "/a/b", "/a/b/c", "/a/x", "/d", "d"]
LANGUAGES = ["en", "ja", "pt-BR"]
MEMBERS = ["city", "geo", "alt"]

INTEGERS = [-1, 0, 1, 2, 3, 10**30, 10**30 + 1]
FLOATS = [-0.5, 1.0, 2.0, 2.5, 1e30, 0.1]
TEXTS = ["", "a", "A", "b", "ab", "é", "大阪", "1", "true", "a,b", 'q"q', "𝄞"]
TIMES = [
    "2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:00.5Z", "2026-01-01T09:30:00Z",
    "2026-01-02T00:00:00,25Z", "2026-01-01T00:00:00+09:00", "2026-13-01T00:00:00Z",
    "2026-01-01", "2026-01-02", "2026-13-01", "09:30:00Z", "09:30:00.5Z", "25:00:00Z",
]  # fmt: skip
WORDS = [VOCABULARY + term for term in ("red", "blue", "green")]
INSTANTS = [to_instant(text) or 0 for text in ("2026-01-01T00:00:00Z", "2026-01-01T09:30:00Z", "2026-01-03T00:00:00Z")]
_SQUARE: Any = [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]
GEOMETRIES: list[dict[str, Any]] = [
    {"type": "Point", "coordinates": [1, 1]},
    {"type": "Point", "coordinates": [1, 1, 30.5]},
    {"type": "Point", "coordinates": [5, 5]},
    {"type": "Point", "coordinates": [179.999, 0]},
    {"type": "Point", "coordinates": [-179.999, 0]},
    {"type": "MultiPoint", "coordinates": [[1, 1], [3, 3]]},
    {"type": "LineString", "coordinates": [[0, 1], [4, 1]]},
    {"type": "MultiLineString", "coordinates": [[[0, 0], [1, 1]], [[4, 4], [6, 6]]]},
    {"type": "Polygon", "coordinates": _SQUARE},
    {"type": "Polygon", "coordinates": [[[1, 1], [4, 1], [4, 4], [1, 4], [1, 1]]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [6, 6], [6, 0], [0, 6], [0, 0]]]},
    {"type": "Polygon", "coordinates": [*_SQUARE, [[0.5, 0.5], [1.5, 0.5], [1.5, 1.5], [0.5, 1.5], [0.5, 0.5]]]},
    {"type": "MultiPolygon", "coordinates": [_SQUARE, [[[5, 5], [6, 5], [6, 6], [5, 5]]]]},
]

numbers = st.sampled_from([*INTEGERS, *FLOATS])
texts = st.sampled_from(TEXTS)
moments = st.sampled_from(TIMES)
scalars = st.one_of(numbers, texts, st.booleans(), moments)


def mostly(usual: st.SearchStrategy[Any], unusual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Three times of four from the first."""
    return st.one_of(usual, usual, usual, unusual)


class _Dice:
    """Builds the pools: plain seeded chance, because a pool is made once and drawn from with one draw."""

    def __init__(self, seed: str) -> None:
        self._random = Random(seed)

    def pick(self, *among: Any) -> Any:
        return self._random.choice(among)

    def rarely(self) -> bool:
        return self._random.random() < 1 / 4

    def some(self, make: Callable[[], Any], least: int = 1, most: int = 3) -> list[Any]:
        return [make() for _ in range(self._random.randint(least, most))]

    def scalar(self) -> Any:
        return self.pick(self.number(), self.text(), self.moment(), self.pick(True, False))

    def number(self) -> Any:
        return self.pick(*INTEGERS, *FLOATS)

    def text(self) -> Any:
        return self.pick(*TEXTS)

    def moment(self) -> Any:
        return self.pick(*TIMES)

    def uri(self) -> Any:
        return self.pick(*IDS)

    def json(self, depth: int = 2) -> Any:
        if depth == 0 or not self.rarely():
            return None if self._random.random() < 1 / 16 else self.scalar()
        if self.rarely():
            return self.some(lambda: self.json(depth - 1), 0, 2)
        return self.object(depth)

    def object(self, depth: int = 2) -> dict[str, Any]:
        return {self.pick(*MEMBERS): self.json(depth - 1) for _ in range(self._random.randint(1, 4))}

    def words(self) -> Any:
        return self.some(lambda: self.pick(*WORDS)) if self.rarely() else self.pick(*WORDS)

    def languages(self) -> dict[str, Any]:
        return {self.pick(*LANGUAGES): self.texts() for _ in range(self._random.randint(1, 3))}

    def texts(self) -> Any:
        return self.some(self.text, 1, 2) if self.rarely() else self.text()

    def value(self, usual: Callable[[], Any]) -> Any:
        if not self.rarely():
            return usual()
        return self.some(usual) if self.rarely() else self.scalar()


_BARE: dict[str, Callable[[_Dice], Instance]] = {
    SPEED: lambda dice: {"type": "Property", "value": dice.value(dice.number)},
    NAME: lambda dice: {"type": "Property", "value": dice.value(dice.text)},
    SEEN: lambda dice: {
        "type": "Property",
        "value": {"@type": "DateTime", "@value": dice.moment()} if dice.rarely() else dice.value(dice.moment),
    },
    ADDRESS: lambda dice: (
        {"type": "JsonProperty", "json": dice.json()}
        if dice.rarely()
        else {"type": "Property", "value": dice.object(3)}
    ),
    TAGS: lambda dice: {"type": "ListProperty", "valueList": dice.some(dice.scalar, 0)},
    LINK: lambda dice: {"type": "Relationship", "object": dice.some(dice.uri) if dice.rarely() else dice.uri()},
    LINKS: lambda dice: {"type": "ListRelationship", "objectList": dice.some(lambda: {"object": dice.uri()})},
    LABEL: lambda dice: {"type": "LanguageProperty", "languageMap": dice.languages()},
    KIND: lambda dice: {"type": "VocabProperty", "vocab": dice.words()},
    PLACE: lambda dice: {"type": "GeoProperty", "value": dice.pick(*GEOMETRIES)},
    AREA: lambda dice: {"type": "GeoProperty", "value": dice.pick(*GEOMETRIES)},
}
ATTRIBUTES = list(_BARE)
"""A name has its usual kind and values, so that queries can meet it."""
_SUBS = {ACCURACY: _BARE[SPEED], SOURCE: _BARE[LINK], NOTE: _BARE[LABEL]}
POOL_SIZE = 60


def _attribute(dice: _Dice, bare: Callable[[_Dice], Instance], depth: int) -> Any:
    """One instance, or a list of two with different datasetIds."""
    datasets = dice.pick([None, DATASETS[0]], DATASETS, [DATASETS[0]]) if dice.rarely() else [None]
    made = [_dressed(dice, bare(dice), dataset, depth) for dataset in datasets]
    return made[0] if len(made) == 1 else made


def _dressed(dice: _Dice, instance: Instance, dataset: str | None, depth: int) -> Instance:
    if dataset is not None:
        instance["datasetId"] = dataset
    for member in ("observedAt", "createdAt", "modifiedAt"):
        if dice.rarely():
            instance[member] = to_text(dice.pick(*INSTANTS))
    if dice.rarely():
        instance["unitCode"] = dice.pick("CEL", "KMH")
    for name, bare in _SUBS.items() if depth else ():
        if dice.rarely():
            instance[name] = _attribute(dice, bare, depth - 1)
    return instance


def _pool(name: str) -> list[Any]:
    dice = _Dice(name)
    return [_attribute(dice, _BARE[name], depth=2) for _ in range(POOL_SIZE)]


POOLS = {name: _pool(name) for name in ATTRIBUTES}
_any_id = st.sampled_from(IDS)
_types: st.SearchStrategy[Any] = st.sampled_from([*TYPES, TYPES[:2], TYPES[1:]])
_scopes: st.SearchStrategy[Any] = st.sampled_from([None, *SCOPES, SCOPES[:2], [SCOPES[3], SCOPES[4]]])
_held = {name: st.sampled_from([None] * (POOL_SIZE // 2) + pool) for name, pool in POOLS.items()}
_instants = st.sampled_from(INSTANTS)
_expiries = st.sampled_from([None, None, to_instant("2099-01-01T00:00:00Z")])


@st.composite
def documents(draw: st.DrawFn, ids: st.SearchStrategy[str] = _any_id) -> Document:
    """A stored document: normalized, expanded."""
    document: Document = {"id": draw(ids), "type": draw(_types)}
    scope = draw(_scopes)
    if scope is not None:
        document["scope"] = scope
    for name, held in _held.items():
        value = draw(held)
        if value is not None:
            document[name] = value
    return document


@st.composite
def entities(draw: st.DrawFn, ids: st.SearchStrategy[str] = _any_id) -> Entity:
    """An entity with its instants; modified at its creation or later."""
    created = draw(_instants)
    return Entity(draw(documents(ids)), created, max(created, draw(_instants)), draw(_expiries))


@st.composite
def populations(draw: st.DrawFn, least: int = 4, most: int = 8) -> list[Entity]:
    """Some entities with different ids, at most eight."""
    count = draw(st.integers(least, most))
    return [draw(entities(st.just(name))) for name in IDS[:count]]
