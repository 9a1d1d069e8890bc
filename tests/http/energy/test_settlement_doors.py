"""Settlement at its doors: what is refused and where, what is shown once, and that a person can be forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from services.energy.room import EnergyRoom
from services.energy.settlement.part import SettlementPart
from tests.fakes.market_city import HALF_HOUR_S, MarketCity, line, market_city, participant

DAY = "2026-01-01"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[MarketCity]:
    with market_city(tmp_path) as found:
        part_of(found).place()
        yield found


def part_of(city: MarketCity) -> SettlementPart:
    room = cast("EnergyRoom", city.city.served.room("energy"))
    return cast("SettlementPart", room.parts["settlement"])


def traded(city: MarketCity) -> None:
    """Hana sold taro 600 Wh, which flowed."""
    for who, site, side in (("hana", "h1", "sell"), ("taro", "h2", "buy")):
        city.order(who, site, side, 600, 15)
    city.go_to_slot()
    city.flow(h1=1_200, h2=-1_200)
    city.go(HALF_HOUR_S)
    city.tell()
    city.look()


@pytest.mark.parametrize(
    ("path", "body", "status", "pointer"),
    [
        ("/runs", {"day": "tomorrow"}, 400, "/day"),
        ("/runs", {"day": "2020-01-01"}, 404, "/day"),
        ("/runs", {"day": DAY, "status": "paid"}, 400, "/status"),
        ("/tariffs", {"validFrom": "soon"}, 400, "/validFrom"),
        ("/tariffs", {"validFrom": "2026-01-01T00:00:00Z", "tax": 0.1}, 400, "/tax"),
        ("/imbalance", {"csv": "2026-01-01T00:10:00Z,20", "source": "x"}, 400, "/csv"),
        ("/imbalance", {"csv": "2026-01-01T00:00:00Z,NaN", "source": "x"}, 400, "/csv"),
        ("/imbalance", {"csv": "start,shortage", "source": "x"}, 400, "/csv"),
        (
            "/meters/corrections",
            {
                "leg": "urn:x:nothing", "intervalStart": "2026-01-01T00:00:00Z", "importEnergy": 1, "exportEnergy": 0,
                "reason": "x",
            },
            404, "/leg",
        ),
        (
            "/meters/corrections",
            {
                "leg": line("h1"), "intervalStart": "2026-01-01T00:07:00Z", "importEnergy": 1, "exportEnergy": 0,
                "reason": "x",
            },
            400, "/intervalStart",
        ),
    ],
)  # fmt: skip
def test_what_is_not_in_order_is_refused_by_name(
    city: MarketCity, path: str, body: dict[str, Any], status: int, pointer: str
) -> None:
    told = city.ask("yamada", "POST", path, body)
    assert (city.status, told["pointer"]) == (status, pointer)
    city.ask("hana", "POST", path, body)
    assert city.status == 403


def test_meters_are_ones_own(city: MarketCity) -> None:
    traded(city)
    while part_of(city).meters.work():
        pass
    found = city.ask("hana", "GET", f"/meters?from={DAY}")["intervals"]
    assert {one["participant"] for one in found} == {participant("h1")}
    assert 600 in [one["exportEnergy"] for one in found]
    city.ask("hana", "GET", f"/meters?from={DAY}&participant={participant('h2')}")
    assert city.status == 403
    shops = city.ask("yamada", "GET", f"/meters?from={DAY}")["intervals"]
    assert {one["participant"] for one in shops} <= {participant("store")}


def test_the_timer_settles_once_and_shows_it(city: MarketCity) -> None:
    traded(city)
    part = part_of(city)
    for _ in range(3):
        part.tick()
    runs = city.ask("yamada", "GET", f"/runs?day={DAY}")["runs"]
    assert [one["state"] for one in runs] == ["settled"]
    entity = city.city.hub.entity("misono", f"urn:ngsi-ld:SettlementRun:{DAY}")
    assert entity is not None
    assert not part.book.file.read("SELECT 1 FROM settlement_unshown")


def test_who_is_forgotten_leaves_the_books_as_they_are(city: MarketCity) -> None:
    traded(city)
    part = part_of(city)
    part.tick()
    before = part.book.file.read("SELECT sum(balance), count(*) FROM ledger_account")
    assert part.erase("misono", participant("h1"))["services/energy/settlement"] > 0
    assert part.erase("misono", participant("h1")) == {}
    rows = part.book.file.read("SELECT participant FROM settlement_record")
    assert participant("h1") not in {row[0] for row in rows}
    assert part.book.file.read("SELECT sum(balance), count(*) FROM ledger_account") == before
    slots = [int(str(row[0])) for row in part.book.file.read("SELECT slot FROM settlement_slot")]
    part.book.file.write(lambda db: part.book.change(db, slots)).result()
    part.tick()
    assert city.city.ask("yamada", "POST", "//services/ledger/verify", {})["holds"]
