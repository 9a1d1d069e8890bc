"""Nobody writes at a source what they may not see (ARCHITECTURE: access is a seam)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from broker.decode.text import parse_json
from broker.doors import make_doors
from tests.fakes.hiding import HIDDEN_ENTITY, HIDDEN_INSTANCE, HIDDEN_TYPE, HidingPolicy
from tests.fakes.neighbours import Neighbour, neighbours

NS = "https://uri.etsi.org/ngsi-ld/default-context/"
ID = "urn:ngsi-ld:Thing:1"
REG = "urn:ngsi-ld:ContextSourceRegistration:1"
PROPERTY = {"type": "Property", "value": 1}


@pytest.fixture
def misono() -> Iterator[Neighbour]:
    """Misono under the hiding policy, which has given all things to Aizu."""
    with neighbours("misono", "aizu") as (misono, aizu):
        house = misono.built.house
        hiding = replace(house, broker=replace(house.broker, access=HidingPolicy()))
        misono.doors = make_doors(replace(misono.built, house=hiding))
        operations = ("redirectionOps", "createBatch")
        misono.register(REG, "aizu", NS + "Thing", HIDDEN_TYPE, operations=operations, mode="redirect")
        for entity_id in (ID, HIDDEN_ENTITY):
            body = {"id": entity_id, "type": "Thing", "hidden": PROPERTY, "open": PROPERTY}
            aizu.json("POST", "/entities", body=body)
        yield misono


def thing(**members: Any) -> dict[str, Any]:
    return {"id": ID, "type": "Thing", **members}


WRITES = [
    ("POST", "/entities", thing(hidden=PROPERTY)),
    ("POST", "/entities", {**thing(open=PROPERTY), "id": HIDDEN_ENTITY}),
    ("POST", "/entities", {**thing(open=PROPERTY), "type": "Hidden"}),
    ("PUT", f"/entities/{ID}", thing(hidden=PROPERTY)),
    ("PATCH", f"/entities/{ID}", {"hidden": "urn:ngsi-ld:null"}),
    ("PATCH", f"/entities/{ID}/attrs", {"open": PROPERTY, "hidden": PROPERTY}),
    ("POST", f"/entities/{ID}/attrs", {"speed": {**PROPERTY, "datasetId": HIDDEN_INSTANCE[1]}}),
    ("PATCH", f"/entities/{ID}/attrs/hidden", {"value": 2}),
    ("PUT", f"/entities/{ID}/attrs/hidden", PROPERTY),
    ("DELETE", f"/entities/{ID}/attrs/hidden", None),
    ("DELETE", f"/entities/{ID}/attrs/hidden?deleteAll=true", None),
    ("DELETE", f"/entities/{HIDDEN_ENTITY}", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_what_is_hidden_is_not_forwarded(misono: Neighbour, method: str, path: str, body: Any) -> None:
    assert misono.send(method, path, body=body).status == 409
    assert misono.sources.asked == []


@pytest.mark.parametrize("operation", ["create", "upsert", "update", "merge"])
def test_nor_in_a_batch(misono: Neighbour, operation: str) -> None:
    members = [thing(hidden=PROPERTY), {**thing(open=PROPERTY), "id": "urn:ngsi-ld:Thing:2"}]
    reply = misono.send("POST", f"/entityOperations/{operation}", body=members)
    told: Any = parse_json(reply.body)
    assert (reply.status, told["errors"][0]["entityId"], told["errors"][0]["error"]["status"]) == (207, ID, 409)
    sent = [forward.path + repr(forward.body) for forward in misono.sources.asked]
    assert sent
    assert not any("hidden" in one or f"'{ID}'" in one for one in sent)


def test_nor_a_delete_in_a_batch(misono: Neighbour) -> None:
    reply = misono.send("POST", "/entityOperations/delete", body=[HIDDEN_ENTITY, ID])
    told: Any = parse_json(reply.body)
    assert (told["success"], [one["entityId"] for one in told["errors"]]) == ([ID], [HIDDEN_ENTITY])
    assert [forward.path for forward in misono.sources.asked] == [f"/entities/{ID.replace(':', '%3A')}"]


def test_nor_does_a_purge_reach_what_is_hidden(misono: Neighbour) -> None:
    assert misono.send("DELETE", "/entities?type=Thing").status == 409
    assert misono.sources.asked == []
