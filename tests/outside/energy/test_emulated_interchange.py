"""An interchange ordered at the market's doors, as the open APIS emulator carried it out: a recorded session."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from adapters.codecs.digital_grid import make_codec
from adapters.frame import Frame
from adapters.links.digital_grid.set_points import Bounds, set_point, state_of
from broker.model.values import to_text
from services.energy.sites import DEF, LEG, ROUTER
from tests.fakes.market_city import MARKET, MarketCity, market_city, participant
from tests.outside.adapters.digital_grid_session import Session, session

UNITS = {"h1": "E001", "h2": "E002"}
WORDS = {"Waiting": "stop", "Heteronomy CV": "heteronomous", "Grid Autonomy": "autonomous"}
SECTION = MARKET.replace("wheeling", f'forms = "{participant("h1")}"\nwheeling')


def get(gateway: Session, path: str) -> Any:
    """What the emulator answered."""
    with urllib.request.urlopen(gateway.url + path, timeout=5) as answer:
        return json.loads(answer.read())


def tell(city: MarketCity, gateway: Session) -> dict[tuple[str, str, str], Any]:
    """What the units say now goes into the hub; each reading by site, part and quantity."""
    codec, at = make_codec({"time": "hub"}), to_text(city.city.clock.now())
    told: dict[tuple[str, str, str], Any] = {}
    log = get(gateway, "/get/log")
    for site, unit in UNITS.items():
        frame = Frame(json.dumps(log[unit]).encode(), city.city.clock.now(), site)
        for said in codec.decode(frame):
            told |= {(site, said.part, one.quantity): one.value for one in said.readings}
            attributes = {f"{DEF}{one.quantity}": _attribute(one.quantity, one.value, one.unit, at)
                          for one in said.readings if one.quantity in _WANTED}  # fmt: skip
            kind, tail = (LEG, f"-{said.part}") if said.part else (ROUTER, "")
            entity_id = f"urn:ngsi-ld:{kind.removeprefix(DEF)}:misono:{site}{tail}"
            assert city.city.hub.upsert(city.city.tenant, [{"id": entity_id, "type": kind, **attributes}]) == [None]
    city.look()
    return told


_WANTED = frozenset({"activePower", "currentLimit", "gridState", "operationMode", "stateOfCharge"})


def _attribute(name: str, value: Any, unit: str, at: str) -> dict[str, Any]:
    if name in ("gridState", "operationMode"):
        return {"type": "VocabProperty", "vocab": f"{DEF}{name}/{WORDS.get(value, value)}", "observedAt": at}
    return {"type": "Property", "value": value, "unitCode": unit, "observedAt": at}


def test_an_interchange_ordered_here_is_seen_in_the_telemetry_with_its_losses(tmp_path: Path) -> None:
    with session() as gateway, market_city(tmp_path, section=SECTION) as city:
        get(gateway, "/set/dcdc/E001?mode=0x0014&dvg=350&dig=2.3")
        city.order("hana", "h1", "sell", 350, 9)
        city.order("taro", "h2", "buy", 350, 25)
        city.go(2 * 1_800 - 600)
        city.city.clock.advance(600)
        tell(city, gateway)
        assert (city.set_point("h1"), city.set_point("h2")) == (None, -700), "who forms the line follows"

        state = state_of(get(gateway, "/get/unit/E002"))
        wanted = set_point(("power", city.set_point("h2"), "WTT"), state, Bounds(amperes=2.5), formed=True)
        get(gateway, f"/set/dcdc/E002?{urlencode(wanted.query())}")
        for _ in range(30):
            tell(city, gateway)
            city.city.clock.advance(60)
        assert city.contracts("hana")[0]["state"] == "started"
        told = tell(city, gateway)
        assert (told["h1", "interchange", "activePower"], told["h2", "interchange", "activePower"]) == (700, -700)
        lost = -told["h1", "battery", "converterPower"] - told["h2", "battery", "converterPower"]
        assert lost == 755 - 629, "what one battery gave, and the other got less"

        city.go(180)
        (sold,), (bought,) = city.contracts("hana"), city.contracts("taro")
        assert (sold["state"], sold["delivered"], bought["received"]) == ("deactivated", 350, 350)
        assert city.set_point("h2") == 0
        print(f"figure market_interchange_loss_w {lost} 1")
