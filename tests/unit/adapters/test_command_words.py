"""`misono devices command | commands | audit`, against a door on a socket."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.commands.asking import Desk
from adapters.door.commands import CommandDoor
from adapters.door.making import make_door
from adapters.door.shell import Shell
from adapters.erasing import erase
from adapters.mapping_files import packaged_contexts
from adapters.order import Delivered
from adapters.store import NAME
from broker.__main__ import main
from broker.http.rooms.door import Rights
from broker.hub.inside import HubInside
from tests.fakes.commanded import CHARGER, READY, City, commanded


@dataclass(frozen=True)
class Served:
    """A city whose door is on a socket."""

    city: City
    url: str
    data: str


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with commanded(tmp_path, start=True) as city:
        assert city.create(READY).status == 201
        city.link.outcome = lambda _: Delivered("OK", "done")
        desk = Desk(city.commanding, HubInside(city.built.house).acting_as, city.built.house.broker.new_id)
        rights = Rights(city.built.house.broker.access)
        door = make_door(city.assembled, packaged_contexts(), rights, CommandDoor(desk).routes())
        shell = Shell(door, 0)
        yield Served(city, f"http://127.0.0.1:{shell.port}", str(tmp_path / "data"))
        shell.stop()
        door.close()


def test_a_command_and_what_became_of_it(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    order = ["devices", "command", "--url", served.url]
    assert main([*order, "--entity", CHARGER, "chargingLimit", "3", "--unit", "KWT", "--ttl", "9"]) == 0
    assert capsys.readouterr().out.startswith("OK urn:ngsi-ld:Command:")
    assert main([*order, "--device", "chargers/c1", "charging", "start", "--id", "urn:x:1"]) == 0
    assert capsys.readouterr().out == "OK urn:x:1: done\n"
    assert [(one.value, one.name) for one in served.city.link.orders] == [
        (3000, "SetChargingProfile"), ("Start", "RemoteStart"),
    ]  # fmt: skip
    assert main([*order, "--entity", CHARGER, "chargingLimit", "8000"]) == 1
    assert "more than 7400 WTT (ratedPower)" in capsys.readouterr().out
    assert main([*order, "--entity", CHARGER, "voltage", "8000"]) == 1
    assert "commands nothing here" in capsys.readouterr().err
    assert main(["devices", "commands", "--url", served.url, "--status", "ERROR"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["instance"]["value"] == 8000


def test_a_hub_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices", "commands", "--url", "http://127.0.0.1:1"]) == 2
    assert "gives no answer" in capsys.readouterr().err


def test_the_audit_is_shown_and_a_change_of_it_is_seen(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    audit = ["devices", "audit", "--data", served.data]
    assert main(["devices", "command", "--url", served.url, "--entity", CHARGER, "charging", "start"]) == 0
    capsys.readouterr()
    assert main(audit) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["event"] for row in rows] == ["made", "sending", "ok"]
    assert {row["by"] for row in rows} == {"anonymous"}
    assert main([*audit, "--verify"]) == 0
    assert capsys.readouterr().out == f"3 rows, unchanged; the last hash is {rows[-1]['hash']}\n"
    assert erase(served.city.commanding.parts.store, "", CHARGER)["command_audit"] == 3
    assert main([*audit, "--verify"]) == 0
    capsys.readouterr()
    assert main(audit) == 0
    shown = capsys.readouterr().out
    assert CHARGER not in shown
    assert [json.loads(line)["hash"] for line in shown.splitlines()] == [row["hash"] for row in rows]
    with closing(sqlite3.connect(Path(served.data) / NAME, isolation_level=None)) as db:
        db.execute("UPDATE command_audit SET at = at + 1 WHERE number = 2")
    assert main([*audit, "--verify"]) == 1
    assert "link 2 was changed" in capsys.readouterr().err


def test_no_audit_where_no_adapters_ran(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices", "audit", "--data", str(tmp_path)]) == 2
    assert "holds no adapters.sqlite" in capsys.readouterr().err
