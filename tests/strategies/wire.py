"""Random entities as they come over the wire, legal in every part.

    json_values()   any JSON value without null: odd floats, long integers, arrays of one element, nested arrays
    bodies()        normalized entities: every kind, datasetIds, sub-attributes to depth 3, scopes, several types

Names are terms of the default vocabulary and of no other meaning.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

TERMS = ["speed", "name", "外気温", "výška_1", "a", "b2", "type_of", "nested", "ex_1", "Straße"]
TYPES = ["House", "Room", "Škola", "https://example.org/types/Car"]
DATASETS = ["urn:x:data:1", "urn:x:data:2", "https://example.org/d/3"]
URIS = ["urn:ngsi-ld:House:1", "https://example.org/things/a%2Fb", "urn:x:大阪"]
SCOPES = ["/misono", "/misono/east", "misono", "/東/北_1"]
TIMES = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z", "1999-12-31T23:59:59.123456Z"]
GEOMETRIES: list[Any] = [
    {"type": "Point", "coordinates": [139.5, 35.5]},
    {"type": "Point", "coordinates": [139.5, 35.5, 12]},
    {"type": "LineString", "coordinates": [[0, 0], [1.25, 1]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]]},
]
KEYS = ["city", "type", "value", "object", "@type", "@value", "unitCode", "dataset", "coordinates", "", "a/b~c", "キー"]

texts = st.one_of(
    st.sampled_from(["", "a", "大阪", '"quoted"', "<b>'=;()", "\u0000", "𝄞"]), st.text(max_size=8)
).filter(lambda text: text != "urn:ngsi-ld:null")
integers = st.one_of(st.integers(-3, 3), st.integers(-(10**40), 10**40), st.just(2**64), st.just(-(2**63) - 1))
floats = st.floats(allow_nan=False, allow_infinity=False)
_scalars = st.one_of(st.booleans(), integers, floats, texts)


def json_values() -> st.SearchStrategy[Any]:
    """A JSON value; objects often have the member names that 4.5 gives a meaning to."""
    keys = st.one_of(st.sampled_from(KEYS), texts)
    return st.recursive(
        _scalars,
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
        max_leaves=6,
    )


def _some(values: list[Any]) -> st.SearchStrategy[Any]:
    """One of the values, or a list of one and more."""
    return st.one_of(st.sampled_from(values), st.lists(st.sampled_from(values), min_size=1, max_size=2))


_language_maps = st.dictionaries(
    st.sampled_from(["en", "ja", "pt-BR", "@none"]),
    st.one_of(texts, st.lists(texts, min_size=1, max_size=2)),
    min_size=1,
)
_objects = st.lists(st.fixed_dictionaries({"object": st.sampled_from(URIS)}), max_size=3)
_structures = st.one_of(st.dictionaries(texts, json_values(), max_size=3), st.lists(json_values(), max_size=2))
_words = st.sampled_from(["Male", "non-commercial", "https://example.org/w"])
VALUES: dict[str, tuple[str, st.SearchStrategy[Any]]] = {
    "Property": ("value", json_values()),
    "GeoProperty": ("value", st.sampled_from(GEOMETRIES)),
    "Relationship": ("object", _some(URIS)),
    "LanguageProperty": ("languageMap", _language_maps.filter(lambda texts: texts != {"@none": "urn:ngsi-ld:null"})),
    "VocabProperty": ("vocab", st.one_of(_words, st.lists(_words, min_size=1, max_size=2))),
    "JsonProperty": ("json", _structures),
    "ListProperty": ("valueList", st.lists(json_values(), max_size=3)),
    "ListRelationship": ("objectList", _objects),
}
"""Kind -> its value member and the values of it."""


@st.composite
def instances(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    """One normalized instance without a datasetId."""
    kind = draw(st.sampled_from(sorted(VALUES)))
    name, values = VALUES[kind]
    instance: dict[str, Any] = {"type": kind, name: draw(values)}
    if draw(st.booleans()):
        instance["observedAt"] = draw(st.sampled_from(TIMES))
    if kind in ("Property", "ListProperty") and draw(st.booleans()):
        instance["unitCode"] = draw(st.sampled_from(["CEL", "KMH", "percent"]))
    if kind in ("Relationship", "ListRelationship") and draw(st.booleans()):
        instance["objectType"] = draw(st.sampled_from([*TYPES, TYPES[:2]]))
    if kind == "Property" and draw(st.booleans()):
        instance["valueType"] = draw(st.sampled_from(["xsd:double", "Length"]))
    if depth:
        instance |= draw(st.dictionaries(st.sampled_from(TERMS), attributes(depth=depth - 1), max_size=1))
    return instance


_plain = st.fixed_dictionaries(
    {"type": st.just("Property"), "value": _scalars},
    optional={"observedAt": st.sampled_from(TIMES), "unitCode": st.sampled_from(["CEL", "percent"])},
)
"""What most devices send, and what the decoder has a short way for."""


@st.composite
def attributes(draw: st.DrawFn, depth: int = 2) -> Any:
    """What an attribute's name holds: one instance, or several that differ in their datasetId."""
    found = draw(st.lists(st.one_of(_plain, instances(depth)), min_size=1, max_size=2))
    datasets: list[str | None]
    if len(found) == 1:
        datasets = draw(st.sampled_from([[None], [None], [DATASETS[0]]]))
    else:
        datasets = draw(st.sampled_from([[None, DATASETS[0]], [DATASETS[1], None], DATASETS[:2]]))
    named = [
        one if dataset is None else {**one, "datasetId": dataset} for one, dataset in zip(found, datasets, strict=True)
    ]
    return named[0] if len(named) == 1 else named


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """A normalized entity as a client sends it."""
    body: dict[str, Any] = {
        "id": draw(st.sampled_from(URIS)),
        "type": draw(st.one_of(st.sampled_from(TYPES), st.just(TYPES[:2]))),
    }
    if draw(st.booleans()):
        body["scope"] = draw(st.one_of(st.sampled_from(SCOPES), st.just(SCOPES[:2])))
    return body | draw(st.dictionaries(st.sampled_from(TERMS), attributes(), max_size=4))
