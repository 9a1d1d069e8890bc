"""A hub as people start it and a charging station of others' making: told, killed, told again, and commanded."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.fakes.node_peer import Peer, node_peer
from tests.outside.served import Served, free_port, start, stop

FOLDER = Path(__file__).resolve().parents[3] / "examples/misono/adapters"
SCRIPT = Path(__file__).with_name("ocpp_charger.cjs")
LINK = (
    '<https://misono.example/contexts/sdm-transportation-v1.jsonld>; rel="http://www.w3.org/ns/json-ld#context"; '
    'type="application/ld+json"'
)
UNIT = "urn:ngsi-ld:EVChargingStation:misono:hall:2"
SESSION = "urn:ngsi-ld:ChargingSession:misono:hall:"
KEY = "try-out-hall-0123456789"
TAG = "04A1B2C3D4E501"
PATIENCE_S = 15.0


class Hall:
    """The station `hall`, and the hub that it speaks with."""

    def __init__(self, folder: Path, peer: Peer) -> None:
        self._peer, self._data = peer, folder / "data"
        self._adapters, self._port = folder / "adapters", free_port()
        self._adapters.mkdir()
        for name in ("chargers.yaml", "ev-chargers.yaml"):
            text = (FOLDER / name).read_text(encoding="utf-8").replace("9000", str(self._port))
            (self._adapters / name).write_text(text, encoding="utf-8")
        self.hub = self._start()

    def _start(self) -> Served:
        return start(self._data, "--adapters", str(self._adapters))

    def killed_and_started(self) -> None:
        """The hub loses its power, and gets it back."""
        self.hub.kill()
        self.hub = self._start()

    def do(self, **what: Any) -> dict[str, Any]:
        """A step of the station, and what it came to."""
        self._peer.tell(**what)
        return next(one for one in reversed(self._peer.heard) if "done" in one)

    def connect(self) -> None:
        """To the hub; its door for stations opens a little after it is ready."""
        where = {"endpoint": f"ws://127.0.0.1:{self._port}/ocpp", "identity": "hall", "password": KEY}
        self.until(lambda: "connected" in self.do(connect={**where, "protocols": ["ocpp1.6"]}))

    def call(self, action: str, **payload: Any) -> dict[str, Any]:
        """The station calls."""
        answer: dict[str, Any] = self.do(call=[action, payload])["answer"]
        return answer

    def asked(self) -> list[Any]:
        """What the station was asked so far."""
        self.do()
        return self._peer.said("asked")

    def entity(self, id_: str) -> dict[str, Any]:
        """An entity as it is now; empty where it is not there."""
        got = self.hub.http.get(
            f"/entities/{quote(id_, safe=':')}", params={"format": "simplified"}, headers={"Link": LINK}
        )
        found: dict[str, Any] = got.json() if got.status_code == 200 else {}
        return {name.rpartition("/")[2]: value for name, value in found.items()}

    def until(self, met: Callable[[], Any]) -> Any:
        """What `met` gives as soon as it is true."""
        end = time.monotonic() + PATIENCE_S
        while not (found := met()):
            assert time.monotonic() < end, "it did not come to that in time"
            time.sleep(0.05)
        return found

    def command(self, attribute: str, value: Any, status: str) -> str:
        """Somebody sets an attribute of the unit; the result, once it has that status."""
        before = self.entity(UNIT).get(f"{attribute}Status")
        body = {attribute: {"type": "Property", "value": value}}
        answer = self.hub.http.patch(f"/entities/{quote(UNIT, safe=':')}", json=body, headers={"Link": LINK})
        assert answer.status_code == 204, answer.text
        assert before != status, "else nobody sees it change"
        self.until(lambda: self.entity(UNIT).get(f"{attribute}Status") == status)
        return str(self.entity(UNIT).get(f"{attribute}Result"))


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    with node_peer(SCRIPT) as peer:
        one = Hall(tmp_path, peer)
        try:
            yield one
        finally:
            stop(one.hub)


def at(minutes: int) -> str:
    """So many minutes ago, and not of this hub's clock."""
    then = datetime.now(UTC) - timedelta(minutes=minutes)  # noqa: TID251 - the hub under test has the real time
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_session_goes_on_where_it_was_after_the_hub_was_killed(hall: Hall) -> None:
    hall.connect()
    hall.call("BootNotification", chargePointVendor="v", chargePointModel="m")
    begun = {"connectorId": 2, "idTag": TAG, "meterStart": 1000, "timestamp": at(30)}
    number = hall.call("StartTransaction", **begun)["transactionId"]
    hall.killed_and_started()
    hall.connect()
    assert hall.call("StartTransaction", **begun)["transactionId"] == number, "the answer may have been lost"
    sample = {"timestamp": at(10), "sampledValue": [{"value": "5", "unit": "kWh"}]}
    hall.call("MeterValues", connectorId=2, transactionId=number, meterValue=[sample])
    hall.until(lambda: hall.entity(f"{SESSION}{number}").get("energy") == 4000)
    hall.killed_and_started()
    hall.connect()
    hall.call("StopTransaction", transactionId=number, meterStop=8500, timestamp=at(1))
    hall.until(lambda: hall.entity(f"{SESSION}{number}").get("energy") == 7500)
    session = hall.entity(f"{SESSION}{number}")
    assert session["station"] == UNIT
    assert session["endedAt"] > session["startedAt"]
    assert hall.entity(UNIT)["powerConsumption"] == 7.5


def test_who_sets_an_attribute_commands_the_station_within_its_limits(hall: Hall) -> None:
    hall.connect()
    hall.do(replies={"SetChargingProfile": {"status": "Accepted"}, "ChangeAvailability": {"status": "Rejected"}})
    hall.call("BootNotification", chargePointVendor="v", chargePointModel="m")
    told = {"connectorId": 2, "errorCode": "NoError", "status": "Available", "timestamp": at(0)}
    hall.call("StatusNotification", **told)
    hall.until(lambda: hall.entity(UNIT).get("ratedPower") == 6000)
    assert hall.command("chargingLimit", 3000, "OK") == "Accepted"
    action, payload = hall.asked()[-1]
    periods = payload["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"]
    assert (action, payload["connectorId"], periods) == ("SetChargingProfile", 2, [{"startPeriod": 0, "limit": 3000}])
    assert "ratedPower" in hall.command("chargingLimit", 6001, "ERROR")
    assert hall.command("availability", "inoperative", "ERROR") == "Rejected"
    assert [one for one, _ in hall.asked()] == ["SetChargingProfile", "ChangeAvailability"], "nothing else was sent"
