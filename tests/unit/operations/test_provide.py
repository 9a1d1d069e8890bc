"""Single writes through a store: results, refusals, preconditions, tenants (clauses 5.6.1 to 5.6.6, 5.6.17)."""

from __future__ import annotations

from typing import Any

import pytest

from broker.access.view import Rules, view_of
from broker.errors import (
    AlreadyExists,
    BadRequestData,
    Conflict,
    NonexistentTenant,
    PreconditionFailed,
    ResourceNotFound,
)
from broker.operations import provide
from broker.operations.broker import Broker
from broker.operations.preconditions import Precondition
from broker.operations.provide import AttributeTarget, Target
from broker.operations.purge import Purge, purge_entities
from broker.ports import Restriction
from broker.query.ast import HasType, Linked, Path
from tests.fakes.house import NS, make_broker, make_call, prop

ID = "urn:ngsi-ld:House:1"
HOUSE: dict[str, Any] = {"id": ID, "type": f"{NS}House", f"{NS}speed": prop(1), f"{NS}owner": prop("o")}
CALL = make_call()


@pytest.fixture
def broker() -> Broker:
    made = make_broker()
    provide.create_entity(made, CALL, HOUSE).result()
    return made


def stored(broker: Broker) -> dict[str, Any]:
    found = broker.entities.get("", ID)
    assert found is not None
    return found.document


def test_create_answers_once(broker: Broker) -> None:
    with pytest.raises(AlreadyExists) as refusal:
        provide.create_entity(broker, CALL, HOUSE).result()
    assert (refusal.value.pointer, refusal.value.clause) == ("/id", "5.6.1")
    with pytest.raises(PreconditionFailed):
        provide.create_entity(broker, CALL, HOUSE, Precondition(absent=True)).result()
    with pytest.raises(PreconditionFailed):
        provide.create_entity(broker, CALL, {**HOUSE, "id": "urn:x:9"}, Precondition(exists=True)).result()


def test_create_makes_a_tenant_and_nothing_else_does(broker: Broker) -> None:
    elsewhere = make_call(tenant="east")
    with pytest.raises(NonexistentTenant):
        provide.delete_entity(broker, elsewhere, Target(ID)).result()
    written = provide.create_entity(broker, elsewhere, HOUSE).result()
    assert (written.id, written.version, written.created) == (ID, 1, True)
    assert provide.delete_entity(broker, elsewhere, Target(ID)).result().version == 0
    assert stored(broker) == HOUSE


def test_update_names_attributes_by_iri(broker: Broker) -> None:
    fragment: dict[str, Any] = {f"{NS}speed": prop(2), f"{NS}colour": "urn:ngsi-ld:null"}
    written = provide.update_attributes(broker, CALL, Target(ID), fragment).result()
    assert written.version == 2
    assert written.result.updated == [f"{NS}speed"]
    assert [one.name for one in written.result.not_updated] == [f"{NS}colour"]


def test_a_write_that_changes_nothing_makes_no_version(broker: Broker) -> None:
    written = provide.update_attributes(broker, CALL, Target(ID), {f"{NS}speed": prop(1)}).result()
    assert written.version == 1
    assert broker.changes.bounds("") == (1, 1)


def test_preconditions_are_decided_on_the_row(broker: Broker) -> None:
    stale, current = Precondition(frozenset({7})), Precondition(frozenset({1, 9}))
    with pytest.raises(PreconditionFailed):
        provide.delete_entity(broker, CALL, Target(ID, precondition=stale)).result()
    with pytest.raises(PreconditionFailed):
        provide.merge_entity(broker, CALL, Target(ID, precondition=stale), {f"{NS}speed": prop(3)}).result()
    assert provide.merge_entity(broker, CALL, Target(ID, precondition=current), {"scope": "/a"}).result().version == 2
    with pytest.raises(ResourceNotFound):
        provide.delete_entity(broker, CALL, Target("urn:x:none", precondition=Precondition(exists=True))).result()


def test_an_entity_of_another_type_is_not_found(broker: Broker) -> None:
    with pytest.raises(ResourceNotFound):
        provide.delete_entity(broker, CALL, Target(ID, HasType(f"{NS}Car"))).result()
    assert provide.delete_entity(broker, CALL, Target(ID, HasType(f"{NS}House"))).result().version == 0


def test_an_id_that_is_no_uri_is_bad_data(broker: Broker) -> None:
    with pytest.raises(BadRequestData):
        provide.update_attributes(broker, CALL, Target("no uri"), {f"{NS}speed": prop(2)}).result()


