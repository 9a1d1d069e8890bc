"""Persons who were erased after a backup was made, erased from what services and the audit brought back of them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, cast

from broker.access.policies import AllowAll
from broker.admitting import Admitted, BadAccess, read_city
from broker.audit.log import AuditLog
from broker.audit.opening import ANCHOR, BadAudit, open_audit
from broker.commands._carrying import AUDIT, SERVICES, Carried
from broker.doors import Built
from broker.keeping import KeptFile
from broker.model.values import Json
from broker.ports.erasures import Due
from broker.serving_city import furnish
from broker.settings import Settings
from broker.signing import Signer, made
from broker.wiring import StartError, SystemClock

if TYPE_CHECKING:
    from services.store.room import StoreRoom

_NAMING: Final = ("subject", "owner")
"""Columns in which services name persons, beside the tenant."""


def erase_persons(settings: Settings, built: Built, due: Due, carried: Carried) -> int:
    """Erase each of them as they were erased before, with a certificate; how many. Raises StartError.

    What was not brought back by the backup is left as it is: it knows of the erasure.
    """
    if not carried.taken:
        return 0
    try:
        city = read_city(settings.access) if settings.access is not None else {}
        with ExitStack() as closing:
            log = _audit(settings.data, city, keyed=carried.keyed, closing=closing)
            log.begin()
            found = _named_by(log) if AUDIT in carried.taken else set()
            if SERVICES not in carried.taken:
                return sum(bool(log.erase(*one, "restore")) for one in sorted(found) if due.covers(*one))
            served = _furnished(settings, built, Admitted(AllowAll(), audit=log, city=city), closing)
            found |= _named_in(settings.data)
            again = [one for one in sorted(found) if due.covers(*one)]
            for tenant, subject in again:
                served.erasing.again(tenant, subject)
            return len(again)
    except (BadAccess, BadAudit) as error:
        raise StartError(str(error)) from error


def _furnished(settings: Settings, built: Built, admitted: Admitted, closing: ExitStack) -> StoreRoom:
    """The room that erases persons; nothing of it does anything by itself."""
    assert built.packages is not None
    served = furnish(settings, built.house, admitted, built.packages, closing)
    return cast("StoreRoom", served.room("store"))


def _audit(directory: Path, city: dict[str, Json], *, keyed: bool, closing: ExitStack) -> AuditLog:
    """Where the hub's keys are not there, nobody's are made: they may come after."""
    if keyed:
        return open_audit(directory, SystemClock(), city, closing)
    aside = Path(closing.enter_context(TemporaryDirectory(prefix="misono-restore-")))
    file = KeptFile(directory / AUDIT, "the audit")
    closing.callback(file.close)
    return AuditLog(file, Signer([made()]), SystemClock(), anchor=aside / ANCHOR)


def _named_by(log: AuditLog) -> set[tuple[str, str]]:
    rows = log.file.read("SELECT DISTINCT tenant, subject FROM part WHERE told IS NOT NULL")
    return {(str(tenant), str(subject)) for tenant, subject in rows}


def _named_in(directory: Path) -> set[tuple[str, str]]:
    """Tenants and persons of every table of services that names them."""
    file, found = KeptFile(directory / SERVICES, "services"), set[tuple[str, str]]()
    try:
        for (table,) in file.read("SELECT name FROM sqlite_schema WHERE type = 'table'"):
            columns = {str(row[0]) for row in file.read("SELECT name FROM pragma_table_info(?)", (table,))}
            for column in _NAMING if "tenant" in columns else ():
                if column in columns:
                    sql = f'SELECT DISTINCT tenant, {column} FROM "{table}" WHERE {column} IS NOT NULL'  # noqa: S608
                    found.update((str(tenant), str(one)) for tenant, one in file.read(sql))
    finally:
        file.close()
    return found
