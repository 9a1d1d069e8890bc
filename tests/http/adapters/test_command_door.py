"""`/admin/commands`: commands are given, looked at and proven; hostile bodies are refused, never a fault."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.commands.asking import Asking, Desk
from adapters.door.commands import CommandDoor
from adapters.door.making import make_door
from adapters.order import Delivered
from broker.access.policies import AllowAll
from broker.errors import BadRequestData, Forbidden, ResourceNotFound
from broker.http.rooms.door import Rights
from broker.hub.inside import HubInside
from broker.ports import ANYONE, Access, Principal
from tests.fakes.commanded import CHARGER, NS, READY, RESOLVE, City, commanded
from tests.fakes.piped import Pipe
from tests.http.adapters.door_asking import Asker

ROOT: Final = "/admin/commands"
LIMIT: Final[dict[str, Any]] = {"entity": CHARGER, "attribute": "chargingLimit", "value": 3000, "unitCode": "WTT"}


@contextmanager
def opened(
    directory: Path, access: Access | None = None, *, read_only: bool = False, wait_s: float = 5
) -> Iterator[tuple[Asker, City]]:
    """The door before a charger; commands go by themselves."""
    with commanded(directory, access=access, start=True) as city:
        assert city.create(READY).status == 201
        hub = HubInside(city.built.house, Principal("adapters"))
        desk = Desk(city.commanding, hub.acting_as, city.built.house.broker.new_id, wait_s)
        rights = Rights(city.built.house.broker.access, read_only=read_only)
        door = make_door(city.assembled, RESOLVE, rights, CommandDoor(desk).routes())
        try:
            yield Asker(door, cast("Pipe", None)), city
        finally:
            door.close()


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Asker]:
    with opened(tmp_path) as (asker, _):
        yield asker


LOCKERS: Final = {
    "lockers.yaml": """
adapter: lockers
link: {kind: hand}
codec: {kind: json}
mapping: lockers
devices: [{id: l1, entity_id: "urn:ngsi-ld:LockerCompartment:misono:l1"}]
""",
    "mapping.yaml": """
