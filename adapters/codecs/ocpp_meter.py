"""Meter values of OCPP 1.6 and 2.0.1: what was measured, in which phase and place, in UN/CEFACT units.

A quantity is the measurand, `@` and the phase where it is of one, `/` and the place where that is not the outlet:
`Energy.Active.Import.Register`, `Current.Import@L1`, `Voltage@L1-N`, `Temperature/Body`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from adapters.codecs.ocpp_message import instant, member, members, number, text, whole
from adapters.frame import BadFrame
from adapters.readings import Reading
from broker.model.values import Instant, Json

SAMPLES_MAX: Final = 900
REGISTER: Final = "Energy.Active.Import.Register"
EXPORT_REGISTER: Final = "Energy.Active.Export.Register"
POWER: Final = "Power.Active.Import"
SOC: Final = "SoC"
BEGIN, END = "Transaction.Begin", "Transaction.End"
_USUAL_CONTEXT: Final = "Sample.Periodic"
_USUAL_PLACE: Final = "Outlet"
_SIGNED: Final = "SignedData"
_PHASES: Final = ("L1", "L2", "L3")
_MULTIPLIER_MOST: Final = 12

_UNITS: Final[Mapping[str, tuple[str, float]]] = {
    "Wh": ("WHR", 1), "kWh": ("KWH", 1), "varh": ("K3", 0.001), "kvarh": ("K3", 1), "W": ("WTT", 1), "kW": ("KWT", 1),
    "VA": ("D46", 1), "kVA": ("KVA", 1), "var": ("D44", 1), "kvar": ("K5", 1), "A": ("AMP", 1), "V": ("VLT", 1),
    "K": ("KEL", 1), "Celcius": ("CEL", 1), "Celsius": ("CEL", 1), "Fahrenheit": ("FAH", 1), "Percent": ("P1", 1),
    "Hz": ("HTZ", 1), "VAh": ("C79", 0.001), "kVAh": ("C79", 1),
}  # fmt: skip
"""A unit of OCPP to its code and what to multiply by; `Celcius` is how early editions of 1.6 spell it."""
_USUAL_UNIT: Final[Mapping[str, str]] = {
    "Energy.Active": "Wh", "Energy.Reactive": "varh", "Energy.Apparent": "VAh", "Power.Active": "W",
    "Power.Offered": "W", "Power.Reactive": "var", "Current": "A", "Voltage": "V", "Temperature": "Celsius",
    "SoC": "Percent", "Frequency": "Hz",
}  # fmt: skip
"""What a measurand is in where no unit is said, by the beginning of its name."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading and the context that it was taken in (`Sample.Periodic`, `Transaction.Begin`, …)."""

    reading: Reading
    context: str


_Reader: TypeAlias = Callable[[Mapping[str, Json], Instant | None], Sample | None]


def samples_16(payload: Mapping[str, Json], name: str) -> list[list[Sample]]:
    """The `meterValue` or `transactionData` of a message of 1.6, a list for each time. Raises BadFrame."""
    return _read(payload, name, _sample_16)


def samples_201(payload: Mapping[str, Json]) -> list[list[Sample]]:
    """The `meterValue` of a message of 2.0.1, a list for each time. Raises BadFrame."""
    return _read(payload, "meterValue", _sample_201)


def total(samples: Iterable[Sample], quantity: str) -> tuple[float, str] | None:
    """A quantity over all phases with its unit: as it was measured, else the sum of its phases; None: not there."""
    found = {one.reading.quantity: one.reading for one in samples if one.reading.quality == "good"}
    if quantity in found:
        return _value(found[quantity])
    parts = [_value(found[f"{quantity}@{phase}"]) for phase in _PHASES if f"{quantity}@{phase}" in found]
    if not parts or len({unit for _, unit in parts}) > 1:
        return None
    return sum(value for value, _ in parts), parts[0][1]


def energy_wh(samples: Sequence[Sample]) -> float | None:
    """What the registers say went into vehicles and did not come back; None where there is no register."""
    inward, outward = total(samples, REGISTER), total(samples, EXPORT_REGISTER)
    if inward is None:
        return None
    return _in_watts(inward) - (_in_watts(outward) if outward else 0)


def power_w(samples: Sequence[Sample]) -> float | None:
    """The power into the vehicle; None where it was not measured."""
    found = total(samples, POWER)
    return None if found is None else _in_watts(found)


def _in_watts(measured: tuple[float, str]) -> float:
    value, unit = measured
    return value * 1000 if unit in ("KWH", "KWT") else value


def _value(reading: Reading) -> tuple[float, str]:
    assert isinstance(reading.value, int | float)
    return reading.value, reading.unit


def _read(payload: Mapping[str, Json], name: str, one: _Reader) -> list[list[Sample]]:
    times = members(payload, name)
    rows = [(instant(row), members(row, "sampledValue")) for row in times]
    if sum(len(values) for _, values in rows) > SAMPLES_MAX:
        raise BadFrame("oversized", f"{name}: more than {SAMPLES_MAX} samples")
    return [[sample for value in values if (sample := one(value, at)) is not None] for at, values in rows]


def _sample_16(value: Mapping[str, Json], at: Instant | None) -> Sample | None:
    if text(value, "format") == _SIGNED:
        return None
    return _sample(value, at, text(value, "unit"), 0)


def _sample_201(value: Mapping[str, Json], at: Instant | None) -> Sample:
    unit = member(value, "unitOfMeasure")
    return _sample(value, at, text(unit, "unit"), whole(unit, "multiplier", 0))


def _sample(value: Mapping[str, Json], at: Instant | None, unit: str, multiplier: int) -> Sample:
    """A value that is no number stays as it is, bad; one in a unit that is not known is uncertain and has none."""
    measurand = text(value, "measurand", REGISTER)
    if not measurand:
        raise BadFrame("wrong_type", "measurand: the name of what was measured is due")
    phase, place = text(value, "phase"), text(value, "location", _USUAL_PLACE)
    if measurand == SOC:
        place = _USUAL_PLACE  # some say `EV`, some nothing: it is the vehicle's either way
    quantity = f"{measurand}{'@' + phase if phase else ''}{'/' + place if place != _USUAL_PLACE else ''}"
    context = text(value, "context", _USUAL_CONTEXT)
    read = number(value.get("value"))
    if read is None or abs(multiplier) > _MULTIPLIER_MOST:
        return Sample(Reading(quantity, None, at=at, quality="bad"), context)
    code, factor = _unit(measurand, unit)
    scaled = read if factor == 1 and not multiplier else float(f"{read * factor * 10.0**multiplier:.14g}")
    known = code or not unit
    return Sample(Reading(quantity, scaled, unit=code, at=at, quality="good" if known else "uncertain"), context)


def _unit(measurand: str, unit: str) -> tuple[str, float]:
    usual = unit or next((code for start, code in _USUAL_UNIT.items() if measurand.startswith(start)), "")
    return _UNITS.get(usual, ("", 1))
