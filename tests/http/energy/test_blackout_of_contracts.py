"""A contract in flight when the grid goes, through the whole hub: cleared, begun, stopped, settled as metered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.simulated.district.district import District, Span
from broker.model.values import to_text
from services.energy.settlement.inputs import Imbalance, Metered, SlotInputs, Tariff
from services.energy.settlement.settling import settle
from tests.fakes.islanding_city import START_S, IslandingCity, islanding_city

SLOT_S = 1_800
FIRST = START_S // SLOT_S * SLOT_S + 2 * SLOT_S
OUT, BACK = FIRST + 12 * 60, FIRST + 30 * 60
WH = 600


def order(city: IslandingCity, who: str, site: str, side: str, yen: int) -> None:
    city.city.ask(who, "POST", "//services/energy/orders", {
        "participant": f"urn:ngsi-ld:EnergyProsumer:misono:{site}", "side": side, "quantity": WH, "priceLimit": yen,
        "deliveryStart": to_text(FIRST * 1_000_000),
    })  # fmt: skip
    assert city.status == 201


def contracts(city: IslandingCity, who: str) -> list[Any]:
    return list(city.city.ask(who, "GET", "//services/energy/contracts")["contracts"])


def registers(city: IslandingCity) -> dict[str, tuple[int, int]]:
    return {
        f"urn:ngsi-ld:EnergyProsumer:misono:{name}": one.register("interchange")
        for name, one in city.district.routers.items()
    }


def test_a_contract_in_flight_is_stopped_and_paid_as_metered(tmp_path: Path) -> None:
    district = District(7, FIRST - 12 * 60, charged=90, blackouts=[Span(OUT, BACK)])
    with islanding_city(tmp_path, district=district) as city:
        order(city, "hana", "h1", "sell", 9)
        order(city, "taro", "h5", "buy", 25)
        city.minutes(12)
        begun = registers(city)
        city.minutes(11)
        assert [one["state"] for one in contracts(city, "hana")] == ["started"]
        assert district.routers["h1"].watts["interchange"] > 0
        city.minutes(4)
        assert city.ask("hana", "GET")["state"] == "isolated"
        (sold,), (bought,) = contracts(city, "hana"), contracts(city, "taro")
        assert (sold["state"], bought["state"]) == ("stopped", "stopped")
        city.minutes(15)
        ended = registers(city)
        agreed = city.market.agreed(FIRST * 1_000_000, (FIRST + SLOT_S) * 1_000_000)
        assert [(one.wh, one.stopped) for one in agreed] == [(WH, True)]
        meters = {one: Metered(ended[one][1] - begun[one][1], ended[one][0] - begun[one][0]) for one in begun}
        inputs = SlotInputs(FIRST * 1_000_000, tuple(agreed), meters, Tariff(wheeling=2_000), Imbalance(20_000, 9_000))
        found = settle(inputs)
        seller = next(one for one in found.records if one.participant == agreed[0].seller)
        assert 0 < seller.sold == meters[agreed[0].seller].exported < WH
        shares = found.shares
        assert sum(one.amount for one in found.records) + shares.grid + shares.fee + shares.tax + shares.imbalance == 0
        assert settle(inputs) == found
        city.minutes(8)
        assert city.ask("hana", "GET")["state"] == "connected"
        assert [one["state"] for one in contracts(city, "hana")] == ["deactivated"], "it does not begin again"
        assert city.market.agreed(FIRST * 1_000_000, (FIRST + SLOT_S) * 1_000_000) == agreed
