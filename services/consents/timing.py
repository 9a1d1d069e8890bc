"""What ends by itself: consents, requests, delegations, emergencies."""

from __future__ import annotations

from functools import partial
from typing import Final

from services.consents import delegations, emergencies
from services.consents.book import TIMER, Book, Desk
from services.consents.closing import LIVE, Closing, Withdrawn
from services.consents.states import due_of

AT_ONCE: Final = 200
_DUE: Final = {
    "record": "SELECT tenant, id FROM consents_record WHERE due <= ? ORDER BY due LIMIT ?",
    "delegation": "SELECT tenant, id FROM consents_delegation WHERE due <= ? ORDER BY due LIMIT ?",
    "emergency": "SELECT tenant, id FROM consents_emergency WHERE due <= ? ORDER BY due LIMIT ?",
}


def end_due(book: Book, closing: Closing) -> int:
    """End what is due by now; how much it was."""
    ended = 0
    for kind, sql in _DUE.items():
        rows = [(str(tenant), str(thing)) for tenant, thing in book.rows(sql, book.now(), AT_ONCE)]
        for tenant in dict.fromkeys(tenant for tenant, _ in rows):
            things = [thing for other, thing in rows if other == tenant]
            book.transact(tenant, TIMER, partial(_end, closing=closing, kind=kind, things=things))
        ended += len(rows)
    return ended


def _end(desk: Desk, closing: Closing, kind: str, things: list[str]) -> None:
    for thing in things:
        if kind == "delegation":
            delegations.close(desk, thing)
        elif kind == "emergency":
            emergencies.close(desk, thing)
        else:
            _end_record(desk, closing, thing)


def _end_record(desk: Desk, closing: Closing, thing: str) -> None:
    record = desk.record(thing)  # anew: it may have ended with another of the same household
    due = None if record is None else due_of(record)
    if record is not None and record.state in LIVE and due is not None and due[0] <= desk.now:
        closing.close(desk, record, due[1], Withdrawn())
