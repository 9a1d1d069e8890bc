"""The routers of the district as units of a gateway in the shape of the open APIS: what it tells and takes. Pure.

log(district, converters)                              as GET /get/log answers
turn(district, converters, "h1", {"mode": "0x0002", "dvg": "350", "dig": "2"})       as GET /set/dcdc/h1?… does
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Final

from adapters.codecs.digital_grid import MODES
from adapters.simulated.district.district import District
from adapters.simulated.district.router import Router, SetPoint
from broker.model.values import Json

HOLDS_S: Final = 1_800
"""So long a unit does what it was told; APIS tells it again meanwhile."""
LEAST_V, MOST_V, MOST_A = 300.0, 380.0, 200.0
LINE_V, MAINS_V, BATTERY_V = 350.0, 202.0, 48.0
_WORDS: Final = {code: word for word, code in MODES.items()}
_RUNNING: Final = {"wait": "Waiting", "form": "Grid Autonomy", "discharge": "Heteronomy CV", "charge": "Heteronomy CV"}


@dataclass(frozen=True, slots=True)
class Converter:
    """What a unit's converter was set to."""

    mode: str = "wait"
    volts: float = LINE_V
    amperes: float = 0.0


def log(district: District, converters: Mapping[str, Converter]) -> dict[str, Json]:
    """All units by their ids."""
    return {name: unit(district, name, converters.get(name, Converter())) for name in district.routers}


def unit(district: District, name: str, converter: Converter) -> Json:
    """One of them."""
    router = district.routers[name]
    watts, charge = router.watts, router.battery.per_mille / 10
    live = any(one.watts["interchange"] for one in district.routers.values()) or district.line == "live"
    return {
        "oesunit": {"id": name, "on": "1"},
        "battery": {"rsoc": charge},
        "emu": {
            "rsoc": charge, "pvc_charge_power": -watts["pv"], "ups_output_power": watts["load"] + watts["ev"],
            "charge_discharge_power": abs(watts["battery"]), "battery_current": round(watts["battery"] / BATTERY_V, 2),
            "ups_output_voltage": 101.0 if any(router.served) else 0.0,
        },
        "dcdc": {
            "status": {
                "status": MODES[converter.mode], "operationMode": _RUNNING[converter.mode],
                "alarm": "0010 0000 0000" if router.faulty else "0000 0000 0000",
                "alarmState": "Heavy alarm" if router.faulty else "No alarm",
            },
            "meter": _meter(router, live=live),
            "powermeter": {
                "p2": -watts["utility"], "v1": MAINS_V if district.mains else 0.0,
                "kwh2": router.register("utility")[1] / 1_000,
            },
            "vdis": {"dvg": converter.volts},
            "param": {"dig": converter.amperes, "ugv": LEAST_V, "ogv": MOST_V},
        },
    }  # fmt: skip


def turn(
    district: District, converters: MutableMapping[str, Converter], name: str, asked: Mapping[str, str]
) -> Json | None:
    """Set a converter, and what its unit says then; None where there is no such unit, mode or number."""
    mode = _WORDS.get(asked.get("mode", ""))
    if name not in district.routers or mode is None:
        return None
    had = converters.get(name, Converter())
    try:
        volts, amperes = float(asked.get("dvg", had.volts)), float(asked.get("dig", had.amperes))
    except ValueError:
        return None
    if not LEAST_V <= volts <= MOST_V or not 0.0 <= amperes <= MOST_A:
        return None
    converters[name] = Converter(mode, volts, amperes)
    watts = round(volts * amperes) * (-1 if mode == "charge" else 1)
    until = district.at + HOLDS_S
    moves = mode in ("charge", "discharge")
    district.order(name, SetPoint(until, watts if moves else 0, "" if moves else mode))
    return unit(district, name, converters[name])


def _meter(router: Router, *, live: bool) -> Json:
    line, battery = router.watts["interchange"], router.watts["battery"]
    return {
        "wg": -line, "ig": round(-line / LINE_V, 2), "vg": LINE_V if live else 0.0, "wb": battery,
        "ib": round(battery / BATTERY_V, 2), "vb": BATTERY_V, "tmp": 25.0,
    }  # fmt: skip
