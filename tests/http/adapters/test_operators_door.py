"""`/admin/adapters`, `/admin/devices`, `/admin/quarantine`: what operators see and do; who may; what is no request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters.frame import Frame
from broker.access.policies import AllowAll
from broker.errors import Forbidden
from broker.http.rooms.route import Routes
from broker.ports import Principal
from tests.fakes.piped import until
from tests.http.adapters.door_asking import ROUTES, Asker, asking, peopled

KEY = "a-long-key-of-the-meters"


class Refusing(AllowAll):
    """Access that lets nobody do what is named."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.refused: set[str] = set()

    def admit(self, principal: Principal, tenant: str, operation: str) -> None:  # noqa: ARG002 - the port's
        """Raises Forbidden."""
        self.asked.append((tenant, operation))
        if operation in self.refused:
            raise Forbidden("not you")


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Asker]:
    with asking(tmp_path) as asker:
        yield asker


def add(ask: Asker, **members: Any) -> Any:
    return ask("POST", "/admin/devices", {"adapter": "hands", **members})


def say(ask: Asker, device: str, payload: bytes = b'{"t": 1}', key: str = "") -> None:
    ask.pipe.give("hands", Frame(payload, ask.pipe.now(), device=device, key=key, channel=f"/json/{device}/attrs"))


def test_a_device_is_added_shown_changed_and_removed(ask: Asker) -> None:
    made = add(ask, id="m1", key=KEY, address="192.0.2.7", fixed={"floor": 2}, options={"unit": 3})
    assert made.status == 201
    wanted = {
        "adapter": "hands",
        "id": "m1",
        "address": "192.0.2.7",
        "options": {"unit": 3},
        "fixed": {"https://uri.etsi.org/ngsi-ld/default-context/floor": {"type": "Property", "value": 2}},
        "rate_per_s": 20.0,
        "offline_after_s": 600.0,
        "masked_key": "****ters",
        "source": "book",
    }
    assert made.json == wanted
    shown = ask("GET", "/admin/devices/hands/m1").json
    assert shown == wanted
    changed = ask("PUT", "/admin/devices/hands/m1", {**shown, "address": "192.0.2.8"})
    assert (changed.status, changed.json) == (200, {**wanted, "address": "192.0.2.8"})
    say(ask, "m1", key=KEY)
    assert ask.pipe.entity("urn:ngsi-ld:Room:m1")["floor"]["value"] == 2
    assert "last_seen" in ask("GET", "/admin/devices/hands/m1").json
    assert ask("DELETE", "/admin/devices/hands/m1").status == 204
    assert ask("GET", "/admin/devices/hands/m1").status == 404
    assert ask("DELETE", "/admin/devices/hands/m1").status == 404


def test_a_key_is_made_anew_and_the_old_one_is_none(ask: Asker) -> None:
    add(ask, id="m1", key=KEY)
    made = ask("POST", "/admin/devices/hands/m1/key")
    assert made.headers["cache-control"] == "no-store"
    say(ask, "m1", key=KEY)
    assert [one["reason"] for one in ask("GET", "/admin/quarantine").json] == ["wrong_key"]
    say(ask, "m1", b'{"t": 5}', key=made.json["key"])
    assert ask.pipe.entity("urn:ngsi-ld:Room:m1")["temperature"]["value"] == 5


def test_groups_are_made_used_and_removed(ask: Asker) -> None:
    groups = "/admin/adapters/hands/groups"
    made = ask("POST", groups, {"name": "sensors", "key": KEY, "new": True, "new_max": 1})
    assert (made.status, made.json["masked_key"], made.json["new_max"]) == (201, "****ters", 1)
    assert [one["name"] for one in ask("GET", groups).json] == ["sensors"]
    add(ask, id="m1", group="sensors")
    say(ask, "m1", key=KEY)
    say(ask, "new-1", key=KEY)
    say(ask, "new-2", key=KEY)
    listed = {one["id"]: one["source"] for one in ask("GET", "/admin/devices?adapter=hands").json}
    assert listed == {"in-file": "file", "m1": "book", "new-1": "group"}
    assert ask("POST", groups, {"name": "sensors", "key": "other"}).status == 409
    assert ask("POST", groups, {"name": "others", "key": KEY}).status == 409
    fresh = ask("POST", f"{groups}/sensors/key").json["key"]
    say(ask, "m1", b'{"t": 9}', key=fresh)
    assert ask.pipe.entity("urn:ngsi-ld:Room:m1")["temperature"]["value"] == 9
    assert ask("DELETE", f"{groups}/sensors").status == 204
    assert ask("GET", "/admin/devices/hands/m1").json["closed"]
    say(ask, "m1", key=fresh)
    assert ask("GET", "/admin/quarantine").json[-1]["reason"] == "wrong_key"


