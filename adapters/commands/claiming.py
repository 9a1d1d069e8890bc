"""What this process's adapters can command, told to their hub: then its writes of that are asked for and sealed.

A claim is made anew when devices or their entities come and go, and now and then in any case: a hub may have been
restored. Which adapters have claimed is kept, so that what one claimed is given back when it is no longer there.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol, TypeAlias

import apsw

from adapters.commands.targets import Target, Targets
from adapters.store import AdapterStore
from broker.errors import NgsiError
from broker.model.claims import ROWS_MAX
from broker.model.values import Json
from broker.ports.hub import CommandHub, HubAway

log = logging.getLogger("misono.adapters.commands")

LOOK_S: Final = 1.0
"""How often it is looked who came or went."""
SETTLE_S: Final = 0.5
"""So long after a claim every broker of the hub knows of it."""
AGAIN_S, AGAIN_MAX_S = 1.0, 60.0
"""When one that was refused is made again: doubled each time."""
REPEAT_S: Final = 300.0
OWNER: Final = "command-claims"
_TABLES: Final = (
    """CREATE TABLE command_claim (
        tenant TEXT NOT NULL, adapter TEXT NOT NULL, PRIMARY KEY (tenant, adapter)
    ) STRICT, WITHOUT ROWID""",
)
Whose: TypeAlias = tuple[str, str]
"""Tenant and adapter."""


class Known(Protocol):
    """Who is provisioned; `version` and `learnt` are others whenever devices, or their entities, are."""

    version: int
    learnt: int

    def entities(self) -> Iterable[tuple[str, str]]:
        """Entities (tenant, id) behind which a device is known."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is to be claimed: the key is in it."""

    body: Mapping[str, Json] = field(repr=False)
    digest: str


@dataclass(frozen=True, slots=True)
class _Told:
    """What the hub was told: since when it is so, and when it was told last."""

    digest: str
    since: float
    at: float


class Claimant:
    """Claims for the adapters of this process, one claim each in a tenant. Used from one thread."""

    def __init__(
        self,
        hub: CommandHub,
        store: AdapterStore,
        wanting: tuple[Known, Targets, bytes],
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        store.tables(OWNER, _TABLES)
        self._hub, self._store, self._seconds = hub, store, seconds
        self._known, self._targets, self._key = wanting
        self._wanted: dict[Whose, _Wanted] = {}
        self._attributes: dict[str, frozenset[str]] = {}
        self._of: tuple[int, int] | None = None
        self._looked = -LOOK_S
        self._told: dict[Whose, _Told] = {}
        self._refused: dict[Whose, tuple[float, float, str]] = {}
        """When it is tried again, after what pause, and why it was refused."""
        noted = store.read("SELECT tenant, adapter FROM command_claim")
        self._noted = {(str(tenant), str(adapter)) for tenant, adapter in noted}

    def attributes(self) -> Mapping[str, frozenset[str]]:
        """By tenant what is to be claimed there, as of now: it is followed before it is claimed."""
        now, of = self._seconds(), (self._known.version, self._known.learnt)
        if of != self._of and now - self._looked >= LOOK_S:
            self._of, self._looked = of, now
            self._wanted, self._attributes = self._made()
        return self._attributes

    def in_force(self, tenant: str, adapter: str) -> bool:
        """Whether every broker of the hub asks for what this adapter claims, and seals it."""
        told = self._told.get((tenant, adapter))
        return told is not None and self._seconds() - told.since >= SETTLE_S

    def turn(self) -> None:
        """Claim what is new or changed, and give back what is no longer there."""
        now = self._seconds()
        for whose, wanted in self._wanted.items():
            told = self._told.get(whose)
            if told is None or told.digest != wanted.digest or now - told.at >= REPEAT_S:
                self._try(whose, partial(self._claim, whose, wanted))
        for whose in sorted(self._noted - self._wanted.keys()):
            self._try(whose, partial(self._disclaim, whose))

    def _try(self, whose: Whose, work: Callable[[], None]) -> None:
        """Do it, unless it was refused a moment ago."""
        at, pause, before = self._refused.get(whose, (0.0, AGAIN_S, ""))
        now = self._seconds()
        if now < at:
            return
        try:
            work()
        except (HubAway, NgsiError) as refusal:
            why = f"{refusal} {getattr(refusal, 'remedy', '')}".rstrip()
            if why != before:
                log.warning("%s cannot tell the hub what it commands in tenant %r: %s", whose[1], whose[0], why)
            self._refused[whose] = now + pause, min(2 * pause, AGAIN_MAX_S), why
            if isinstance(refusal, NgsiError):
                self._told.pop(whose, None)
        else:
            self._refused.pop(whose, None)

    def _claim(self, whose: Whose, wanted: _Wanted) -> None:
        self._note(whose)  # first: what is claimed by a process that dies now is given back by the next one
        self._hub.claim(*whose, wanted.body)
        now, before = self._seconds(), self._told.get(whose)
        same = before is not None and before.digest == wanted.digest
        self._told[whose] = _Told(wanted.digest, before.since if before is not None and same else now, now)

    def _disclaim(self, whose: Whose) -> None:
        self._hub.disclaim(*whose)
        self._told.pop(whose, None)

        def work(db: apsw.Connection) -> None:
            db.execute("DELETE FROM command_claim WHERE tenant = ? AND adapter = ?", whose)

        self._store.write(work).result()
        self._noted.discard(whose)

    def _note(self, whose: Whose) -> None:
        if whose in self._noted:
            return

        def work(db: apsw.Connection) -> None:
            db.execute("INSERT OR IGNORE INTO command_claim VALUES (?, ?)", whose)

        self._store.write(work).result()
        self._noted.add(whose)

    def _made(self) -> tuple[dict[Whose, _Wanted], dict[str, frozenset[str]]]:
        """Claims by tenant and adapter, and their attributes by tenant."""
        rows: dict[Whose, dict[tuple[int, str], tuple[Target, list[str]]]] = {}
        for tenant, entity_id in self._known.entities():
            target = self._targets.of(tenant, entity_id)
            if target is not None:
                alike = rows.setdefault((tenant, target.device.adapter), {})
                key = (id(target.rules), target.device.entity_type)
                alike.setdefault(key, (target, []))[1].append(entity_id)
        attributes: dict[str, frozenset[str]] = {}
        wanted: dict[Whose, _Wanted] = {}
        for whose, alike in sorted(rows.items()):
            made: list[Json] = []
            for target, ids in [*alike.values()][:ROWS_MAX]:
                commands: dict[str, Json] = {type_: [*each] for type_, each in target.commands().items()}
                made.append({"commands": commands, "entities": [*sorted(ids)]})
                attributes[whose[0]] = attributes.get(whose[0], frozenset()).union(target.rules)
            body: dict[str, Json] = {"key": self._key.hex(), "rows": made}
            wanted[whose] = _Wanted(body, hashlib.sha256(json.dumps(body).encode()).hexdigest())
        return wanted, attributes
