"""What is a command and what is none: the same again, copies, forgeries, other tenants, a log that begins anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.commands.following import Follower
from adapters.commands.guarding import Bell
from adapters.readings import Answered
from broker.ports.hub import Hub, HubChange
from tests.fakes.clock import FakeClock
from tests.fakes.commanded import CHARGER, FILES, LINK, READY, START, City, commanded, limit, text


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with commanded(tmp_path, clock=FakeClock()) as found:
        assert found.create(READY).status == 201
        yield found


def test_the_same_value_again_is_a_command_again(city: City) -> None:
    city.give(START)
    city.give(START)
    assert len(city.link.orders) == 2
    assert len({order.id for order in city.link.orders}) == 2


def test_what_is_read_and_written_back_is_none(city: City) -> None:
    city.give(limit(3000))
    whole = city.entity()
    assert city.send("PUT", f"/entities/{CHARGER}", whole).status == 204
    whole["status"] = text("almostFull")
    assert city.send("PUT", f"/entities/{CHARGER}", whole).status == 204
    assert city.patch(CHARGER, {"chargingLimit": whole["chargingLimit"]}).status == 204
    city.settle()
    assert len(city.link.orders) == 1
    assert len(city.commands()) == 1


def test_a_copy_into_an_empty_place_is_none(city: City) -> None:
    city.give(limit(3000))
    whole = city.entity()
    assert city.delete(f"/entities/{CHARGER}").status == 204
    city.advance(1)
    assert city.create(whole).status == 201
    city.settle()
    assert len(city.link.orders) == 1
    city.give(limit(3000))
    assert len(city.link.orders) == 2


def test_an_id_of_the_client_makes_it_safe_to_send_again(city: City) -> None:
    once = {"commandId": text("urn:x:command:1")}
    city.give(limit(3000, **once))
    city.give(limit(3000, **once))
    assert [order.id for order in city.link.orders] == ["urn:x:command:1"]
    city.give(limit(2000))
    city.give(limit(3000, **once))  # came late, and was there already
    assert [order.value for order in city.link.orders] == [3000, 2000]


def test_an_id_with_another_value_is_another_command(city: City) -> None:
    city.give(limit(3000, commandId=text("urn:x:command:1")))
    city.give(limit(1000, commandId=text("urn:x:command:1")))
    assert [order.value for order in city.link.orders] == [3000, 1000]
    assert city.link.orders[1].id != "urn:x:command:1"


def test_what_is_left_of_an_earlier_command_does_not_stand_in_the_way_of_the_next(city: City) -> None:
    city.give(limit(3000, commandId=text("urn:x:command:1"), commandTtl={"type": "Property", "value": 10}))
    for watts in (1000, 3000):
        path = f"/entities/{CHARGER}/attrs/chargingLimit"
        assert city.send("PATCH", path, {"type": "Property", "value": watts}).status == 204
        city.settle()
    assert [order.value for order in city.link.orders] == [3000, 1000, 3000]
    assert len({order.id for order in city.link.orders}) == 3


def test_a_lifetime_of_the_client_counts(city: City) -> None:
    city.give(limit(3000, commandTtl={"type": "Property", "value": 5}))
    city.advance(5)
    city.settle()
    assert city.status() == "EXPIRED"


def test_nobody_makes_a_seal_of_their_own(city: City) -> None:
    forged = {"commandedBy": text("mayor"), "commandSeal": text(f"{city.clock.now()}:0:{64 * '0'}")}
    city.give(limit(3000, **forged))
    (command,) = city.commands()
    assert command.by == "anonymous"
    assert city.entity()["chargingLimit"]["commandedBy"]["value"] == "anonymous"


def test_what_was_written_before_anybody_was_asked_commands_nothing(city: City) -> None:
    targets = city.guard.targets
    city.guard.targets = None
    forged = {"commandedBy": text("mayor"), "commandSeal": text(f"{city.clock.now()}:0:{64 * '0'}")}
    assert city.patch(CHARGER, limit(3000, **forged)).status == 204
    city.guard.targets = targets
    city.guard.bell.end(city.guard.bell.begin(""))  # have it looked for all the same
    city.settle()
    assert city.commands() == []


def test_deleting_commands_nothing_and_no_status_brings_an_entity_back(city: City) -> None:
    city.give(limit(3000))
    assert city.delete(f"/entities/{CHARGER}/attrs/chargingLimit").status == 204
    city.settle()
    assert len(city.commands()) == 1
    assert city.delete(f"/entities/{CHARGER}").status == 204
    city.answer(Answered(city.link.orders[0].id, "OK"))
    assert city.commands()[0].status == "OK"
    assert city.entity() == {}


def test_an_entity_of_a_part_commands_the_part(city: City) -> None:
    point = "urn:ngsi-ld:EVChargingPoint:misono:c1:2%2Fa"
    city.assembled.devices.learn(city.device(), [point])
    city.create({"id": point, "type": "EVChargingPoint"})
    assert city.patch(point, {"pointLimit": {"type": "Property", "value": 16, "unitCode": "AMP"}}).status == 204
    city.settle()
    (order,) = city.link.orders
    assert (order.name, order.value, order.part) == ("LimitPoint", 16, "2/a")


def test_another_type_s_attribute_of_that_name_is_no_command(city: City) -> None:
    city.give({"pointLimit": {"type": "Property", "value": 16, "unitCode": "AMP"}})
    assert city.commands() == []


def test_the_first_command_of_a_tenant_that_nobody_looked_at_is_taken(tmp_path: Path) -> None:
    files = {**FILES, "chargers.yaml": FILES["chargers.yaml"].replace("{id: c1,", "{id: c1, tenant: mall,")}
    with commanded(tmp_path, files, clock=FakeClock()) as city:
        headers = {"Content-Type": "application/json", "Link": LINK, "NGSILD-Tenant": "mall"}
        whole = json.dumps({**READY, **limit(3000)}).encode()
        assert city.door("POST", "/ngsi-ld/v1/entities", headers, whole).status == 201
        assert city.create({**READY, **limit(2000)}).status == 201  # of the default tenant, which has no such device
        city.settle()
        assert [(order.device.tenant, order.value) for order in city.link.orders] == [("mall", 3000)]
        found = city.door("GET", f"/ngsi-ld/v1/entities/{CHARGER}", headers, b"").json()
        assert found["chargingLimitStatus"]["value"] == "DELIVERED"
        assert city.status() == ""


def test_commands_are_counted_by_what_became_of_them(city: City) -> None:
    city.give(limit(3000))
    city.give(limit(9000))
    counted = [line for line in city.commanding.metrics().splitlines() if not line.startswith("#")]
    assert counted == ['misono_adapter_commands{status="DELIVERED"} 1', 'misono_adapter_commands{status="ERROR"} 1']


def test_a_bell_is_not_quiet_while_a_write_is_under_way() -> None:
    bell = Bell()
    assert bell.quiet("")
    number = bell.begin("")
    assert not bell.quiet("")
    assert not bell.quiet("")
    assert bell.quiet("elsewhere")
    bell.end(number)
    assert not bell.quiet("")
    assert bell.quiet("")


def test_a_log_that_was_begun_anew_gives_no_command_and_is_told_of(city: City) -> None:
    city.commanding.book.take("", 1_000, ())
    assert city.patch(CHARGER, limit(3000)).status == 204
    parts = city.commanding.parts
    anew = Follower(parts.hub, city.commanding.book, parts.targets, parts.clock, city.guard)
    assert anew.turn("") == 0
    assert city.events() == ["changes_lost"]
    assert city.patch(CHARGER, limit(2000)).status == 204
    assert anew.turn("") == 1


class CountingHub:
    """A hub whose log is counted when it is read."""

    def __init__(self, hub: Hub) -> None:
        self.upsert, self.entity, self.query = hub.upsert, hub.entity, hub.query
        self.delete, self.newest = hub.delete, hub.newest
        self.about, self.history, self.erase = hub.about, hub.history, hub.erase
        self._hub = hub
        self.read = 0

    def changes(self, tenant: str, after: int, wait_s: float) -> list[HubChange]:
        """As the port says."""
        self.read += 1
        return self._hub.changes(tenant, after, wait_s)


def test_what_is_written_while_it_is_looked_where_the_log_is_is_taken(city: City) -> None:
    parts = city.commanding.parts
    hub = CountingHub(parts.hub)
    follower = Follower(hub, city.commanding.book, parts.targets, parts.clock, city.guard)
    follower.turn("")

    def newest(tenant: str) -> int:
        """Where it is, and a moment later no more."""
        hub.newest = parts.hub.newest
        found = hub.newest(tenant)
        assert city.patch(CHARGER, limit(3000)).status == 204
        return found

    hub.newest = newest
    follower.turn("")
    city.patch(CHARGER, {"status": text("almostFull")})
    follower.turn("")
    assert [one.instance["value"] for one in city.commands()] == [3000]


def test_changes_of_measurements_are_passed_over_unread(city: City) -> None:
    parts = city.commanding.parts
    hub = CountingHub(parts.hub)
    follower = Follower(hub, city.commanding.book, parts.targets, parts.clock, city.guard)
    follower.turn("")
    hub.read = 0
    for number in range(50):
        assert city.patch(CHARGER, {"status": text(f"s{number}")}).status == 204
        assert follower.turn("") == 0
    assert hub.read == 0
    assert city.patch(CHARGER, {"status": text("working"), **limit(100)}).status == 204
    assert follower.turn("") == 1
    assert hub.read == 1
