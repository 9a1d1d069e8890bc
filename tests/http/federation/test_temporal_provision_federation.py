"""Histories written over several brokers (clauses 5.6.11 to 5.6.16)."""

from __future__ import annotations

import pytest

from broker.model.registration import EntityInfo, Information
from tests.fakes.neighbours import Neighbour, neighbours, series

CAR = "https://uri.etsi.org/ngsi-ld/default-context/Car"
SPEED = "https://uri.etsi.org/ngsi-ld/default-context/speed"
ID = "urn:ngsi-ld:Car:1"
REG = "urn:ngsi-ld:ContextSourceRegistration:1"
WRITES = (
    "upsertTemporal", "appendAttrsTemporal", "deleteAttrsTemporal", "updateAttrInstanceTemporal",
    "deleteAttrInstanceTemporal", "deleteTemporal",
)  # fmt: skip
PATH = f"/temporal/entities/{ID}"
HERE = "?local=true"


def held(broker: Neighbour, name: str = "speed") -> list[object]:
    """The values that a broker holds itself."""
    reply = broker.send("GET", PATH + HERE)
    return [one["value"] for one in broker.json("GET", PATH + HERE).get(name, [])] if reply.status == 200 else []


def test_what_is_registered_as_exclusive_is_written_there_alone() -> None:
    with neighbours("misono", "aizu") as (misono, aizu):
        speed = (Information((EntityInfo((CAR,), ID),), (SPEED,)),)
        misono.register(REG, "aizu", information=speed, mode="exclusive", operations=WRITES)
        both = series(ID, "Car", speed={"2026-05-01": 1}, colour={"2026-05-01": "red"})
        assert misono.send("POST", "/temporal/entities", body=both).status == 201
        assert (held(misono), held(misono, "colour")) == ([], ["red"])
        assert (held(aizu), held(aizu, "colour")) == ([1], [])
        more = {"speed": [{"type": "Property", "value": 2, "observedAt": "2026-05-02T00:00:00Z"}]}
        assert misono.send("POST", f"{PATH}/attrs", body=more).status == 204
        assert (held(misono), held(aizu)) == ([], [1, 2])
        assert misono.send("DELETE", f"{PATH}/attrs/speed").status == 204
        assert held(aizu) == []


def test_what_is_registered_as_inclusive_is_written_on_both_sides() -> None:
    with neighbours("misono", "aizu") as pair:
        misono, _ = pair
        misono.register(REG, "aizu", CAR, operations=WRITES)
        assert misono.send("POST", "/temporal/entities", body=series(ID, "Car", speed={"2026-05-01": 1})).status == 201
        assert [held(one) for one in pair] == [[1], [1]]
        assert misono.send("DELETE", PATH).status == 204
        assert [held(one) for one in pair] == [[], []]


def test_an_instance_is_changed_where_it_is() -> None:
    with neighbours("misono", "aizu") as (misono, aizu):
        misono.register(REG, "aizu", CAR, operations=(*WRITES, "retrieveTemporal"))
        assert aizu.send("POST", "/temporal/entities", body=series(ID, "Car", speed={"2026-05-01": 1})).status == 201
        instance = misono.json("GET", PATH)["speed"][0]["instanceId"]
        new = {"type": "Property", "value": 5, "observedAt": "2026-05-01T00:00:00Z"}
        assert misono.send("PATCH", f"{PATH}/attrs/speed/{instance}", body=new).status == 204
        assert held(aizu) == [5]
        assert misono.send("DELETE", f"{PATH}/attrs/speed/{instance}").status == 204
        assert held(aizu) == []
        assert misono.send("DELETE", f"{PATH}/attrs/speed/{instance}").status == 404


@pytest.mark.parametrize(("said", "status"), [((404, None), 404), ((403, None), 502), ((500, None), 502)])
def test_a_refusal_of_a_single_source_is_told(said: tuple[int, object], status: int) -> None:
    with neighbours("misono") as (misono,):
        misono.register(REG, "elsewhere", CAR, mode="redirect", operations=WRITES)
        misono.sources.said["elsewhere"] = said
        assert (
            misono.send("POST", "/temporal/entities", body=series(ID, "Car", speed={"2026-05-01": 1})).status == status
        )
        assert held(misono) == []


def test_a_registration_of_current_state_takes_no_history() -> None:
    with neighbours("misono", "aizu") as (misono, _):
        misono.register(REG, "aizu", CAR, mode="redirect", operations=("redirectionOps",))
        assert misono.send("POST", "/temporal/entities", body=series(ID, "Car", speed={"2026-05-01": 1})).status == 201
        assert held(misono) == [1]


def test_a_fragment_of_a_known_history_goes_by_the_types_that_it_has() -> None:
    with neighbours("misono", "aizu") as (misono, aizu):
        misono.register(REG, "aizu", CAR, mode="redirect", operations=WRITES)
        assert misono.send("POST", "/temporal/entities", body=series(ID, "Boat", speed={"2026-05-01": 1})).status == 201
        more = {"speed": [{"type": "Property", "value": 2, "observedAt": "2026-05-02T00:00:00Z"}]}
        assert misono.send("POST", f"{PATH}/attrs", body=more).status == 204
        assert (held(misono), held(aizu)) == ([1, 2], [])
