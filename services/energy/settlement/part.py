"""The part `settlement` of the energy community: it follows meters, settles what is over, and shows it.

part.runner.run("2026-11-24")     settle a day now; the same again is nothing
part.meters                       intervals
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from typing import Final, cast

from broker.http.rooms.route import Route
from broker.keeping import Db
from broker.model.entity import instances
from broker.model.subjects import whose
from broker.model.values import Instant, Json, to_instant
from broker.ports.hub import HubChange
from services.energy.configured import Community
from services.energy.metering.book import GIVEN, TAKEN, Meters, Read
from services.energy.room import Part
from services.energy.settlement.book import FINAL, FORGOTTEN, FROZEN, PRELIMINARY, Book
from services.energy.settlement.configured import read_settings
from services.energy.settlement.doors import Doors, Parts
from services.energy.settlement.inputs import Agreed, Contracts
from services.energy.settlement.projecting import Projector, Sources
from services.energy.settlement.runner import Hands, Runner
from services.energy.settlement.tables import METERING, SETTLEMENT
from services.energy.sites import DEF, LEG, sites_of
from services.following import Wish
from services.ledger.room import LedgerRoom
from services.looking import Looking
from services.room import Ground

LOOK_S: Final = 1.0
SITES_US: Final = 30_000_000
_REGISTERS: Final = {DEF + "energyIn": GIVEN, DEF + "energyOut": TAKEN}
"""A leg's sign is that of what is connected: what flowed into the line left the site."""


class SettlementPart:
    """See the module."""

    def __init__(self, ground: Ground, community: Community, contracts: Contracts) -> None:
        self._ground, self._community = ground, community
        self.settings = read_settings(community.section("settlement"))
        ground.file.tables("energy-metering", METERING)
        ground.file.tables("energy-settlement", SETTLEMENT)
        self._ledger = cast("LedgerRoom", ground.rooms["ledger"])
        self.meters = Meters(ground.file, ground.clock, community.slots, self.settings.limits)
        self.book = Book(ground.file)
        self.meters.changed = self.book.metered
        self.runner = Runner(self.book, Hands(
            community.tenant, community.slots, ground.clock, ground.new_id, self._ledger, contracts,
            self.settings.close,
        ))  # fmt: skip
        self._doors = Doors(ground, Parts(community, self.meters, self.book, self.runner))
        self._projector = Projector(ground.hub, ground.library, Sources(self.book, self.meters, community))
        self._looking = Looking("energy.settlement", LOOK_S, self.tick, "what is to be settled or shown waits")
        self._placed: Instant = 0
        ground.following.register(Wish("energy.metering", community.tenant, frozenset({LEG}), self.took, self.begin))

    def took(self, db: Db, changes: Sequence[HubChange]) -> None:
        """Readings of what changed."""
        self.meters.read(db, [one for change in changes for one in readings(change.entity_id, change.after)])

    def begin(self) -> None:
        """What is there, and the history since the last reading. Raises HubAway."""
        for leg in self._ground.hub.query(self._community.tenant, LEG):
            found = readings(str(leg["id"]), leg)
            since: Instant | None = self.meters.last_reading(str(leg["id"]))
            while since is not None:
                past = self._ground.hub.history(self._community.tenant, str(leg["id"]), since)
                found += [] if past is None else readings(str(leg["id"]), past.document)
                since = None if past is None or past.more is None or past.more <= since else past.more
            self._ground.file.write(partial(self.meters.read, readings=found)).result()

    def tick(self) -> None:
        """Do what is due. Raises HubAway, ServiceUnavailable."""
        now = self._ground.clock.now()
        if not 0 <= now - self._placed < SITES_US:
            self.place()
            self._placed = now
        while self.meters.work():
            pass
        today = self._community.slots.named(now)[0]
        yesterday = self._community.slots.named(now - 86_400_000_000)[0]
        for day in (yesterday, today):
            self.runner.gather(day)
        for day in self.runner.due():
            self.runner.run(day)
        self._advance(today)
        self._projector.catch_up()

    def place(self) -> None:
        """Look who is metered where. Raises HubAway."""
        hub, tenant = self._ground.hub, self._community.tenant
        sites = sites_of(hub, tenant, self._community.id)
        people = {one.participant: sorted(whose(hub.entity(tenant, one.participant) or {})) for one in sites}
        self.meters.place(sites, people)

    def routes(self) -> Sequence[Route]:
        """As the port says."""
        return self._doors.routes()

    def start(self) -> None:
        """As the port says."""
        self._looking.start()

    def stop(self) -> None:
        """As the port says."""
        self._looking.stop()

    def erase(self, tenant: str, entity_id: str) -> Mapping[str, int]:
        """As the port says: whose it was goes, and what was metered; what was booked stays, of nobody."""
        if tenant != self._community.tenant or entity_id not in self.meters.participants():
            return {}
        accounts = [one.id for one in self._ledger.ledger.accounts_of(tenant, entity_id)]
        self._ledger.ledger.forget(tenant, entity_id)
        name = self._ground.new_id()
        if accounts:
            name = self._ledger.ledger.account(tenant, accounts[0]).owner.removeprefix(FORGOTTEN)

        def work(db: Db) -> int:
            self._ground.file.empty_log()
            return self.book.forget(db, entity_id, name) + self.meters.forget(db, entity_id)

        return {"services/energy/settlement": self._ground.file.write(work).result()}

    def state(self) -> Json:
        """As the port says."""
        return self._looking.state()

    def _advance(self, today: str) -> None:
        """Days that are old enough get their next stage, where nothing is missing."""
        rows = self._ground.file.read(
            """SELECT day, status FROM settlement_run AS one WHERE state = 'settled' AND status <> ? AND version =
               (SELECT max(version) FROM settlement_run AS other WHERE other.day = one.day) ORDER BY day""",
            (FROZEN,),
        )
        for day, status in rows:
            age = (date.fromisoformat(today) - date.fromisoformat(str(day))).days
            if age < self.settings.final_days:
                continue
            held = self.book.held(self._community.slots.of_day(str(day))).values()
            if any(one.unmetered or one.unpriced for one in held):
                continue
            if status == PRELIMINARY:
                self.runner.advance(str(day), FINAL)
            if status == FINAL and age >= self.settings.freeze_days:
                self.runner.advance(str(day), FROZEN)


def readings(leg: str, document: Mapping[str, Json]) -> list[Read]:
    """Those of a leg's registers that say when they were."""
    found: list[Read] = []
    for name, outward in _REGISTERS.items():
        for one in instances(document.get(name)):
            at, wh = to_instant(str(one.get("observedAt", ""))), one.get("value")
            if at is not None and isinstance(wh, int) and not isinstance(wh, bool):
                found.append((leg, outward, at, wh))
    return found


class NoContracts:
    """There is no market: everything that flows is imbalance."""

    def agreed(self, _start: Instant, _end: Instant) -> list[Agreed]:
        """None."""
        return []


def open_part(ground: Ground, community: Community, parts: Mapping[str, Part]) -> SettlementPart:
    """The part. Raises BadCity."""
    contracts = cast("Contracts", parts["market"]) if "market" in parts else NoContracts()
    return SettlementPart(ground, community, contracts)
