"""A look through all files of a data directory, changing nothing, whether brokers use it or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

import apsw

from broker.stores.sqlite.crosscheck import Crosscheck
from broker.stores.sqlite.files import READ_CACHE_KIB, check, connect, hub_path, tenant_path, tenants_in
from broker.stores.sqlite.outbox_check import hub_faults
from broker.stores.sqlite.schema import HUB_STEPS, TENANT_STEPS, UnusableFile, version

FAULTS_MAX: Final = 1_000  # a file that has so many needs a backup, not a longer list


@dataclass(frozen=True, slots=True)
class Checked:
    """One file: what is wrong with it, and what is worth knowing."""

    path: Path
    schema: int
    entities: int = 0
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check_all(directory: Path, told: Callable[[str, int, int], None]) -> Iterator[Checked]:
    """The hub and every tenant, one after the other; `told(file, entities done, entities)`.

    Raises UnusableFile where there is no store, or no way to know its tenants.
    """
    hub = hub_path(directory)
    if not hub.is_file():
        raise UnusableFile(f"{directory} holds no store: it has no {hub.name}.")
    tenants = tenants_in(directory)
    yield _checked_hub(hub, directory, tenants)
    for tenant in tenants:
        checked = check_tenant(tenant_path(directory, tenant), told)
        if checked.schema == len(TENANT_STEPS) and _version_of(hub) == len(HUB_STEPS):
            checked.faults.extend(hub_faults(hub, checked.path, tenant))
        yield checked


def check_tenant(path: Path, told: Callable[[str, int, int], None] = lambda _file, _done, _all: None) -> Checked:
    """One tenant's file: integrity, schema, and index rows against documents."""
    if not path.is_file():
        return Checked(path, 0, faults=["the hub knows this tenant, and its file is not there"])
    try:
        faults = check(path, thorough=True)
        if faults:
            return Checked(path, 0, faults=faults)
        return _compared(path, told)
    except (UnusableFile, apsw.Error) as error:
        return Checked(path, 0, faults=[str(error)])


def _compared(path: Path, told: Callable[[str, int, int], None]) -> Checked:
    db = connect(path, cache_kib=READ_CACHE_KIB, writes=False)
    try:
        db.execute("BEGIN")
        schema = version(db)
        if schema != len(TENANT_STEPS):
            return _of_schema(path, schema, len(TENANT_STEPS))
        look, number = Crosscheck(db), int(db.execute("SELECT count(*) FROM entity").get)
        faults = list(islice(look.faults(lambda done: told(path.name, done, number)), FAULTS_MAX))
        return Checked(path, schema, look.entities, faults)
    finally:
        db.close()


def _checked_hub(hub: Path, directory: Path, tenants: list[str]) -> Checked:
    faults, schema = check(hub, thorough=True), _version_of(hub)
    if schema != len(HUB_STEPS):
        return _of_schema(hub, schema, len(HUB_STEPS))
    known = {tenant_path(directory, tenant) for tenant in tenants}
    strangers = sorted(path for path in (directory / "tenants").glob("[!.]*.sqlite") if path not in known)
    return Checked(hub, schema, faults=faults, notes=[f"{path.name} belongs to no tenant" for path in strangers])


def _version_of(path: Path) -> int:
    db = connect(path, cache_kib=READ_CACHE_KIB, writes=False)
    try:
        return version(db)
    finally:
        db.close()


def _of_schema(path: Path, schema: int, known: int) -> Checked:
    if schema > known:
        return Checked(path, schema, faults=[f"schema {schema} is newer than {known}, the last this release knows"])
    return Checked(path, schema, notes=[f"schema {schema} is older than {known}: the next start brings it up to date"])
