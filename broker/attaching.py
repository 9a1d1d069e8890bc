"""Adapters inside a hub: `misono serve --adapters DIR`. For `wiring`, which imports this only where there are some."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import uvloop

from adapters.assembling import Around, Assembled, assemble
from adapters.commands.asking import Desk
from adapters.commands.assembled import Answering, make_commanding
from adapters.commands.commanding import Commanding, Ways
from adapters.commands.guarding import Guard
from adapters.commands.modelled import LibraryModels, NoModels
from adapters.door.app import Door
from adapters.door.commands import CommandDoor
from adapters.door.making import ROOTS, make_door
from adapters.erasing import erase
from adapters.link import BadSettings
from adapters.mapping_files import packaged_contexts
from adapters.store import AdapterStore, NotKept, UnusableFile
from broker.access.policies import AllowAll
from broker.contexts.copies import read_copies
from broker.errors import ServiceUnavailable
from broker.http.exchange import House
from broker.http.front import Application
from broker.http.rooms.door import Rights
from broker.hub.inside import HubInside
from broker.model.values import Json
from broker.ports import ADAPTER, SYSTEM, Principal
from broker.settings import Settings, is_url
from datamodels.at_need import AtNeed

__all__ = ["Attached", "BadSettings", "Commands", "attach"]

PRINCIPAL = Principal("adapters", roles=frozenset({SYSTEM, ADAPTER}))
"""Who writes what devices say, to access."""


@dataclass(frozen=True, slots=True)
class Commands:
    """What commands to devices need of the broker: who may give them, and what the models say of them."""

    guard: Guard | None = None
    packages: AtNeed | None = None


class Attached:
    """What the doors serve of them."""

    def __init__(self, assembled: Assembled, commanding: Commanding, door: Door) -> None:
        self._assembled, self._commanding, self._door = assembled, commanding, door

    @property
    def mounts(self) -> Mapping[str, Application]:
        """Parts of the URL map."""
        return dict.fromkeys(ROOTS, self._door)

    def start(self) -> None:
        """Begin to take frames."""
        self._assembled.start()
        self._commanding.start()

    def state(self) -> Mapping[str, Json]:
        """`ok`, or `incomplete` where a link stands still; the hub is no worse for it."""
        states = self._assembled.running.states().values()
        return {"adapters": "ok" if all(state == "ok" for state in states) else "incomplete"}

    def metrics(self) -> str:
        """The counters."""
        return self._assembled.running.metrics() + self._commanding.metrics()

    def described(self) -> Mapping[str, Any]:
        """The door's paths."""
        return self._door.described()

    def erase(self, tenant: str, entity_id: str) -> Mapping[str, int]:
        """Erase what they keep of an entity."""
        running, gone = self._assembled.running, dict[str, int]()

        def work() -> None:
            self._assembled.devices.forget(tenant, entity_id)
            gone.update(erase(running.parts.store, tenant, entity_id))

        try:
            running.erased(tenant, entity_id, work)
        except NotKept as error:
            raise ServiceUnavailable(str(error)) from error
        return gone


def attach(settings: Settings, house: House, closing: ExitStack, commands: Commands) -> Attached:
    """The adapters of the folder, ready to start; `closing` stops them. Raises BadSettings."""
    assert settings.adapters is not None
    try:
        store = AdapterStore(_directory(settings, closing))
    except UnusableFile as error:
        raise BadSettings(str(error)) from error
    closing.callback(store.close)
    folders = () if settings.models is None else (settings.models,)
    more = read_copies(settings.contexts) if settings.contexts else None
    hub = HubInside(house, PRINCIPAL, takes_over=not is_url(settings.store))
    answering, resolve = Answering(), packaged_contexts(*folders, more=more)
    around = Around(
        hub, store, house.broker.clock, resolve, answering, new_loop=uvloop.new_event_loop, device_entities=True
    )
    assembled = assemble(settings.adapters, around)
    closing.callback(assembled.stop)
    models = NoModels() if commands.packages is None else LibraryModels(commands.packages.now)
    answering.to = make_commanding(assembled, around, Ways(commands.guard, hub), models)
    closing.callback(answering.to.stop)
    desk = Desk(answering.to, hub.acting_as, house.broker.new_id)
    hosts = _hosts(settings) if isinstance(house.broker.access, AllowAll) else None
    rights = Rights(house.broker.access, read_only=house.read_only, hosts=hosts, identity=house.identity)
    door = make_door(assembled, resolve, rights, CommandDoor(desk).routes())
    closing.callback(door.close)
    attached = Attached(assembled, answering.to, door)
    house.broker.beside[:] = [*house.broker.beside[1:], attached.erase]
    return attached


def _hosts(settings: Settings) -> frozenset[str]:
    """By what name others reach this hub."""
    return frozenset(filter(None, [urlsplit(settings.public_url).hostname]))


def _directory(settings: Settings, closing: ExitStack) -> Path:
    """Where their file is; what is in memory ends with the process, and so does this."""
    if settings.store != "memory":
        return settings.data
    return Path(closing.enter_context(TemporaryDirectory(prefix="misono-adapters-")))
