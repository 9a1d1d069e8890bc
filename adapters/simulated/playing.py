"""All devices that are not there of a folder of adapters: those whose files have a member `simulated`.

    simulated: {kind: ocpp, …}         `kind` is the link's where it is not there

Each player works by itself: one that fails is told of and begins again, whatever becomes of the others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from adapters.configuring import read_adapters
from adapters.link import BadSettings
from adapters.simulated.day import Day
from broker.model.values import Json

log = logging.getLogger("misono.adapters")

PLAYERS: Final = {
    "digital-grid": "adapters.simulated.digital_grid",
    "echonet": "adapters.simulated.echonet",
    "mqtt": "adapters.simulated.mqtt",
    "ocpp": "adapters.simulated.ocpp",
    "sunspec": "adapters.simulated.sunspec",
}
AGAIN_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Part:
    """What plays the devices of one adapter."""

    adapter: str
    kind: str
    settings: Mapping[str, Json]


def parts_of(folder: Path) -> Sequence[Part]:
    """The devices of a folder that can be played. Raises BadSettings."""
    found = []
    for one in read_adapters(folder):
        if one.simulated:
            kind = str(one.simulated.get("kind", one.link.get("kind")))
            if kind not in PLAYERS:
                raise BadSettings(f"{one.path.name}: simulated/kind: one of {', '.join(sorted(PLAYERS))} would do")
            found.append(Part(one.name, kind, one.simulated))
    return found


async def play(parts: Sequence[Part], day: Day) -> None:
    """Play them until cancelled."""
    async with asyncio.TaskGroup() as group:
        for part in parts:
            group.create_task(_play(part, day))


async def _play(part: Part, day: Day) -> None:
    simulate: Any = import_module(PLAYERS[part.kind]).simulate
    while True:
        try:
            await simulate(part.settings, day)
        except Exception as fault:  # noqa: BLE001  the outermost loop of a player, which goes on
            log.warning("the devices of %s stand still: %s", part.adapter, _told(fault))
        await asyncio.sleep(AGAIN_S)


def _told(fault: BaseException) -> str:
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return f"{type(fault).__name__}: {fault}"[:300]
