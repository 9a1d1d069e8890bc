"""adapters.sqlite out of a backup: nothing commands again, and what was erased since is erased from it too.

    restore(directory, clock, due) -> 2         entities that were erased

What waits in its queue is written to the hub once more; its audit goes on, and says that it was brought back.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

from jiter import from_json

from adapters.commands.book import CommandBook
from adapters.erasing import erase
from adapters.store import NAME, AdapterStore
from broker.ports import Clock
from broker.ports.erasures import Due

_NAMED: Final = {
    "provisioned": "SELECT DISTINCT tenant, name FROM provisioned WHERE kind = 'entity'",
    "device_entity": "SELECT DISTINCT tenant, entity FROM device_entity",
    "command": "SELECT DISTINCT tenant, entity FROM command",
    "command_audit": "SELECT DISTINCT tenant, entity FROM command_audit WHERE entity IS NOT NULL",
}
"""Tables that name entities (tenant, id), where they are there."""


def restore(directory: Path, clock: Clock, due: Due | None) -> int:
    """Make the file in a directory fit to run again; how many entities were erased from it. Raises NotKept."""
    if not (directory / NAME).is_file():
        return 0
    with closing(AdapterStore(directory)) as store:
        CommandBook(store, clock).restore()
        if due is None:
            return 0
        return sum(bool(erase(store, *one)) for one in sorted(_entities(store)) if due.covers(*one))


def _entities(store: AdapterStore) -> set[tuple[str, str]]:
    """All that the file names."""
    there = {str(row[0]) for row in store.read("SELECT name FROM sqlite_master WHERE type = 'table'")}
    found = {(str(row[0]), str(row[1])) for name, sql in _NAMED.items() if name in there for row in store.read(sql)}
    for (writes,) in store.read("SELECT writes FROM queued") if "queued" in there else ():
        assert isinstance(writes, bytes)
        found.update((str(tenant), str(fragment["id"])) for tenant, fragment in from_json(writes))
    return found
