"""Models at the doors: lists, @contexts, policies, warnings, numbers; and packages that come while a broker runs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.http.model_warnings import NAME, WARNINGS_MAX
from broker.ldcontext.core import core_context
from broker.wiring import StartError
from tests.http.doors import ROOT, Door, Reply, broker, flask_door, front_door
from tests.unit.models.written import LAMP, write

NS = "https://city.example/city/"
URL = "https://city.example/contexts/city-v1.jsonld"
POLICIES = "/admin/models/policies"
LINK = f'<{URL}>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
JSON = {"Content-Type": "application/json"}
WAIT_S = 10.0


@pytest.fixture(name="models")
def folder_of_models(tmp_path: Path) -> Path:
    write(tmp_path / "models", "city")
    return tmp_path / "models"


@pytest.fixture(params=["memory", "sqlite"])
def door(request: pytest.FixtureRequest, models: Path, tmp_path: Path) -> Iterator[Door]:
    options = {"store": request.param, "data": str(tmp_path / "data"), "models": str(models)}
    with broker(**options) as (_, doors):
        yield front_door(doors)


def lamp(power: Any = -1, number: int = 1) -> dict[str, Any]:
    return {"id": f"urn:x:{number}", "type": "Lamp", "power": {"type": "Property", "value": power}}


def send(door: Door, method: str, path: str, body: object = None, **headers: str) -> Reply:
    return door(method, path, {"Link": LINK, **headers}, None if body is None else json.dumps(body).encode())


def create(door: Door, body: object, **headers: str) -> Reply:
    return send(door, "POST", f"{ROOT}/entities", body, **headers)


def warnings(reply: Reply) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(reply.headers.get(NAME.lower(), "[]"))
    return found


def test_the_packages_are_listed(door: Door) -> None:
    listed = json.loads(door("GET", "/models").body)
    (city,) = (one for one in listed if one["name"] == "city")
    assert city["context"] == URL
    assert city["models"][0]["type"] == f"{NS}Lamp"
    assert {"common", "misono-energy"} <= {one["name"] for one in listed}


def test_contexts_of_packages_are_served_and_known_without_fetching(door: Door) -> None:
    served = door("GET", "/contexts/city-v1.jsonld")
    assert json.loads(served.body)["@context"]["Lamp"] == f"{NS}Lamp"
    assert served.headers["content-type"] == "application/ld+json"
    assert door("GET", "/contexts/none-v1.jsonld").status == 404
    assert create(door, lamp(1)).status == 201
    shown = json.loads(door("GET", f"{ROOT}/entities/urn:x:1", {"Accept": "application/json"}).body)
    assert shown["type"] == f"{NS}Lamp"


def test_policies_are_set_listed_and_forgotten(door: Door) -> None:
    assert json.loads(door("GET", POLICIES).body) == {"others": "off", "policies": []}
    assert send(door, "PUT", f"{POLICIES}/Lamp", {"mode": "reject"}).status == 204
    shown = [{"type": f"{NS}Lamp", "model": "Lamp 1.0.0", "mode": "reject"}]
    assert json.loads(door("GET", POLICIES).body)["policies"] == shown
    assert create(door, lamp()).status == 400
    assert create(door, lamp(), **{"NGSILD-Tenant": "other"}).status == 201
    assert send(door, "DELETE", f"{POLICIES}/Lamp").status == 204
    assert send(door, "DELETE", f"{POLICIES}/Lamp").status == 404
    assert create(door, lamp()).status == 201


@pytest.mark.parametrize(
    ("name", "body", "pointer"),
    [("Lamp", {"mode": "maybe"}, "/mode"), ("Lamp", {}, "/mode"), ("Nothing", {"mode": "warn"}, "type")],
)
def test_policies_that_cannot_be_are_refused(door: Door, name: str, body: object, pointer: str) -> None:
    reply = send(door, "PUT", f"{POLICIES}/{name}", body)
    assert reply.status == 400
    said = json.loads(reply.body)
    assert said["pointer"] == pointer
    assert said["remedy"]


def test_a_type_is_named_by_iri_term_or_model(door: Door) -> None:
    for name, link in ((f"{NS}Lamp".replace("/", "%2F"), ""), ("Lamp", LINK), ("Lamp", "")):
        assert door("PUT", f"{POLICIES}/{name}", {**JSON, "Link": link}, b'{"mode": "warn"}').status == 204
        assert json.loads(door("GET", POLICIES).body)["policies"][0]["type"] == f"{NS}Lamp"


def test_both_doors_warn_alike(models: Path) -> None:
    with broker(models=str(models), gate="warn") as (_, doors):
        for number, door in enumerate((front_door(doors), flask_door(doors))):
            reply = create(door, lamp(number=number))
            assert reply.status == 201
            assert [(one["pointer"], one["rule"]) for one in warnings(reply)] == [("/power/value", "minimum")]


def test_warnings_of_a_batch_are_bounded(models: Path) -> None:
    with broker(models=str(models), gate="warn") as (_, doors):
        door = front_door(doors)
        batch = [lamp(number=number) for number in range(50)]
        reply = send(door, "POST", f"{ROOT}/entityOperations/upsert", batch)
        assert reply.status == 201
        assert len(warnings(reply)) == WARNINGS_MAX + 1
        assert warnings(reply)[-1] == {"more": 50 - WARNINGS_MAX}
        assert len(reply.headers[NAME.lower()]) < 8192
        metrics = door("GET", "/metrics").body.decode()
        assert 'misono_model_violations_total{model="Lamp 1.0.0",outcome="warned"} 50' in metrics


def test_a_refusal_points_into_what_the_client_sent(models: Path) -> None:
    with broker(models=str(models), gate="reject") as (_, doors):
        door = front_door(doors)
        assert json.loads(create(door, lamp()).body)["pointer"] == "/power/value"
        batch = send(door, "POST", f"{ROOT}/entityOperations/create", [lamp(1, 7), lamp("bright", 8)])
        (error,) = json.loads(batch.body)["errors"]
        assert error["error"]["pointer"] == "/1/power/value"
        by_iri = {"id": "urn:x:9", "type": f"{NS}Lamp", f"{NS}power": {"type": "Property", "value": -1}}
        refused = json.loads(door("POST", f"{ROOT}/entities", JSON, json.dumps(by_iri).encode()).body)
        assert refused["pointer"] == f"/{core_context().compact(NS + 'power').replace('/', '~1')}/value"


def test_a_package_that_comes_later_holds_without_a_restart(models: Path) -> None:
    with broker(models=str(models), gate="reject") as (_, doors):
        door = front_door(doors)
        assert create(door, lamp(1, 1)).status == 201
        stricter = {"power": {**LAMP["power"], "least": 100}}
        write(models, "city", models={"Lamp": stricter}, version="2.0.0")
        end = time.monotonic() + WAIT_S
        while create(door, lamp(1, int(time.monotonic_ns()))).status == 201:
            assert time.monotonic() < end, "the old model still holds"
            time.sleep(0.1)


def test_a_broker_does_not_start_on_packages_that_are_wrong(models: Path) -> None:
    (models / "city" / "package.yaml").write_text("name: town")
    with pytest.raises(StartError, match="--models"), broker(models=str(models)):
        pass
