"""What a notification holds: formats, what is gone, what was before, joins, projections, @context (clause 5.8.6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from broker.access.view import Rules, view_of
from broker.ldcontext.active import ActiveContext, Tables
from broker.ldcontext.core import CORE_URL, core_tables
from broker.model.entity import Entity
from broker.model.subscription import Endpoint, Filter, NotificationParams, Projected, Subscription
from broker.model.values import to_text
from broker.notify.payload import Notification, Sending, notify_change, notify_entities, shape_of
from broker.ports.outbox import EntityChange
from broker.query.ast import Compare, Op, Path
from broker.query.projection import bind_projection, parse_omit, parse_pick
from broker.query.stored import node_to_json, projection_to_json

NS = "https://example.org/"
URL = "https://example.org/context.jsonld"
TERMS = ("House", "City", "name", "speed", "street", "at", "ats", "kind", "extra", "red", "blue", "list", "accuracy")
NAMES = ActiveContext(URL, Tables({term: NS + term for term in TERMS}), core_tables("1.9"))
LOCATION = "https://uri.etsi.org/ngsi-ld/location"
NULL = "urn:ngsi-ld:null"
ONE, TWO = "urn:data:1", "urn:data:2"
T0, T1, T2 = (number * 86_400_000_000 for number in (1, 2, 3))
PARAMS = NotificationParams(Endpoint("https://example.org/notify"))

MEMBERS: dict[str, Any] = {
    "name": {"type": "Property", "value": "a", "unitCode": "X"},
    "at": {"type": "Relationship", "object": "urn:city:1"},
    "ats": {"type": "ListRelationship", "objectList": [{"object": "urn:city:1"}]},
    "street": {"type": "LanguageProperty", "languageMap": {"fr": "rue", "nl": "straat"}},
    "kind": {"type": "VocabProperty", "vocab": NS + "red"},
    "extra": {"type": "JsonProperty", "json": {"id": 1}},
    "list": {"type": "ListProperty", "valueList": [1]},
    LOCATION: {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [1, 2]}},
}
NULLS: dict[str, Any] = {
    "name": {"type": "Property", "value": NULL},
    "at": {"type": "Relationship", "object": NULL},
    "ats": {"type": "ListRelationship", "objectList": NULL},
    "street": {"type": "LanguageProperty", "languageMap": {"@none": NULL}},
    "kind": {"type": "VocabProperty", "vocab": NULL},
    "extra": {"type": "JsonProperty", "json": NULL},
    "list": {"type": "ListProperty", "valueList": NULL},
    "location": {"type": "GeoProperty", "value": NULL},
}
PREVIOUS: dict[str, Any] = {
    "name": {"previousValue": "a"},
    "at": {"previousObject": "urn:city:1"},
    "ats": {"previousObjectList": [{"object": "urn:city:1"}]},
    "street": {"previousLanguageMap": {"fr": "rue", "nl": "straat"}},
    "kind": {"previousVocab": "red"},
    "extra": {"previousJson": {"id": 1}},
    "list": {"previousValueList": [1]},
    "location": {"previousValue": {"type": "Point", "coordinates": [1, 2]}},
}


def house(**members: Any) -> Entity:
    document: Any = {"id": "urn:house:1", "type": NS + "House"}
    document.update({name if ":" in name or name == "scope" else NS + name: held for name, held in members.items()})
    return Entity(document, T0, T1)


WHOLE = house(**MEMBERS)
CITY = Entity({"id": "urn:city:1", "type": NS + "City", NS + "name": {"type": "Property", "value": "Aizu"}}, T0, T0)


def value(of: Any, **members: Any) -> Any:
    return {"type": "Property", "value": of, **members}


def subscription(params: NotificationParams = PARAMS, **members: Any) -> Subscription:
    return Subscription("urn:s:1", params, jsonld_context=URL, **members)


def sending(**members: Any) -> Sending:
    return Sending("urn:n:1", T2, {"urn:city:1": CITY}.get, **members)


def sent(before: Entity | None, after: Entity | None, one: Subscription, **members: Any) -> Notification | None:
    return notify_change(shape_of(one, NAMES), EntityChange(7, T1, before, after), sending(**members))


def data(before: Entity | None, after: Entity | None, one: Subscription | None = None, **members: Any) -> Any:
    notification = sent(before, after, one or subscription(), **members)
    assert notification is not None
    return notification.body["data"]


def only(before: Entity | None, after: Entity | None, one: Subscription | None = None, **members: Any) -> Any:
    (shown,) = data(before, after, one, **members)
    return shown


def test_a_notification_says_whose_it_is_and_names_its_context() -> None:
    notification = sent(None, house(name=value("a")), subscription())
    assert notification == Notification(
        {
            "id": "urn:n:1",
            "type": "Notification",
            "subscriptionId": "urn:s:1",
            "notifiedAt": to_text(T2),
            "data": [{"id": "urn:house:1", "type": "House", "name": {"type": "Property", "value": "a"}}],
        },
        "application/json",
        f'<{URL}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"',
    )
    without = replace(subscription(), jsonld_context="")
    assert CORE_URL in str(notify_entities(shape_of(without, NAMES), [CITY], sending()))


def accepting(accept: str, *receiver_info: tuple[str, str], **members: Any) -> NotificationParams:
    return replace(PARAMS, endpoint=Endpoint("https://x.org/", accept, receiver_info=receiver_info), **members)


def test_json_ld_has_the_context_in_each_entity() -> None:
    notification = sent(None, CITY, subscription(accepting("application/ld+json")))
    assert notification is not None
    assert (notification.media_type, notification.link) == ("application/ld+json", None)
    assert notification.body["data"] == [
        {"id": "urn:city:1", "type": "City", "name": {"type": "Property", "value": "Aizu"}, "@context": URL}
    ]


def test_geojson_is_a_collection_with_its_context_unless_the_receiver_prefers_json() -> None:
    notification = sent(None, WHOLE, subscription(accepting("application/geo+json", attributes=(NS + "name",))))
    assert notification is not None
    assert notification.media_type == "application/geo+json"
    assert notification.link is None
    assert notification.body["data"] == {
        "type": "FeatureCollection",
        "features": [
            {
                "id": "urn:house:1",
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [1, 2]},
                "properties": {"type": "House", "name": {"type": "Property", "value": "a", "unitCode": "X"}},
            }
        ],
        "@context": URL,
    }
    plain = sent(None, WHOLE, subscription(accepting("application/geo+json", ("prefer", "body=json"))))
    assert plain is not None
    assert URL in str(plain.link)
    assert "@context" not in str(plain.body)
    gone: Any = data(WHOLE, None, subscription(accepting("application/geo+json"), triggers=("entityDeleted",)))
    assert gone["features"][0]["properties"] == {"type": "House", "deletedAt": to_text(T1)}
    assert gone["features"][0]["geometry"] is None


def test_formats_language_and_datasets() -> None:
    simplified = subscription(replace(PARAMS, format="keyValues"), lang="nl")
    shown = only(None, WHOLE, simplified)
    assert (shown["name"], shown["at"], shown["street"]) == ("a", "urn:city:1", "straat")
    concise = only(None, house(name=value("a")), subscription(replace(PARAMS, format="concise")))
    assert concise["name"] == "a"
    several = house(name=[value("a"), value("b", datasetId=ONE)], speed=value(1))
    assert only(None, several, subscription(dataset_ids=(ONE,))) == {
        "id": "urn:house:1",
        "type": "House",
        "name": {"type": "Property", "value": "b", "datasetId": ONE},
    }


def test_system_attributes_are_shown_where_asked_for() -> None:
    shown = only(None, WHOLE, subscription(replace(PARAMS, sys_attrs=True)))
    assert (shown["createdAt"], shown["modifiedAt"]) == (to_text(T0), to_text(T1))
    assert shown["name"]["createdAt"] == to_text(T0)
    assert "createdAt" not in only(None, WHOLE)


@pytest.mark.parametrize("name", MEMBERS)
def test_a_deleted_attribute_is_null_in_its_own_kind(name: str) -> None:
    term = "location" if name == LOCATION else name
    after = house(**{other: held for other, held in MEMBERS.items() if other != name})
    assert only(WHOLE, after)[term] == NULLS[term]
    before = only(WHOLE, after, subscription(replace(PARAMS, show_changes=True)))
    assert before[term] == {**NULLS[term], **PREVIOUS[term]}
    assert before["name" if term != "name" else "at"] == only(None, WHOLE)["name" if term != "name" else "at"]
    for shown in ("simplified", "concise"):
        assert only(WHOLE, after, subscription(replace(PARAMS, format=shown)))[term] == NULL


@pytest.mark.parametrize("name", MEMBERS)
def test_an_updated_attribute_has_its_previous_value_where_asked_for(name: str) -> None:
    term = "location" if name == LOCATION else name
    after = house(**{**MEMBERS, name: value(1)})
    assert only(WHOLE, after, subscription(replace(PARAMS, show_changes=True)))[term] == {
        "type": "Property",
        "value": 1,
        **PREVIOUS[term],
    }
    assert only(WHOLE, after)[term] == {"type": "Property", "value": 1}


def test_changes_are_shown_of_what_changed_alone() -> None:
    showing = subscription(replace(PARAMS, show_changes=True))
    assert "previous" not in str(only(None, WHOLE, showing))
    old = [value(1, **{NS + "accuracy": value(0.1)}), value(1, datasetId=ONE)]
    new = [value(1, **{NS + "accuracy": value(0.2)}), value(1, datasetId=ONE), value(1, datasetId=TWO)]
    shown = only(house(speed=old), house(speed=new), showing)["speed"]
    assert shown[0] == {
        "type": "Property",
        "value": 1,
        "previousValue": 1,
        "accuracy": {"type": "Property", "value": 0.2, "previousValue": 0.1},
    }
    assert "previous" not in str(shown[1:])


def test_a_deleted_instance_names_its_dataset() -> None:
    before = house(name=[value("a"), value("b", datasetId=ONE), value("c", datasetId=TWO)])
    after = house(name=[value("a"), value("c", datasetId=TWO)])
    assert only(before, after)["name"][2] == {"type": "Property", "value": NULL, "datasetId": ONE}
    simplified = only(before, after, subscription(replace(PARAMS, format="simplified")))
    assert simplified["name"] == {"dataset": {"@none": "a", TWO: "c", ONE: NULL}}
    assert only(before, after, subscription(dataset_ids=(TWO,)))["name"] == value("c", datasetId=TWO)
    assert only(before, after, subscription(dataset_ids=(ONE,)))["name"] == value(NULL, datasetId=ONE)


def test_an_attribute_deleted_with_all_its_instances_is_one_null_unless_more_is_asked_for() -> None:
    before, after = house(name=[value("a", datasetId=ONE), value("b", datasetId=TWO)]), house()
    assert only(before, after)["name"] == value(NULL)
    nulls = [value(NULL, datasetId=one, previousValue=old) for one, old in ((ONE, "a"), (TWO, "b"))]
    assert only(before, after, subscription(replace(PARAMS, show_changes=True)))["name"] == nulls
    stamped = only(before, after, subscription(replace(PARAMS, sys_attrs=True)))["name"]
    assert [(one["datasetId"], one["deletedAt"]) for one in stamped] == [(ONE, to_text(T1)), (TWO, to_text(T1))]


def test_a_deleted_scope_is_null_and_has_no_previous_value() -> None:
    showing = subscription(replace(PARAMS, show_changes=True))
    for one in (subscription(), showing):
        assert only(house(scope="/a"), house(), one)["scope"] == NULL
        assert only(house(scope="/a"), house(scope="/b"), one)["scope"] == "/b"
    assert only(house(scope="/a"), None, subscription(triggers=("attributeDeleted",)))["scope"] == NULL


def test_a_deleted_entity_is_its_id_type_and_when() -> None:
    bare = {"id": "urn:house:1", "type": "House", "deletedAt": to_text(T1)}
    gone = subscription(triggers=("entityDeleted",))
    assert only(WHOLE, None, gone) == bare
    assert only(WHOLE, None, replace(gone, notification=replace(PARAMS, format="simplified", sys_attrs=True))) == {
        **bare,
        "createdAt": to_text(T0),
        "modifiedAt": to_text(T1),
    }
    assert only(WHOLE, None, replace(gone, notification=replace(PARAMS, show_changes=True))) == {
        **bare,
        **{term: {**NULLS[term], **PREVIOUS[term]} for term in NULLS},
    }


def test_a_deleted_entity_tells_of_the_attributes_whose_deletion_was_asked_for() -> None:
    watching = subscription(triggers=("attributeDeleted",), watched=(NS + "name",))
    bare = {"id": "urn:house:1", "type": "House", "deletedAt": to_text(T1)}
    assert only(WHOLE, None, watching) == {**bare, "name": NULLS["name"]}
    assert only(WHOLE, None, replace(watching, watched=())) == {**bare, **NULLS}
    detailed = only(WHOLE, None, replace(watching, notification=replace(PARAMS, sys_attrs=True)))["name"]
    stamps = {"createdAt": to_text(T0), "modifiedAt": to_text(T0), "deletedAt": to_text(T1)}
    assert detailed == {**NULLS["name"], **stamps}


def projected(text: str, *, omits: bool = False) -> Projected:
    bound = bind_projection((parse_omit if omits else parse_pick)(text), NAMES)
    return Projected((text,), projection_to_json(bound))


def test_projections_cut_the_entity_and_its_nulls() -> None:
    after = house(name=value("b"), speed=value(1))
    assert only(WHOLE, after, subscription(replace(PARAMS, pick=projected("id,name,at")))) == {
        "id": "urn:house:1",
        "name": value("b"),
        "at": NULLS["at"],
    }
    few = only(house(name=value("a")), after, subscription(replace(PARAMS, omit=projected("type,name", omits=True))))
    assert few == {"id": "urn:house:1", "speed": value(1)}
    attributes = subscription(replace(PARAMS, attributes=(NS + "speed",)))
    assert only(None, house(name=value("b"), scope="/a"), attributes) == {
        "id": "urn:house:1",
        "type": "House",
        "scope": "/a",
    }
    silent = subscription(replace(PARAMS, omit=projected("deletedAt,type", omits=True)), triggers=("entityDeleted",))
    assert only(WHOLE, None, silent) == {"id": "urn:house:1"}
    picking = subscription(replace(PARAMS, pick=projected("id")), triggers=("entityDeleted",))
    assert only(WHOLE, None, picking) == {"id": "urn:house:1", "deletedAt": to_text(T1)}


def test_linked_entities_come_flat_or_inline_as_they_are_now() -> None:
    linking = house(at=MEMBERS["at"])
    city = {"id": "urn:city:1", "type": "City", "name": value("Aizu")}
    first = only(None, linking)
    flat = replace(PARAMS, join="flat", attributes=(NS + "at",))
    assert data(None, linking, subscription(flat)) == [first, city]
    inline = subscription(replace(PARAMS, join="inline", join_level=99))
    assert only(None, linking, inline)["at"] == {**first["at"], "entity": city}
    simplified = replace(PARAMS, join="inline", format="simplified", pick=projected("at{name}"))
    assert only(None, linking, subscription(simplified)) == {"at": {"name": "Aizu"}}
    located = Entity({**CITY.document, LOCATION: MEMBERS[LOCATION]}, T0, T0)
    features: Any = notify_change(
        shape_of(subscription(accepting("application/geo+json", join="flat", pick=projected("at{name}"))), NAMES),
        EntityChange(1, T1, None, linking),
        replace(sending(), follow=lambda _: located),
    )
    assert [one["geometry"] for one in features.body["data"]["features"]] == [None, None]
    assert only(WHOLE, house(name=value("a")), inline)["ats"] == NULLS["ats"]


def test_an_older_version_of_the_standard_is_understood() -> None:
    shown = only(None, WHOLE, subscription(conformance="1.5"))
    assert shown["kind"] == {"type": "Property", "value": "red"}


def test_a_period_tells_of_what_it_finds() -> None:
    shape = shape_of(subscription(time_interval=5), NAMES)
    assert notify_entities(shape, [], sending()) is None
    found = notify_entities(shape, [house(), CITY], sending())
    assert found is not None
    assert [one["id"] for one in cast_list(found.body["data"])] == ["urn:house:1", "urn:city:1"]


def cast_list(found: Any) -> list[dict[str, Any]]:
    return list(found)


def test_what_may_not_be_seen_never_was() -> None:
    before, after = house(name=value("a"), speed=value(1)), house(name=value("a"), speed=value(2))
    hides_speed = view_of(Rules(attributes=frozenset({NS + "speed"})))
    assert sent(before, after, subscription(), view=hides_speed) is None
    renamed = house(name=value("b"), speed=value(2))
    showing = subscription(replace(PARAMS, show_changes=True))
    assert only(before, renamed, showing, view=hides_speed) == {
        "id": "urn:house:1",
        "type": "House",
        "name": value("b", previousValue="a"),
    }
    hides_all = view_of(Rules(types=frozenset({NS + "House"})))
    assert sent(before, renamed, subscription(), view=hides_all) is None
    assert sent(before, None, subscription(triggers=("entityDeleted",)), view=hides_all) is None
    fast = Filter("speed>1", node_to_json(Compare(Path(NS + "speed"), Op.GT, 1)))
    assert sent(before, renamed, subscription(q=fast), view=hides_speed) is None
    hides_name = view_of(Rules(attributes=frozenset({NS + "name"})))
    assert only(before, renamed, subscription(q=fast), view=hides_name)["speed"] == value(2)
