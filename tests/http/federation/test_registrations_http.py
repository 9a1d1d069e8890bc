"""`/csourceRegistrations` behind a door (clauses 6.8, 6.9)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.clock import FakeClock
from tests.http.doors import ROOT, Door, Reply, broker, flask_door, front_door

PATH = ROOT + "/csourceRegistrations"
ID = "urn:ngsi-ld:ContextSourceRegistration:a"
SMALL: dict[str, Any] = {
    "type": "ContextSourceRegistration",
    "information": [{"entities": [{"type": "House"}]}],
    "endpoint": "http://source.example",
}
WHOLE: dict[str, Any] = {
    **SMALL,
    "id": ID,
    "registrationName": "Aizu",
    "description": "the other city",
    "information": [
        {
            "entities": [{"type": ["House", "Home"], "id": "urn:ngsi-ld:House:1"}],
            "propertyNames": ["temperature"],
            "relationshipNames": ["isIn"],
        },
        {"entities": [{"type": "Street", "idPattern": "^urn:s:.*"}], "propertyNames": ["length"]},
    ],
    "mode": "redirect",
    "operations": ["retrieveOps", "updateAttrs"],
    "tenant": "aizu",
    "contextSourceAlias": "aizu-hub",
    "datasetId": ["@none", "urn:d:1"],
    "scope": ["/a", "/b/c"],
    "expiresAt": "2099-01-01T00:00:00Z",
    "location": {"type": "Point", "coordinates": [139.9, 37.5]},
    "observationSpace": {"type": "Point", "coordinates": [139.9, 37.5]},
    "operationSpace": {"type": "Point", "coordinates": [139.9, 37.5]},
    "refreshRate": "PT1M",
    "management": {"timeout": 3000, "cooldown": 500, "cacheDuration": "PT5M", "localOnly": True},
    "contextSourceInfo": [{"key": "accept", "value": "application/ld+json"}, {"key": "X-Ward", "value": "3"}],
    "contract": {"licence": "https://creativecommons.org/licenses/by/4.0/", "purpose": "floods", "recipient": "Aizu"},
    "owner": "city hall",
}


@pytest.fixture(name="door", params=["front", "flask"])
def one_door(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Door]:
    """Flask over SQLite, the front over memory."""
    flask = request.param == "flask"
    with broker(clock=FakeClock(), store="sqlite" if flask else "memory", data=str(tmp_path)) as (_, doors):
        yield flask_door(doors) if flask else front_door(doors)


def post(door: Door, body: dict[str, Any]) -> Reply:
    return door("POST", PATH, {}, json.dumps(body).encode())


def patch(door: Door, body: dict[str, Any], registration_id: str = ID) -> Reply:
    return door("PATCH", f"{PATH}/{registration_id}", {}, json.dumps(body).encode())


def get(door: Door, path: str = f"/{ID}") -> Any:
    reply = door("GET", PATH + path, {}, None)
    assert reply.status == 200, reply.body
    return json.loads(reply.body)


def test_a_registration_comes_back_as_it_went_in(door: Door) -> None:
    reply = post(door, WHOLE)
    assert (reply.status, reply.headers["location"]) == (201, f"{PATH}/{ID}"), reply.body
    assert get(door) == WHOLE
    assert post(door, WHOLE).status == 409


def test_a_registration_is_changed_member_by_member_and_deleted(door: Door) -> None:
    post(door, WHOLE)
    assert patch(door, {"expiresAt": None, "endpoint": "http://other.example", "owner": None}).status == 204
    expected = {**WHOLE, "endpoint": "http://other.example"}
    del expected["expiresAt"], expected["owner"]
    assert get(door) == expected
    assert door("DELETE", f"{PATH}/{ID}", {}, None).status == 204
    assert door("GET", f"{PATH}/{ID}", {}, None).status == 404
    assert door("DELETE", f"{PATH}/{ID}", {}, None).status == 404
    assert patch(door, {"endpoint": "http://x.example"}).status == 404


def registered(door: Door, number: int, **members: Any) -> str:
    registration_id = f"urn:ngsi-ld:ContextSourceRegistration:{number}"
    assert post(door, {**SMALL, "id": registration_id, **members}).status == 201
    return registration_id


def found(door: Door, query: str) -> list[int]:
    return [int(one["id"].rpartition(":")[2]) for one in get(door, "?" + query)]


def test_registrations_are_found_by_what_they_have(door: Door) -> None:
    registered(door, 1)
    registered(door, 2, information=[{"entities": [{"type": "House", "id": "urn:h:2"}], "propertyNames": ["area"]}])
    registered(door, 3, information=[{"entities": [{"type": "Street", "idPattern": "^urn:s:"}]}])
    registered(door, 4, information=[{"propertyNames": ["area"]}], observationInterval={"startAt": YEAR})
    assert found(door, "type=House") == [1, 2]
    assert found(door, "type=*") == [1, 2, 3]
    assert found(door, "type=House&id=urn:h:1") == [1]
    assert found(door, "id=urn:s:9") == [1, 3]
    assert found(door, "idPattern=x&type=Street") == [3]
    assert found(door, "attrs=area,size&type=House") == [1, 2]
    assert found(door, "attrs=size") == [1, 3]
    assert found(door, "q=area>5") == [1, 2, 3]
    assert found(door, f"attrs=area&timerel=after&timeAt={YEAR}") == [4]
    assert door("GET", PATH, {}, None).status == 400
    assert door("GET", PATH + "?idPattern=x", {}, None).status == 400


YEAR = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("interval", "query", "expected"),
    [
        ({"startAt": YEAR}, "timerel=before&timeAt=2025-01-01T00:00:00Z", []),
        ({"startAt": YEAR}, f"timerel=before&timeAt={YEAR}", [1]),
        ({"startAt": YEAR, "endAt": "2027-01-01T00:00:00Z"}, "timerel=after&timeAt=2027-01-01T00:00:00Z", [1]),
        ({"startAt": YEAR, "endAt": "2027-01-01T00:00:00Z"}, "timerel=after&timeAt=2027-01-01T00:00:01Z", []),
        ({"startAt": YEAR}, "timerel=between&timeAt=2024-01-01T00:00:00Z&endTimeAt=2025-01-01T00:00:00Z", []),
        ({"startAt": YEAR}, f"timerel=between&timeAt=2024-01-01T00:00:00Z&endTimeAt={YEAR}", [1]),
        ({"startAt": YEAR}, f"timerel=after&timeAt={YEAR}&timeproperty=modifiedAt", []),
        ({"startAt": YEAR}, "lastN=3", [1]),
    ],
)
def test_intervals_meet_what_is_asked(door: Door, interval: dict[str, str], query: str, expected: list[int]) -> None:
    registered(door, 1, observationInterval=interval)
    assert found(door, "type=House&" + query) == expected


POINT = {"type": "Point", "coordinates": [139.7, 35.8]}
AREA = {"type": "Polygon", "coordinates": [[[139, 35], [140, 35], [140, 36], [139, 36], [139, 35]]]}
NEAR = "georel=near;maxDistance==2000&geometry=Point&coordinates=[139.7,35.81]"
INSIDE = "georel=within&geometry=Polygon&coordinates=[[[139.5,35.5],[141,35.5],[141,37],[139.5,37],[139.5,35.5]]]"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (NEAR, [1, 2]),
        ("georel=near;maxDistance==10&geometry=Point&coordinates=[139.7,35.81]", [2]),
        (INSIDE, [1, 2]),
        (INSIDE + "&geoproperty=operationSpace", [3]),
        ("georel=equals&geometry=Point&coordinates=[139.2,35.2]", [2]),
        ("georel=disjoint&geometry=Point&coordinates=[139.7,35.8]", [2]),
        ("georel=disjoint&geometry=Polygon&coordinates=[[[130,30],[150,30],[150,40],[130,40],[130,30]]]", []),
        ("scopeQ=/east/%23", [1]),
        ('csf=owner=="city hall"', [2]),
        ('csf=endpoint=="http://source.example";mode!="redirect"', [1, 2, 3]),
        ('csf=contract[licence]~="by/4"', [3]),
        ("csf=credentials", []),
    ],
)
def test_sources_are_chosen_by_where_they_are_and_by_their_own_properties(
    door: Door, query: str, expected: list[int]
) -> None:
    registered(door, 1, location=POINT, scope="/east/one")
    registered(door, 2, location=AREA, owner="city hall", scope="/west")
    header = {"kind": "header", "name": "X-Key", "value": "k"}
    registered(door, 3, operationSpace=POINT, contract={"licence": "https://x/by/4.0/"}, credentials=header)
    assert found(door, "type=House&" + query) == expected


def test_pages_name_their_neighbours(door: Door) -> None:
    for number in range(3):
        registered(door, number)
    reply = door("GET", PATH + "?type=House&limit=1&offset=1&count=true", {}, None)
    assert [one["id"][-1] for one in json.loads(reply.body)] == ["1"]
    assert reply.headers["ngsild-results-count"] == "3"
    assert (
        f'<{PATH}?count=true&type=House&limit=1&offset=0>;rel="prev";type="application/ld+json"'
        in (reply.headers["link"])
    )


def exclusive(number: int, *names: str, **more: Any) -> dict[str, Any]:
    information = [{"entities": [{"type": "House", "id": "urn:h:1"}], "propertyNames": list(names)}]
    return {**SMALL, "id": f"urn:r:{number}", "information": information, "mode": "exclusive", **more}


def test_what_one_place_alone_holds_is_registered_once(door: Door) -> None:
    assert post(door, exclusive(1, "area")).status == 201
    assert post(door, exclusive(2, "area", "size")).status == 409
    assert post(door, {**SMALL, "id": "urn:r:2", "mode": "redirect"}).status == 409
    assert post(door, exclusive(2, "size")).status == 201
    assert patch(door, {"information": exclusive(2, "area")["information"]}, "urn:r:2").status == 409
    assert patch(door, {"endpoint": "http://moved.example"}, "urn:r:2").status == 204
    assert post(door, exclusive(3, "area", mode="inclusive")).status == 201
    assert patch(door, {"mode": "exclusive"}, "urn:r:3").status == 409
    assert post(door, exclusive(4, "area", observationInterval={"startAt": YEAR})).status == 201
    assert door("DELETE", PATH + "/urn:r:1", {}, None).status == 204
    assert patch(door, {"mode": "exclusive"}, "urn:r:3").status == 204


def test_what_is_here_is_not_registered_elsewhere(door: Door) -> None:
    house = {"id": "urn:h:1", "type": "House", "area": {"type": "Property", "value": 5}}
    assert door("POST", ROOT + "/entities", {}, json.dumps(house).encode()).status == 201
    assert post(door, exclusive(1, "area")).status == 409
    assert post(door, exclusive(1, "size")).status == 201
    assert post(door, {**SMALL, "mode": "redirect"}).status == 409
    assert post(door, {**SMALL, "mode": "redirect", "information": [{"propertyNames": ["area"]}]}).status == 409
    street = [{"entities": [{"type": "Street", "idPattern": "^urn:"}]}]
    assert post(door, {**SMALL, "mode": "redirect", "information": street}).status == 201


@pytest.mark.parametrize(
    ("shown", "given"),
    [
        ({"kind": "header", "name": "X-Key", "value": "***"}, {"kind": "header", "name": "X-Key", "value": "hush"}),
        (
            {"kind": "oauth2", "tokenUrl": "https://t/token", "clientId": "misono", "clientSecret": "***"},
            {"kind": "oauth2", "tokenUrl": "https://t/token", "clientId": "misono", "clientSecret": "hush"},
        ),
        ({"kind": "mtls", "name": "aizu"}, {"kind": "mtls", "name": "aizu"}),
    ],
)
def test_secrets_are_kept_and_never_shown(door: Door, shown: dict[str, str], given: dict[str, str]) -> None:
    info = [{"key": "Authorization", "value": "Bearer hush"}, {"key": "Cookie", "value": "urn:ngsi-ld:request"}]
    assert post(door, {**SMALL, "id": ID, "credentials": given, "contextSourceInfo": info}).status == 201
    answer = get(door)
    assert answer["credentials"] == shown
    assert [one["value"] for one in answer["contextSourceInfo"]] == ["***", "urn:ngsi-ld:request"]
    assert "hush" not in json.dumps(get(door, "?type=*"))
    again = {name: answer[name] for name in ("credentials", "contextSourceInfo", "endpoint")}
    assert patch(door, again).status == 204
    assert get(door) == answer
    if "***" in shown.values():
        elsewhere = {**again, "endpoint": "http://elsewhere.example"}
        assert patch(door, elsewhere).status == 400
        assert patch(door, {"endpoint": "http://elsewhere.example"}).status == 400
        assert post(door, {**SMALL, "credentials": shown}).status == 400


def test_a_registration_ends(tmp_path: Path) -> None:
    clock = FakeClock()
    with broker(clock=clock, store="sqlite", data=str(tmp_path)) as (_, doors):
        door = front_door(doors)
        post(door, {**SMALL, "id": ID, "expiresAt": "2099-01-01T00:00:00Z"})
        clock.advance(100 * 366 * 86_400)
        assert door("GET", f"{PATH}/{ID}", {}, None).status == 404
        assert get(door, "?type=House") == []
