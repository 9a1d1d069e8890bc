"""What matches, by a table of clause 4.9's cases over data of our own."""

from __future__ import annotations

from typing import Any

import pytest

from broker.model.entity import Entity
from broker.model.values import to_instant
from broker.query.ast import Exists, HasAttribute, Path
from broker.query.match import matches
from broker.query.q import parse_q
from broker.query.text import render
from tests.unit.query.naming import P, bound


def _property(value: Any, **members: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **{_name(name): held for name, held in members.items()}}


def _name(name: str) -> str:
    return name if name in ("observedAt", "unitCode", "datasetId", "createdAt", "modifiedAt") else P + name


def _language(**texts: Any) -> dict[str, Any]:
    return {"type": "LanguageProperty", "languageMap": texts}


STATION = Entity(
    {
        "id": "urn:e:station",
        "type": P + "Station",
        P + "n": _property(20, observedAt="2026-01-01T12:00:00.000000Z", unitCode="CEL", accuracy=_property(0.5)),
        P + "big": _property(10**30 + 1),
        P + "on": _property(True),
        P + "s": _property("red"),
        P + "digits": _property("20"),
        P + "list": _property(["blue", "red", 7]),
        P + "nested": _property([["red"]]),
        P + "empty": _property([]),
        P + "address": _property({"city": "Bern", "geo": {"alt": 540, "none": None}, "tags": ["a", "b"]}),
        P + "at": _property("2026-01-01T12:00:00.5Z"),
        P + "typed": _property({"@type": "DateTime", "@value": "2026-01-01T12:00:00Z"}),
        P + "day": _property("2026-01-01"),
        P + "hour": _property("12:00:00.25Z"),
        P + "two": [_property(1), _property(5, datasetId="urn:d:1")],
        P + "link": {"type": "Relationship", "object": "urn:e:device", P + "since": _property(2020)},
        P + "links": {"type": "Relationship", "object": ["urn:e:other", "urn:e:device"]},
        P + "route": {"type": "ListRelationship", "objectList": [{"object": "urn:e:a"}, {"object": "urn:e:device"}]},
        P + "label": _language(en="red", fr="rouge"),
        P + "labels": _language(en=["red", "cat"], fr=["chat"]),
        P + "kind": {"type": "VocabProperty", "vocab": P + "Male"},
        P + "kinds": {"type": "VocabProperty", "vocab": [P + "Male", P + "Other"]},
        P + "steps": {"type": "ListProperty", "valueList": [1, 2, "x"]},
        P + "ticket": {"type": "JsonProperty", "json": {"id": "85", "value": "Overstay", "@value": 3}},
        P + "place": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [8, 40]}},
    },
    created_at=to_instant("2026-01-01T00:00:00Z") or 0,
    modified_at=to_instant("2026-02-01T00:00:00Z") or 0,
)
DEVICE = Entity(
    {
        "id": "urn:e:device",
        "type": [P + "Device", P + "Thing"],
        P + "humidity": _property(40),
        P + "owner": {"type": "Relationship", "object": "urn:e:station"},
    },
    created_at=0,
    modified_at=0,
)
LINKED = {"urn:e:device": DEVICE, "urn:e:station": STATION}

HOLDS = [
    # existence
    "n", "n.accuracy", "n.observedAt", "address[city]", "address[geo.alt]", "address[geo.none]", "label[en]",
    "label[*]", "link", "link.since", "two.datasetId", "createdAt", "n.createdAt", "n.modifiedAt", "place[type]",
    "empty",
    # equality by type
    "n==20", "n==20.0", "n!=21", 'n!="20"', 'digits=="20"', "digits!=20", "on==true", "on!=1", "on!=false", 's=="red"',
    "s==red", "big==1000000000000000000000000000001", "big!=1e30", "big<1e30",
    # order
    "n>19", "n>=20", "n<20.5", "n<=20", 's>"rec"', 's<"ree"', "n.accuracy>0.4",
    # arrays: equality looks inside
    'list=="red"', "list==7", 'list!="green"', 'list=="green","red"', 'list!="green","black"', "list!=1..9",
    'nested!="red"', 'empty!="red"', 'address[tags]=="b"', 'address!="Bern"',
    # lists and ranges
    's=="black","red"', 's!="black","blue"', "n==10..20", "n==20..30", "n!=21..30", "s!=1..2", 's=="a".."z"',
    "at==2026-01-01T00:00:00Z..2026-01-02T00:00:00Z",
    # patterns
    's~="^r"', 's~="e"', 's!~="^b"', 'label~="^rou"', 'label[en]!~="rou"', 'kind~="Male$"',
    # value paths
    'address[city]=="Bern"', "address[geo.alt]>500", "address[geo.none]!=1", 'ticket[value]=="Overstay"',
    'place[type]=="Point"', "place[coordinates]==40",
    # several instances: any
    "two==1", "two==5", "two!=1", "two>4", 'two.datasetId=="urn:d:1"',
    # languages
    'label=="red"', 'label=="rouge"', 'label[en]=="red"', 'label[*]=="rouge"', 'label[en]!="rouge"',
    'labels=="cat"', 'labels[en]=="cat"', 'labels[fr]!="cat"', 'label!="noir"', 'labels[*]!="noir"', 'label>"ree"',
    # URIs
    'link=="urn:e:device"', "link==urn:e:device", "link!=urn:e:other", "links==urn:e:device", "links!=urn:e:none",
    "route==urn:e:device", "route!=urn:e:none", 'link=="urn:e:x","urn:e:device"', "link!=1",
    "kind==" + P + "Male", "kinds==" + P + "Other", "kind!=Male", "kinds!=" + P + "No",
    # ListProperty
    "steps==2", 'steps=="x"', "steps!=3", "steps!=3,4",
    # time
    "at>2026-01-01T12:00:00Z", "at==2026-01-01T12:00:00.500000Z", "at!=2026-01-01T12:00:00Z",
    "typed==2026-01-01T12:00:00Z", "typed<2026-01-01T12:00:01Z", "day==2026-01-01", "day<2026-01-02", "day>2025-12-31",
    "hour==12:00:00.250Z", "hour>12:00:00Z", "day!=2026-01-01T00:00:00Z", "n!=2026-01-01",
    "n.observedAt>=2026-01-01T12:00:00Z", 'n.observedAt=="2026-01-01T12:00:00Z"', 'n.unitCode=="CEL"',
    "createdAt==2026-01-01T00:00:00Z", 'modifiedAt>"2026-01-15T00:00:00Z"', "n.createdAt==2026-01-01T00:00:00Z",
    'id=="urn:e:station"',
    # linked entities
    "link{humidity}==40", "link{humidity}", "link{Device:humidity}==40", "link{Thing:humidity}>39",
    "links{humidity}==40", "route{humidity}==40", "link{owner{n}}==20", "link{humidity==40;owner}",
    # logic
    "n==1|n==20;s", "(n==1|n==20);s", "n==20|none;none",
]  # fmt: skip

