"""`misono erase`: a store that was brought back to an earlier time forgets again what ledgers say was erased since."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.__main__ import main
from tests.engines.wires.running import fresh
from tests.http.doors import ROOT, Door, broker, front_door

ONE, TWO = "urn:ngsi-ld:Person:1", "urn:ngsi-ld:Person:2"
TENANT = {"NGSILD-Tenant": "city"}
BEFORE = "2020-01-01T00:00:00Z"


@pytest.fixture(params=["sqlite", "mongo"])
def store(request: pytest.FixtureRequest) -> Iterator[str]:
    """What --store takes."""
    if request.param == "sqlite":
        yield "sqlite"
    else:
        with fresh() as url:
            yield url


def create(door: Door, *ids: str) -> None:
    for one in ids:
        body = json.dumps({"id": one, "type": "Person", "name": {"type": "Property", "value": "Aoi"}}).encode()
        assert door("POST", f"{ROOT}/entities", TENANT, body).status == 201


def test_what_came_back_with_a_restore_goes_again(store: str, tmp_path: Path, capsys: Any) -> None:
    data, ledger = str(tmp_path / "data"), tmp_path / "ledger"
    with broker(store=store, data=data, erasures=str(ledger)) as (_, doors):
        door = front_door(doors)
        create(door, ONE, TWO)
        assert door("POST", "/admin/erasures", TENANT, json.dumps({"entityId": ONE}).encode()).status == 200
        create(door, ONE)  # as a restore brings it back
    assert main(["erase", "--store", store, "--data", data, "--since", BEFORE, str(ledger)]) == 0
    assert f"1 entities erased again, of 1 erased since {BEFORE} ({ledger})" in capsys.readouterr().out
    assert main(["erase", "--store", store, "--data", data, "--since", BEFORE, str(ledger)]) == 0
    assert "0 entities erased again" in capsys.readouterr().out
    with broker(store=store, data=data) as (_, doors):
        door = front_door(doors)
        for part in ("entities", "temporal/entities"):
            assert door("GET", f"{ROOT}/{part}/{ONE}", TENANT).status == 404
            assert door("GET", f"{ROOT}/{part}/{TWO}", TENANT).status == 200


def test_erasures_before_that_time_are_not_looked_at(tmp_path: Path, capsys: Any) -> None:
    data, ledger = str(tmp_path / "data"), tmp_path / "ledger"
    with broker(store="sqlite", data=data, erasures=str(ledger)) as (_, doors):
        door = front_door(doors)
        create(door, ONE)
        assert door("POST", "/admin/erasures", TENANT, json.dumps({"entityId": ONE}).encode()).status == 200
        create(door, ONE)
    assert main(["erase", "--store", "sqlite", "--data", data, "--since", "2999-01-01T00:00:00Z", str(ledger)]) == 0
    assert "0 entities erased again, of 0" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [["--since", "yesterday", "ledger"], ["--since", BEFORE, "nothing"]])
def test_what_cannot_be_done_is_said(tmp_path: Path, wrong: list[str], capsys: Any) -> None:
    (tmp_path / "ledger").touch()
    words = [*wrong[:-1], str(tmp_path / wrong[-1])]
    assert main(["erase", "--store", "sqlite", "--data", str(tmp_path), *words]) == 2
    assert capsys.readouterr().err.startswith("misono erase: ")
