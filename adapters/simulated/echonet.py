"""Houses that are not there, as nodes of ECHONET Lite: they answer, announce, and take what may be set.

    simulated: {kind: echonet, houses: [{address: 127.0.0.2}, {address: 127.0.0.3, objects: [meter, solar]}]}

Each house has an address of its own, on loopback, at port 3610 where it says nothing else. Announcements go to who
asked before: loopback has no multicast.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Final, TypeAlias

from adapters.codecs.echonet.message import (
    NODE,
    NODE_KIND,
    Message,
    Properties,
    Service,
    build_message,
    parse_message,
    write_map,
    write_object,
    write_objects,
)
from adapters.codecs.echonet.tables import Property, named, properties
from adapters.codecs.echonet.values import write_field
from adapters.frame import BadFrame
from adapters.links.echonet.udp import PORT, Sockets, Where
from adapters.settings import Members
from adapters.simulated.day import Day
from adapters.simulated.hybrid import Hybrid
from broker.model.values import Json

log = logging.getLogger(__name__)
Said: TypeAlias = Mapping[str, Json]
Tells: TypeAlias = Callable[[Hybrid, float], Said]
"""What an object says of a plant at an hour: values by the names of its properties."""
WORK: Final[tuple[float, float]] = (8.5, 17.5)
"""When nobody is at home."""
MODES: Final[dict[str, Callable[[Hybrid], float | None]]] = {
    "auto": lambda _plant: None,
    "charging": lambda _plant: 0.0,
    "discharging": lambda plant: plant.rated_w,
}
"""What each mode of the battery makes the inverter give."""
TELLS: Final[dict[str, tuple[str, Tells]]] = {
    "meter": (
        "0288-1",
        lambda plant, _hour: {
            "coefficient": 1,
            "numberOfEffectiveDigitsCumulativeElectricEnergy": 8,
            "unitForCumulativeElectricEnergy": 0.001,
            "normalDirectionCumulativeElectricEnergy": round(plant.bought_wh),
            "reverseDirectionCumulativeElectricEnergy": round(plant.sold_wh),
            "instantaneousElectricPower": round(plant.grid_w_in),
        },
    ),
    "solar": (
        "0279-1",
        lambda plant, _hour: {
            "instantaneousElectricPowerGeneration": round(plant.pv_w),
            "cumulativeElectricEnergyOfGeneration": plant.pv_wh / 1000,
            "ratedElectricPowerOfgeneration": round(plant.solar_w),
        },
    ),
    "battery": (
        "027D-1",
        lambda plant, _hour: {
            "actualOperationMode": _mode(plant),
            "instantaneousChargingAndDischargingElectricPower": round(plant.battery_w_in),
            "minimumAndMaximumChargingElectricPowerMinValue": 0,
            "minimumAndMaximumChargingElectricPowerMaxValue": round(plant.rated_w),
            "minimumAndMaximumDischargingElectricPowerMinValue": 0,
            "minimumAndMaximumDischargingElectricPowerMaxValue": round(plant.rated_w),
            "chargingPower": round(plant.battery_w),
            "dischargingPower": round(plant.battery_w),
            "operationMode": next(name for name, power in MODES.items() if power(plant) == plant.set_w),
            "ratedElectricEnergy": round(plant.battery_wh),
            "remainingCapacity1": round(plant.battery_wh * plant.soc),
            "remainingCapacity3": round(100 * plant.soc),
            "batteryHealthState": 97,
            "batteryType": "lib",
        },
    ),
    "presence": ("0007-1", lambda _plant, hour: {"detection": not WORK[0] <= hour < WORK[1]}),
}
"""What a house can have: its object, and what that says."""
POWERS: Final = ("chargingPower", "dischargingPower")
SETTABLE: Final = {("027D-1", name) for name in ("operationMode", *POWERS)}
ANNOUNCED: Final = (("0007-1", "detection"), ("027D-1", "actualOperationMode"))
EVERY_S: Final = 0.5
ASKERS_MAX: Final = 16
_COMMON: Final = {0x80: b"\x30", 0x82: bytes.fromhex("00005200"), 0x88: b"\x42", 0x8A: b"\xff\xff\xff"}
_IDLE_W: Final = 10


class House:
    """One house's node."""

    def __init__(self, objects: tuple[str, ...], plant: Hybrid) -> None:
        self.plant = plant
        self.hour = 0.0
        self.askers: list[tuple[str, int]] = []
        self._tells = dict(TELLS[name] for name in objects)
        self._before = dict(self._announced())

    def go_on(self, day: Day) -> None:
        """Let happen what did since the last time."""
        self.plant.go_on(day)
        self.hour = day.hour()

    def answer(self, message: Message) -> Message | None:
        """What the node says to a message; None: nothing."""
        target = NODE if message.target.startswith(NODE_KIND) else message.target
        holds = self._holds(target)
        if holds is None:
            return None
        match message.service:
            case Service.GET:
                told: Properties = tuple((code, holds.get(code, b"")) for code, _ in message.properties)
                service = Service.GET_RES if all(edt for _, edt in told) else Service.GET_SNA
            case Service.SET_C | Service.SET_I:
                taken = all(self._set(target, code, edt) for code, edt in message.properties)
                told = tuple((code, b"" if taken else edt) for code, edt in message.properties)
                service = Service.SET_RES if taken else Service.SET_C_SNA
            case _:
                return None
        return Message(message.tid, target, message.source, service, told) if message.service != Service.SET_I else None

    def news(self) -> Iterator[Message]:
        """What is otherwise than it was when this was asked before."""
        now = dict(self._announced())
        for (source, name), edt in now.items():
            if self._before.get((source, name)) != edt:
                told = ((named(source[:4])[name].code, edt),)
                yield Message(0, source, NODE, Service.INF, told)
        self._before = now

    def _announced(self) -> Iterator[tuple[tuple[str, str], bytes]]:
        for source, name in ANNOUNCED:
            holds = self._holds(source)
            if holds is not None:
                yield (source, name), holds[named(source[:4])[name].code]

    def _holds(self, name: str) -> dict[int, bytes] | None:
        """What an object can be asked for, as bytes; None where there is no such object."""
        settable: list[int] = []
        if name == NODE:
            objects = write_objects(list(self._tells))
            holds = {**_COMMON, 0xD5: objects, 0xD6: objects, 0xD7: b"\x01" + write_object(next(iter(self._tells)))[:2]}
        elif name in self._tells:
            kind = name[:4]
            told = self._tells[name](self.plant, self.hour)
            wanted = {named(kind)[quantity].code: named(kind)[quantity] for quantity in told}
            holds = {**_COMMON, **{code: _bytes(one, told) for code, one in wanted.items()}}
            settable = [code for code, one in wanted.items() if (name, one.fields[0].quantity) in SETTABLE]
        else:
            return None
        maps = {0x9D: write_map([0x80]), 0x9E: write_map(settable), 0x9F: write_map(sorted({*holds, 0x9D, 0x9E, 0x9F}))}
        return {**holds, **maps}

    def _set(self, name: str, code: int, edt: bytes) -> bool:
        wanted = properties(name[:4]).get(code)
        if wanted is None or (name, wanted.fields[0].quantity) not in SETTABLE:
            return False
        number = int.from_bytes(edt, "big")
        if wanted.fields[0].quantity in POWERS:
            if number > self.plant.rated_w:
                return False
            self.plant.battery_w = float(number)
            return True
        word = (wanted.fields[0].words or {}).get(number)
        if word not in MODES:
            return False
        self.plant.set_w = MODES[str(word)](self.plant)
        return True


