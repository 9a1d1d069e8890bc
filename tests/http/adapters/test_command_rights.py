"""Nobody without the right commands a device, by whatever way they write; nothing is changed where they try."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.commands.asking import Asking, Desk
from adapters.mapping_files import packaged_contexts
from broker.access.policies import AllowAll
from broker.errors import Forbidden
from broker.http.table import OPERATIONS
from broker.hub.inside import HubInside
from broker.ldcontext.core import core_context
from broker.model.entity import Entity
from broker.model.values import Json
from broker.operations.broker import Call
from broker.operations.transfer import load_entities
from broker.ports import ANYONE, Access, Principal
from broker.wiring import build
from specs.door import settings_of
from tests.fakes.commanded import CHARGER, CONTEXT, City, commanded

OTHER: Final = CHARGER[:-1] + "2"
NAMES: Final = packaged_contexts()(CONTEXT)
TYPE: Final = NAMES.expand("EVChargingStation")
LIMIT_IRI: Final = NAMES.expand("chargingLimit")
LIMIT: Final[dict[str, Json]] = {"type": "Property", "value": 3000, "unitCode": "WTT"}
WHOLE: Final[dict[str, Json]] = {
    "type": "EVChargingStation",
    "status": {"type": "Property", "value": "working"},
    "ratedPower": {"type": "Property", "value": 7400, "unitCode": "WTT"},
}
ONE: Final = {"id": CHARGER, **WHOLE, "chargingLimit": LIMIT}
TWO: Final = {"id": OTHER, **WHOLE, "chargingLimit": LIMIT}
PART: Final = {"id": CHARGER, "type": "EVChargingStation", "chargingLimit": LIMIT}
STOP: Final[dict[str, Json]] = {"type": "Property", "value": "stop"}
BY_CLIENTS: Final[dict[str, list[tuple[str, str, Any]]]] = {
    "create_entity": [("POST", "/entities", TWO)],
    "replace_entity": [("PUT", f"/entities/{CHARGER}", ONE)],
    "merge_entity": [
        ("PATCH", f"/entities/{CHARGER}", {"chargingLimit": LIMIT}),
        ("PATCH", f"/entities/{CHARGER}?options=keyValues", {"chargingLimit": 3000}),
    ],
    "append_attributes": [
        ("POST", f"/entities/{CHARGER}/attrs", {"chargingLimit": LIMIT}),
        ("POST", f"/entities/{CHARGER}/attrs?options=noOverwrite", {"charging": STOP}),
    ],
    "update_attributes": [("PATCH", f"/entities/{CHARGER}/attrs", {"chargingLimit": LIMIT})],
    "partial_attribute_update": [("PATCH", f"/entities/{CHARGER}/attrs/chargingLimit", {"value": 3000})],
    "replace_attribute": [("PUT", f"/entities/{CHARGER}/attrs/chargingLimit", LIMIT)],
    "batch_entity_creation": [("POST", "/entityOperations/create", [TWO])],
    "batch_entity_upsert": [
        ("POST", "/entityOperations/upsert", [ONE]),
        ("POST", "/entityOperations/upsert?options=update", [PART]),
        ("POST", "/entityOperations/upsert", [TWO]),
    ],
    "batch_entity_update": [
        ("POST", "/entityOperations/update", [PART]),
        (
            "POST",
            "/entityOperations/update?options=noOverwrite",
            [{"id": CHARGER, "type": "EVChargingStation", "charging": STOP}],
        ),
    ],
    "batch_entity_merge": [("POST", "/entityOperations/merge", [PART])],
}
COMMANDS_NOTHING: Final = {
    # They take away, and what is not there commands nothing.
    "purge_entities", "delete_entity", "delete_attribute", "batch_entity_delete", "erase_entity",
    # They write what was, never what is.
    "upsert_temporal_evolution", "delete_temporal_evolution", "add_attribute_evolution", "delete_attribute_evolution",
    "modify_attribute_instance", "delete_attribute_instance",
    # They write no entities of the tenant.
    "add_context", "delete_context", "create_subscription", "update_subscription", "delete_subscription",
    "register_source", "update_source", "delete_source", "create_entity_map_by_post", "update_entity_map",
    "delete_entity_map", "create_temporal_entity_map_by_post", "create_snapshot", "purge_snapshots", "update_snapshot",
    "delete_snapshot", "clone_snapshot", "redeliver_dead_letters", "discard_dead_letters", "set_model_policy",
    "forget_model_policy", "create_source_subscription", "update_source_subscription", "delete_source_subscription",
    "relay_notification", "iot_claim_commands", "iot_disclaim_commands",
}  # fmt: skip
CASES: Final = [(name, *case) for name, cases in BY_CLIENTS.items() for case in cases]


class OnlyTheGrid(AllowAll):
    """The port Access: the grid commands devices, nobody else does."""

    def admit_command(self, principal: Principal, tenant: str, entity: Entity, attribute: str) -> None:
        """Turns everybody else away."""
        if principal.name != "grid":
            raise Forbidden(f"{principal.name} commands no {attribute} of {entity.id} in {tenant!r}")


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextmanager
def opened(directory: Path, store: str, access: Access) -> Iterator[City]:
    directory.mkdir()
    with commanded(directory, access=access, store=store) as city:
        seed(city)
        yield city


def seed(city: City) -> None:
    """An attribute that is there already, of an order that the grid gave."""
    city.link.orders.clear()
    attributes: dict[str, Json] = {
        NAMES.expand("status"): WHOLE["status"],
        NAMES.expand("ratedPower"): WHOLE["ratedPower"],
        LIMIT_IRI: {**LIMIT, "value": 1},
    }
    hub = HubInside(city.built.house, Principal("grid"))
    assert hub.upsert("", [{"id": CHARGER, "type": TYPE, **attributes}]) == [None]
    city.settle()
    assert [(order.device.id, order.value) for order in city.link.orders] == [("c1", 1)]


def test_no_way_of_writing_commands_without_the_right(tmp_path: Path, store: str) -> None:
    with opened(tmp_path / "city", store, OnlyTheGrid()) as city:
        before = city.entity()
        for name, method, path, body in CASES:
            reply = city.send(method, path, body)
            assert "Forbidden" in reply.text(), (name, reply)
            assert reply.status in ((207, 400) if "Operations" in path else (403,)), (name, reply)
            city.settle()
            assert city.entity() == before, name
            assert city.entity(OTHER) == {}, name
            assert len(city.link.orders) == len(city.commands()) == 1, name


def test_by_each_of_these_ways_who_may_does_command(tmp_path: Path, store: str) -> None:
    """The other test would hold for requests that are wrong, too."""
    with opened(tmp_path / "city", store, AllowAll()) as city:
        for name, method, path, body in CASES:
            assert city.send(method, path, body).status in (201, 204), name
            city.settle()
            assert len(city.link.orders) == 2, name
            for one in (CHARGER, OTHER):
                city.delete(f"/entities/{one}")
            seed(city)


def test_every_operation_that_writes_is_tried_or_cannot_command() -> None:
    writing = {operation.name for operation in OPERATIONS if operation.changes}
    assert writing == BY_CLIENTS.keys() | COMMANDS_NOTHING
    assert not BY_CLIENTS.keys() & COMMANDS_NOTHING


def test_adapters_services_imports_and_the_desk_are_asked_too(tmp_path: Path, store: str) -> None:
    with opened(tmp_path / "refused", store, OnlyTheGrid()) as city:
        fragment: dict[str, Json] = {"id": CHARGER, "type": TYPE, LIMIT_IRI: LIMIT}
        for name in ("adapters", "hub", "anonymous"):
            (refusal,) = HubInside(city.built.house, Principal(name)).upsert("", [fragment])
            assert isinstance(refusal, Forbidden)
        call = Call("", core_context(), Principal("importer"))
        (refusal,) = load_entities(city.built.house.broker, call, [fragment]).result()
        assert isinstance(refusal, Forbidden)
        desk = Desk(city.commanding, HubInside(city.built.house).acting_as, city.built.house.broker.new_id, 0)
        with pytest.raises(Forbidden):
            desk.give(Asking(ANYONE, "", {"entity": CHARGER, "attribute": "chargingLimit", "value": 3000}))
        city.settle()
        assert len(city.link.orders) == 1


def test_what_commands_nothing_is_not_asked_for(tmp_path: Path, store: str) -> None:
    with opened(tmp_path / "refused", store, OnlyTheGrid()) as city:
        whole = city.entity()
        assert city.patch(CHARGER, {"status": {"type": "Property", "value": "full"}}).status == 204
        assert city.send("POST", "/entityOperations/upsert?options=update", [whole]).status == 204
        assert city.send("PUT", f"/entities/{CHARGER}", whole).status == 204
        past = {**PART, "chargingLimit": [{**LIMIT, "observedAt": "2026-01-01T00:00:00Z"}]}
        assert city.send("POST", "/temporal/entities", past).status in (201, 204)
        city.settle()
        assert len(city.link.orders) == 1
        assert city.entity() == whole
        assert city.delete(f"/entities/{CHARGER}/attrs/chargingLimit").status == 204


def test_one_of_several_instances_that_goes_is_no_command(tmp_path: Path, store: str) -> None:
    with opened(tmp_path / "grid", store, AllowAll()) as city:
        planned = {**LIMIT, "value": 5, "datasetId": "urn:x:planned"}
        assert city.send("POST", f"/entities/{CHARGER}/attrs", {"chargingLimit": planned}).status == 204
        city.settle()
        assert len(city.commands()) == 1
        assert city.delete(f"/entities/{CHARGER}/attrs/chargingLimit?datasetId=urn:x:planned").status == 204
        city.settle()
        assert len(city.commands()) == 1


@pytest.mark.parametrize(("host", "commands"), [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False)])  # noqa: S104
def test_without_users_devices_are_commanded_on_loopback_only(tmp_path: Path, host: str, commands: bool) -> None:
    built = build(settings_of("--store", "memory", "--data", str(tmp_path), "--host", host, "--insecure"))
    access, entity = built.house.broker.access, Entity({"id": CHARGER, "type": TYPE}, 0, 0)
    built.close()
    if commands:
        access.admit_command(ANYONE, "", entity, LIMIT_IRI)
        return
    with pytest.raises(Forbidden) as refused:
        access.admit_command(ANYONE, "", entity, LIMIT_IRI)
    assert "127.0.0.1" in refused.value.remedy


def test_a_refusal_points_at_the_attribute_by_the_client_s_name(tmp_path: Path) -> None:
    with commanded(tmp_path, access=AllowAll(commands=False)) as city:
        reply = city.create({"id": CHARGER, **WHOLE, "chargingLimit": LIMIT})
        assert reply.status == 403
        assert reply.json()["type"] == "urn:misono:errors:Forbidden"
        assert reply.json()["pointer"] == "/chargingLimit"
