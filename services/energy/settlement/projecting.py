"""What the hub shows of metering and settlement: intervals, runs, and each participant's records.

One entity a slot and participant, by the last version: the hub's history keeps those of before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, cast

from broker.keeping import Db
from broker.model.values import Instant, to_text
from broker.ports.hub import Fragment, Hub
from datamodels.library import Library
from services.energy.configured import Community
from services.energy.metering.book import Interval, Meters
from services.energy.settlement.book import FORGOTTEN, Book, Run
from services.energy.settlement.settling import Record
from services.shaping import Shaper
from services.showing import show

PACKAGE: Final = "misono-energy"
AT_ONCE: Final = 200
_SLOTS_AT_ONCE: Final = 10


@dataclass(frozen=True, slots=True)
class Sources:
    """What is read for it."""

    book: Book
    meters: Meters
    community: Community


class Projector:
    """Shows what changed, as it is by then; what could not be shown waits."""

    def __init__(self, hub: Hub, library: Callable[[], Library], sources: Sources) -> None:
        self._hub, self._library, self._of = hub, library, sources

    def catch_up(self) -> None:
        """Show what waits. Raises ServiceUnavailable."""
        for what, most in (("run", AT_ONCE), ("interval", AT_ONCE), ("slot", _SLOTS_AT_ONCE)):
            rows = self._of.book.file.read(
                "SELECT key, mark FROM settlement_unshown WHERE what = ? ORDER BY key LIMIT ?", (what, most)
            )
            if rows:
                self._show(what, {str(key): cast("int", mark) for key, mark in rows})

    def _show(self, what: str, marks: Mapping[str, int]) -> None:
        found: dict[str, Fragment | None] = {}
        for key in marks:
            found |= getattr(self, f"_{what}")(key)
        ids = [*found]
        for start in range(0, len(ids), AT_ONCE):
            show(
                self._hub, self._of.community.tenant, {one: found[one] for one in ids[start : start + AT_ONCE]}, "kept"
            )

        def work(db: Db) -> None:
            db.executemany(
                "DELETE FROM settlement_unshown WHERE what = ? AND key = ? AND mark = ?",
                [(what, key, mark) for key, mark in marks.items()],
            )

        self._of.book.file.write(work).result()

    def _run(self, key: str) -> dict[str, Fragment | None]:
        run = self._of.book.last_run(key)
        if run is None or not run.hash:
            return {}
        starts, slots = self._of.community.slots.of_day(key), self._of.community.slots
        made = self._shaper("SettlementRun").entity(
            run_id(run),
            {
                "refCommunity": self._of.community.id, "periodStart": to_text(starts[0]),
                "periodEnd": to_text(starts[-1] + slots.length), "version": run.version, "inputsHash": run.hash,
                "settlementStatus": run.status, "settlementMode": self._of.community.mode,
            },
        )  # fmt: skip
        return {str(made["id"]): made}

    def _interval(self, key: str) -> dict[str, Fragment | None]:
        slot, leg = key.split(" ", 1)
        found = self._of.meters.interval(int(slot), leg)
        entity_id = f"urn:ngsi-ld:MeterInterval:{_name(leg)}:{_name(slot)}"
        return {entity_id: None if found is None else self._metered(entity_id, found)}

    def _slot(self, key: str) -> dict[str, Fragment | None]:
        slot = int(key)
        held = self._of.book.held([slot]).get(slot)
        if held is None:
            return {}
        run = self._of.book.last_run(self._of.community.slots.named(slot)[0])
        shaper, status = self._shaper("SettlementRecord"), "preliminary" if run is None else run.status
        found: dict[str, Fragment | None] = {}
        for who, record in self._of.book.records(slot, held.run).items():
            if not who.startswith(FORGOTTEN):
                entity_id = f"urn:ngsi-ld:SettlementRecord:{_name(who)}:{_name(key)}"
                told = {**self._told(slot, record), "settlementStatus": status}
                found[entity_id] = shaper.entity(
                    entity_id, {**told, "settlementRun": None if run is None else run_id(run)}
                )
        return found

    def _told(self, slot: Instant, one: Record) -> dict[str, object]:
        return {
            "dataSubject": self._of.meters.subjects(one.participant), "participant": one.participant,
            "intervalStart": to_text(slot), "duration": self._of.community.slots.duration, "soldEnergy": one.sold,
            "boughtEnergy": one.bought, "lossEnergy": one.lost, "imbalanceEnergy": one.imbalance_wh,
            "wheelingFee": one.wheeling / 1_000, "imbalanceAmount": one.imbalance / 1_000, "taxAmount": one.tax / 1_000,
            "amount": one.amount / 1_000,
        }  # fmt: skip

    def _metered(self, entity_id: str, one: Interval) -> Fragment:
        return self._shaper("MeterInterval").entity(
            entity_id,
            {
                "dataSubject": self._of.meters.subjects(one.participant), "usagePoint": one.leg,
                "intervalStart": to_text(one.slot), "duration": self._of.community.slots.duration,
                "importEnergy": one.imported, "exportEnergy": one.exported, "quality": one.quality,
                "meterSource": "dgr", "version": one.version, "receivedAt": to_text(one.received),
            },
        )  # fmt: skip

    def _shaper(self, model: str) -> Shaper:
        return Shaper(self._library(), PACKAGE, model)


def run_id(run: Run) -> str:
    """The entity of a day's settlement."""
    return f"urn:ngsi-ld:SettlementRun:{run.day}"


def _name(text: str) -> str:
    """What stands for it in an id: of nobody's name."""
    return sha256(text.encode()).hexdigest()[:20]