def test_replace_takes_the_id_of_the_path(broker: Broker) -> None:
    with pytest.raises(BadRequestData):
        provide.replace_entity(broker, CALL, Target(ID), {**HOUSE, "id": "urn:x:2"})
    written = provide.replace_entity(broker, CALL, Target(ID), {"type": f"{NS}Shop"}).result()
    assert written.version == 2
    assert stored(broker) == {"id": ID, "type": f"{NS}Shop"}


@pytest.mark.parametrize("name", ["scope", "type", "id"])
def test_core_members_are_no_attributes(broker: Broker, name: str) -> None:
    with pytest.raises(BadRequestData):
        provide.partial_attribute_update(broker, CALL, Target(ID), name, prop(1))
    with pytest.raises(BadRequestData):
        provide.replace_attribute(broker, CALL, Target(ID), name, prop(1))


def test_attribute_writes(broker: Broker) -> None:
    speed = f"{NS}speed"
    provide.partial_attribute_update(broker, CALL, Target(ID), speed, {"unitCode": "KMH"}).result()
    assert stored(broker)[speed]["unitCode"] == "KMH"
    provide.replace_attribute(broker, CALL, Target(ID), speed, prop(7)).result()
    assert "unitCode" not in stored(broker)[speed]
    left = provide.append_attributes(broker, CALL, Target(ID), {speed: prop(8)}, overwrite=False).result()
    assert [one.name for one in left.result.not_updated] == [f"{NS}speed"]
    provide.delete_attribute(broker, CALL, Target(ID), AttributeTarget(speed)).result()
    assert speed not in stored(broker)
    with pytest.raises(ResourceNotFound):
        provide.delete_attribute(broker, CALL, Target(ID), AttributeTarget(speed)).result()


def test_a_partial_update_with_nothing_in_it_is_bad_data(broker: Broker) -> None:
    for fragment in ({}, {"type": "Property"}):
        with pytest.raises(BadRequestData):
            provide.partial_attribute_update(broker, CALL, Target(ID), f"{NS}speed", dict(fragment))


def test_a_refusal_points_at_the_caller_s_name(broker: Broker) -> None:
    fragment: dict[str, Any] = {f"{NS}speed": {"type": "Relationship", "object": "urn:x:2"}}
    with pytest.raises(BadRequestData) as refusal:
        provide.merge_entity(broker, CALL, Target(ID), fragment).result()
    assert refusal.value.pointer == "/speed/type"


def test_a_past_expiry_ends_the_entity_at_once(broker: Broker) -> None:
    provide.merge_entity(broker, CALL, Target(ID), {"expiresAt": "2020-01-01T00:00:00Z"}).result()
    assert broker.entities.get("", ID) is None
    assert provide.create_entity(broker, CALL, HOUSE).result().version == 1


def test_purge_deletes_keeps_or_drops(broker: Broker) -> None:
    for number in range(2, 450):
        provide.create_entity(broker, CALL, {**HOUSE, "id": f"urn:ngsi-ld:House:{number}"}).result()
    dropped = purge_entities(broker, CALL, HasType(f"{NS}House"), Purge(drop=frozenset({f"{NS}owner"}))).result()
    assert len(dropped.success) == 449
    assert set(stored(broker)) == {"id", "type", f"{NS}speed"}
    purge_entities(broker, CALL, HasType(f"{NS}House"), Purge(keep=frozenset({f"{NS}owner"}))).result()
    assert set(stored(broker)) == {"id", "type"}
    gone = purge_entities(broker, CALL, HasType(f"{NS}House"), Purge()).result()
    assert (len(gone.success), gone.errors) == (449, [])
    assert list(broker.entities.scan("")) == []
    with pytest.raises(BadRequestData):
        Purge(keep=frozenset(), drop=frozenset())
    with pytest.raises(BadRequestData):
        purge_entities(broker, CALL, Linked(Path("https://e/a"), (), HasType("https://e/T")), Purge())


def test_purge_reports_what_it_may_not_touch(broker: Broker) -> None:
    provide.append_attributes(broker, CALL, Target(ID), {f"{NS}speed": prop(1, **{f"{NS}note": prop("n")})}).result()
    hiding = make_call(Restriction(view=view_of(Rules(sub_attributes=frozenset({(f"{NS}speed", f"{NS}note")})))))
    result = purge_entities(broker, hiding, HasType(f"{NS}House"), Purge(drop=frozenset({f"{NS}speed"}))).result()
    assert [(one.entity_id, type(one.refusal)) for one in result.errors] == [(ID, Conflict)]
    assert f"{NS}speed" in stored(broker)
