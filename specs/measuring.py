"""What the features say of devices that measure: a sensor whose frames a scenario gives, before a hub on any store."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from adapters.frame import Frame
from broker.errors import NgsiError
from broker.http.exchange import House
from broker.hub.inside import HubInside
from broker.ports.hub import Fragment, HubAway
from broker.settings import read_settings
from broker.wiring import build
from tests.engines.wires.running import WIRES, fresh
from tests.fakes.clock import FakeClock
from tests.fakes.piped import Pipe, piped

SENSORS = """
adapter: sensors
link: {kind: hand}
codec: {kind: json, at: ts, sequence: n}
mapping: rooms
devices:
  - {id: NAME, key: KEY}
"""
ROOMS = """
mapping: rooms
version: 1
entities:
  - id: "urn:ngsi-ld:Room:{device}"
    type: Room
    attributes: {warmth: {from: t, as: number, from_unit: KEL, unit: CEL}}
"""
WARMTH = "https://uri.etsi.org/ngsi-ld/default-context/warmth"
PATIENCE_S = 10.0


class Leaving(HubInside):
    """A hub that may be away, and counts what it writes."""

    def __init__(self, house: House) -> None:
        super().__init__(house)
        self.away = False
        self.written: list[str] = []

    def upsert(self, tenant: str, fragments: Any) -> list[NgsiError | None]:
        """As the port says."""
        if self.away:
            raise HubAway("it is away")
        told: list[Fragment] = list(fragments)
        results = super().upsert(tenant, told)
        self.written += [str(one["id"]) for one, refusal in zip(told, results, strict=True) if refusal is None]
        return results


class District:
    """The hub and the sensors before it; they are there once a scenario has named one."""

    def __init__(self, hub: Leaving, clock: FakeClock, place: Path, closing: ExitStack) -> None:
        self.hub, self.clock, self._place, self._closing = hub, clock, place, closing
        self.pipe: Pipe | None = None

    def begin(self, name: str, key: str) -> None:
        """Provision a sensor."""
        files = {"sensors.yaml": SENSORS.replace("NAME", name).replace("KEY", key), "rooms.yaml": ROOMS}
        self.pipe = self._closing.enter_context(piped(self._place, files, clock=self.clock, hub=self.hub))

    def say(self, name: str, key: str, message: str) -> None:
        """A frame, taken."""
        assert self.pipe is not None
        self.pipe.give("sensors", Frame(message.encode(), self.clock.now() + 20_000_000, device=name, key=key))

    def reasons(self) -> list[str]:
        """Of what is in quarantine."""
        assert self.pipe is not None
        return self.pipe.reasons()

    def room(self, name: str) -> Any:
        """The room of a sensor; None where there is none."""
        if not self.hub.away:
            assert self.pipe is not None
            self.pipe.settle()
        return self.hub.entity("", f"urn:ngsi-ld:Room:{name}")

    def eventually(self, met: Callable[[], bool]) -> None:
        """Wait for it."""
        end = time.monotonic() + PATIENCE_S
        while not met():
            assert time.monotonic() < end, "it did not come to that"
            time.sleep(0.01)


@contextmanager
def district(store: str, place: Path) -> Iterator[District]:
    """A hub on this store."""
    with ExitStack() as closing:
        where = closing.enter_context(fresh(WIRES[store])) if store in WIRES else store
        clock = FakeClock()
        settings = read_settings(Namespace(config=""), {"MISONO_STORE": where, "MISONO_DATA": str(place / "hub")})
        built = build(settings, clock=clock)
        closing.callback(built.close)
        yield District(Leaving(built.house), clock, place, closing)


def the_warmth_is(city: District, name: str, value: float, since: str) -> None:
    """In degrees Celsius, observed then."""

    def so() -> bool:
        found: Any = (city.room(name) or {}).get(WARMTH, {})
        return (found.get("value"), found.get("unitCode"), found.get("observedAt")) == (value, "CEL", since)

    city.eventually(so)


def was_written(city: District, name: str, times: int) -> None:
    """So often, and no more."""
    assert city.room(name) is not None
    assert city.hub.written.count(f"urn:ngsi-ld:Room:{name}") == times


def there_is_no_room(city: District, name: str) -> None:
    """Nothing was written of it."""
    assert city.room(name) is None
