"""Histories as they are answered (clauses 4.5.7 to 4.5.9, 4.5.19, 4.15, 6.3.11, 6.3.12)."""

from __future__ import annotations

from typing import Any

import pytest

from broker.encode.temporal import TemporalRepresentation, encode_evolution
from broker.ldcontext.core import core_context
from broker.model.evolution import Evolution, Period
from broker.model.values import NGSI_LD_NULL, to_instant
from broker.query.projection import bind_projection, parse_omit, parse_pick

NAMES = core_context()
HOME = "https://uri.etsi.org/ngsi-ld/default-context/"
WHEN, LATER, WRITTEN = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-02-01T00:00:00.000000Z"
POINT: Any = {"type": "Point", "coordinates": [1.0, 2.0]}


def instant(text: str) -> int:
    """The instant of a DateTime that is one."""
    found = to_instant(text)
    assert found is not None
    return found


def past(kind: str, member: str, value: Any, time: str = WHEN, **more: Any) -> Any:
    """An instance as an engine gives it."""
    system = {"instanceId": "urn:ngsi-ld:Instance:1", "createdAt": WRITTEN, "modifiedAt": WRITTEN}
    return {"type": kind, member: value, "observedAt": time, **system, **more}


def evolution(**attributes: Any) -> Evolution:
    """The history of a house with these attributes."""
    found = {name if name == "scope" else HOME + name: held for name, held in attributes.items()}
    return Evolution("urn:x:1", (HOME + "House",), instant(WRITTEN), instant(WRITTEN), None, (), found)


def shown(history: Evolution, shape: str = "normalized", **more: Any) -> Any:
    """It in a representation."""
    return encode_evolution(history, TemporalRepresentation(shape, **more), NAMES)  # type: ignore[arg-type]


def test_instances_stand_in_a_list_even_one_alone() -> None:
    assert shown(evolution(a=[past("Property", "value", 5)])) == {
        "id": "urn:x:1",
        "type": "House",
        "a": [{"type": "Property", "value": 5, "observedAt": WHEN, "instanceId": "urn:ngsi-ld:Instance:1"}],
    }


def test_system_attributes_are_shown_where_they_are_asked_for() -> None:
    history = evolution(a=[{**past("Property", "value", 5), HOME + "b": {"type": "Property", "value": 1}}])
    whole = shown(history, sys_attrs=True)
    assert (whole["createdAt"], whole["modifiedAt"]) == (WRITTEN, WRITTEN)
    assert whole["a"][0]["createdAt"] == WRITTEN
    assert whole["a"][0]["b"] == {"type": "Property", "value": 1, "createdAt": WRITTEN, "modifiedAt": WRITTEN}
    by_change = shown(history, timeproperty="modifiedAt")
    assert by_change["a"][0]["modifiedAt"] == WRITTEN
    assert "createdAt" not in by_change["a"][0]


def test_a_deletion_always_says_when() -> None:
    gone = {"type": "Property", "value": NGSI_LD_NULL, "deletedAt": LATER, "createdAt": WRITTEN}
    vocab = {
        "type": "VocabProperty",
        "vocab": NGSI_LD_NULL,
        "deletedAt": LATER,
        HOME + "b": {"type": "Property", "value": 1},
    }
    found = shown(evolution(a=[gone], v=[vocab]))
    assert found["a"] == [{"type": "Property", "value": NGSI_LD_NULL, "deletedAt": LATER}]
    assert (found["v"][0]["vocab"], found["v"][0]["deletedAt"]) == (NGSI_LD_NULL, LATER)
    pairs = shown(evolution(a=[gone]), "temporalValues", timeproperty="deletedAt")["a"]
    assert pairs == {"type": "Property", "values": [[NGSI_LD_NULL, LATER]]}


@pytest.mark.parametrize(
    ("kind", "member", "value", "series", "first"),
    [
        ("Property", "value", 5, "values", 5),
        ("GeoProperty", "value", POINT, "values", POINT),
        ("Relationship", "object", ["urn:x:2"], "objects", ["urn:x:2"]),
        ("LanguageProperty", "languageMap", {"en": "hi"}, "languageMaps", {"languageMap": {"en": "hi"}}),
        ("VocabProperty", "vocab", HOME + "home", "vocabs", {"vocab": "home"}),
        ("JsonProperty", "json", {"k": 1}, "jsons", {"json": {"k": 1}}),
        ("ListProperty", "valueList", [1, 2], "valueLists", [1, 2]),
        ("ListRelationship", "objectList", [{"object": "urn:x:3"}], "objectLists", ["urn:x:3"]),
    ],
)
def test_temporal_values_are_pairs(kind: str, member: str, value: Any, series: str, first: Any) -> None:
    found = shown(evolution(a=[past(kind, member, value), past(kind, member, value, LATER)]), "temporalValues")
    assert found["a"] == {"type": kind, series: [[first, WHEN], [first, LATER]]}


def test_each_dataset_has_a_series_of_its_own() -> None:
    history = evolution(a=[past("Property", "value", 1), past("Property", "value", 2, datasetId="urn:x:d")])
    assert shown(history, "temporalValues")["a"] == [
        {"type": "Property", "values": [[1, WHEN]]},
        {"type": "Property", "datasetId": "urn:x:d", "values": [[2, WHEN]]},
    ]


def test_an_attribute_outside_of_a_cut_page_stays_empty() -> None:
    history = evolution(a=[], scope=[past("Property", "value", "/x")])
    assert shown(history)["a"] == []
    assert shown(history, "temporalValues")["a"] == {"type": "Property", "values": []}
    assert shown(history)["scope"][0]["value"] == "/x"


def test_a_language_is_chosen_in_every_instance() -> None:
    history = evolution(a=[past("LanguageProperty", "languageMap", {"en": "hi", "ja": "やあ"})])
    one = shown(history, lang="ja")["a"][0]
    assert (one["type"], one["value"], one["lang"]) == ("Property", "やあ", "ja")
    assert shown(history, "temporalValues", lang="ja")["a"] == {"type": "Property", "values": [["やあ", WHEN]]}


def test_concise_instances_are_objects() -> None:
    one = shown(evolution(a=[past("Property", "value", 5)]), "concise")["a"][0]
    assert one == {"value": 5, "observedAt": WHEN, "instanceId": "urn:ngsi-ld:Instance:1"}


def test_aggregated_values_say_their_period() -> None:
    period = Period(instant(WHEN), instant(LATER), 2.5)
    history = Evolution("urn:x:1", (HOME + "House",), 0, 0, aggregated={HOME + "a": {"avg": [period]}})
    assert shown(history, "aggregatedValues")["a"] == {"type": "Property", "avg": [[2.5, WHEN, LATER]]}


def test_a_projection_picks_and_omits_members() -> None:
    history = evolution(a=[past("Property", "value", 5)], b=[past("Property", "value", 6)])
    pick, omit = bind_projection(parse_pick("id,a"), NAMES), bind_projection(parse_omit("type,a"), NAMES)
    assert shown(history, projection=pick).keys() == {"id", "a"}
    assert shown(history, projection=omit).keys() == {"id", "b"}
    assert shown(history, projection=bind_projection(parse_pick("c"), NAMES)) == {}