def test_a_mapping_is_said_changed_and_taken_away_while_messages_come(ask: Asker) -> None:
    halls: dict[str, Any] = {"entities": [{"id": "urn:x:Hall:{device}", "type": "Hall", "attributes": {"heat": "t"}}]}
    assert add(ask, id="m1", mapping="halls").status == 400
    assert ask("PUT", "/admin/mappings/halls", halls).status == 204
    assert add(ask, id="m1", mapping="halls").status == 201
    say(ask, "m1", b'{"t": 4}')
    assert ask.pipe.entity("urn:x:Hall:m1")["heat"]["value"] == 4
    halls["entities"][0]["attributes"] = {"warmth": "t"}
    ask("PUT", "/admin/mappings/halls", halls)
    say(ask, "m1", b'{"t": 5}')
    assert ask.pipe.entity("urn:x:Hall:m1")["warmth"]["value"] == 5
    assert ask("GET", "/admin/mappings").json == [
        {"mapping": "halls", "source": "book"},
        {"mapping": "rooms", "source": "file"},
    ]
    assert ask("GET", "/admin/mappings/halls").json == {"mapping": "halls", **halls}
    assert ask("DELETE", "/admin/mappings/halls").status == 409
    assert ask("PUT", "/admin/mappings/rooms", halls).status == 409
    assert ask("PUT", "/admin/mappings/iota-1", halls).status == 409
    for body in ({}, {"mapping": "other", **halls}, {"entities": [{"id": "none"}]}, {**halls, "context": "http://x/y"}):
        assert ask("PUT", "/admin/mappings/halls", body).status == 400, body
    ask("DELETE", "/admin/devices/hands/m1")
    assert ask("DELETE", "/admin/mappings/halls").status == 204
    assert ask("GET", "/admin/mappings/halls").status == 404


def test_what_a_file_says_is_changed_in_the_file(ask: Asker) -> None:
    for answer in (
        ask("PUT", "/admin/devices/hands/in-file", {"address": "192.0.2.1"}),
        ask("DELETE", "/admin/devices/hands/in-file"),
        ask("POST", "/admin/devices/hands/in-file/key"),
    ):
        assert answer.status == 409
        assert "is in the file of hands" in answer.json["detail"]
    assert add(ask, id="in-file").status == 409


def test_several_devices_come_all_or_none(ask: Asker) -> None:
    good, bad = {"adapter": "hands", "id": "a"}, {"adapter": "hands", "id": "b", "unit": 1}
    refused = ask("POST", "/admin/devices", [good, bad])
    assert refused.status == 400
    assert refused.json["pointer"] == "/devices/1/unit"
    assert ask("GET", "/admin/devices/hands/a").status == 404
    made = ask("POST", "/admin/devices", [good, {"adapter": "hands", "id": "b"}])
    assert [one["id"] for one in made.json] == ["a", "b"]
    assert ask("POST", "/admin/devices", [good, {"adapter": "ul-hands", "id": "c"}]).status == 400
    assert ask("POST", "/admin/devices", []).status == 400


def test_devices_are_of_their_tenant(ask: Asker) -> None:
    here = {"NGSILD-Tenant": "city"}
    assert ask("POST", "/admin/devices", {"adapter": "hands", "id": "m1"}, here).status == 201
    assert ask("GET", "/admin/devices/hands/m1").status == 404
    assert ask("GET", "/admin/devices/hands/m1", headers=here).json["tenant"] == "city"
    assert [one["id"] for one in ask("GET", "/admin/devices", headers=here).json] == ["m1"]
    assert ask("PUT", "/admin/devices/hands/m1", {"tenant": "other"}, here).status == 400
    assert ask("DELETE", "/admin/devices/hands/m1").status == 404


def test_pages_follow_each_other(ask: Asker) -> None:
    ask("POST", "/admin/devices", [{"adapter": "hands", "id": f"d{number}"} for number in range(5)])
    found, path = [], "/admin/devices?adapter=hands&limit=2"
    while path:
        page = ask("GET", path)
        found += [one["id"] for one in page.json]
        link = page.headers.get("link", "")
        path = link[1 : link.index(">")] if link else ""
    assert found == ["d0", "d1", "d2", "d3", "d4", "in-file"]


def test_names_with_signs_are_names(ask: Asker) -> None:
    assert add(ask, id="門 1?é%").status == 201
    path = "/admin/devices/hands/%E9%96%80%201%3F%C3%A9%25"
    assert ask("GET", path).json["id"] == "門 1?é%"
    assert ask("DELETE", path).status == 204


def test_adapters_tell_how_they_do(ask: Asker) -> None:
    say(ask, "in-file", key="the key of the file")
    say(ask, "in-file", b"nonsense", key="the key of the file")
    ask.pipe.settle()
    (hands, light) = ask("GET", "/admin/adapters").json
    assert (hands["adapter"], hands["state"], hands["devices"], hands["mapping"]) == ("hands", "ok", 1, "rooms")
    assert (hands["frames"], hands["readings"]) == (2, 1)
    assert sum(hands["quarantined"].values()) == 1
    assert light["codec"] == "ultralight"
    assert ask("GET", "/admin/adapters/hands").json["frames"] == 2
    assert ask("GET", "/admin/adapters/none").status == 404


