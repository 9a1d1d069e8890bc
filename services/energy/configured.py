"""The section [energy] of the file of --access: one community, its market, and what each part of the service needs.

[energy]
tenant = "misono"
community = "urn:ngsi-ld:EnergyCommunity:misono:community"      its members (EnergyProsumer) control routers
mode = "simulation"               or "billing": docs/energy.md says what the law asks of each
slot_minutes = 30
zone = "Asia/Tokyo"

[energy.market]                   and [energy.settlement], [energy.islanding], [energy.planning]: each part's own
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from broker.model.values import Json
from services.energy.slots import LENGTHS, Slots
from services.room import BadCity

MODES: Final = ("simulation", "billing")
PARTS: Final = ("market", "settlement", "islanding", "planning")
_OWN: Final = frozenset({"tenant", "community", "mode", "slot_minutes", "zone"})


@dataclass(frozen=True, slots=True)
class Community:
    """What the section says; `sections` are those of the parts, by name."""

    tenant: str
    id: str
    slots: Slots
    mode: str = MODES[0]
    sections: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)

    def section(self, name: str) -> Mapping[str, Json]:
        """That of a part; empty where there is none."""
        return self.sections.get(name, {})


def read_community(city: Mapping[str, Json]) -> Community:
    """The section. Raises BadCity, which names the member and what would do."""
    said = cast("dict[str, Any]", city["energy"])
    if unknown := sorted(set(said) - _OWN - {*PARTS}):
        raise BadCity(f"[energy] has no member {unknown[0]}; there are {', '.join(sorted(_OWN | {*PARTS}))}")
    community, mode, minutes = said.get("community"), said.get("mode", MODES[0]), said.get("slot_minutes", 30)
    if not isinstance(community, str) or not community.startswith("urn:"):
        raise BadCity("[energy] community is the id (urn:…) of an EnergyCommunity")
    if mode not in MODES:
        raise BadCity(f"[energy] mode is one of {', '.join(MODES)}")
    if minutes not in LENGTHS:
        raise BadCity(f"[energy] slot_minutes is one of {', '.join(map(str, LENGTHS))}")
    sections: dict[str, Any] = {name: said[name] for name in PARTS if name in said}
    if not all(isinstance(one, dict) for one in sections.values()):
        raise BadCity(f"[energy] {', '.join(PARTS)} are tables: [energy.market]")
    slots = Slots(minutes, _zone(said.get("zone", "Asia/Tokyo")))
    return Community(_text(said, "tenant"), community, slots, mode, sections)


def _text(said: Mapping[str, Any], name: str) -> str:
    found = said.get(name, "")
    if not isinstance(found, str):
        raise BadCity(f"[energy] {name} is a text")
    return found


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise BadCity(f"[energy] zone is a name like Asia/Tokyo: {error}") from error
