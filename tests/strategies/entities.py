"""Random entities from a small vocabulary, so that random queries tell them apart.

    entities()      one Entity
    populations()   a handful with different ids, whose Relationships point at one another

Every attribute kind, datasetIds, sub-attributes to depth 3, arrays, objects, odd texts, 30-digit integers, created and
modified instants that differ from the entity's, scopes and several types occur.
"""

from __future__ import annotations

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
_json = st.recursive(
    scalars | st.none(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=2),
    max_leaves=4,
)
_objects = st.dictionaries(st.sampled_from(MEMBERS), _json, min_size=1, max_size=3)


def mostly(usual: st.SearchStrategy[Any], unusual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Three times of four from the first."""
    return st.one_of(usual, usual, usual, unusual)


def _in_list(item: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[Any]:
    return st.lists(item, min_size=1, max_size=most)


_ids = st.sampled_from(IDS)
_language_map = st.dictionaries(
    st.sampled_from(LANGUAGES), mostly(texts, st.lists(texts, min_size=1, max_size=2)), min_size=1, max_size=3
)
_geometries = st.sampled_from(GEOMETRIES)


def _of_kind(kind: str, member: str, value: st.SearchStrategy[Any]) -> st.SearchStrategy[Instance]:
    return st.fixed_dictionaries({"type": st.just(kind), member: value})


property_of = {
    SPEED: _of_kind("Property", "value", mostly(numbers, scalars | _in_list(scalars))),
    NAME: _of_kind("Property", "value", mostly(texts, scalars | _in_list(texts))),
    SEEN: _of_kind("Property", "value", mostly(moments, texts | moments.map(lambda at: {"@value": at}))),
    ADDRESS: mostly(_of_kind("Property", "value", _objects), _of_kind("JsonProperty", "json", _json)),
    TAGS: _of_kind("ListProperty", "valueList", st.lists(scalars, max_size=3)),
    LINK: _of_kind("Relationship", "object", mostly(_ids, _in_list(_ids))),
    LINKS: _of_kind("ListRelationship", "objectList", _in_list(_ids.map(lambda uri: {"object": uri}))),
    LABEL: _of_kind("LanguageProperty", "languageMap", _language_map),
    KIND: _of_kind("VocabProperty", "vocab", mostly(st.sampled_from(WORDS), _in_list(st.sampled_from(WORDS)))),
    PLACE: _of_kind("GeoProperty", "value", _geometries),
    AREA: _of_kind("GeoProperty", "value", _geometries),
}
"""Attribute -> its instances without sub-attributes; a name has its usual kind and values, so that queries can meet it."""

_sub_kinds = {ACCURACY: property_of[SPEED], SOURCE: property_of[LINK], NOTE: property_of[LABEL]}


@st.composite
def instances_of(draw: st.DrawFn, bare: st.SearchStrategy[Instance], depth: int) -> Any:
    """One instance, or a list of two and more with different datasetIds."""
    datasets = draw(mostly(st.just([None]), st.sampled_from([[None, DATASETS[0]], DATASETS, [DATASETS[0]]])))
    made = [draw(_dressed(bare, dataset, depth)) for dataset in datasets]
    return made[0] if len(made) == 1 else made


@st.composite
def _dressed(draw: st.DrawFn, bare: st.SearchStrategy[Instance], dataset: str | None, depth: int) -> Instance:
    instance = dict(draw(bare))
    if dataset is not None:
        instance["datasetId"] = dataset
    if draw(st.booleans()):
        return instance
    if draw(st.booleans()):
        instance["observedAt"] = to_text(draw(st.sampled_from(INSTANTS)))
    if draw(st.booleans()):
        instance["unitCode"] = draw(st.sampled_from(["CEL", "KMH"]))
    if draw(st.integers(0, 3)) == 0:
        instance["createdAt"] = to_text(draw(st.sampled_from(INSTANTS)))
    if draw(st.integers(0, 3)) == 0:
        instance["modifiedAt"] = to_text(draw(st.sampled_from(INSTANTS)))
    if depth:
        for name in draw(st.sets(st.sampled_from(list(_sub_kinds)), max_size=2)):
            instance[name] = draw(instances_of(_sub_kinds[name], depth - 1))
    return instance


@st.composite
def documents(draw: st.DrawFn, ids: st.SearchStrategy[str] = _ids) -> Document:
    """A stored document: normalized, expanded."""
    types = draw(mostly(st.sampled_from(TYPES), st.lists(st.sampled_from(TYPES), min_size=2, max_size=2, unique=True)))
    document: Document = {"id": draw(ids), "type": types}
    scopes = draw(st.lists(st.sampled_from(SCOPES), max_size=2, unique=True))
    if scopes:
        document["scope"] = scopes[0] if len(scopes) == 1 else list(scopes)
    for name, bare in property_of.items():
        if draw(st.booleans()):
            document[name] = draw(instances_of(bare, 2))
    return document


@st.composite
def entities(draw: st.DrawFn, ids: st.SearchStrategy[str] = _ids) -> Entity:
    """An entity with its instants; modified at its creation or later."""
    created = draw(st.sampled_from(INSTANTS))
    modified = max(created, draw(st.sampled_from(INSTANTS)))
    expires = draw(mostly(st.none(), st.just(to_instant("2099-01-01T00:00:00Z"))))
    return Entity(draw(documents(ids)), created, modified, expires)


@st.composite
def populations(draw: st.DrawFn, least: int = 4, most: int = 8) -> list[Entity]:
    """Some entities with different ids, at most eight."""
    count = draw(st.integers(least, most))
    return [draw(entities(st.just(name))) for name in IDS[:count]]
