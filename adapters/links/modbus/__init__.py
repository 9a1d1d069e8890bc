"""The link of Modbus TCP: devices are asked in turn, each address over one connection; set-points are read back.

link: {kind: modbus, every_s: 5, timeout_s: 3, gap: 16, most: 125}
codec: {kind: modbus, maps: {…}}            or {kind: sunspec, models: […], into: {…}}
devices: [{id: chiller, address: "192.0.2.7:502", options: {unit: 1, map: chiller, every_s: 2}}]
"""

from __future__ import annotations

from adapters.link import BadSettings, Ground
from adapters.links.modbus.asking import Manner, ModbusLink, Pace
from adapters.links.modbus.registers import RegisterManner
from adapters.links.modbus.sunspec import SunSpecManner
from adapters.settings import Members


def make_link(ground: Ground) -> ModbusLink:
    """The link, asking for what the adapter's codec reads. Raises BadSettings."""
    members = Members(ground.settings, "link")
    every_s = members.number("every_s", 5.0, 0.05, 86_400)
    timeout_s = members.number("timeout_s", 3.0, 0.05, 60)
    gap = members.whole("gap", 16, 0, 120)
    most = members.whole("most", 125, 1, 2000)
    members.done()
    kind = ground.codec.get("kind")
    if kind not in ("modbus", "sunspec"):
        raise BadSettings("codec/kind: modbus or sunspec would do with the link modbus")
    manner: Manner = RegisterManner(ground.codec, gap, most) if kind == "modbus" else SunSpecManner(ground.codec)
    return ModbusLink(ground, Pace(every_s, timeout_s), manner)
