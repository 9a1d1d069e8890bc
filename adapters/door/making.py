"""The door of a process's adapters, out of what they are."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Final

from adapters.assembling import Assembled
from adapters.device import Device
from adapters.door.agent import AgentDoor
from adapters.door.app import Door
from adapters.door.kept_frames import KeptFrames
from adapters.door.mappings import MappingDoor
from adapters.door.operators import Operators, Watched
from adapters.link import BadSettings, Serves
from adapters.mapping.reading import Resolve
from adapters.provisioning.agent_changing import AgentProvisioning
from adapters.provisioning.changing import Place, Provisioning
from adapters.running import Running
from broker.http.messages import Response
from broker.http.rooms.door import Rights
from broker.http.rooms.route import Route, Routes
from broker.model.values import Json, to_text

ROOTS: Final = ("/iot", "/admin/adapters", "/admin/devices", "/admin/mappings", "/admin/quarantine", "/admin/commands")
"""The parts of the URL map that it serves."""
OWN: Final = frozenset({"about", "configGroups", "devices", "services"})
"""What is below `/iot` beside the paths of links."""


def make_door(assembled: Assembled, resolve: Resolve, rights: Rights, more: Iterable[Route] = ()) -> Door:
    """The door; `more` are further rows of its table. Raises BadSettings where two links have one path."""
    provisioning = make_provisioning(assembled, resolve)
    of_operators = Operators(provisioning, _watched(assembled.running))
    of_agents = AgentDoor(AgentProvisioning(provisioning, resolve))
    mappings, frames = MappingDoor(provisioning), KeptFrames(assembled.running.quarantine)
    routes = Routes([*of_agents.routes(), *of_operators.routes(), *mappings.routes(), *frames.routes(), *more])
    return Door(routes, _Heard(assembled.running), rights)


def make_provisioning(assembled: Assembled, resolve: Resolve) -> Provisioning:
    """What changes who is provisioned, held to the adapters and mappings there are."""
    running = assembled.running
    places = {
        name: Place(name, str(one.file.link["kind"]), str(one.file.codec["kind"]), one.file.tenant)
        for name, one in running.adapters.items()
    }

    def has_mapping(name: str) -> bool:
        return running.parts.mappings(name) is not None

    return Provisioning(
        assembled.devices, assembled.book, places, has_mapping=has_mapping, of_files=assembled.mappings, resolve=resolve
    )


class _Heard:
    """`app.Hears` over the links that run."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._served: dict[str, Serves] = {}
        for name, one in running.adapters.items():
            if not isinstance(one.link, Serves):
                continue
            for path in one.link.paths:
                if path in self._served or path.split("/")[2] in OWN:
                    raise BadSettings(f"{one.file.path.name}: link: {path} is taken: it cannot be the path of {name}")
                self._served[path] = one.link

    def served(self) -> Mapping[str, Serves]:
        return self._served

    def call(self, work: Coroutine[Any, Any, Response]) -> Future[Response]:
        return self._running.call(work)


def _watched(running: Running) -> Watched:
    def states() -> Mapping[str, dict[str, Json]]:
        return {name: _told(running, name) for name in running.adapters}

    def seen(device: Device) -> dict[str, Json]:
        found = running.seen.find(device)
        if found is None:
            return {}
        told: dict[str, Json] = {"first_seen": to_text(found.first_at), "last_seen": to_text(found.last_at)}
        return {**told, "offline": True} if found.offline else told

    return Watched(states, seen)


def _told(running: Running, name: str) -> dict[str, Json]:
    one = running.adapters[name]
    counts = one.counts
    return {
        "link": one.file.link["kind"],
        "codec": one.file.codec["kind"],
        "mapping": one.file.mapping,
        "tenant": one.file.tenant,
        "state": one.failure or "ok",
        "frames": counts.frames,
        "readings": counts.readings,
        "written": counts.written,
        "repeated": counts.repeated,
        "late": counts.late,
        "quarantined": {**counts.quarantined},
        "left_out": {**counts.left_out},
    }
