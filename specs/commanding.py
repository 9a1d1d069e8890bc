"""What the features say of devices that are commanded: a charger, behind a link that does what the scenario says."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote

from adapters.readings import Answered
from broker.access.policies import AllowAll
from broker.errors import Forbidden
from broker.model.entity import Entity
from broker.ports import Command, Principal, Put
from specs.door import Reply
from tests.fakes.clock import FakeClock
from tests.fakes.commanded import CHARGER, CONTEXT, LINK, RESOLVE, City, commanded, handed_over

_PATH = f"/entities/{quote(CHARGER, safe=':')}"


BESIDE: Final = "beside"
"""The tag of scenarios in which adapters have the broker as one that is elsewhere."""


def opened(directory: Path, store: str, scenario: object) -> AbstractContextManager[City]:
    """The city of a scenario."""
    return commanded(directory, store=store, clock=FakeClock(), beside=hasattr(scenario, BESIDE))


class Commands(Protocol):
    """Who talks to the broker, and the city behind it."""

    headers: dict[str, str]
    last: Reply
    city: City | None

    def send(self, method: str, path: str, text: str = "") -> Reply:
        """Any request."""


class OnlyTheGrid(AllowAll):
    """The port Access: the grid commands devices, nobody else does."""

    def admit_command(self, principal: Principal, tenant: str, entity: Entity, attribute: str) -> None:
        """Turns everybody else away."""
        if principal.name != "grid":
            pointer = f"/{attribute.replace('~', '~0').replace('/', '~1')}"
            said = f"{principal.name} commands no {entity.id} in {tenant!r}"
            raise Forbidden(said, pointer=pointer, clause="5.5.2", remedy="Ask the grid.")


def city_of(client: Commands) -> City:
    assert client.city is not None
    return client.city


def _send(client: Commands, method: str, path: str, body: Any = None) -> Reply:
    client.headers["Link"] = LINK
    reply = client.send(method, path, "" if body is None else json.dumps(body))
    city_of(client).settle()
    return reply


def _property(value: Any, unit: str = "") -> dict[str, Any]:
    return {"type": "Property", "value": value, **({"unitCode": unit} if unit else {})}


def a_charger(client: Commands, watts: int) -> None:
    """It is provisioned, and works."""
    client.headers.clear()
    whole = {"status": _property("working"), "ratedPower": _property(watts, "WTT")}
    assert _send(client, "POST", "/entities", {"id": CHARGER, "type": "EVChargingStation", **whole}).status == 201


def only_the_grid(client: Commands) -> None:
    """Others are turned away."""
    city_of(client).guard.access = OnlyTheGrid()


def runs_beside(client: Commands) -> None:
    """It has claimed what commands its devices."""
    city = city_of(client)
    city.settle()
    assert [adapter for _, adapter, _ in city.hub.claims] == ["chargers"]


def becomes(client: Commands, name: str, value: str, unit: str) -> None:
    """As by an import, or by a broker that knows of no claims."""
    city, iri = city_of(client), RESOLVE(CONTEXT).expand(name)

    def decide(current: Entity | None, _: int) -> Put:
        assert current is not None
        document = {**current.document, iri: _property(json.loads(value), unit)}
        return Put(Entity(document, current.created_at, current.modified_at, None, current.version))

    assert city.built.store.apply("", [Command(CHARGER, decide)]).result() == [None]
    city.settle()
    assert city.entity()[name]["value"] == json.loads(value)


def claim_ended(client: Commands) -> None:
    """By an operator."""
    assert city_of(client).door("DELETE", "/admin/command-claims/chargers", {}, b"").status == 204


def another_claims(client: Commands, name: str) -> None:
    """With a key of its own."""
    rows = [
        {
            "commands": {RESOLVE(CONTEXT).expand("EVChargingStation"): [RESOLVE(CONTEXT).expand(name)]},
            "entities": [CHARGER],
        }
    ]
    body = json.dumps({"key": "5a" * 32, "rows": rows}).encode()
    headers = {"Content-Type": "application/json"}
    client.last = city_of(client).door("PUT", "/admin/command-claims/others", headers, body)


def rating_unknown(client: Commands) -> None:
    """Nobody said it."""
    assert _send(client, "DELETE", f"{_PATH}/attrs/ratedPower").status == 204


def the_charger_is(client: Commands, state: str) -> None:
    """As it says itself."""
    assert _send(client, "PATCH", f"{_PATH}/attrs", {"status": _property(state)}).status == 204


def cannot_be_reached(client: Commands) -> None:
    """Its link finds nobody."""
    link = city_of(client).link
    link.outcome = link.not_reached


def is_back(client: Commands, seconds: int) -> None:
    """It is there, and its link hands over what it has."""
    city = city_of(client)
    city.link.orders.clear()
    city.link.outcome = handed_over
    go_by(client, seconds)


def go_by(client: Commands, seconds: int) -> None:
    """Time."""
    city = city_of(client)
    assert isinstance(city.clock, FakeClock)
    city.clock.advance(seconds)
    city.settle()


def a_client_sets(client: Commands, name: str, value: str, unit: str) -> None:
    """A PATCH of one attribute."""
    _send(client, "PATCH", f"{_PATH}/attrs", {name: _property(json.loads(value), unit)})


def writes_back(client: Commands) -> None:
    """The whole entity, as it was read."""
    assert _send(client, "PUT", _PATH, city_of(client).entity()).status == 204


def is_deleted(client: Commands) -> None:
    """By a client."""
    assert _send(client, "DELETE", _PATH).status == 204


def answers(client: Commands, status: str, result: str) -> None:
    """About the command that it got last."""
    city = city_of(client)
    assert status in ("OK", "ERROR")
    city.answer(Answered(city.link.orders[-1].id, "OK" if status == "OK" else "ERROR", result))


def is_told(client: Commands, name: str, value: str) -> None:
    """That, and nothing else."""
    assert [(order.name, order.value) for order in city_of(client).link.orders] == [(name, json.loads(value))]


def was_last_told(client: Commands, name: str, value: str, other: str) -> None:
    """That since it is back, and not the other."""
    is_told(client, name, value)
    assert value != other


def is_told_nothing(client: Commands) -> None:
    """Its link got no order."""
    assert city_of(client).link.orders == []


def is_so(client: Commands, name: str, status: str) -> None:
    """What the entity shows."""
    assert city_of(client).status(name) == status


def is_so_with(client: Commands, name: str, status: str, result: str) -> None:
    """The same with its result."""
    city = city_of(client)
    assert (city.status(name), city.result(name)) == (status, result)


def has_no(client: Commands, name: str) -> None:
    """Nothing was written."""
    assert name not in city_of(client).entity()


def there_is_none(client: Commands) -> None:
    """Nothing brought it back."""
    assert city_of(client).entity() == {}


def the_audit_says(client: Commands, events: str) -> None:
    """These, in their order; and it is as it was written."""
    city = city_of(client)
    assert city.events() == events.split(", ")
    assert city.commanding.book.audit.verify()[0] == len(city.events())