FAILS = [
    "none", "n.none", "n.accuracy.none", "address[street]", "address[geo.alt.x]", "address[city.x]", "s[x]", "s[*]",
    "label[de]", "link[x]", "n.expiresAt", "expiresAt", "deletedAt", "nested[a]", "n.observedAt.accuracy",
    'n=="20"', "digits==20", "digits>1", "on==1", "on>0", "on==0", "big==1e30", "n==true", 's=="Red"', "none!=1",
    "list>6", "list==1..9", 'list!="red"', 'list!="green","red"', 'list~="red"', 'list!~="green"', 'nested=="red"',
    's!="red","blue"', "n==21..30", "n!=10..20", "s==1..2", "n==30..10",
    "n~=2", "n!~=2", 's!~="^r"', 'label!~="^rou"', 'label[de]!~="x"', "on!~=x",
    "address[street]!=1", 'address=="Bern"', 'ticket=="Overstay"', "ticket==3",
    "two==2", "two>5", "two!=1..5",
    'label[en]=="rouge"', 'label[*]!="red"', 'label!="red"', 'labels[en]!="cat"', 'label[de]!="x"', 'labels[fr]=="cat"',
    'link>"urn:a"', 'link<"urn:z"', 'link~="urn"', 'link!~="x"', 'link=="urn:a".."urn:z"', "links!=urn:e:device",
    "route!=urn:e:device", 'route~="urn"', "kind==Male", 'kind=="Male"',
    "steps>0", "steps!=2", "steps!=2,9",
    "at==2026-01-01", "day==2026-01-01T00:00:00Z", "hour==12:00:00Z", "s>2026-01-01T00:00:00Z", "day>09:00:00Z",
    "n.observedAt>2026-01-01T12:00:00Z", "createdAt>2026-01-01T00:00:00Z",
    "link{humidity}==41", "link{Car:humidity}==40", "s{humidity}", "link{none}", "link{owner{n}}==21",
    "n==1;s|none", "(n==1|n==20);none",
]  # fmt: skip


@pytest.mark.parametrize(("text", "holds"), [*((text, True) for text in HOLDS), *((text, False) for text in FAILS)])
def test_matches(text: str, holds: bool) -> None:
    assert matches(bound(parse_q(text)), STATION, LINKED.get) is holds
    assert matches(bound(parse_q(render(parse_q(text)))), STATION, LINKED.get) is holds


def test_expand_values_turns_the_term_into_its_iri() -> None:
    assert matches(bound(parse_q("kind==Male", frozenset({"kind"}))), STATION, LINKED.get)
    assert matches(bound(parse_q('kinds=="Female","Other"', frozenset({"kinds"}))), STATION, LINKED.get)
    assert not matches(bound(parse_q("kind==Female", frozenset({"kind"}))), STATION, LINKED.get)


def test_an_instance_has_the_created_instant_it_says_or_the_entitys() -> None:
    own: Any = {"type": "Property", "value": 1, "createdAt": "2026-03-01T00:00:00.000000Z"}
    entity = Entity({"id": "urn:e:1", "type": P + "T", P + "a": own}, 0, 0)
    for member in ("createdAt", "modifiedAt"):
        assert matches(bound(parse_q(f"a.{member}==2026-03-01T00:00:00Z")), entity, LINKED.get)
        assert not matches(bound(parse_q(f"a.{member}==1970-01-01T00:00:00Z")), entity, LINKED.get)


def test_one_and_true_are_asked_apart_though_python_calls_their_nodes_equal() -> None:
    assert matches(bound(parse_q("on==true")), STATION, LINKED.get)
    assert not matches(bound(parse_q("on==1")), STATION, LINKED.get)


@pytest.mark.parametrize(
    ("datasets", "holds"), [((), True), (("urn:d:1",), True), (("@none",), True), (("urn:d:2",), False)]
)
def test_has_attribute_with_datasets(datasets: tuple[str, ...], holds: bool) -> None:
    assert matches(HasAttribute(P + "two", datasets), STATION, LINKED.get) is holds


def test_the_members_of_an_entity_are_no_attributes() -> None:
    assert not matches(Exists(Path("type")), STATION, LINKED.get)
    assert not matches(Exists(Path(P + "n", ("value",), ("x",))), STATION, LINKED.get)
