"""`/iot`: what clients of FIWARE's IoT Agent API do, and what becomes of the devices that they provision."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.frame import Frame
from tests.http.adapters.door_asking import Asker, asking

KEY = "4jggokgpepnvsb2uv4s40d59ov"
SERVICE = {"fiware-service": "openiot", "fiware-servicepath": "/"}
GROUP: dict[str, Any] = {
    "apikey": KEY,
    "resource": "/iot/json",
    "entity_type": "Room",
    "cbroker": "http://orion:1026",
    "attributes": [
        {
            "object_id": "t",
            "name": "temperature",
            "type": "Number",
            "metadata": {"unitCode": {"type": "Text", "value": "CEL"}},
        }
    ],
    "static_attributes": [{"name": "floor", "type": "Number", "value": 3}],
}
LAMP: dict[str, Any] = {
    "device_id": "lamp001",
    "entity_name": "urn:ngsi-ld:Lamp:001",
    "entity_type": "Lamp",
    "endpoint": "http://192.0.2.9:3001/iot/lamp001",
    "commands": [{"name": "on", "type": "command"}],
    "attributes": [{"object_id": "s", "name": "state", "type": "Text"}, {"object_id": "l", "name": "luminosity"}],
    "static_attributes": [{"name": "refStore", "type": "Relationship", "value": "urn:ngsi-ld:Store:001"}],
}


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Asker]:
    with asking(tmp_path) as asker:
        yield asker


def groups(ask: Asker, headers: dict[str, str] = SERVICE) -> list[dict[str, Any]]:
    answer = ask("GET", "/iot/services", headers=headers)
    assert answer.status == 200
    assert answer.json["count"] == len(answer.json["services"])
    found: list[dict[str, Any]] = answer.json["services"]
    return found


def say(ask: Asker, device: str, payload: bytes, key: str = KEY, adapter: str = "hands") -> None:
    ask.pipe.give(adapter, Frame(payload, ask.pipe.now(), device=device, key=key, channel=f"/json/{device}/attrs"))


def reasons(ask: Asker) -> list[str]:
    return [one["reason"] for one in ask("GET", "/admin/quarantine").json]


def test_a_group_makes_devices_of_messages_as_it_says(ask: Asker) -> None:
    made = ask("POST", "/iot/services", {"services": [GROUP]}, SERVICE)
    assert (made.status, made.json) == (201, {})
    say(ask, "room-7", b'{"t": "21.5", "h": 40}')
    found = ask.pipe.entity("urn:ngsi-ld:Room:room-7", "openiot")
    assert found["type"] == "Room"
    assert found["temperature"]["value"] == 21.5
    assert found["temperature"]["unitCode"] == "CEL"
    assert found["floor"]["value"] == 3
    assert found["h"]["value"] == 40
    listed = ask("GET", "/iot/devices", headers=SERVICE).json
    assert listed["count"] == 1
    assert listed["devices"][0] == {
        "device_id": "room-7",
        "service": "openiot",
        "service_path": "/",
        "entity_name": "urn:ngsi-ld:Room:room-7",
        "entity_type": "Room",
        "attributes": [],
        "lazy": [],
        "commands": [],
        "static_attributes": [],
        "apikey": "****59ov",
    }


def test_explicit_attributes_alone_are_taken(ask: Asker) -> None:
    ask("POST", "/iot/services", {"services": [{**GROUP, "explicitAttrs": True}]}, SERVICE)
    say(ask, "room-7", b'{"t": 21, "h": 40}')
    assert "h" not in ask.pipe.entity("urn:ngsi-ld:Room:room-7", "openiot")


def test_groups_are_shown_as_they_were_given_but_for_their_keys(ask: Asker) -> None:
    ask("POST", "/iot/services", {"services": [{**GROUP, "trust": "8970A9078A803H3BL98PINEQRW8342HBAMS"}]}, SERVICE)
    (shown,) = groups(ask)
    assert shown == {**GROUP, "apikey": "****59ov", "service": "openiot", "subservice": "/"}
    assert groups(ask, {**SERVICE, "fiware-servicepath": "/other"}) == []
    assert groups(ask, {**SERVICE, "fiware-servicepath": "/*"}) == [shown]
    assert groups(ask, {"fiware-service": "another", "fiware-servicepath": "/*"}) == []
    assert groups(ask, {}) == []


def test_no_key_is_ever_answered_or_kept(ask: Asker) -> None:
    own = "own-and-long-of-the-lamp-1"
    ask("POST", "/iot/services", {"services": [GROUP]}, SERVICE)
    ask("POST", "/iot/devices", {"devices": [{**LAMP, "apikey": own}]}, SERVICE)
    said = [
        ask("GET", path, headers=SERVICE).body
        for path in ("/iot/services", "/iot/devices", "/iot/devices/lamp001", "/admin/devices", "/admin/adapters")
    ]
    said += [ask("POST", "/iot/services", {"services": [GROUP]}, SERVICE).body]
    said += [ask("DELETE", f"/iot/services?resource=/x&apikey={KEY}x", headers=SERVICE).body]
    store = ask.pipe.assembled.running.parts.store.path
    kept = b"".join(path.read_bytes() for path in store.parent.iterdir() if path.name.startswith(store.name))
    for text in (*said, kept):
        assert KEY.encode() not in text
        assert own.encode() not in text
    assert b"****mp-1" in said[2]


def test_a_device_has_its_own_attributes_beside_those_of_its_group(ask: Asker) -> None:
    ask("POST", "/iot/services", {"services": [GROUP]}, SERVICE)
    assert ask("POST", "/iot/devices", {"devices": [LAMP]}, SERVICE).status == 201
    say(ask, "lamp001", b'{"s": "ON", "l": 1000, "t": 30}')
    found = ask.pipe.entity("urn:ngsi-ld:Lamp:001", "openiot")
    assert found["type"] == "Lamp"
    assert (found["state"]["value"], found["luminosity"]["value"]) == ("ON", 1000)
    assert found["temperature"]["value"] == 30
    assert found["refStore"] == {"type": "Relationship", "object": "urn:ngsi-ld:Store:001"}
    shown = ask("GET", "/iot/devices/lamp001", headers=SERVICE).json
    wanted = {"lazy": [], "service": "openiot", "service_path": "/", "apikey": "****59ov"}
    assert shown == {**LAMP, **wanted}


def test_a_device_is_closed_until_there_is_a_group_and_follows_its_group(ask: Asker) -> None:
    ask("POST", "/iot/devices", {"devices": [LAMP]}, SERVICE)
    say(ask, "lamp001", b'{"s": "ON"}')
    say(ask, "lamp001", b'{"s": "ON"}', key="")
    assert reasons(ask) == ["wrong_key", "wrong_key"]
    ask("POST", "/iot/services", {"services": [GROUP]}, SERVICE)
    say(ask, "lamp001", b'{"s": "OFF", "t": 20}')
    assert ask.pipe.entity("urn:ngsi-ld:Lamp:001", "openiot")["temperature"]["value"] == 20
    changed = {"attributes": [{"object_id": "t", "name": "heat", "type": "Number"}]}
    answer = ask("PUT", f"/iot/services?resource=/iot/json&apikey={KEY}", changed, SERVICE)
    assert (answer.status, answer.body) == (204, b"")
    say(ask, "lamp001", b'{"t": 25}')
    found = ask.pipe.entity("urn:ngsi-ld:Lamp:001", "openiot")
    assert (found["heat"]["value"], found["temperature"]["value"]) == (25, 20)
    assert ask("DELETE", f"/iot/services?resource=/iot/json&apikey={KEY}", headers=SERVICE).status == 204
    say(ask, "lamp001", b'{"t": 26}')
    assert reasons(ask)[2:] == ["wrong_key"]
    assert groups(ask) == []


def test_a_device_is_changed_and_removed(ask: Asker) -> None:
    ask("POST", "/iot/services", {"services": [GROUP]}, SERVICE)
    ask("POST", "/iot/devices", {"devices": [{**LAMP, "apikey": "its-own-long-secret"}]}, SERVICE)
    answer = ask("PUT", "/iot/devices/lamp001", {"attributes": [{"object_id": "b", "name": "beam"}]}, SERVICE)
    assert (answer.status, answer.body) == (204, b"")
    shown = ask("GET", "/iot/devices/lamp001", headers=SERVICE).json
    assert shown["attributes"] == [{"object_id": "b", "name": "beam"}]
    assert shown["endpoint"] == LAMP["endpoint"]
    say(ask, "lamp001", b'{"b": 5}', key="its-own-long-secret")
    assert ask.pipe.entity("urn:ngsi-ld:Lamp:001", "openiot")["beam"]["value"] == 5
    assert ask("PUT", "/iot/devices/lamp001", {"device_id": "other"}, SERVICE).json["name"] == "WRONG_SYNTAX"
    assert ask("DELETE", "/iot/devices/lamp001", headers=SERVICE).status == 204
    for method in ("GET", "DELETE"):
        gone = ask(method, "/iot/devices/lamp001", headers=SERVICE)
        assert (gone.status, gone.json["name"]) == (404, "DEVICE_NOT_FOUND")
    say(ask, "lamp001", b'{"b": 6}', key="its-own-long-secret")
    assert reasons(ask) == ["unknown_device"]


def test_a_group_goes_with_its_devices_where_that_is_asked_for(ask: Asker) -> None:
    ask("POST", "/iot/services", {"services": [GROUP]}, SERVICE)
    ask("POST", "/iot/devices", {"devices": [LAMP]}, SERVICE)
    say(ask, "room-7", b'{"t": 1}')
    assert ask("GET", "/iot/devices", headers=SERVICE).json["count"] == 2
    query = f"resource=/iot/json&apikey={KEY}&device=true"
    assert ask("DELETE", f"/iot/services?{query}", headers=SERVICE).status == 204
    assert ask("GET", "/iot/devices", headers=SERVICE).json == {"count": 0, "devices": []}


def test_what_is_there_twice_is_refused_and_all_that_came_with_it(ask: Asker) -> None:
    ask("POST", "/iot/services", {"services": [GROUP]}, SERVICE)
    again = ask("POST", "/iot/services", {"services": [{**GROUP, "apikey": "another-key"}, GROUP]}, SERVICE)
    assert (again.status, again.json["name"]) == (409, "DUPLICATE_GROUP")
    assert len(groups(ask)) == 1
    elsewhere = ask("POST", "/iot/services", {"services": [GROUP]}, {**SERVICE, "fiware-service": "others"})
    assert (elsewhere.status, elsewhere.json["name"]) == (409, "DUPLICATE_GROUP")
    ask("POST", "/iot/devices", {"devices": [LAMP]}, SERVICE)
    twice = ask("POST", "/iot/devices", {"devices": [{**LAMP, "device_id": "new"}, LAMP]}, SERVICE)
    assert (twice.status, twice.json["name"]) == (409, "DUPLICATE_DEVICE_ID")
    assert ask("GET", "/iot/devices", headers=SERVICE).json["count"] == 1
    other = ask("POST", "/iot/devices", {"devices": [LAMP]}, {**SERVICE, "fiware-service": "others"})
    assert other.status == 201
    in_one = ask("POST", "/iot/devices", {"devices": [{**LAMP, "device_id": "d"}] * 2}, SERVICE)
    assert in_one.status == 409


def test_pages_of_devices_are_in_order(ask: Asker) -> None:
    ask("POST", "/iot/services", {"services": [GROUP]}, SERVICE)
    names = [f"d{number:02}" for number in range(25)]
    ask("POST", "/iot/devices", {"devices": [{"device_id": name} for name in reversed(names)]}, SERVICE)
    first = ask("GET", "/iot/devices", headers=SERVICE).json
    assert (first["count"], [one["device_id"] for one in first["devices"]]) == (25, names[:20])
    second = ask("GET", "/iot/devices?limit=3&offset=20", headers=SERVICE).json
    assert [one["device_id"] for one in second["devices"]] == names[20:23]
    assert ask("GET", "/iot/devices?limit=-1", headers=SERVICE).status == 400
    assert ask("GET", "/iot/devices?limit=5000", headers=SERVICE).status == 400


def test_resource_and_protocol_choose_who_hears_it(ask: Asker) -> None:
    ultralight = {"apikey": "key-of-ultralight", "resource": "/iot/d", "entity_type": "Motion"}
    ask("POST", "/iot/services", {"services": [ultralight]}, SERVICE)
    ask.pipe.give(
        "ul-hands", Frame(b"c|1", ask.pipe.now(), device="motion001", key="key-of-ultralight", channel="/ul/k/m/attrs")
    )
    assert ask.pipe.entity("urn:ngsi-ld:Motion:motion001", "openiot")["c"]["value"] == 1
    say(ask, "motion001", b'{"c": 2}', key="key-of-ultralight")
    assert reasons(ask) == ["unknown_device"]
    ask("POST", "/iot/devices", {"devices": [{"device_id": "m2", "protocol": "PDI-IoTA-UltraLight"}]}, SERVICE)
    ask("POST", "/iot/devices", {"devices": [{"device_id": "m3"}]}, SERVICE)
    listed = {one["id"]: one["adapter"] for one in ask("GET", "/admin/devices", headers=SERVICE).json}
    assert listed["m2"] == "ul-hands"
    both = [one["adapter"] for one in ask("GET", "/admin/devices", headers=SERVICE).json if one["id"] == "m3"]
    assert both == ["hands", "ul-hands"]
    assert [one["device_id"] for one in ask("GET", "/iot/devices", headers=SERVICE).json["devices"]].count("m3") == 1


def test_without_an_adapter_that_hears_it_nothing_is_provisioned(tmp_path: Path) -> None:
    with asking(tmp_path, {"hands.yaml": "adapter: hands\nlink: hand\ncodec: json\n"}) as ask:
        answer = ask("POST", "/iot/services", {"services": [GROUP]}, SERVICE)
        assert (answer.status, answer.json["name"]) == (400, "WRONG_SYNTAX")
        assert "no adapter of this hub speaks iota-json" in answer.json["message"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"apikey": ""}, "services[0].apikey"),
        ({"apikey": 7}, "services[0].apikey"),
        ({"apikey": "k" * 513}, "services[0].apikey"),
        ({"apikey": "a\nb"}, "services[0].apikey"),
        ({"entity_type": ["Room"]}, "services[0].entity_type"),
        ({"entity_type": "{device}"}, "services[0].entity_type"),
        ({"attributes": {}}, "services[0].attributes"),
        ({"attributes": [{"object_id": "t"}]}, "services[0].attributes[0].name"),
        ({"attributes": [{"name": "a", "expression": "t * 2"}]}, "services[0].attributes[0].expression"),
        ({"attributes": [{"name": f"a{number}"} for number in range(201)]}, "services[0].attributes"),
        ({"lazy": [{"name": "a", "type": "Text"}]}, "services[0].lazy"),
        ({"entityNameExp": "id + 1"}, "services[0].entityNameExp"),
        ({"explicitAttrs": "t ? ['a'] : []"}, "services[0].explicitAttrs"),
        ({"autoprovision": "yes"}, "services[0].autoprovision"),
        ({"static_attributes": [{"name": "a"}]}, "static_attributes"),
        ({"static_attributes": [{"name": "a", "type": "geo:point", "value": "here"}]}, "'here'"),
        ({"attributes": [{"name": "a", "type": "Number", "metadata": {"unitCode": "nonsense"}}]}, "unit"),
    ],
)
def test_a_group_that_cannot_be_is_refused_by_its_member(ask: Asker, change: dict[str, Any], named: str) -> None:
    answer = ask("POST", "/iot/services", {"services": [{**GROUP, **change}]}, SERVICE)
    assert answer.status == 400, answer.json
    assert answer.json["name"] == "WRONG_SYNTAX"
    assert named in answer.json["message"]
    assert groups(ask) == []


@pytest.mark.parametrize(
    "device", [{}, {"device_id": ""}, {"device_id": "a/b"}, {"device_id": "#"}, {"device_id": 7}, "lamp", None]
)
def test_a_device_that_cannot_be_is_refused(ask: Asker, device: Any) -> None:
    answer = ask("POST", "/iot/devices", {"devices": [LAMP, device]}, SERVICE)
    assert (answer.status, answer.json["name"]) == (400, "WRONG_SYNTAX")
    assert ask("GET", "/iot/devices", headers=SERVICE).json["count"] == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"fiware-service": "a/b"},
        {"fiware-service": "a" * 129},
        {"fiware-service": ".."},
        {"fiware-servicepath": "gardens"},
        {"fiware-servicepath": "/a,/b"},
        {"fiware-servicepath": "/" * 11},
        {"fiware-servicepath": "/*"},
        {"fiware-service": "a", "NGSILD-Tenant": "b"},
    ],
)
def test_headers_that_cannot_be_are_refused(ask: Asker, headers: dict[str, str]) -> None:
    assert ask("POST", "/iot/services", {"services": [GROUP]}, headers).status == 400
    assert groups(ask, {"fiware-service": "openiot"}) == []


def test_attributes_of_other_entities_go_there(ask: Asker) -> None:
    given = {
        **LAMP,
        "attributes": [
            {"object_id": "s", "name": "state", "type": "Text"},
            {
                "object_id": "l",
                "name": "luminosity",
                "type": "Number",
                "entity_name": "urn:ngsi-ld:Street:1",
                "entity_type": "Street",
            },
        ],
    }
    ask("POST", "/iot/services", {"services": [{**GROUP, "attributes": []}]}, SERVICE)
    assert ask("POST", "/iot/devices", {"devices": [given]}, SERVICE).status == 201
    say(ask, "lamp001", b'{"s": "ON", "l": 7}')
    assert ask.pipe.entity("urn:ngsi-ld:Street:1", "openiot")["luminosity"]["value"] == 7


def test_the_agent_tells_its_version(ask: Asker) -> None:
    assert ask("GET", "/iot/about").json["libVersion"]
    head = ask("HEAD", "/iot/about")
    assert (head.body, head.headers) == (b"", ask("GET", "/iot/about").headers)


def test_the_later_name_of_groups_is_understood(ask: Asker) -> None:
    ask("POST", "/iot/configGroups", {"configGroups": [GROUP]}, SERVICE)
    assert ask("GET", "/iot/configGroups", headers=SERVICE).json["configGroups"] == groups(ask)
