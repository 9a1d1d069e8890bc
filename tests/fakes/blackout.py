"""A district in a blackout with its hub: the simulator, the fold, contracts, and a channel that may do its worst.

rig = Rig(District(…), Channel(seed, lose=20, double=20, late_s=600))
rig.minutes(90)                 telemetry goes up and set-points go down; rig.steps, rig.market.contracts
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Generic, TypeVar

from adapters.simulated.district.district import District
from adapters.simulated.district.outlook import sheds
from adapters.simulated.district.router import SetPoint
from services.energy.islanding.asking import Asked, Site, ask, master_of
from services.energy.islanding.fold import SECOND_US, Act, Event, Policy, State, Tick, fold
from services.energy.islanding.rationing import Rules
from services.energy.islanding.telling import Step, Telling

T = TypeVar("T")
COMMUNITY = "urn:ngsi-ld:EnergyCommunity:misono:community"
TTL_S = 180
CONFIRM_AFTER_S = 120


@dataclass
class Channel(Generic[T]):
    """Of a hundred messages `lose` are lost and `double` come twice; each comes up to `late_s` later."""

    seed: int = 0
    lose: int = 0
    double: int = 0
    late_s: int = 0
    held: list[tuple[int, T]] = field(default_factory=list, kw_only=True)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)

    def send(self, message: T, at: int) -> None:
        """Put it in."""
        if self.chance.randrange(100) < self.lose:
            return
        for _ in range(2 if self.chance.randrange(100) < self.double else 1):
            self.held.append((at + (self.chance.randrange(self.late_s) if self.late_s else 0), message))

    def arrived(self, at: int) -> Iterator[T]:
        """What has come by now, in the order of its coming."""
        come = sorted((one for one in self.held if one[0] <= at), key=lambda one: one[0])
        self.held = [one for one in self.held if one[0] > at]
        return (message for _, message in come)


@dataclass
class Contract:
    """A contract of a slot; `watts` is the set-point that it comes to."""

    id: str
    seller: str
    buyer: str
    start: int
    end: int
    wh: int
    price: int = 15_000
    stopped_at: int | None = None

    @property
    def watts(self) -> int:
        return self.wh * 3_600 // (self.end - self.start)


@dataclass
class Market:
    """The port Deals, with contracts in flight; how often it was told to stop."""

    contracts: list[Contract] = field(default_factory=list)
    told: int = 0

    def stop_all(self, reason: str, at: int) -> None:
        """As the port says."""
        assert reason
        self.told += 1
        for one in self.contracts:
            if one.start * SECOND_US <= at < one.end * SECOND_US and one.stopped_at is None:
                one.stopped_at = at

    def flows(self, at: int) -> dict[str, int]:
        """Watts into the line by site, of contracts that go on."""
        found: dict[str, int] = {}
        for one in self.contracts:
            if one.start <= at < one.end and one.stopped_at is None:
                found[one.seller] = found.get(one.seller, 0) + one.watts
                found[one.buyer] = found.get(one.buyer, 0) - one.watts
        return found


def known_sites(district: District) -> dict[str, Site]:
    """What the hub knows of them beforehand."""
    return {
        name: Site(name, one.spec.battery_wh, one.spec.battery_w, one.spec.line_w, one.spec.loads_w)
        for name, one in district.routers.items()
    }


def tellings(district: District) -> Iterator[Telling]:
    """What all routers tell now: of themselves, of the mains, of their legs, each for itself."""
    at = district.at * SECOND_US
    for name, one in district.routers.items():
        yield Telling(name, at, one.state, numbers={"held_wh": one.battery.held_j // 3_600})
        yield Telling(name, at, mains=district.mains)
        yield Telling(name, at, numbers={"pv_w": -one.watts["pv"]})
        yield Telling(name, at, numbers={"load_w": one.watts["load"]})


@dataclass
class Rig:
    """See the module. `people`: two operators start from black when they may; `registers` by slot and site."""

    district: District
    up: Channel[Telling] = field(default_factory=Channel)
    down: Channel[tuple[str, SetPoint]] = field(default_factory=Channel)
    market: Market = field(default_factory=Market)
    people: bool = True
    policy: Policy = field(default_factory=Policy)
    rules: Rules = field(default_factory=Rules)
    steps: list[Step] = field(default_factory=list)
    stops: list[int] = field(default_factory=list)
    shed: dict[str, int] = field(default_factory=dict)
    registers: dict[int, dict[str, tuple[int, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sites = known_sites(self.district)
        self.state = State.of(COMMUNITY, self.sites)
        self.loads: dict[str, int] = {}
        self.given: dict[str, int] = {}

    def count(self) -> None:
        """Remember what everybody has given so far."""
        self.given = {name: one.into["interchange"] for name, one in self.district.routers.items()}

    def minutes(self, many: int) -> None:
        """Let so many go by."""
        for _ in range(many):
            self.minute()

    def minute(self) -> None:
        """One: power flows, routers tell, the hub folds and asks, routers take."""
        district = self.district
        self._flow()
        for telling in tellings(district):
            self.up.send(telling, district.at)
        for telling in self.up.arrived(district.at):
            self.take(telling)
        self.take(Tick(district.at * SECOND_US))
        if self.people:
            self._start_from_black()
        asked, found = ask(self.state, self.sites, self.rules, self.loads)
        self.loads = {**self.loads, **found.loads}
        for name, one in asked.items():
            self.down.send((name, _set_point(one, district.at)), district.at)
        for name, point in self.down.arrived(district.at):
            district.order(name, point)

    def _flow(self) -> None:
        district = self.district
        if district.at % 1_800 == 0:
            self.registers[district.at] = {name: one.register("interchange") for name, one in district.routers.items()}
        for name, watts in self.market.flows(district.at).items():
            district.order(name, SetPoint(district.at + 60, power_w=watts))
        district.step()
        for name in district.routers:
            if sheds(district, name):
                self.shed.setdefault(name, district.at)

    def take(self, event: Event) -> None:
        """Fold it in, as the part does."""
        folded = fold(self.state, event, self.policy)
        self.state = folded.state
        self.steps += folded.steps
        if folded.stop:
            self.stops.append(folded.state.begun)
            self.market.stop_all(folded.state.cause, folded.state.begun)

    def of(self, subject: str) -> list[str]:
        """The states that it went through."""
        return [one.state for one in self.steps if one.subject == subject]

    def _start_from_black(self) -> None:
        state = self.state
        waited = state.at - state.since >= CONFIRM_AFTER_S * SECOND_US
        mains = sum(one.mains for one in state.routers.values()) * 2 > len(state.routers)
        if state.state == "isolated" and waited and state.confirmed is None and not mains:
            master = master_of(state, self.sites, self.policy)
            if master:
                self.take(Act("propose", state.at, "sato", master))
                self.take(Act("confirm", state.at, "suzuki", master))


def _set_point(one: Asked, at: int) -> SetPoint:
    return SetPoint(at + TTL_S, one.line_w, one.mode, one.loads)
