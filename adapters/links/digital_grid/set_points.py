"""Commands to a digital grid router, checked against its limits, its thresholds and its battery. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapters.codecs.digital_grid import MODES
from broker.model.values import Json
from datamodels.units import NoConversion, convert

COMMANDS: Final = ("exchange", "power", "current", "voltage", "stop")
_GIVES: Final = frozenset({"discharge", "form"})
_TOLERANCE_V: Final = 1.0
"""Gateways round volts down to whole ones."""
_TOLERANCE_A: Final = 0.01
_MOST: Final = 1e9
"""More is no number of volts, amperes or watts."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What no command may leave: the line's volts, a leg's amperes, and between which charges (%) a battery works."""

    volts: tuple[float, float] = (300.0, 380.0)
    amperes: float = 10.0
    charge: tuple[float, float] = (20.0, 95.0)


@dataclass(frozen=True, slots=True)
class State:
    """How a unit is: its set-points, thresholds and charge; `line` is the voltage that the line has now."""

    mode: str
    line: float
    volts: float
    amperes: float
    thresholds: tuple[float, float]
    charge: float | None


@dataclass(frozen=True, slots=True)
class SetPoint:
    """What a converter shall do: `SetPoint("charge", 350.0, 2.0)`."""

    mode: str
    volts: float
    amperes: float

    def query(self) -> dict[str, str]:
        """As the gateway takes it."""
        return {"mode": MODES[self.mode], "dvg": f"{self.volts:g}", "dig": f"{self.amperes:g}"}

    def differs(self, state: State) -> str:
        """What is otherwise in a state read back; empty where it is as it shall be."""
        told = []
        if state.mode != MODES[self.mode]:
            told.append(f"mode {state.mode}, not {MODES[self.mode]}")
        if abs(state.volts - self.volts) >= _TOLERANCE_V:
            told.append(f"{state.volts:g} V, not {self.volts:g}")
        if abs(state.amperes - self.amperes) > _TOLERANCE_A:
            told.append(f"{state.amperes:g} A, not {self.amperes:g}")
        return ", ".join(told)


def state_of(unit: object) -> State:
    """The state that a unit tells. Raises ValueError where it tells none."""
    dcdc = _below(unit, "dcdc")
    line = _below(dcdc, "meter").get("vg", 0)
    parameters, charge = _below(dcdc, "param"), _below(unit, "battery").get("rsoc", _below(unit, "emu").get("rsoc"))
    return State(
        mode=str(_below(dcdc, "status").get("status")),
        line=_number(line, "dcdc.meter.vg"),
        volts=_number(_below(dcdc, "vdis").get("dvg"), "dcdc.vdis.dvg"),
        amperes=_number(parameters.get("dig"), "dcdc.param.dig"),
        thresholds=(
            _number(parameters.get("ugv", 0), "dcdc.param.ugv"),
            _number(parameters.get("ogv", _MOST), "dcdc.param.ogv"),
        ),
        charge=None if charge is None else _number(charge, "rsoc"),
    )


def set_point(command: tuple[str, Json, str], state: State, bounds: Bounds, *, formed: bool) -> SetPoint:
    """What a command (name, value, unit) asks for; `formed`: another unit holds the line's voltage.

    `exchange` `{"mode": "charge", "current": 2, "voltage": 350}`, the latter two as they are where they are left out;
    `power` in W, positive into the line; `current` in A; `voltage` in V; `stop`.

    Raises ValueError where there is no such command, or it leaves its bounds.
    """
    wanted = _wanted(command, state)
    if wanted.mode != "wait":
        _check(wanted, state, bounds)
        if wanted.mode == "form" and formed:
            raise ValueError("another unit holds the line's voltage; one alone may")
    return wanted


def _wanted(command: tuple[str, Json, str], state: State) -> SetPoint:
    name, value, unit = command
    mode = next((word for word, code in MODES.items() if code == state.mode), "wait")
    if name == "stop":
        return SetPoint("wait", state.volts, state.amperes)
    if name == "exchange":
        return _exchange(value, state)
    if name == "current":
        return SetPoint(mode, state.volts, _in(value, unit, "AMP"))
    if name == "voltage":
        return SetPoint(mode, _in(value, unit, "VLT"), state.amperes)
    if name == "power":
        return _power(_in(value, unit, "WTT"), state)
    raise ValueError(f"{name!r} cannot be set; there are {', '.join(COMMANDS)}")


def _power(watts: float, state: State) -> SetPoint:
    """Power into the line in amperes: at the voltage that the line has, else at the one that the unit is set to."""
    volts = state.line if state.line > 0 and state.line >= state.thresholds[0] else state.volts
    if not watts:
        return SetPoint("wait", state.volts, state.amperes)
    if volts <= 0:
        raise ValueError("the line's voltage is not set: power cannot be told in amperes")
    return SetPoint("discharge" if watts > 0 else "charge", volts, abs(watts) / volts)


def _exchange(value: Json, state: State) -> SetPoint:
    if not isinstance(value, dict) or value.get("mode") not in MODES:
        raise ValueError(f'exchange: {{"mode": "charge", "current": 2}} would do; modes are {", ".join(MODES)}')
    if not value.keys() <= {"mode", "current", "voltage"}:
        raise ValueError("exchange: mode, current and voltage are all there is to say")
    volts = _number(value.get("voltage", state.volts), "voltage")
    return SetPoint(str(value["mode"]), volts, _number(value.get("current", state.amperes), "current"))


def _check(wanted: SetPoint, state: State, bounds: Bounds) -> None:
    least, most = max(bounds.volts[0], state.thresholds[0]), min(bounds.volts[1], state.thresholds[1])
    if not least <= wanted.volts <= most:
        raise ValueError(f"{wanted.volts:g} V: from {least:g} to {most:g} would do")
    if not 0 <= wanted.amperes <= bounds.amperes:
        raise ValueError(f"{wanted.amperes:g} A: from 0 to {bounds.amperes:g} would do")
    low, high = bounds.charge
    if state.charge is None:
        raise ValueError("the unit does not tell how full its battery is")
    if wanted.mode in _GIVES and state.charge < low:
        raise ValueError(f"the battery is at {state.charge:g} %; below {low:g} % it gives nothing")
    if wanted.mode == "charge" and state.charge > high:
        raise ValueError(f"the battery is at {state.charge:g} %; above {high:g} % it takes nothing")


def _below(body: object, name: str) -> Mapping[str, Json]:
    below = body.get(name) if isinstance(body, Mapping) else None
    return below if isinstance(below, Mapping) else {}


def _number(value: Json, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _MOST:
        raise ValueError(f"{where}: a number would do")
    return float(value)


def _in(value: Json, given: str, wanted: str) -> float:
    try:
        return float(convert(_number(value, "the value"), given or wanted, wanted))
    except NoConversion as fault:
        raise ValueError(str(fault)) from fault
