"""Readings become fragments as a mapping's file says: ids, kinds of attributes, times, units, what is left out."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.device import Device
from adapters.frame import BadFrame
from adapters.mapping.plan import READING_QUALITY
from adapters.mapping.reading import read_mapping
from adapters.readings import Reading
from tests.fakes.mapped import NOON, NOON_TEXT, OWN, RESOLVE, mapped, mapping, only


def test_a_reading_becomes_a_property_with_unit_and_the_time_of_the_device() -> None:
    made = only(mapped(mapping({"power": {"from": "p", "unit": "WTT"}}), Reading("p", 1.5, "KWT")))
    assert made == {
        "id": "urn:x:d1",
        "type": OWN + "Thing",
        "power": {"type": "Property", "value": 1500, "unitCode": "WTT", "observedAt": NOON_TEXT},
    }


def test_a_reading_has_its_own_time_before_that_of_its_message_and_that_before_the_hubs() -> None:
    rules = mapping({"a": "a", "b": "b"})
    made = only(mapped(rules, Reading("a", 1, at=NOON - 60_000_000), Reading("b", 2)))
    assert made["a"]["observedAt"] == "2026-11-23T08:59:00.000000Z"
    assert made["b"]["observedAt"] == NOON_TEXT
    assert only(mapped(rules, Reading("a", 1), at=None))["a"]["observedAt"] == "2026-11-23T09:00:00.000001Z"


def test_the_time_of_a_message_is_that_of_its_newest_reading() -> None:
    rules = mapping({"a": "a", "b": "b", "at": {"from": "@observedAt"}})
    made = only(mapped(rules, Reading("a", 1, at=NOON - 60_000_000), Reading("b", 2)))
    assert made["at"]["value"] == NOON_TEXT
    made = only(mapped(rules, Reading("a", 1, at=NOON - 60_000_000)))
    assert made["at"]["value"] == "2026-11-23T08:59:00.000000Z"


KINDS = [
    ({"from": "q", "vocab": True}, "autonomous", {"type": "VocabProperty", "vocab": OWN + "autonomous"}),
    ({"from": "q", "vocab": True}, ["a", "b"], {"type": "VocabProperty", "vocab": [OWN + "a", OWN + "b"]}),
    ({"from": "q", "language": "ja"}, "園", {"type": "LanguageProperty", "languageMap": {"ja": "園"}}),
    ({"from": "q", "json": True}, {"a": [1]}, {"type": "JsonProperty", "json": {"a": [1]}}),
    ({"from": "q", "list": True}, [1, 2], {"type": "ListProperty", "valueList": [1, 2]}),
    ({"from": "q", "list": True}, 1, {"type": "ListProperty", "valueList": [1]}),
    ({"from": "q", "relationship": "urn:r:{value}"}, "a:b", {"type": "Relationship", "object": "urn:r:a%3Ab"}),
    ({"from": "q", "relationship": "urn:r:{device}:{value}"}, 7, {"type": "Relationship", "object": "urn:r:d1:7"}),
    ({"from": "q", "dataset": "urn:set:{device}"}, 7, {"type": "Property", "value": 7, "datasetId": "urn:set:d1"}),
    ({"from": "q", "as": "instant"}, "2026-11-23T18:00:00+09:00",
     {"type": "Property", "value": {"@type": "DateTime", "@value": NOON_TEXT}}),
    ({"from": "q", "as": "epoch_s"}, NOON // 1_000_000,
     {"type": "Property", "value": {"@type": "DateTime", "@value": NOON_TEXT}}),
    ({"members": {"L1": "q", "L2": "none"}}, 3, {"type": "Property", "value": {"L1": 3}}),
    ({"geo": "q"}, {"type": "Point", "coordinates": [139, 35]},
     {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [139, 35]}}),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "value", "instance"), KINDS)
def test_kinds_of_attributes(rule: dict[str, Any], value: Any, instance: dict[str, Any]) -> None:
    assert only(mapped(mapping({"a": rule}), ("q", value)))["a"] == {**instance, "observedAt": NOON_TEXT}


def test_a_point_is_made_of_longitude_and_latitude_and_never_of_one_alone() -> None:
    rules = mapping({"location": {"geo": ["lon", "lat"]}, "n": "n"})
    location = "https://uri.etsi.org/ngsi-ld/location"
    made = only(mapped(rules, ("lat", "35.5"), ("lon", 139)))
    assert made[location]["value"] == {"type": "Point", "coordinates": [139, 35.5]}
    part = mapped(rules, ("lat", 35), ("n", 1))
    assert location not in only(part)
    assert [one.why for one in part.left_out] == ["incomplete"]
    assert [one.why for one in mapped(rules, ("lat", 91), ("lon", 0), ("n", 1)).left_out] == ["out_of_range"]


def test_one_phase_that_is_not_known_does_not_hide_the_others() -> None:
    rules = mapping({"current": {"members": {"L1": "r", "L2": "s", "L3": {"from": "t", "unit": "AMP"}}}})
    made = mapped(rules, Reading("r", 5), Reading("s", 1, quality="bad"), Reading("t", 700, "4K"))
    assert only(made)["current"]["value"] == {"L1": 5, "L3": 0.7}
    assert [(one.quantity, one.why) for one in made.left_out] == [("current", "bad")]
    nothing = mapped(rules, Reading("s", 1, quality="bad"))
    assert nothing.fragments == ()


def test_what_a_mapping_ignores_is_no_fault_by_itself() -> None:
    rules = read_mapping(
        {"mapping": "m", "ignore": ["fault*"], "entities": [{"id": "urn:a", "type": "A", "attributes": {"x": "x"}}]},
        RESOLVE,
    )
    made = mapped(rules, ("faultStatus", 0))
    assert made.fragments == ()
    assert [(one.quantity, one.why) for one in made.left_out] == [("faultStatus", "ignored")]
    with pytest.raises(BadFrame):
        mapped(rules, ("faultStatus", 0), ("other", 1))


def test_an_option_that_a_device_has_not_is_no_news() -> None:
    rules = mapping({"x": "x", "room": "@room", "of": {"relationship": "urn:r:{floor}"}})
    made = mapped(rules, ("x", 1), device=Device("d1", "a", options={"room": "r1"}))
    assert only(made)["room"]["value"] == "r1"
    assert made.left_out == ()


def test_the_first_source_that_is_there_is_taken_and_only_once() -> None:
    rules = mapping({"power": {"from": ["exact", "rough"]}})
    assert only(mapped(rules, ("rough", 1), ("exact", 2)))["power"]["value"] == 2
    assert only(mapped(rules, ("rough", 1)))["power"]["value"] == 1


def test_several_instances_of_an_attribute_stand_in_a_list_by_their_datasets() -> None:
    rules = mapping({"t": [{"from": "in"}, {"from": "out", "dataset": "urn:place:out"}]})
    made = only(mapped(rules, ("in", 20), ("out", 5)))
    assert [(one["value"], one.get("datasetId")) for one in made["t"]] == [(20, None), (5, "urn:place:out")]


def test_readings_of_bad_quality_are_left_out_and_doubtful_ones_say_so() -> None:
    made = mapped(mapping({"a": "a", "b": "b"}), Reading("a", 1, quality="bad"), Reading("b", 2, quality="uncertain"))
    assert only(made)["b"][READING_QUALITY] == {"type": "Property", "value": "uncertain"}
    assert "a" not in only(made)
    assert [(one.quantity, one.why) for one in made.left_out] == [("a", "bad")]


def test_a_message_that_only_says_that_nothing_is_known_makes_nothing_and_is_no_fault() -> None:
    made = mapped(mapping({"a": {"from": "a", "ignore": [-1]}}), Reading("a", -1))
    assert made.fragments == ()
    assert [one.why for one in made.left_out] == ["ignored"]


@pytest.mark.parametrize(
    ("rule", "reading", "reason"),
    [
        ("other", Reading("a", 1), "unmapped"),
        ({"from": "a", "unit": "KWH"}, Reading("a", "much"), "wrong_type"),
        ({"from": "a", "unit": "KWH"}, Reading("a", 1, "CEL"), "unit"),
        ({"from": "a", "most": 100}, Reading("a", 101), "out_of_range"),
        ({"from": "a", "words": {"1": "on"}}, Reading("a", 2), "unknown_word"),
        ({"from": "a", "vocab": True}, Reading("a", 2), "wrong_type"),
        ({"from": "a", "dataset": "urn:x:{part}"}, Reading("a", 2), "incomplete"),
    ],
)
def test_a_message_of_which_nothing_can_be_made_is_refused_with_the_reason(
    rule: Any, reading: Reading, reason: str
) -> None:
    with pytest.raises(BadFrame) as refusal:
        mapped(mapping({"x": rule}), reading)
    assert refusal.value.reason == reason


def test_no_readings_are_unmapped() -> None:
    with pytest.raises(BadFrame, match="takes none of no reading"):
        mapped(mapping({"x": "x"}))


def test_an_id_that_lacks_its_part_refuses_the_message() -> None:
    with pytest.raises(BadFrame, match="no 'part'") as refusal:
        mapped(mapping({"x": "x"}, id="urn:x:{device}:{part}"), ("x", 1))
    assert refusal.value.reason == "no_id"


def test_no_device_can_call_itself_so_that_it_becomes_another() -> None:
    rules = mapping({"x": "x"}, id="urn:x:{device}:{part}")
    first = mapped(rules, ("x", 1), device=Device("a:b", "a"), part="c")
    second = mapped(rules, ("x", 1), device=Device("a", "a"), part="b:c")
    assert only(first)["id"] == "urn:x:a%3Ab:c"
    assert only(second)["id"] == "urn:x:a:b%3Ac"


def test_what_was_provisioned_comes_before_what_the_wire_says() -> None:
    rules = mapping({"x": "x"}, id="urn:x:{room}:{floor}")
    device = Device("d1", "a", options={"room": 101})
    made = mapped(rules, ("x", 1), device=device, facts={"room": "another's", "floor": "1"})
    assert only(made)["id"] == "urn:x:101:1"


def test_a_devices_own_entity_wins_over_the_first_of_the_mapping_and_its_fixed_go_along() -> None:
    rules = read_mapping(
        {
            "mapping": "m",
            "entities": [
                {"id": "urn:a:{device}", "type": "A", "attributes": {"x": "x"}, "fixed": {"role": "main"}},
                {"id": "urn:b:{device}", "type": "B", "attributes": {"y": "y", "of": {"relationship": "{entity}"}}},
            ],
        },
        RESOLVE,
    )
    device = Device("d1", "a", entity_id="urn:own:1", entity_type="urn:type:own", fixed={"urn:f": {"type": "Property"}})
    first, second = mapped(rules, ("x", 1), ("y", 2), device=device).fragments
    assert (first["id"], first["type"]) == ("urn:own:1", "urn:type:own")
    assert (second["id"], second["type"]) == ("urn:b:d1", OWN + "B")
    assert first[OWN + "role"] == {"type": "Property", "value": "main"}
    assert second[OWN + "of"] == {"type": "Relationship", "object": "urn:own:1"}
    assert first["urn:f"] == second["urn:f"] == {"type": "Property"}


def test_nothing_that_is_fixed_makes_it_another_entity() -> None:
    fixed: dict[str, Any] = {"id": "urn:another", "type": "urn:type:another", "scope": ["/misono"]}
    made = only(mapped(mapping({"x": "x"}), ("x", 1), device=Device("d1", "a", fixed=fixed)))
    assert (made["id"], made["type"], made["scope"]) == ("urn:x:d1", OWN + "Thing", ["/misono"])


def test_an_entity_without_a_reading_of_its_own_is_not_made() -> None:
    rules = mapping({"x": "x", "when": {"from": "@observedAt"}, "of": {"relationship": "urn:r:{device}"}})
    assert set(only(mapped(rules, ("x", 1)))) == {"id", "type", "x", "when", "of"}
    with pytest.raises(BadFrame):
        mapped(rules, ("y", 1))


@pytest.mark.parametrize(
    ("when", "made"),
    [
        ({"part": "0288*"}, True),
        ({"part": ["0279*", "0288-1"]}, True),
        ({"part": "0279*"}, False),
        ({"facts": {"role": "p?"}}, True),
        ({"facts": {"none": "*"}}, True),
        ({"facts": {"none": "?*"}}, False),
        ({"has": ["x", "y"]}, True),
        ({"has": ["x", "z"]}, False),
        ({"any": ["z", "y"]}, True),
        ({"any": ["z"]}, False),
    ],
)
def test_when_says_which_messages_an_entity_is_made_of(when: dict[str, Any], made: bool) -> None:
    rules = mapping({"x": "x"}, when=when)
    arguments: dict[str, Any] = {"part": "0288-1", "facts": {"role": "pv"}}
    if made:
        assert mapped(rules, ("x", 1), ("y", 1), **arguments).fragments
    else:
        with pytest.raises(BadFrame):
            mapped(rules, ("x", 1), ("y", 1), **arguments)


def test_values_of_many_instants_are_written_one_after_another_the_oldest_first() -> None:
    half_hours = [Reading(name, at, at=NOON + at * 1_800_000_000) for at in (2, 0, 1) for name in ("in", "out")]
    made = mapped(mapping({"in": "in", "out": "out", "at": {"from": "@observedAt"}}), *half_hours)
    assert [(one[OWN + "in"]["value"], one[OWN + "out"]["value"]) for one in made.fragments] == [  # type: ignore[index, call-overload]
        (0, 0),
        (1, 1),
        (2, 2),
    ]
    assert made.fragments[2][OWN + "at"]["value"] == "2026-11-23T10:00:00.000000Z"  # type: ignore[index, call-overload]


def test_others_become_properties_of_their_own_names_where_a_name_can_be_one() -> None:
    made = only(mapped(mapping({"x": "y"}, others=True), ("y", 1), ("level", "high"), ("no name", 2)))
    assert set(made) == {"id", "type", "x", "level"}
