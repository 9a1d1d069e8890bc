"""Shares for a while: a link and a code, for somebody who needs no account here.

The code is told once and kept as a salted hash; after ten wrong ones the share is closed. What is opened is written to
the audit before it leaves, and to the list that the person sees.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from broker.errors import BadRequestData, Conflict, Forbidden, ResourceNotFound
from broker.model.entity import ENTITY_MEMBERS, as_list
from broker.model.subjects import JUDGED_BY
from broker.model.values import Instant, Json, to_instant, to_text
from broker.ports.audit import Entry, Told
from services.room import Ground
from services.store.exporting import Taken, told_entity
from services.store.holding import Holding
from services.store.tables import Db, text_of
from services.store.words import Words, short

WRONG_MAX: Final = 10
DAYS_MAX: Final = 30
OPEN_MAX: Final = 100
ITEMS_MAX: Final = 50
ENTITIES_MAX: Final = 1_000
DAY_US: Final = 86_400_000_000
_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_CODE: Final = 12
"""Letters of a code: 60 bits."""
_COLUMNS: Final = "number, tenant, id, subject, by, at, until, ended, wrong, salt, code, body"


@dataclass(frozen=True, slots=True)
class Share:
    """A row."""

    number: int
    tenant: str
    id: str
    subject: str
    by: str
    at: Instant
    until: Instant
    ended: Instant | None
    wrong: int
    salt: str
    code: str
    body: dict[str, Any]

    def state(self, now: Instant) -> str:
        """`open`, `ended`, `expired` or `locked`."""
        if self.ended is not None:
            return "ended"
        if self.wrong >= WRONG_MAX:
            return "locked"
        return "open" if now < self.until else "expired"


class Sharing:
    """Makes, shows, ends and opens shares."""

    def __init__(self, ground: Ground, holding: Holding, words: Words) -> None:
        self._ground, self._holding, self._words = ground, holding, words

    def make(self, tenant: str, subject: str, by: str, given: dict[str, Any]) -> dict[str, Json]:
        """A share, with its code. Raises BadRequestData, Conflict where there are too many."""
        now, code = self._ground.clock.now(), "".join(secrets.choice(_LETTERS) for _ in range(_CODE))
        until, salt = _until(given, now), secrets.token_hex(16)
        share_id = f"urn:ngsi-ld:DataShare:{self._ground.new_id()}"
        body = {"items": _items(given), "note": str(given.get("note", ""))[:500]}

        def write(db: Db) -> None:
            sql = "SELECT count(*) FROM store_share WHERE tenant = ? AND subject = ? AND ended IS NULL AND until > ?"
            open_now = next(int(str(row[0])) for row in db.execute(sql, (tenant, subject, now)))
            if open_now >= OPEN_MAX:
                raise Conflict(f"{OPEN_MAX} shares are open", remedy="end one of them")
            sql = (
                "INSERT INTO store_share (tenant, id, subject, by, at, until, wrong, salt, code, body)"
                " VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?)"
            )
            db.execute(sql, (tenant, share_id, subject, by, now, until, salt, _hashed(salt, code), text_of(body)))

        self._ground.file.write(write).result()
        told = self._told(self._of(tenant, subject, share_id), now)
        return {**told, "code": code, "link": f"{self._ground.public_url}/services/store/shared/{share_id}"}

    def all(self, tenant: str, subject: str, after: int, limit: int) -> list[tuple[int, Json]]:
        """A person's shares, oldest first."""
        sql = f"SELECT {_COLUMNS} FROM store_share WHERE tenant = ? AND subject = ? AND number > ? ORDER BY number LIMIT ?"  # noqa: S608, E501 - constants
        now = self._ground.clock.now()
        rows = [*map(_share, self._ground.file.read(sql, (tenant, subject, after, limit)))]
        return [(one.number, self._told(one, now)) for one in rows]

    def end(self, tenant: str, subject: str, share_id: str) -> dict[str, Json]:
        """Close one, at once. Raises ResourceNotFound."""
        now = self._ground.clock.now()
        self._of(tenant, subject, share_id)
        sql = "UPDATE store_share SET ended = coalesce(ended, ?) WHERE id = ?"
        self._ground.file.write(lambda db: db.execute(sql, (now, share_id))).result()
        return self._told(self._of(tenant, subject, share_id), now)

    def open(self, share_id: str, code: str) -> dict[str, Json]:
        """What is shared, as it is now. Raises ResourceNotFound, alike for no share, a closed one and a wrong code."""
        now = self._ground.clock.now()
        sql = f"SELECT {_COLUMNS} FROM store_share WHERE id = ?"  # noqa: S608 - constants of ours
        share = next(map(_share, self._ground.file.read(sql, (share_id,))), None)
        right = share is not None and hmac.compare_digest(_hashed(share.salt, code), share.code)
        if share is None or share.state(now) != "open" or not right:
            if share is not None and share.state(now) == "open":
                self._note(share, now, opened=False)
            raise ResourceNotFound("nothing is shared under this link and code", remedy="ask for a new one")
        taken = [*self._shared(share)]
        self._note(share, now, opened=True)
        self._ground.audit.record(self._entry(share, taken, now)).result()
        shown: list[Json] = [told_entity(one, self._words) for one in taken]
        return {"until": to_text(share.until), "note": share.body["note"], "entities": shown}

    def _shared(self, share: Share) -> Iterator[Taken]:
        items = [tuple(one.split("/", 1)) for one in share.body["items"]]
        left = ENTITIES_MAX
        for held in self._holding.all(share.tenant, share.subject):
            if held.document is None or held.joint or not left:
                continue
            types = {form for iri in as_list(held.types) for form in (iri, short(iri))}
            wanted = {name for type_, name in items if type_ in types}
            shown = {
                name: value for name, value in held.document.items()
                if name in ENTITY_MEMBERS or "*" in wanted or {name, short(name)} & wanted
            }  # fmt: skip
            if wanted and shown.keys() - ENTITY_MEMBERS - JUDGED_BY:
                left -= 1
                yield Taken(held.id, held.types, shown)

    def _entry(self, share: Share, taken: list[Taken], now: Instant) -> Entry:
        items: dict[str, set[str]] = {}
        values, seen = 0, list[Instant]()
        for one in taken:
            for name, instance, _ in one.values():
                for iri in as_list(one.types):
                    items.setdefault(iri, set()).add(name)
                values += 1
                seen += [at for at in (to_instant(str(instance.get("observedAt", ""))),) if at is not None]
        told = Told(
            share.subject, {iri: frozenset(names) for iri, names in items.items()}, frozenset({share.id}), values,
            min(seen, default=None), max(seen, default=None),
        )  # fmt: skip
        return Entry("disclosure", share.tenant, "code", now, share.id, operation="store_open_share", told=(told,))

    def _note(self, share: Share, now: Instant, *, opened: bool) -> None:
        def write(db: Db) -> None:
            db.execute("INSERT INTO store_share_use (share, at, opened) VALUES (?, ?, ?)", (share.id, now, int(opened)))
            if not opened:
                db.execute("UPDATE store_share SET wrong = wrong + 1 WHERE id = ?", (share.id,))

        self._ground.file.write(write).result()

    def _of(self, tenant: str, subject: str, share_id: str) -> Share:
        sql = f"SELECT {_COLUMNS} FROM store_share WHERE tenant = ? AND subject = ? AND id = ?"  # noqa: S608
        found = next(map(_share, self._ground.file.read(sql, (tenant, subject, share_id))), None)
        if found is None:
            raise ResourceNotFound("there is no such share", remedy="/services/store/shares lists yours")
        return found

    def _told(self, share: Share, now: Instant) -> dict[str, Json]:
        sql = "SELECT at, opened FROM store_share_use WHERE share = ? ORDER BY number DESC LIMIT 50"
        used: list[Json] = [
            {"at": to_text(int(str(at))), "opened": bool(opened)}
            for at, opened in self._ground.file.read(sql, (share.id,))
        ]
        return {
            "id": share.id, "state": share.state(now), "items": share.body["items"], "note": share.body["note"],
            "madeAt": to_text(share.at), "until": to_text(share.until), "uses": used,
        }  # fmt: skip