def test_a_quarantined_frame_is_looked_at_replayed_and_discarded(ask: Asker) -> None:
    say(ask, "late", b'{"t": 4}', key=KEY)
    say(ask, "never", b'{"t": 4}')
    (one, other) = ask("GET", "/admin/quarantine").json
    assert (one["reason"], one["device"], one["payload"]) == ("unknown_device", "late", '{"t": 4}')
    assert KEY not in json.dumps(one)
    assert ask("GET", f"/admin/quarantine/{one['number']}").json == one
    assert [row["number"] for row in ask("GET", "/admin/quarantine?device=never").json] == [other["number"]]
    assert [row["number"] for row in ask("GET", f"/admin/quarantine?after={one['number']}").json] == [other["number"]]
    assert 'rel="next"' in ask("GET", "/admin/quarantine?limit=1").headers["link"]
    adapter = one["adapter"]
    link = ask("GET", f"/admin/quarantine?limit=1&adapter={adapter}").headers["link"]
    assert link.startswith(f"</admin/quarantine?adapter={adapter}&after={one['number']}&limit=1>")
    assert "link" not in ask("GET", "/admin/quarantine?limit=2").headers
    add(ask, id="late")
    asked = ask("POST", "/admin/quarantine/replay", {"numbers": [one["number"]]})
    assert (asked.status, asked.json) == (202, {"asked": 1})
    ask.pipe.assembled.running.tend()
    assert ask.pipe.entity("urn:ngsi-ld:Room:late")["temperature"]["value"] == 4
    until(lambda: len(ask("GET", "/admin/quarantine").json) == 1)
    gone = ask("POST", "/admin/quarantine/discard", {"adapter": "hands", "reason": "unknown_device"})
    assert gone.json == {"discarded": 1}
    assert ask("GET", "/admin/quarantine").json == []
    assert ask("GET", f"/admin/quarantine/{one['number']}").status == 404


@pytest.mark.parametrize(
    "body",
    [{}, [], b"null", {"numbers": []}, {"numbers": [True]}, {"numbers": [0]}, {"numbers": ["1"]},
     {"numbers": [1] * 1001}, {"numbers": [2**63]},
     {"adapter": ""}, {"adapter": 7}, {"reason": "x" * 257}, {"other": 1}, {"numbers": 1}],
)  # fmt: skip
def test_nothing_is_discarded_where_it_is_not_said_what(ask: Asker, body: Any) -> None:
    say(ask, "nobody")
    for path in ("/admin/quarantine/discard", "/admin/quarantine/replay"):
        assert ask("POST", path, body).status == 400
    assert [one["replay"] for one in ask("GET", "/admin/quarantine").json] == [False]


@pytest.mark.parametrize("number", ["0", "-1", "1e3", "x", "9" * 40, "%00", "1;drop"])
def test_no_such_frame(ask: Asker, number: str) -> None:
    assert ask("GET", f"/admin/quarantine/{number}").status == 404


def state(ask: Asker) -> list[bytes]:
    """All there is to see."""
    paths = ("/iot/services", "/iot/devices", "/admin/devices", "/admin/quarantine", "/admin/mappings/halls")
    return [ask("GET", path).body for path in paths]


def test_access_is_asked_on_every_route_and_who_may_not_changes_nothing(tmp_path: Path) -> None:
    access = Refusing()
    with asking(tmp_path, access=access) as ask:
        peopled(ask)
        before = state(ask)
        served: Routes = ask.door.routes
        asked = {served.find(method, path.partition("?")[0])[0] for method, path, _ in ROUTES}
        beside = {route for route in served.all if route not in asked and "configGroups" not in route.template}
        assert not beside, "a route that no access test asks"
        for method, path, body in ROUTES:
            route, _ = served.find(method, path.partition("?")[0])
            access.refused = {route.operation}
            answer = ask(method, path, body, {"NGSILD-Tenant": "mine"})
            assert answer.status == 403, path
            assert access.asked[-1] == ("mine", route.operation)
            assert method != "GET" or ask("HEAD", path).status == 403
            access.refused = set()
            assert state(ask) == before, path
        for method, path, body in sorted(ROUTES, key=lambda row: row[0] == "DELETE" or "discard" in row[1]):
            assert ask(method, path, body).status < 300, path


def test_where_nothing_is_changed_reading_goes_on(tmp_path: Path) -> None:
    with asking(tmp_path, read_only=True) as ask:
        for method, path, body in ROUTES:
            answer = ask(method, path, body)
            assert answer.status == (503 if method != "GET" else answer.status), path
        assert ask("GET", "/admin/devices").status == 200
