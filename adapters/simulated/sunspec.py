"""Houses' hybrid inverters that are not there, as SunSpec devices on Modbus TCP: one server, a unit id each.

    simulated: {kind: sunspec, host: 127.0.0.1, port: 15020,
                units: [{unit: 1, serial: H1, solar_w: 4000, battery_wh: 12000, load_w: 900}, …]}

Their models are laid out by pysunspec2, the server is pymodbus'. Model 704 sets their power until its timer ends.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from adapters.codecs.sunspec import END, MARK
from adapters.codecs.sunspec_models import spot_of
from adapters.codecs.sunspec_reading import raw
from adapters.link import BadSettings
from adapters.settings import Members
from adapters.simulated.day import Day
from adapters.simulated.hybrid import Hybrid
from broker.model.values import Json

if TYPE_CHECKING:
    from pymodbus.constants import ExcCodes
    from pymodbus.simulator import SimDevice

START: Final = 40_000
_CONTROL: Final = 704
_VOLTS: Final = 101.5
_BATTERY_VOLTS: Final = 400.0
_HERTZ: Final = 50.0
_SOLAR, _STORAGE = 0, 1
_CHARGING, _DISCHARGING, _HOLDING = 4, 3, 6
"""Of model 802's ChaSt."""
_MPPT, _SLEEPING = 4, 2
_KEPT_S: Final = 0.1
"""So long what was laid out stays true, that one poll sees one moment."""


async def simulate(settings: Mapping[str, Json], day: Day) -> None:
    """Serve until cancelled. Raises BadSettings."""
    from pymodbus.server import ModbusTcpServer  # noqa: PLC0415  only the demo pays for it

    members = Members(settings, "simulated")
    host = members.text("host", "127.0.0.1")
    port = members.whole("port", 15_020, 1, 65_535)
    plants = _plants(members.objects("units"), day)
    members.done()
    server = ModbusTcpServer([plant.device() for plant in plants], address=(host, port))
    try:
        await server.serve_forever()
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


def _plants(units: Sequence[Mapping[str, Json]], day: Day) -> list[Plant]:
    plants = [_plant(unit, index, day) for index, unit in enumerate(units or [{}], 1)]
    if len({plant.unit for plant in plants}) < len(plants):
        raise BadSettings("simulated/units: each with a unit id of its own would do")
    return plants


def _plant(settings: Mapping[str, Json], index: int, day: Day) -> Plant:
    members = Members(settings, f"simulated/units/{index}")
    unit = members.whole("unit", index, 1, 247)
    serial = members.text("serial", f"SIM-{unit:03}")
    plain = Hybrid()
    hybrid = Hybrid(
        solar_w=members.number("solar_w", plain.solar_w, 0, 30_000),
        battery_wh=members.number("battery_wh", plain.battery_wh, 100, 60_000),
        battery_w=members.number("battery_w", plain.battery_w, 0, 30_000),
        rated_w=members.number("rated_w", plain.rated_w, 100, 30_000),
        load_w=members.number("load_w", plain.load_w, 0, 30_000),
        soc=members.number("soc", plain.soc, 0, 1),
    )
    members.done()
    return Plant(unit, serial, hybrid, day)