def _items(given: dict[str, Any]) -> list[str]:
    items = given.get("items")
    fits = (
        isinstance(items, list)
        and 0 < len(items) <= ITEMS_MAX
        and all(isinstance(one, str) and "/" in one for one in items)
    )
    if not fits:
        raise BadRequestData(
            "items are what is shared, `Type/attribute`", pointer="/items", remedy='["HeartRateObservation/heartRate"]'
        )
    assert isinstance(items, list)
    return [str(one)[:300] for one in items]


def _until(given: dict[str, Any], now: Instant) -> Instant:
    until = to_instant(str(given.get("until", "")))
    if until is None or not now < until <= now + DAYS_MAX * DAY_US:
        raise BadRequestData(f"a share ends within {DAYS_MAX} days", pointer="/until", remedy=to_text(now + DAY_US))
    return until


def _hashed(salt: str, code: str) -> str:
    """Letters of either case, blanks and hyphens do not matter."""
    plain = "".join(code.upper().split()).replace("-", "")
    return hashlib.scrypt(plain.encode()[:100], salt=bytes.fromhex(salt), n=1 << 12, r=8, p=1).hex()


def _share(row: Sequence[Any]) -> Share:
    *head, body = row
    return Share(*[*head, json.loads(body)])


def code_of(code: object) -> str:
    """The code of a body. Raises Forbidden for what is none."""
    if not isinstance(code, str) or not code:
        raise Forbidden("a share is opened with its code", pointer="/code", remedy='{"code": "…"}')
    return code
