"""A folder of files -> the adapters of a process, ready to start.

assembled = assemble(Path("adapters"), Around(hub, store, clock, packaged_contexts()))
assembled.start()
assembled.devices            # the registry
assembled.running            # links, queue, quarantine, counters
assembled.stop()
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Final

from adapters.configuring import AdapterFile, read_adapters
from adapters.device import Device
from adapters.erasing_asked import Asked, Asking
from adapters.intake import Answers, to_nobody
from adapters.link import BadSettings, Ground, Link
from adapters.mapping.plan import DeviceMapping
from adapters.mapping.reading import Resolve
from adapters.mapping_files import read_mappings
from adapters.provisioning.as_entity import Spoken
from adapters.provisioning.book import Book
from adapters.provisioning.group_as_entity import group_as_entity, mapping_as_entity
from adapters.provisioning.keeping import Beside, KeptDevices
from adapters.provisioning.mappings import Mappings
from adapters.provisioning.provision import Provisions
from adapters.provisioning.reading import read_provisions
from adapters.provisioning.registry import Devices
from adapters.running import Parts, Running
from adapters.store import AdapterStore, UnusableFile
from adapters.table import make_link
from broker.errors import NgsiError
from broker.ports import Clock
from broker.ports.hub import Hub
from broker.timers import Repeating

log = logging.getLogger("misono.adapters")

TEND_S: Final = 0.5
ALONE_S: Final = 2.0
"""So long it is waited for who erases something from a file whose adapters do not run."""


@dataclass(frozen=True, slots=True)
class Around:
    """What is there before adapters are; `resolve` gives the names of a @context.

    `device_entities` says that the hub shall hold an entity of each device, group and mapping that is provisioned.
    """

    hub: Hub
    store: AdapterStore
    clock: Clock
    resolve: Resolve
    answered: Answers = to_nobody
    new_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    make_link: Callable[[str, Ground], Link] = make_link
    device_entities: bool = False


class Assembled:
    """The adapters of one process, and who is provisioned; `mappings` are those of files."""

    def __init__(
        self,
        running: Running,
        devices: Devices,
        book: Book,
        mappings: Mapping[str, DeviceMapping],
        kept: KeptDevices | None = None,
    ) -> None:
        self.running, self.devices, self.book, self.mappings = running, devices, book, mappings
        self._kept, self._kept_of, self._keeping = kept, -1, Lock()
        self._erasures = Asking(running.parts.store)
        self._repeating: list[Repeating] = []

    def start(self) -> None:
        """Begin to take frames."""
        self.running.start()
        self._repeating = [
            Repeating("adapters-tending", TEND_S, self._tend),
            Repeating("adapters-erasing", TEND_S, self._erase),
        ]

    def stop(self) -> None:
        """Take no more; what was taken is in the file."""
        for one in self._repeating:
            one.stop()
        self.running.stop()

    def _tend(self) -> None:
        self.devices.refresh()
        self.running.tend()
        self.keep_devices()

    def _erase(self) -> None:
        """What other processes want to be erased."""

        def work(asked: Asked) -> None:
            self.devices.forget(asked.tenant, asked.entity_id)
            self._erasures.carry_out(asked)

        for asked in self._erasures.open():
            self.running.erased(asked.tenant, asked.entity_id, partial(work, asked))

    def keep_devices(self) -> None:
        """Have the hub hold the entities of devices as they are provisioned now."""
        with self._keeping:
            version = self.devices.version
            if self._kept is not None and version != self._kept_of:
                whole = self._kept.keep((one.device for one in self.devices.provisions()), self._beside())
                self._kept_of = version if whole else -1

    def _beside(self) -> Iterator[Beside]:
        """Groups, and mappings where their adapters are: each mapping once a tenant."""
        groups, seen = self.devices.groups(), set[tuple[str, str]]()
        for group in groups:
            yield Beside(group.adapter, group.tenant, group_as_entity(group))
        files = {name: one.file for name, one in self.running.adapters.items()}
        used = [(file.name, file.tenant, file.mapping) for file in files.values()]
        used += [(group.adapter, group.tenant, group.mapping) for group in groups]
        devices = (one.device for one in self.devices.provisions())
        used += [(one.adapter, one.tenant, one.mapping) for one in devices if one.mapping in self.mappings]
        for adapter, tenant, name in used:
            mapping = self.running.parts.mappings(name) if name and (tenant, name) not in seen else None
            if mapping is not None:
                seen.add((tenant, name))
                yield Beside(adapter, tenant, mapping_as_entity(mapping))


def assemble(folder: Path, around: Around, only: Sequence[str] = ()) -> Assembled:
    """The adapters whose files are in the folder, those named by `only` or all. Raises BadSettings."""
    files = read_adapters(folder)
    if missing := sorted(set(only) - {file.name for file in files}):
        raise BadSettings(f"{folder}: no file says adapter: {missing[0]}; {_names(files)}")
    files = tuple(file for file in files if not only or file.name in only)
    of_files = read_mappings(folder, around.resolve)
    try:
        around.store.run_alone(patience_s=ALONE_S)
    except UnusableFile as error:
        raise BadSettings(str(error)) from error
    book = Book(around.store, around.clock)
    devices = Devices(book)
    for file in files:
        devices.of_file(file.name, _provisions(file, around.resolve))
    devices.refresh()
    mappings = Mappings(of_files, devices, around.resolve)
    for file in files:
        if file.mapping and mappings(file.mapping) is None:
            raise BadSettings(f"{file.path.name}: mapping: no file says mapping: {file.mapping}; {_names(of_files)}")
    running = Running(
        Parts(
            around.hub, around.store, around.clock, files, mappings, devices, around.answered, devices.learn,
            around.new_loop, make_link=around.make_link,
        )
    )  # fmt: skip
    kept = _kept_devices(around, running, mappings) if around.device_entities else None
    return Assembled(running, devices, book, of_files, kept)


def _kept_devices(around: Around, running: Running, mappings: Mappings) -> KeptDevices:
    files = {name: one.file for name, one in running.adapters.items()}
    spoken = {name: Spoken(str(file.link["kind"]), str(file.codec["kind"])) for name, file in files.items()}

    def mapping_of(device: Device) -> DeviceMapping | None:
        return mappings(device.mapping or files[device.adapter].mapping)

    return KeptDevices(around.store, running.queue, around.clock, spoken, mapping_of)


def _provisions(file: AdapterFile, resolve: Resolve) -> Provisions:
    try:
        return read_provisions(file.document, resolve(file.context))
    except (BadSettings, NgsiError) as error:
        raise BadSettings(f"{file.path.name}: {error}") from error


def _names(known: Mapping[str, object] | Sequence[AdapterFile]) -> str:
    names = [one if isinstance(one, str) else one.name for one in known]
    return f"there are {', '.join(sorted(names))}" if names else "there is none"
