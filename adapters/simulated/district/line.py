"""The interchange line: what its members put in and take, and who balances it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ARRIVES: Final = 96
"""Per cent of what is put in."""
_WHOLE: Final = 100


@dataclass(frozen=True, slots=True)
class Room:
    """What a member can give and take at most, in watts."""

    gives: int
    takes: int


def balanced(wishes: Mapping[str, int], rooms: Mapping[str, Room], master: str) -> dict[str, int]:
    """What flows into the line from each member: no more arrives than is left of what was put in.

    The master, where there is one, gives what lacks and takes what is over, as far as it can.
    """
    flows = {name: max(-rooms[name].takes, min(rooms[name].gives, wish)) for name, wish in wishes.items()}
    if master in flows:
        flows[master] = 0
        flows[master] = _rest(flows, rooms[master])
    return _held(flows)


def lost(flows: Mapping[str, int]) -> int:
    """Watts that the line makes warm."""
    return sum(flows.values())


def _rest(flows: Mapping[str, int], room: Room) -> int:
    arrives = sum(power for power in flows.values() if power > 0) * ARRIVES // _WHOLE
    lacks = -sum(power for power in flows.values() if power < 0) - arrives
    return min(room.gives, -(-lacks * _WHOLE // ARRIVES)) if lacks > 0 else -min(room.takes, -lacks)


def _held(flows: dict[str, int]) -> dict[str, int]:
    given = sum(power for power in flows.values() if power > 0)
    taken = -sum(power for power in flows.values() if power < 0)
    arrives = given * ARRIVES // _WHOLE
    if taken > arrives:
        return {name: power if power > 0 else -(-power * arrives // taken) for name, power in flows.items()}
    needed = -(-taken * _WHOLE // ARRIVES)
    if given <= needed:
        return flows
    return {name: -(-power * needed // given) if power > 0 else power for name, power in flows.items()}
