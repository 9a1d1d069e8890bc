"""/admin/explain: why somebody sees something, for those who run the hub and those who audit it; never a value."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from broker.doors import make_doors
from broker.model.entity import Entity
from broker.ports import SYSTEM, Command, Principal, Put
from broker.serving_city import furnish
from broker.settings import read_settings
from broker.wiring import build
from tests.fakes.named import Named
from tests.fakes.unmistakable import UNMISTAKABLE
from tests.http.doors import front_door

DEF = "https://misono.example/def/"
HEART, WATCHED = DEF + "heartRate", "urn:ngsi-ld:HeartRateObservation:1"
WHO = {one: Principal(one, roles=frozenset({one})) for one in ("operator", "auditor", "resident", "recipient")}
Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    file = tmp_path / "access.toml"
    file.write_text("[issuers.local]\n")
    environment = {"MISONO_STORE": "memory", "MISONO_DATA": f"{tmp_path}/data", "MISONO_ACCESS": str(file)}
    settings = read_settings(Namespace(config=""), environment)
    built = build(settings)
    try:
        house = replace(built.house, identity=Named(WHO))
        assert built.admitted is not None
        assert built.packages is not None
        served = furnish(settings, house, built.admitted, built.packages, built.closing)
        door = front_door(make_doors(replace(built, house=house), served))
        heart: Any = {
            "id": WATCHED, "type": DEF + "HeartRateObservation", HEART: {"type": "Property", "value": UNMISTAKABLE},
            DEF + "dataSubject": {"type": "Property", "value": "urn:misono:subject:hana"},
        }  # fmt: skip
        by = Principal("services", roles=frozenset({SYSTEM}))
        command = Command(WATCHED, lambda _c, _n: Put(Entity(heart, 0, 0)), creates=True, by=by)
        assert house.broker.entities.apply("", [command]).result() == [None]

        def send(by: str, path: str, **query: str) -> tuple[int, Any]:
            reply = door("GET", f"/admin/explain{path}?{urlencode(query)}", {"Authorization": f"Bearer {by}"})
            assert str(UNMISTAKABLE).encode() not in reply.body
            assert b"hana" not in reply.body
            return reply.status, json.loads(reply.body)

        yield send
    finally:
        built.close()


@pytest.mark.parametrize("role", ["operator", "auditor"])
def test_who_oversees_is_told_why(ask: Ask, role: str) -> None:
    purpose = DEF + "purpose/HealthAdvice"
    status, told = ask(role, "", entity=WATCHED, recipient="urn:org:1", purpose=purpose)
    assert status == 200
    assert (told["exists"], told["known"]) == (False, True)
    assert {one["rule"] for one in told["attributes"]} == {"no-grant"}
    assert ask(role, "", entity=WATCHED, role="operator")[1]["exists"] is False
    assert ask(role, "", entity=WATCHED, subject="urn:misono:subject:" + "hana")[1]["exists"] is True
    assert ask(role, "/seers", entity=WATCHED, attribute=HEART) == (
        200,
        {"entity": WATCHED, "attribute": HEART, "seers": []},
    )


@pytest.mark.parametrize("role", ["resident", "recipient"])
def test_nobody_else_is(ask: Ask, role: str) -> None:
    assert ask(role, "", entity=WATCHED)[0] == 403
    assert ask(role, "/seers", entity=WATCHED, attribute=HEART)[0] == 403


def test_what_is_asked_wrongly_is_refused(ask: Ask) -> None:
    assert ask("auditor", "", entity="urn:none")[0] == 404
    assert ask("auditor", "", entity=WATCHED, role="system")[0] == 400
    assert ask("auditor", "/seers", entity=WATCHED, attribute="heartRate")[0] == 400
    assert ask("auditor", "/seers", entity=WATCHED)[0] == 400
