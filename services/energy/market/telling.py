"""What routers tell, kept for the market: the last of each value, registers of each slot, and samples of power.

All of it may come late, twice, or in another order: the newest value holds, a register's least and most of a slot do
not depend on order, and a sample is one for its instant.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from broker.keeping import Db
from broker.model.entity import instances
from broker.model.values import Instant, Json, to_instant
from broker.ports.hub import HubChange
from services.energy.market.book import Book
from services.energy.market.configured import Settings
from services.energy.market.gate import Told
from services.energy.sites import DEF, Site
from services.energy.slots import Slots

INTO_LINE, OUT_OF_LINE = "energyIn", "energyOut"
SAMPLE_MAX: Final = 120_000_000
"""A power that is told holds so long at most."""
KEPT: Final = 4
"""So many slots are samples and registers kept."""
_HOUR: Final = 3_600_000_000
_NUMBERS: Final = {
    "stateOfCharge": {"P1": 0.01}, "activePower": {"KWT": 1_000.0}, "currentLimit": {}, "temperature": {},
}  # fmt: skip
_WORDS: Final = ("gridState", "operationMode")
_SHARE: Final = 1_000


class Telling:
    """See the module."""

    def __init__(self, book: Book, slots: Slots) -> None:
        self._book, self._slots = book, slots

    def take(self, db: Db, changes: Sequence[HubChange]) -> None:
        """Within the transaction that moves what is followed on."""
        for change in changes:
            self.take_one(db, change.entity_id, change.after, change.at)

    def take_one(self, db: Db, entity_id: str, attributes: Mapping[str, Json], at: Instant) -> None:
        """What one router or leg tells."""
        for name, value, when in _values(attributes, at):
            if name in (INTO_LINE, OUT_OF_LINE):
                self._register(db, entity_id, name, (int(value), when))
                continue
            db.execute(
                """INSERT INTO market_told VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET value = excluded.value,
                   at = excluded.at WHERE excluded.at >= market_told.at""",
                (entity_id, name, json.dumps(value), when),
            )
            if name == "activePower":
                db.execute("INSERT OR REPLACE INTO market_sample VALUES (?,?,?)", (entity_id, when, round(value)))

    def _register(self, db: Db, leg: str, name: str, reading: tuple[int, Instant]) -> None:
        value, when = reading
        db.execute(
            """INSERT INTO market_register VALUES (?1,?2,?3,?4,?4) ON CONFLICT DO UPDATE SET
               low = min(low, excluded.low), high = max(high, excluded.high)""",
            (leg, self._slots.start_of(when), name, value),
        )

    def sites(self) -> dict[str, Site]:
        """By participant, as they were last known."""
        found = self._book.read("SELECT participant, router, line, utility FROM market_site")
        return {
            one: Site(one, router, {"interchange": line, "utility": utility}) for one, router, line, utility in found
        }

    def know(self, sites: Sequence[Site]) -> None:
        """These are the sites now; nothing changes where there are none."""
        now = {
            one.participant: (one.participant, one.router, one.legs.get("interchange", ""), one.legs.get("utility", ""))
            for one in sites
        }
        before = {row[0]: row for row in self._book.read("SELECT * FROM market_site")}
        if not now or now == before:
            return

        def work(db: Db) -> None:
            db.execute("DELETE FROM market_site")
            db.executemany("INSERT INTO market_site VALUES (?,?,?,?)", [*now.values()])

        self._book.write(work)

    def told(self, settings: Settings) -> dict[str, Told]:
        """What the gate is to know of each participant."""
        found: dict[str, dict[str, tuple[Any, Instant]]] = {}
        for entity, name, value, at in self._book.read("SELECT entity, name, value, at FROM market_told"):
            found.setdefault(entity, {})[name] = (json.loads(value), at)
        return {
            site.participant: _told(
                tuple(found.get(one, {}) for one in (site.router, site.legs["interchange"], site.legs["utility"])),
                battery=settings.site(site.participant).battery_wh > 0,
            )
            for site in self.sites().values()
        }  # fmt: skip

    def power(self, leg: str, since: Instant) -> int | None:
        """Watts into the line that were told since then; None where none were."""
        found = self._book.read(
            "SELECT watts FROM market_sample WHERE leg = ? AND at >= ? ORDER BY at DESC LIMIT 1", leg, since
        )
        return found[0][0] if found else None

    def metered(self, leg: str, slot: Instant, *, into: bool) -> int | None:
        """Wh that went through a leg in a slot, into the line or out of it: by its register, else by samples of power.

        None where nothing is known. Of samples it is an estimate for people: what is paid is by registers.
        """
        name = INTO_LINE if into else OUT_OF_LINE
        sql = "SELECT slot, low, high FROM market_register WHERE leg = ? AND name = ? AND slot IN (?, ?) ORDER BY slot"
        found = self._book.read(sql, leg, name, slot, slot + self._slots.length)
        if found and found[0][0] == slot:
            (_, low, high), after = found[0], found[-1][1]  # what is first told of the next slot ends this one
            return int(max(high, after) - low)
        samples = self._book.read(
            "SELECT at, watts FROM market_sample WHERE leg = ? AND at >= ? AND at < ? ORDER BY at",
            leg, slot, slot + self._slots.length,
        )  # fmt: skip
        return _summed(samples, slot + self._slots.length, into=into) if samples else None

    def thin(self, now: Instant) -> None:
        """Forget samples and registers of slots that are long over."""
        before = self._slots.start_of(now) - KEPT * self._slots.length
        if self._book.read("SELECT 1 FROM market_sample WHERE at < ? LIMIT 1", before) or self._book.read(
            "SELECT 1 FROM market_register WHERE slot < ? LIMIT 1", before
        ):
            self._book.write(lambda db: _thinned(db, before))


def _thinned(db: Db, before: Instant) -> None:
    db.execute("DELETE FROM market_sample WHERE at < ?", (before,))
    db.execute("DELETE FROM market_register WHERE slot < ?", (before,))


def _summed(samples: Sequence[tuple[Instant, int]], end: Instant, *, into: bool) -> int:
    total = 0
    ends = [at for at, _ in samples[1:]] + [end]
    for (at, watts), until in zip(samples, ends, strict=True):
        total += max(0, watts if into else -watts) * min(until - at, SAMPLE_MAX)
    return total // _HOUR


def _told(parts: tuple[Mapping[str, tuple[Any, Instant]], ...], *, battery: bool) -> Told:
    router, line, utility = parts
    soc, limit, fed = router.get("stateOfCharge"), line.get("currentLimit"), utility.get("activePower")
    celsius = router.get("temperature")
    return Told(
        at=max((at for part in (router, line) for _, at in part.values()), default=0),
        grid_state=router["gridState"][0] if "gridState" in router else "",
        mode=router["operationMode"][0] if "operationMode" in router else "",
        soc=None if soc is None else round(soc[0] * _SHARE),
        celsius=None if celsius is None else float(celsius[0]),
        leg_ma=None if limit is None else int(limit[0] * _SHARE),
        fed_w=None if fed is None else round(fed[0]),
        battery=battery,
    )


def _values(attributes: Mapping[str, Json], at: Instant) -> Iterator[tuple[str, Any, Instant]]:
    """(name, value in the unit that is worked with, when) of what the market wants to know."""
    for iri, attribute in attributes.items():
        name = iri.rpartition("/")[2]
        for one in instances(attribute) if iri.startswith(DEF) else ():
            observed = one.get("observedAt")
            when = (to_instant(observed) if isinstance(observed, str) else None) or at
            value = one.get("vocab") if name in _WORDS else one.get("value")
            if name in _WORDS and isinstance(value, str):
                yield name, value.rpartition("/")[2], when
            elif isinstance(value, int | float) and not isinstance(value, bool):
                if name in (INTO_LINE, OUT_OF_LINE):
                    yield name, value, when
                elif name in _NUMBERS:
                    yield name, value * _NUMBERS[name].get(str(one.get("unitCode", "")), 1), when
