"""A small city with some of its services switched on, in this process: asked at its front door, told over MQTT."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from broker.admitting import Admitted
from broker.doors import make_doors
from broker.hub.inside import HubInside
from broker.ports import SYSTEM, Principal
from broker.serving_city import furnish
from broker.settings import read_settings
from broker.wiring import build
from services.pattern.room import CityRoom
from tests.engines.wires.running import WIRES, fresh
from tests.fakes.clock import FakeClock
from tests.fakes.consent_city import CITY, DEF, PEOPLE, TENANT, ConsentCity
from tests.fakes.mosquitto import Listener, Mosquitto, listening
from tests.fakes.named import Named
from tests.http.doors import front_door
from tests.outside.served import free_port

MORE: Mapping[str, Principal] = {
    "gate": Principal("gate", roles=frozenset({"device"})),
    **{
        name: Principal(name, frozenset({f"{DEF}purpose/{purpose}"}), frozenset({"recipient"}),
                        recipient=f"urn:ngsi-ld:RecipientOrganisation:{name}")
        for name, purpose in (("guards", "WatchOver"), ("carrier", "LivingService"), ("bank", "LivingService"))
    },
}  # fmt: skip


@dataclass
class ServingCity:
    """The city; `room` is that of the service, `told` the last answer."""

    city: ConsentCity
    name: str
    directory: Path
    closing: ExitStack
    told: Any = None
    heard: Listener | None = None
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def room(self) -> CityRoom:
        """The room of the service."""
        return cast("CityRoom", self.city.served._rooms[self.name])

    @property
    def status(self) -> int:
        """That of the last answer."""
        return self.city.status

    def ask(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The answer's body: of a path below the service's own, or of one that begins with `//`."""
        where = path if path.startswith("//") else f"//services/{self.name}{path}"
        self.told = self.city.ask(who, method, where, body, **headers)
        return self.told

    def later(self, minutes: float) -> None:
        """So many minutes go by, and what is due is done."""
        self.city.clock.advance(minutes * 60)
        self.settle()

    def settle(self) -> None:
        """Take what changed in the hub, and do what is due."""
        while self.city.served._following.once(TENANT):
            pass
        self.room.tick()

    def allow(self, who: str, organisation: str, purpose: str, items: list[str], special: list[str]) -> None:
        """A resident consents to what an organisation asks for."""
        self.city.organisation(f"urn:ngsi-ld:RecipientOrganisation:{organisation}")
        terms = self.city.terms(organisation, purpose=purpose, dataItems=items)
        given = self.city.give(who, terms, dataItems=items, specialCare=special)
        assert self.status == 201, given

    def listen(self, who: str, type_: str) -> None:
        """Somebody has changes of a type sent over MQTT."""
        server = self.closing.enter_context(Mosquitto(self.directory, free_port()))
        self.heard = self.closing.enter_context(listening(server.port))
        body = {
            "id": "urn:ngsi-ld:Subscription:city", "type": "Subscription", "entities": [{"type": DEF + type_}],
            "notification": {"endpoint": {"uri": f"mqtt://127.0.0.1:{server.port}/city"}},
        }  # fmt: skip
        self.ask(who, "POST", "//ngsi-ld/v1/subscriptions", body)
        assert self.status == 201, self.told

    def hears(self, name: str, value: str) -> None:
        """Over MQTT came an entity whose attribute ends so."""
        assert self.heard is not None
        with self.heard.arrived:
            assert self.heard.arrived.wait_for(lambda: self._came(name, value), 10), self.heard.messages

    def hears_nothing(self) -> None:
        """And nothing came."""
        assert self.heard is not None
        with self.heard.arrived:
            assert not self.heard.arrived.wait_for(lambda: bool(self.heard and self.heard.messages), 0.3)

    def _came(self, name: str, value: str) -> bool:
        assert self.heard is not None
        data = [one for _, _, message in self.heard.messages for one in message["body"]["data"]]
        return any(str(_bare(one.get(DEF + name))).endswith(value) for one in data)

    def refused(self, error: str, pointer: str) -> None:
        """The last answer is a refusal."""
        kind = self.told["type"].rpartition(":")[2].rpartition("/")[2]
        assert (kind, self.told.get("pointer", "")) == (error, pointer), self.told


@contextmanager
def serving_city(directory: Path, name: str, section: str, store: str = "memory") -> Iterator[ServingCity]:
    """The city with the service of that name."""
    with ExitStack() as closing:
        place = closing.enter_context(fresh(WIRES[store])) if store in WIRES else store
        access, clock = directory / "access.toml", FakeClock()
        access.write_text(f'{CITY}\n[{name}]\ntenant = "{TENANT}"\n{section}', encoding="utf-8")
        given = {
            "STORE": place, "DATA": str(directory / "data"), "ACCESS": str(access), "ALLOW_PRIVATE": "true",
            "NOTIFY_BACKOFF_S": "0.05",
        }  # fmt: skip
        settings = read_settings(Namespace(config=""), {f"MISONO_{key}": text for key, text in given.items()})
        built = build(settings, clock=clock, deliver=True)
        closing.callback(built.close)
        built = replace(built, house=replace(built.house, identity=Named({**PEOPLE, **MORE})))
        assert built.packages is not None
        served = furnish(settings, built.house, cast("Admitted", built.admitted), built.packages, built.closing)
        hub = HubInside(built.house, Principal("test", roles=frozenset({SYSTEM})))
        city = ConsentCity(built, served, front_door(make_doors(built, served)), clock, hub)
        found = ServingCity(city, name, directory, closing)
        found.settle()
        yield found


def _bare(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return next((value[name] for name in ("value", "vocab", "object") if name in value), "")