class Plant:
    """One inverter with its registers."""

    def __init__(self, unit: int, serial: str, hybrid: Hybrid, day: Day) -> None:
        self.unit = unit
        self._serial = serial
        self._hybrid = hybrid
        self._day = day
        self._control = _free()
        self._place = 2 + sum(len(_laid(number, values)) // 2 for number, values in self._before())
        self._set_at = self._laid_at = day.seconds()

    def device(self) -> SimDevice:
        """As pymodbus serves it."""
        from pymodbus.simulator import DataType, SimData, SimDevice  # noqa: PLC0415

        data = SimData(START, values=self.registers(), datatype=DataType.REGISTERS)
        return SimDevice(self.unit, simdata=[data], action=self._asked)

    def registers(self) -> list[int]:
        """What its registers hold now."""
        self._obey()
        self._hybrid.go_on(self._day)
        data = MARK + b"".join(_laid(number, values) for number, values in self._before())
        data += self._control + b"".join(_laid(number, values) for number, values in self._after())
        data += struct.pack(">HH", END, 0)
        return list(struct.unpack(f">{len(data) // 2}H", data))

    async def _asked(
        self,
        _function: int,
        _start: int,
        _address: int,
        _count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Before a read: take what was written to model 704, and lay out what there is now."""
        end = self._place + len(self._control) // 2
        written = struct.pack(f">{end - self._place}H", *registers[self._place : end])
        now = self._day.seconds()
        changed = written != self._control
        if changed:
            self._control, self._set_at = written, now
        if values is None and (changed or now - self._laid_at >= _KEPT_S):
            registers[:] = self.registers()
            self._laid_at = now
        return None

    def _obey(self) -> None:
        """What model 704 says, until its timer ends."""
        if not raw(spot_of(_CONTROL, "WSetEna"), self._control):
            self._hybrid.set_w = None
            return
        seconds = raw(spot_of(_CONTROL, "WSetRvrtTms"), self._control) or 0
        left = seconds - (self._day.seconds() - self._set_at)
        if seconds and left <= 0:
            self._control = _free()
            self._hybrid.set_w = None
        else:
            self._hybrid.set_w = float(raw(spot_of(_CONTROL, "WSet"), self._control) or 0)

    def _before(self) -> list[tuple[int, dict[str, Any]]]:
        hybrid = self._hybrid
        amperes = round(abs(hybrid.ac_w) / _VOLTS * 10)
        return [
            (1, {"Mn": "Misono simulated", "Md": "Hybrid", "Vr": "1.0", "SN": self._serial, "DA": self.unit}),
            (101, {
                "A": amperes, "AphA": amperes, "A_SF": -1, "PhVphA": round(_VOLTS * 10), "V_SF": -1,
                "W": round(hybrid.ac_w), "W_SF": 0, "Hz": round(_HERTZ * 100), "Hz_SF": -2,
                "WH": round(hybrid.given_wh) % 2**32, "WH_SF": 0, "TmpCab": 35, "Tmp_SF": 0,
                "St": _MPPT if hybrid.pv_w else _SLEEPING, "Evt1": 0, "Evt2": 0,
            }),
            (201, {
                "A": round(hybrid.grid_w_in / _VOLTS * 10), "A_SF": -1, "PhV": round(_VOLTS * 10), "V_SF": -1,
                "Hz": round(_HERTZ * 100), "Hz_SF": -2, "W": round(hybrid.grid_w_in), "W_SF": 0,
                "TotWhImp": round(hybrid.bought_wh) % 2**32, "TotWhExp": round(hybrid.sold_wh) % 2**32,
                "TotWh_SF": 0, "Evt": 0,
            }),
            (701, {
                "ACType": 0, "St": 1, "InvSt": 3, "ConnSt": 1, "Alrm": 0, "DERMode": 1, "W": round(hybrid.ac_w),
                "W_SF": 0, "Hz": round(_HERTZ * 100), "Hz_SF": -2, "LNV": round(_VOLTS * 10), "V_SF": -1,
                "TotWhInj": round(hybrid.given_wh), "TotWhAbs": round(hybrid.taken_wh), "TotWh_SF": 0,
            }),
            (702, {
                "WMaxRtg": round(hybrid.rated_w), "WMax": round(hybrid.rated_w), "W_SF": 0,
                "WChaRteMaxRtg": round(hybrid.battery_w), "WDisChaRteMaxRtg": round(hybrid.battery_w),
            }),
        ]  # fmt: skip

    def _after(self) -> list[tuple[int, dict[str, Any]]]:
        hybrid = self._hybrid
        charge = _CHARGING if hybrid.battery_w_in > 0 else _DISCHARGING if hybrid.battery_w_in < 0 else _HOLDING
        battery_w, battery_a = -round(hybrid.battery_w_in), -round(hybrid.battery_w_in / _BATTERY_VOLTS * 10)
        ports = [
            {"PrtTyp": _SOLAR, "ID": 1, "IDStr": "pv", "DCW": round(hybrid.pv_w), "DCWhInj": round(hybrid.pv_wh)},
            {"PrtTyp": _STORAGE, "ID": 2, "IDStr": "battery", "DCW": battery_w, "DCA": battery_a, "DCV": 400},
        ]
        return [
            (713, {
                "WHRtg": round(hybrid.battery_wh / 10), "WHAvail": round(hybrid.soc * hybrid.battery_wh / 10),
                "WH_SF": 1, "SoC": round(hybrid.soc * 1000), "SoH": 990, "Pct_SF": -1, "Sta": 0,
            }),
            (714, {
                "PrtAlrms": 0, "NPrt": len(ports), "DCW": round(hybrid.ac_w), "DCW_SF": 0, "DCA_SF": -1, "DCV_SF": 0,
                "DCWH_SF": 0, "Prt": ports,
            }),
            (802, {
                "WHRtg": round(hybrid.battery_wh / 10), "WHRtg_SF": 1, "SoC": round(hybrid.soc * 1000), "SoC_SF": -1,
                "SoH": 99, "SoH_SF": 0, "ChaSt": charge, "State": 3, "Typ": 4, "V": round(_BATTERY_VOLTS), "V_SF": 0,
                "A": battery_a, "A_SF": -1, "W": battery_w, "W_SF": 0, "Evt1": 0, "Evt2": 0,
            }),
        ]  # fmt: skip


def _free() -> bytes:
    """Model 704 when nothing is set."""
    names = ("WSetEna", "WSetMod", "WSet", "WSetEnaRvrt", "WSetRvrtTms", "WSetRvrtRem", "WSet_SF")
    return _laid(_CONTROL, dict.fromkeys(names, 0))


def _laid(number: int, values: dict[str, Any]) -> bytes:
    from sunspec2.device import Model  # noqa: PLC0415

    data: bytes = Model(number, data=values).get_mb()
    return data
