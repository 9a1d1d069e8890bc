"""What never goes back when a backup is put back: the audit, what residents consented to and withdrew, the hub's keys.

They are taken from the directory that is replaced; what it does not have of them is that of the backup. Entities by
which is decided who sees what (consents, delegations, recipients) are not of the same moment as what the services know:
they are taken out of what is restored, so that nothing is allowed, until the services have shown them anew, which they
do when the hub starts.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from broker.model.entity import Entity
from broker.model.values import Instant
from broker.operations.broker import Broker
from broker.ports import SYSTEM, Command, Decision, Keep, Principal, Remove
from broker.ports import UNRESTRICTED as ALL
from broker.query.ast import HasType, Selection, Window

SERVICES: Final = "services.sqlite"
AUDIT: Final = "audit.sqlite"
KEYS: Final = "keys"
_NEVER_BACK: Final = (AUDIT, SERVICES, "identity.sqlite")
_DEF: Final = "https://misono.example/def/"
_DECIDING: Final = ("ConsentRecord", "ConsentDelegation", "EmergencyAccess", "RecipientOrganisation")
_SHOW_ANEW: Final = {
    "consents_show": ("UPDATE consents_show SET shown = wanted - 1",),
    "bank_item": ("UPDATE bank_item SET projected = 0",),
    "ledger_unshown": (
        "INSERT OR REPLACE INTO ledger_unshown SELECT tenant, id, random() FROM ledger_account",
        "INSERT OR REPLACE INTO ledger_unshown SELECT tenant, id, random() FROM ledger_posting",
    ),
    "pricing_unshown": ("INSERT OR IGNORE INTO pricing_unshown SELECT tenant, id FROM pricing_payment",),
}
_BY: Final = Principal("restore", roles=frozenset({SYSTEM}))
_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Carried:
    """Names of files: `kept` are those of the directory that is replaced, `taken` those of the backup."""

    kept: tuple[str, ...]
    taken: tuple[str, ...]
    keyed: bool
    """Whether there are keys of the hub."""


def carry(replaced: Path, restored: Path) -> Carried:
    """Take along what never goes back, with what its log still holds."""
    kept = tuple(name for name in _NEVER_BACK if (replaced / name).is_file())
    for name in kept:
        for path in (replaced / name, replaced / f"{name}-wal"):
            if path.is_file():
                shutil.copy2(path, restored / path.name)
    if (replaced / KEYS).is_dir():
        shutil.copytree(replaced / KEYS, restored / KEYS, dirs_exist_ok=True)
    taken = tuple(name for name in _NEVER_BACK if name not in kept and (restored / name).is_file())
    return Carried(kept, taken, any((restored / KEYS).glob("*.jwk")))


def show_anew(restored: Path) -> None:
    """Have the services show everything again that is decided by, or read."""
    db = apsw.Connection(str(restored / SERVICES))
    try:
        known = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        for table, statements in _SHOW_ANEW.items():
            for statement in statements if table in known else ():
                db.execute(statement)
    finally:
        db.close()


def allow_nothing(broker: Broker) -> int:
    """Take out of every tenant by what is decided who sees what; how many entities went."""
    gone = 0
    for tenant in broker.tenants.names():
        for name in _DECIDING:
            while True:
                page = broker.entities.select(tenant, Selection(HasType(_DEF + name)), Window(_PAGE), ALL)
                if not page.entities:
                    break
                broker.entities.apply(tenant, [Command(one.id, _remove, by=_BY) for one in page.entities]).result()
                gone += len(page.entities)
    return gone


def _remove(current: Entity | None, _now: Instant) -> Decision:
    return Keep() if current is None else Remove()