mapping: lockers
version: 1
context: [https://misono.example/contexts/misono-logistics-v1.jsonld]
entities:
  - {id: "urn:ngsi-ld:LockerCompartment:misono:{device}", type: LockerCompartment, attributes: {compartmentNumber: n}}
commands:
  - {attribute: compartmentState, name: Set, words: {free: Open, taken: Close}}
  - {attribute: note, name: Show}
""",
}


def test_an_attribute_is_given_as_its_model_has_it(tmp_path: Path) -> None:
    locker = "urn:ngsi-ld:LockerCompartment:misono:l1"
    with commanded(tmp_path, LOCKERS, beside=True) as city:
        desk = Desk(city.commanding, lambda _: city.hub, lambda: "1", 0)
        for number, (attribute, value) in enumerate({"compartmentState": "free", "note": "full"}.items()):
            body: dict[str, Any] = {"entity": locker, "attribute": attribute, "value": value, "id": f"urn:x:{number}"}
            made = desk.give(Asking(ANYONE, "", body))
            assert desk.give(Asking(ANYONE, "", body)).number == made.number
        state, note = city.commands()
        assert state.instance["type"] == "VocabProperty"
        assert str(state.instance["vocab"]).endswith("free")
        assert note.instance == {"type": "Property", "value": "full"}
        bad: dict[str, Any] = {"entity": locker, "attribute": "compartmentState", "value": 5}
        with pytest.raises(BadRequestData, match="a word is wanted"):
            desk.give(Asking(ANYONE, "", bad))


def test_a_command_is_given_and_found_again(tmp_path: Path) -> None:
    with opened(tmp_path) as (ask, city):
        city.link.outcome = lambda _: Delivered("OK", "done")
        made = ask("POST", ROOT, {**LIMIT, "ttl_s": 30})
        assert (made.status, made.json["status"], made.json["result"]) == (202, "OK", "done")
        assert made.json["by"] == "anonymous"
        assert made.headers["location"] == f"{ROOT}/{made.json['id']}"
        assert ask("GET", made.headers["location"]).json == made.json
        assert ask("GET", ROOT).json == [made.json]
        assert city.entity()["chargingLimit"]["value"] == 3000
        (order,) = city.link.orders
        assert order.expires_at - city.commands()[0].made_at == 30_000_000


@pytest.mark.parametrize(
    ("more", "status", "told"),
    [
        ({"value": 7401}, 202, "7401 WTT is more than 7400 WTT (ratedPower)"),
        ({"attribute": "nothing"}, 400, "'nothing' commands nothing here"),
        ({"attribute": 1}, 400, "no attribute is there"),
        ({"entity": "urn:x:nobody"}, 404, "no device can be commanded there"),
        ({"entity": 7}, 400, "neither an entity nor a device is named"),
        ({"id": "no uri"}, 400, "the id is no URI"),
        ({"id": 5}, 400, "the id is no URI"),
        ({"ttl_s": 0}, 400, "the lifetime is no number of seconds"),
        ({"ttl_s": True}, 400, "the lifetime is no number of seconds"),
        ({"value": None}, 400, "a value and a text are wanted"),
        ({"unitCode": 3}, 400, "a value and a text are wanted"),
        ({"urgent": True}, 400, "'urgent' is no member"),
    ],
)
def test_what_cannot_be_is_told(tmp_path: Path, more: dict[str, Any], status: int, told: str) -> None:
    with opened(tmp_path) as (ask, city):
        answer = ask("POST", ROOT, {**LIMIT, **more})
        assert answer.status == status, answer
        assert told in str(answer.json)
        assert city.link.orders == []


def test_a_device_may_be_named_instead_of_its_entity(tmp_path: Path) -> None:
    body = {"adapter": "chargers", "device": "c1", "attribute": "RemoteStart", "value": "start"}
    with opened(tmp_path) as (ask, city):
        assert ask("POST", ROOT, body).json["status"] == "DELIVERED"
        assert [order.value for order in city.link.orders] == ["Start"]
        assert ask("POST", ROOT, {**body, "device": "c9"}).status == 404
        assert ask("POST", ROOT, {**body, "attribute": "pointLimit", "value": 1}).status == 400  # of which part?


def test_the_same_id_twice_is_one_command(tmp_path: Path) -> None:
    with opened(tmp_path) as (ask, city):
        replies = []
        threads = [
            threading.Thread(target=lambda: replies.append(ask("POST", ROOT, {**LIMIT, "id": "urn:x:one"})))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {reply.status for reply in replies} == {202}
        assert len(city.link.orders) == len(city.commands()) == 1
        again = ask("POST", ROOT, {**LIMIT, "id": "urn:x:one", "value": 2000})
        assert (again.status, again.json["title"]) == (409, "Conflict")


def test_lists_come_in_pages_and_by_filters(ask: Asker) -> None:
    ids = [ask("POST", ROOT, {**LIMIT, "value": 9000 if number % 2 else number}).json["id"] for number in range(5)]
    page = ask("GET", f"{ROOT}?limit=2")
    assert [one["id"] for one in page.json] == ids[:2]
    seen = [one["id"] for one in page.json]
    while "link" in page.headers:
        page = ask("GET", page.headers["link"].partition("<")[2].partition(">")[0])
        seen += [one["id"] for one in page.json]
    assert seen == ids
    assert [one["id"] for one in ask("GET", f"{ROOT}?status=ERROR").json] == ids[1::2]
    assert ask("GET", f"{ROOT}?entity=urn:x:other").json == []
    assert ask("GET", f"{ROOT}?color=red").status == 400


def test_other_tenants_see_nothing_but_that_the_chain_goes_on(ask: Asker) -> None:
    made = ask("POST", ROOT, LIMIT).json
    other = {"NGSILD-Tenant": "elsewhere"}
    assert ask("GET", ROOT, headers=other).json == []
    assert ask("GET", f"{ROOT}/{made['id']}", headers=other).status == 404
    assert ask("POST", ROOT, LIMIT, headers=other).status == 404
    rows, theirs = ask("GET", f"{ROOT}/audit").json, ask("GET", f"{ROOT}/audit", headers=other).json
    assert [row["event"] for row in rows] == ["made", "sending", "delivered"]
    assert [row["hash"] for row in rows] == [row["hash"] for row in theirs]
    assert all(row["ofAnotherTenant"] and "entity" not in row for row in theirs)
    assert [row["number"] for row in ask("GET", f"{ROOT}/audit?after=1&limit=1").json] == [2]


class Blind(AllowAll):
    """The port Access: nobody sees the charger, nobody commands it, and commands are no operation of theirs."""

    def __init__(self, operation: str = "") -> None:
        super().__init__(commands=False)
        self._operation = operation

    def admit(self, principal: Principal, tenant: str, operation: str) -> None:  # noqa: ARG002 - the port's
        """Turns away from one operation."""
        if operation == self._operation:
            raise Forbidden("not for you")


def test_access_is_asked_for_each(tmp_path: Path) -> None:
    for number, (method, path, operation) in enumerate(
        (
            ("POST", ROOT, "iot_create_command"),
            ("GET", ROOT, "iot_list_commands"),
            ("GET", f"{ROOT}/urn:x:1", "iot_retrieve_command"),
            ("GET", f"{ROOT}/audit", "iot_audit_commands"),
        )
    ):
        (tmp_path / str(number)).mkdir()
        with opened(tmp_path / str(number), Blind(operation)) as (ask, _):
            assert ask(method, path, LIMIT if method == "POST" else None).status == 403


def test_who_may_not_command_is_refused_by_the_write(tmp_path: Path) -> None:
    with opened(tmp_path, Blind()) as (ask, city):
        answer = ask("POST", ROOT, LIMIT)
        assert answer.status == 403
        assert "127.0.0.1" in answer.json["remedy"]
        assert city.commands() == []
        assert "chargingLimit" not in city.entity()


class Hidden(AllowAll):
    """The port Access: reading entities is not for anybody but adapters."""

    def admit(self, principal: Principal, tenant: str, operation: str) -> None:  # noqa: ARG002 - the port's
        """Turns away from reading."""
        if operation == "retrieve_entity" and principal.name != "adapters":
            raise ResourceNotFound("there is nothing here")


def test_commands_of_what_is_not_seen_are_not_seen(tmp_path: Path) -> None:
    with opened(tmp_path, Hidden()) as (ask, city):
        hub = HubInside(city.built.house, Principal("adapters"))
        entity = hub.entity("", CHARGER)
        assert entity is not None
        instance: Any = {"type": "Property", "value": 100, "unitCode": "WTT"}
        assert hub.upsert("", [{"id": CHARGER, "type": entity["type"], f"{NS}chargingLimit": instance}]) == [None]
        city.settle()
        (made,) = city.commands()
        assert ask("GET", ROOT).json == []
        assert ask("GET", f"{ROOT}/{made.id}").status == 404


def test_a_read_only_hub_commands_nothing(tmp_path: Path) -> None:
    with opened(tmp_path, read_only=True) as (ask, city):
        assert ask("POST", ROOT, LIMIT).status == 503
        assert ask("GET", ROOT).json == []
        assert city.link.orders == []


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=6,
)
bodies = st.one_of(
    anything,
    st.fixed_dictionaries(
        {"attribute": st.sampled_from(["chargingLimit", "charging", "x"]), "value": anything},
        optional={
            "entity": st.one_of(st.just(CHARGER), anything), "id": st.one_of(st.just("urn:x:1"), anything),
            "ttl_s": anything, "unitCode": anything, "adapter": anything, "device": anything, "part": anything,
        },
    ),
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies)
def test_whatever_is_sent_is_answered_and_no_fault(hasty: Asker, body: Any) -> None:
    answer = hasty("POST", ROOT, json.dumps(body).encode())
    assert answer.status in (202, 400, 404, 409), (body, answer)
    assert answer.status == 202 or answer.json["detail"]


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    with opened(tmp_path_factory.mktemp("door"), wait_s=0.3) as (asker, _):
        yield asker
