"""The link of digital grid routers: gateways in the shape of the open APIS are polled, converters set and read back.

link: {kind: digital-grid, url: "http://192.0.2.7:4390", every_s: 5, timeout_s: 3,
       limits: {volts: [300, 380], amperes: 10, charge: [20, 95]}}
devices: [{id: h1-router, address: "http://192.0.2.8:4390", options: {unit: E001, amperes: 2.3}}]
"""

from __future__ import annotations

from adapters.link import BadSettings, Ground
from adapters.links.digital_grid.asking import URL, DigitalGridLink, Pace
from adapters.links.digital_grid.set_points import Bounds
from adapters.settings import Members


def make_link(ground: Ground) -> DigitalGridLink:
    """The link. Raises BadSettings."""
    members = Members(ground.settings, "link")
    url = members.text("url", "")
    pace = Pace(members.number("every_s", 5.0, 0.05, 3600), members.number("timeout_s", 3.0, 0.05, 60))
    below = members.below("limits")
    members.done()
    limits = Members(below, "link/limits")
    plain = Bounds()
    bounds = Bounds(
        _pair(limits, "volts", plain.volts),
        limits.number("amperes", plain.amperes, 0, 1000),
        _pair(limits, "charge", plain.charge),
    )
    limits.done()
    if url and not URL.fullmatch(url):
        raise BadSettings("link/url: http://192.0.2.7:4390 would do")
    return DigitalGridLink(ground, url, pace, bounds)


def _pair(members: Members, name: str, default: tuple[float, float]) -> tuple[float, float]:
    given = members.numbers(name) or default
    if len(given) != 2 or not 0 <= given[0] <= given[1]:  # noqa: PLR2004  a pair
        raise members.refuse(name, "a pair of numbers from 0, the lesser first,")
    return given[0], given[1]