async def simulate(settings: Mapping[str, Json], day: Day) -> None:
    """Be all the houses of the settings, until cancelled. Raises BadSettings, OSError."""
    houses = read_houses(settings)
    with ExitStack() as opened:
        doors = [(house, _door(house, where)) for where, house in houses]
        for _, sockets in doors:
            opened.callback(sockets.close)
            await sockets.open()
        while True:
            for house, sockets in doors:
                house.go_on(day)
                news = [build_message(message) for message in house.news()]
                for host, port in house.askers:
                    for payload in news:
                        sockets.send(host, port, payload)
            await asyncio.sleep(EVERY_S)


def read_houses(settings: Mapping[str, Json]) -> list[tuple[Where, House]]:
    """The houses of the settings. Raises BadSettings."""
    members = Members(settings, "simulated")
    given = members.rows("houses")
    members.done()
    return [_house(Members(one, f"simulated/houses/{nth}")) for nth, one in enumerate(given)]


def _house(members: Members) -> tuple[Where, House]:
    place = Where("", PORT, "", multicast=False).place(members.text("address"))
    if place is None:
        raise members.refuse("address", "an address such as 127.0.0.2")
    objects = members.texts("objects", tuple(TELLS))
    if not objects or not TELLS.keys() >= set(objects):
        raise members.refuse("objects", f"some of {', '.join(TELLS)}")
    plain = Hybrid()
    plant = Hybrid(
        solar_w=members.number("solar_w", plain.solar_w, 0, 60_000),
        battery_wh=members.number("battery_wh", plain.battery_wh, 100, 60_000),
        load_w=members.number("load_w", plain.load_w, 0, 30_000),
        soc=members.number("soc", plain.soc, 0, 1),
    )
    members.done()
    return Where(*place, place[0], multicast=False), House(objects, plant)


def _door(house: House, where: Where) -> Sockets:
    def heard(host: str, port: int, payload: bytes) -> None:
        try:
            message = parse_message(payload)
        except BadFrame as bad:
            log.info("%s: %s", where.bind, bad)
            return
        if (host, port) not in house.askers and len(house.askers) < ASKERS_MAX:
            house.askers.append((host, port))
        answer = house.answer(message)
        if answer is not None:
            sockets.send(host, port, build_message(answer))

    sockets = Sockets(where, heard)
    return sockets


def _bytes(one: Property, told: Said) -> bytes:
    return b"".join(write_field(field, told[field.quantity]) for field in one.fields)


def _mode(plant: Hybrid) -> str:
    if abs(plant.battery_w_in) < _IDLE_W:
        return "standby"
    return "charging" if plant.battery_w_in > 0 else "discharging"
