"""The mappings of a process: those of files, and those of the book, compiled when a message first needs one.

mappings = Mappings(read_mappings(folder, resolve), devices, resolve)
mappings("smart-meters") -> DeviceMapping
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock
from typing import Final

from adapters.mapping.members import BadMapping
from adapters.mapping.plan import DeviceMapping
from adapters.mapping.reading import Resolve, read_mapping
from adapters.provisioning.registry import Devices
from broker.model.values import Json

log = logging.getLogger("misono.adapters")

COMPILED_MAX: Final = 2_000


class Mappings:
    """One by its name, None where there is none, or none that can be; a file's wins."""

    def __init__(self, files: Mapping[str, DeviceMapping], devices: Devices, resolve: Resolve) -> None:
        self._files, self._devices, self._resolve = files, devices, resolve
        self._compiled: OrderedDict[str, tuple[Mapping[str, Json], DeviceMapping | None]] = OrderedDict()
        self._changing = Lock()

    def __call__(self, name: str) -> DeviceMapping | None:
        """The mapping, compiled."""
        found = self._files.get(name)
        if found is not None:
            return found
        document = self._devices.document(name)
        if document is None:
            return None
        known = self._compiled.get(name)
        if known is not None and known[0] is document:
            return known[1]
        if known is not None and known[0] == document:  # provisioning changed, and nothing of this
            self._compiled[name] = (document, known[1])
            return known[1]
        return self._compile(name, document)

    def _compile(self, name: str, document: Mapping[str, Json]) -> DeviceMapping | None:
        made: DeviceMapping | None = None
        try:
            made = read_mapping(dict(document), self._resolve, name)
        except BadMapping as error:
            log.warning("mapping %r in the adapters' file is left out: %s", name, error)
        with self._changing:
            while len(self._compiled) >= COMPILED_MAX:
                self._compiled.popitem(last=False)
            self._compiled[name] = (document, made)
        return made
