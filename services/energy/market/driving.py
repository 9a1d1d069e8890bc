"""Contracts carried out: what may begin begins, set-points hold while they are refreshed, what must end ends.

All of it is in tables: whoever looks next goes on, and looking twice changes nothing. A set-point has an id by leg,
slot and turn, so that the same one said twice is one; it runs out by itself (`commandTtl`) where nobody refreshes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from broker.errors import NgsiError, ServiceUnavailable
from broker.keeping import Db
from broker.model.values import Instant
from broker.ports.hub import Fragment, Hub
from services.energy.configured import Community
from services.energy.market.agreed import (
    ACTIVATED,
    IN_FLIGHT,
    NOT_ACTIVATED,
    STARTED,
    STOPPED,
    Contract,
    Happened,
    parts,
)
from services.energy.market.book import Book, State
from services.energy.market.configured import Settings
from services.energy.market.gate import Plan, Told, examine
from services.energy.market.schedule import schedule
from services.energy.market.telling import Telling
from services.energy.sites import LEG, Site

EXCHANGE_POWER: Final = "https://uri.etsi.org/ngsi-ld/default-context/exchangePower"
COMMAND_ID: Final = "https://uri.etsi.org/ngsi-ld/default-context/commandId"
COMMAND_TTL: Final = "https://uri.etsi.org/ngsi-ld/default-context/commandTtl"
METERED_AFTER: Final = 120_000_000
"""So long after a slot its last telemetry is waited for."""
FLOWS_W: Final = 1
_SECOND: Final = 1_000_000
_OPEN: Final = "state NOT IN ('deactivated', 'failed') AND start <= ? ORDER BY number"


@dataclass(frozen=True, slots=True)
class _Now:
    """How things stand at a look."""

    at: Instant
    sites: Mapping[str, Site]
    told: Mapping[str, Told]
    state: State

    @property
    def legs(self) -> dict[str, str]:
        """The legs at the line, by participant."""
        return {name: site.legs["interchange"] for name, site in self.sites.items()}


class Driving:
    """See the module."""

    def __init__(self, hub: Hub, book: Book, telling: Telling, rules: tuple[Settings, Community]) -> None:
        self._hub, self._book, self._telling = hub, book, telling
        self._settings, self._community = rules

    def look(self, at: Instant, state: State) -> None:
        """Do what is due by now, the market standing so. Raises ServiceUnavailable, HubAway: it is tried again."""
        now = _Now(at, self._telling.sites(), self._telling.told(self._settings), state)
        self._begin_and_end(now)
        self._set(now)
        self._close(now)

    def stop_all(self, why: str, at: Instant) -> list[Contract]:
        """End all that is under way, and those of this slot that were to begin; those that ended so, as they are."""

        def work(db: Db) -> list[str]:
            found = self._book.contracts(db, _OPEN, (at,))
            ended = []
            for one in found:
                word = "fail" if one.state == NOT_ACTIVATED else "stop"
                if self._book.happen(db, one.id, Happened(word, at, why)):
                    ended.append(one.id)
            return ended

        return [self._book.contract(one) for one in self._book.write(work)]

    def _begin_and_end(self, now: _Now) -> None:
        found = self._book.contracts(None, _OPEN, (now.at,))
        happened: list[tuple[str, Happened]] = []
        held: dict[Instant, list[Contract]] = {}
        for one in found:
            if one.state == STOPPED:
                continue
            if now.at >= one.end:
                happened += self._ended(one, now)
                continue
            slot = held.setdefault(one.start, [])
            if why := self._refused([*slot, one], one, now):
                word = "stop" if one.state in IN_FLIGHT else "fail"
                happened.append((one.id, Happened(word, now.at, why)))
                continue
            slot.append(one)
            if one.state == NOT_ACTIVATED:
                happened.append((one.id, Happened("activate", now.at)))
            elif one.state == ACTIVATED and self._flows(one, now):
                happened.append((one.id, Happened("start", now.at)))
        if happened:
            self._book.write(lambda db: [self._book.happen(db, one, what) for one, what in happened])

    def _refused(self, together: Sequence[Contract], one: Contract, now: _Now) -> str:
        """Why this contract may not be with those that may; empty where it may."""
        if now.state.suspended:
            return now.state.why or "suspended"
        legs = schedule(together, now.legs, self._community.slots.minutes)
        plan = Plan(legs, self._settings.ttl_s, near=now.state.near)
        found = [
            refusal
            for refusal in examine(plan, now.told, self._settings.limits, now.at)
            if refusal.participant in ("", one.seller, one.buyer)
        ]
        return "; ".join(dict.fromkeys(f"{refusal.rule}: {refusal.why}" for refusal in found))[:500]

    def _ended(self, one: Contract, now: _Now) -> list[tuple[str, Happened]]:
        """What the end of its slot does to it: it stops; or never began, which is known when the last was told."""
        if one.state == STARTED:
            return [(one.id, Happened("stop", one.end))]
        if one.state == NOT_ACTIVATED:
            return [(one.id, Happened("fail", one.end, "its slot was over before it could begin"))]
        if now.at < one.end + METERED_AFTER:
            return []
        if self._telling.metered(now.legs.get(one.seller, ""), one.start, into=True):
            return [(one.id, Happened("stop", one.end))]
        return [(one.id, Happened("fail", one.end, "nothing flowed"))]

    def _flows(self, one: Contract, now: _Now) -> bool:
        legs = now.legs
        sent = self._telling.power(legs.get(one.seller, ""), one.start)
        taken = self._telling.power(legs.get(one.buyer, ""), one.start)
        return sent is not None and taken is not None and sent >= FLOWS_W and taken <= -FLOWS_W

    def _set(self, now: _Now) -> None:
        """Tell the legs what they are to do, each turn once; those that have nothing to do any more, nothing."""
        start = self._community.slots.start_of(now.at)
        running = self._book.contracts(None, "start = ? AND state IN (?, ?)", (start, ACTIVATED, STARTED))
        wanted = {
            one.leg: one.watts
            for one in schedule(running, now.legs, self._community.slots.minutes)
            if one.leg and one.participant != self._settings.forms
        }
        sent = {leg: (command, watts) for leg, command, watts in self._book.read("SELECT * FROM market_sent")}
        wanted |= {leg: 0 for leg, (_, watts) in sent.items() if watts and leg not in wanted}
        turn = (now.at - start) // (self._settings.refresh_s * _SECOND)
        orders = {leg: (f"{_named(leg)}:{start}:{turn if watts else 'end'}:{watts}", watts)
                  for leg, watts in wanted.items()}  # fmt: skip
        self._tell({leg: order for leg, order in orders.items() if sent.get(leg) != order})

    def _tell(self, orders: Mapping[str, tuple[str, int]]) -> None:
        if not orders:
            return
        fragments: list[Fragment] = [
            {"id": leg, "type": LEG, EXCHANGE_POWER: _set_point(command, watts, self._settings.ttl_s)}
            for leg, (command, watts) in orders.items()
        ]
        refused = self._hub.upsert(self._community.tenant, fragments)
        taken = [(leg, *order) for (leg, order), no in zip(orders.items(), refused, strict=True) if no is None]

        def work(db: Db) -> None:
            db.executemany("INSERT OR REPLACE INTO market_sent VALUES (?,?,?)", taken)

        if taken:
            self._book.write(work)
        _raise_first(refused)

    def _close(self, now: _Now) -> None:
        """What ended gets what was metered of it, once its slot is over and told of."""
        before = now.at - METERED_AFTER - self._community.slots.length
        ended = self._book.contracts(None, "state = ? AND start <= ?", (STOPPED, before))
        for start in dict.fromkeys(one.start for one in ended):
            together = self._book.contracts(None, "start = ? AND state != 'failed'", (start,))
            done = [(one.id, Happened("deactivate", now.at, wh=self._shared(one, together, now.legs)))
                    for one in ended if one.start == start]  # fmt: skip
            self._book.write(lambda db, done=done: [self._book.happen(db, one, what) for one, what in done])  # type: ignore[misc]

    def _shared(self, one: Contract, together: Iterable[Contract], legs: Mapping[str, str]) -> tuple[int, int] | None:
        both = [*together]
        sold, bought = ([other for other in both if other.seller == one.seller],
                        [other for other in both if other.buyer == one.buyer])  # fmt: skip
        sent = self._telling.metered(legs.get(one.seller, ""), one.start, into=True)
        taken = self._telling.metered(legs.get(one.buyer, ""), one.start, into=False)
        return None if sent is None or taken is None else (_part(one, sold, sent), _part(one, bought, taken))


def _part(one: Contract, beside: Sequence[Contract], metered: int) -> int:
    return parts(metered, [_weighed(other) for other in beside])[[other.id for other in beside].index(one.id)]


def _weighed(contract: Contract) -> Contract:
    """With its energy by the part of its slot that it ran for: what was stopped early has a smaller part."""
    until = contract.end if contract.stopped_at is None else min(contract.stopped_at, contract.end)
    return replace(contract, wh=max(1, contract.wh * max(0, until - contract.start) // (contract.end - contract.start)))


def _named(leg: str) -> str:
    return f"urn:misono:exchange:{leg.removeprefix('urn:ngsi-ld:')}"


def _set_point(command: str, watts: int, ttl_s: int) -> dict[str, Any]:
    return {
        "type": "Property", "value": watts, "unitCode": "WTT",
        COMMAND_ID: {"type": "Property", "value": command}, COMMAND_TTL: {"type": "Property", "value": ttl_s},
    }  # fmt: skip


def _raise_first(refused: Sequence[NgsiError | None]) -> None:
    if found := [one for one in refused if one is not None]:
        raise ServiceUnavailable(f"the hub takes no set-point: {found[0].detail}")
