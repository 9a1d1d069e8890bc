"""Power goes from house to house by attributes: `misono serve` with routers behind it, commands over HTTP."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx

from tests.outside.adapters.digital_grid_session import session
from tests.outside.served import serving

MAPPING = Path(__file__).resolve().parents[3] / "examples/misono/adapters/digital-grid-routers.yaml"
LINK = {"Link": '<https://misono.example/contexts/misono-energy-v1.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'}
ROUTER, LEG = "urn:ngsi-ld:DigitalGridRouter:misono:", "urn:ngsi-ld:DigitalGridLeg:misono:"
PATIENCE_S = 15.0


class City:
    """The hub, as a client sees it."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def value(self, entity_id: str, name: str) -> Any:
        """An attribute, simplified; None where it is not there."""
        answer = self.http.get(f"/entities/{entity_id}", params={"options": "keyValues"}, headers=LINK)
        found = answer.json().get(name) if answer.status_code == 200 else None
        return found["vocab"] if isinstance(found, dict) and "vocab" in found else found

    def until(self, entity_id: str, name: str, wanted: Any) -> None:
        """Wait for an attribute to be something."""
        end = time.monotonic() + PATIENCE_S
        while (found := self.value(entity_id, name)) != wanted:
            assert time.monotonic() < end, (entity_id, name, found)
            time.sleep(0.05)

    def until_said(self, entity_id: str, name: str, words: str) -> None:
        """Wait for a text to have some words."""
        end = time.monotonic() + PATIENCE_S
        while words not in (found := str(self.value(entity_id, name))):
            assert time.monotonic() < end, found
            time.sleep(0.05)

    def put(self, entity_id: str, **attributes: Any) -> None:
        """Write attributes."""
        answer = self.http.post(f"/entities/{entity_id}/attrs", json=attributes, headers=LINK)
        assert answer.status_code == 204, answer.text


def adapters(folder: Path, url: str) -> str:
    """The city's mapping, and an adapter of two houses' routers."""
    folder.mkdir()
    (folder / MAPPING.name).write_text(MAPPING.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "routers.yaml").write_text(
        f"""
adapter: routers
link: {{kind: digital-grid, url: "{url}", every_s: 0.2, limits: {{amperes: 2.5}}}}
codec: {{kind: digital-grid, time: hub}}
mapping: digital-grid-routers
devices:
  - {{id: h1, options: {{unit: E001}}}}
  - {{id: h2, options: {{unit: E002}}}}
"""
    )
    return str(folder)


def watts(value: float) -> dict[str, Any]:
    return {"type": "Property", "value": value, "unitCode": "WTT"}


def test_a_house_takes_power_from_its_neighbour_and_no_more_than_it_may(tmp_path: Path) -> None:
    buyer, seller = f"{LEG}h2-interchange", f"{LEG}h1-interchange"
    form = {"mode": "form", "voltage": 350, "current": 2.3}
    with (
        session() as gateway,
        serving(tmp_path / "data", "--adapters", adapters(tmp_path / "adapters", gateway.url)) as hub,
    ):
        city = City(hub.http)
        city.until(buyer, "activePower", 0)
        city.until(f"{ROUTER}h1", "gridState", "connected")
        city.put(f"{ROUTER}h1", exchange={"type": "Property", "value": form})
        city.until(f"{ROUTER}h1", "exchangeStatus", "OK")
        city.until(buyer, "voltage", 350.0)

        city.put(buyer, exchangePower=watts(-700))
        city.until(buyer, "exchangePowerStatus", "ERROR")
        assert len(gateway.settings()) == 1, "its router does not tell what it is rated for: nothing is sent"

        city.put(f"{ROUTER}h2", ratedPower=watts(5000))
        city.put(buyer, exchangePower={"type": "Property", "value": -0.7, "unitCode": "KWT"})
        city.until(buyer, "exchangePowerStatus", "OK")
        city.until(buyer, "activePower", -700.0)
        city.until(seller, "activePower", 700.0)

        for value, why in ((-2000, "is less than -1000"), (950, "from 0 to 2.5 would do")):
            city.put(buyer, exchangePower=watts(value))
            city.until_said(buyer, "exchangePowerResult", why)
        assert gateway.settings() == [
            "/set/dcdc/E001?mode=0x0014&dvg=350&dig=2.3",
            "/set/dcdc/E002?mode=0x0041&dvg=350&dig=2",
        ]
