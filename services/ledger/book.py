"""The ledger: accounts, postings, balances and statements, in tables that keep the rules themselves.

ledger.open("", Opening("urn:misono:subject:hana", "residentAccount", POINT)) -> Account
ledger.post("", Posting("quote-17", "dataBenefit", (Leg(fund, POINT, -700), Leg(hana, POINT, 700)))) -> Posted
file.write(lambda db: ledger.post_within(db, "", posting))      within a transaction of somebody else's
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from broker.audit.chain import START, canonical, digest, link
from broker.errors import BadRequestData, Conflict, ResourceNotFound
from broker.keeping import Db, KeptFile, RuleBroken, SqlValue
from broker.model.values import Json
from broker.ports import Clock
from services.ledger.postings import (
    CURRENCIES,
    ENERGY,
    KINDS,
    TEXT_MAX,
    WH,
    Account,
    Leg,
    Posted,
    Posting,
    check,
    reversal,
)
from services.ledger.tables import TABLES

LIMIT_MAX: Final = 1_000
_ACCOUNT: Final = "SELECT id, owner, kind, currency, balance, floor, state, opened_at FROM ledger_account"
_POSTING: Final = """SELECT one.number, one.id, one.at, one.key, one.reason, one.about, was.id, back.id
    FROM ledger_posting AS one LEFT JOIN ledger_posting AS was ON was.number = one.reverses
    LEFT JOIN ledger_posting AS back ON back.reverses = one.number"""
_LEGS: Final = """SELECT account.id, leg.currency, leg.amount FROM ledger_leg AS leg
    JOIN ledger_account AS account ON account.number = leg.account WHERE leg.posting = ? ORDER BY leg.place"""
_POSTINGS_OF: Final = """SELECT one.id FROM ledger_posting AS one WHERE one.number IN (SELECT leg.posting FROM
    ledger_leg AS leg JOIN ledger_account AS account ON account.number = leg.account WHERE account.id = ?)"""
FORGOTTEN: Final = "urn:misono:forgotten:"
"""What the owner of an account begins with who was forgotten."""
Read = Callable[[str, tuple[SqlValue, ...]], Any]
"""Rows of a statement: by the reader of the file, or within a transaction."""


class Unbalanced(Exception):
    """The ledger is not as it was written; the text says from where on."""


@dataclass(frozen=True, slots=True)
class Opening:
    """An account to be opened. `floor`: what its balance does not fall below; None for who issues."""

    owner: str
    kind: str
    currency: str
    floor: int | None = 0


class Ledger:
    """See the module. `shown(tenant, ids)` is told what there is to show anew, once it is durable."""

    def __init__(self, file: KeptFile, clock: Clock, new_id: Callable[[], str]) -> None:
        self._file, self._clock, self._new_id = file, clock, new_id
        self.shown: Callable[[str, tuple[str, ...]], None] = _to_nobody
        file.tables("ledger", TABLES)

    def open(self, tenant: str, opening: Opening) -> Account:
        """The owner's account in the currency: the one there is, or a new one. Raises BadRequestData, Conflict."""
        if opening.kind not in KINDS or opening.currency not in CURRENCIES:
            raise BadRequestData("no such kind or currency", pointer="/kind", remedy=", ".join((*KINDS, *CURRENCIES)))
        if not 1 <= len(opening.owner) <= TEXT_MAX:
            raise BadRequestData("an account has an owner", pointer="/owner", remedy=f"1 to {TEXT_MAX} characters")
        made = self._file.write(lambda db: self.open_within(db, tenant, opening)).result()
        self.shown(tenant, (made.id,))
        return made

    def open_within(self, db: Db, tenant: str, opening: Opening) -> Account:
        """As `open`, within a transaction of the same file."""
        read = _reads(db)
        where = f"{_ACCOUNT} WHERE tenant = ? AND owner = ? AND currency = ? AND state != 'accountClosed'"
        if there := [*read(where, (tenant, opening.owner, opening.currency))]:
            found = _account(there[0])
            if (found.kind, found.floor) != (opening.kind, opening.floor):
                raise Conflict("the owner has an account of another kind", pointer="/kind", remedy=found.kind)
            return found
        account_id = f"urn:ngsi-ld:LocalCurrencyAccount:{self._new_id()}"
        db.execute(
            "INSERT INTO ledger_account (tenant, id, owner, kind, currency, floor, opened_at) VALUES (?,?,?,?,?,?,?)",
            (
                tenant, account_id, opening.owner, opening.kind, opening.currency, opening.floor, self._clock.now(),
            ),
        )  # fmt: skip
        if opening.kind != ENERGY and opening.currency != WH:
            self.to_show(db, tenant, account_id)
        return _account(next(iter(read(f"{_ACCOUNT} WHERE id = ?", (account_id,)))))

    def post(self, tenant: str, posting: Posting) -> Posted:
        """Book it, durable on return; what its key already booked is given back.

        Raises BadRequestData; Conflict where the key booked something else, or an account has not enough.
        """
        posted = self._file.write(lambda db: self.post_within(db, tenant, posting)).result()
        self.shown(tenant, (posted.id, *(leg.account for leg in posting.legs)))
        return posted

    def post_within(self, db: Db, tenant: str, posting: Posting) -> Posted:
        """As `post`, within a transaction of the same file."""
        check(posting)
        posted, new = self._book(db, tenant, posting, _numbers(_reads(db), tenant, posting.legs))
        for shown in (posted.id, *(leg.account for leg in posting.legs)) if new else ():
            self.to_show(db, tenant, shown)
        return posted

    def post_many_within(self, db: Db, tenant: str, postings: Sequence[Posting]) -> list[Posted]:
        """As `post_within` for postings of very many legs, which are no entities; nor are their accounts shown anew."""
        read, found = _reads(db), list[Posted]()
        for posting in postings:
            check(posting)
            found.append(self._book(db, tenant, posting, _numbers(read, tenant, posting.legs))[0])
        return found

    def _book(self, db: Db, tenant: str, posting: Posting, numbers: Mapping[str, int]) -> tuple[Posted, bool]:
        """It, and whether it is new. Raises Conflict, BadRequestData."""
        read = _reads(db)
        if there := _posted(read, "WHERE one.tenant = ? AND one.key = ?", (tenant, posting.key)):
            if _content(there[0].posting) != _content(posting):
                raise Conflict("the key booked something else", pointer="/key", remedy="another key")
            return there[0], False
        number, before = self._last(read)
        number, at, posting_id = number + 1, self._clock.now(), f"urn:ngsi-ld:LocalCurrencyTransaction:{self._new_id()}"
        hashed = link(before, number, at, digest(b"", {"id": posting_id, "tenant": tenant, **_content(posting)}))
        try:
            db.executemany(
                "INSERT INTO ledger_leg VALUES (?,?,?,?,?)",
                [
                    (number, place, numbers[leg.account], leg.currency, leg.amount)
                    for place, leg in enumerate(posting.legs)
                ],
            )
            db.execute(
                "INSERT INTO ledger_posting VALUES (?,?,?,?,?,?,(SELECT number FROM ledger_posting WHERE id = ?),?,?)",
                (
                    number, tenant, posting_id, posting.key, posting.reason, canonical(posting.about).decode(),
                    posting.reverses, at, hashed,
                ),
            )  # fmt: skip
        except RuleBroken as error:
            raise _refused(error) from error
        return Posted(number, posting_id, at, posting), True

    def reverse(self, tenant: str, posting_id: str, key: str) -> Posted:
        """Take a posting back by one of its own. Raises ResourceNotFound, Conflict where that was done before."""
        found = self.find(tenant, posting_id)
        if found.reversed_by and (there := self.find(tenant, found.reversed_by)).posting.key != key:
            raise Conflict("it was taken back before", pointer="/id", remedy=f"see {there.id}")
        return self.post(tenant, reversal(found, key))

    def account(self, tenant: str, account_id: str) -> Account:
        """One account. Raises ResourceNotFound."""
        rows = self._file.read(f"{_ACCOUNT} WHERE tenant = ? AND id = ?", (tenant, account_id))
        if not rows:
            raise ResourceNotFound("there is no such account", pointer="/account")
        return _account(rows[0])

    def accounts_of(self, tenant: str, owner: str) -> list[Account]:
        """Those of an owner."""
        rows = self._file.read(f"{_ACCOUNT} WHERE tenant = ? AND owner = ? ORDER BY number", (tenant, owner))
        return [_account(row) for row in rows]

    def find(self, tenant: str, posting_id: str) -> Posted:
        """One posting. Raises ResourceNotFound."""
        found = _posted(self._file.read, "WHERE one.tenant = ? AND one.id = ?", (tenant, posting_id))
        if not found:
            raise ResourceNotFound("there is no such transaction", pointer="/id")
        return found[0]

    def statement(self, tenant: str, account_id: str, after: int = 0, limit: int = 100) -> list[Posted]:
        """Postings of an account after a number, oldest first."""
        where = """WHERE one.tenant = ? AND one.number > ? AND EXISTS (SELECT 1 FROM ledger_leg JOIN ledger_account
            ON ledger_account.number = ledger_leg.account WHERE ledger_leg.posting = one.number AND
            ledger_account.id = ?) ORDER BY one.number LIMIT ?"""
        return _posted(self._file.read, where, (tenant, after, account_id, min(limit, LIMIT_MAX)))

    def reversals(self, after: int, limit: int = 500) -> list[tuple[int, str, str]]:
        """(number, tenant, id of what it took back) of reversals after a posting's number, oldest first."""
        sql = """SELECT back.number, back.tenant, was.id FROM ledger_posting AS back
            JOIN ledger_posting AS was ON was.number = back.reverses WHERE back.number > ? ORDER BY 1 LIMIT ?"""
        rows = self._file.read(sql, (after, limit))
        return [(cast("int", number), str(tenant), str(was)) for number, tenant, was in rows]

    def set_state(self, tenant: str, account_id: str, state: str) -> Account:
        """Freeze, open again or close an account; only one without balance is closed. Raises Conflict."""
        found = self.account(tenant, account_id)
        if state == "accountClosed" and found.balance:
            raise Conflict("an account with a balance is not closed", pointer="/state", remedy="move what is on it")

        def work(db: Db) -> None:
            db.execute(
                "UPDATE ledger_account SET state = ? WHERE id = ? AND balance = ?", (state, found.id, found.balance)
            )
            self.to_show(db, tenant, found.id)

        self._file.write(work).result()
        self.shown(tenant, (found.id,))
        return self.account(tenant, account_id)

    def verify(self) -> int:
        """How many postings there are, all as they were written, and every balance their sum. Raises Unbalanced."""
        before, expected = START, 0
        for posted, tenant, kept in self._all():
            expected += 1
            told = {"id": posted.id, "tenant": tenant, **_content(posted.posting)}
            before = link(before, posted.number, posted.at, digest(b"", told))
            if posted.number != expected or before != kept:
                raise Unbalanced(f"posting {expected} is missing or was changed")
            _check_kept(posted)
        wrong = self._file.read(
            """SELECT id FROM ledger_account WHERE balance <>
               (SELECT coalesce(sum(amount), 0) FROM ledger_leg WHERE account = ledger_account.number)"""
        )
        if wrong:
            raise Unbalanced(f"the balance of {wrong[0][0]} is not what was booked")
        return expected

    def head(self, number: int) -> tuple[int, bytes]:
        """The number and hash of a posting; 0 is what stands before the first. Raises ResourceNotFound."""
        if not number:
            return 0, START
        rows = self._file.read("SELECT hash FROM ledger_posting WHERE number = ?", (number,))
        if not rows:
            raise ResourceNotFound(f"there is no posting {number}", pointer="/head")
        return number, cast("bytes", rows[0][0])

    def forget(self, tenant: str, owner: str) -> int:
        """Take the owner off their accounts: what is on them stays in the books, of nobody; how many accounts.

        An account with a balance is frozen, one without is closed; in energy, what was settled can still be corrected.
        """
        nobody = f"{FORGOTTEN}{self._new_id()}"

        def work(db: Db) -> list[str]:
            found = [*_reads(db)("SELECT id FROM ledger_account WHERE tenant = ? AND owner = ?", (tenant, owner))]
            for (account,) in found:
                db.execute(
                    "UPDATE ledger_account SET owner = ?, state = CASE WHEN kind = ? THEN state WHEN balance = 0"
                    " THEN 'accountClosed' ELSE 'accountFrozen' END WHERE id = ?",
                    (nobody, ENERGY, account),
                )
                self.to_show(db, tenant, account)
                for (posting,) in _reads(db)(_POSTINGS_OF, (account,)):
                    self.to_show(db, tenant, posting)
            if found:
                self._file.empty_log()
            return [str(account) for (account,) in found]

        return len(self._file.write(work).result())

    def unshown(self) -> list[tuple[str, str]]:
        """(tenant, id) of accounts and postings that are not shown in the hub as they are now."""
        rows = self._file.read("SELECT tenant, id FROM ledger_unshown ORDER BY tenant, id LIMIT ?", (LIMIT_MAX,))
        return [(str(tenant), str(one)) for tenant, one in rows]

    def marks(self, tenant: str, ids: Sequence[str]) -> dict[str, int]:
        """Which of these are to be shown, each with the mark of its last change."""
        rows = self._file.read(
            "SELECT id, mark FROM ledger_unshown WHERE tenant = ? AND id IN (SELECT value FROM json_each(?))",
            (tenant, json.dumps([*ids])),
        )
        return {str(one): cast("int", mark) for one, mark in rows}

    def was_shown(self, tenant: str, marks: Mapping[str, int]) -> None:
        """These are, unless they changed since the mark."""

        def work(db: Db) -> None:
            db.executemany(
                "DELETE FROM ledger_unshown WHERE tenant = ? AND id = ? AND mark = ?",
                [(tenant, one, mark) for one, mark in marks.items()],
            )

        if marks:
            self._file.write(work).result()

    def to_show(self, db: Db, tenant: str, shown: str) -> None:
        """Remember, within a transaction, that it is to be shown."""
        db.execute("INSERT OR REPLACE INTO ledger_unshown VALUES (?, ?, random())", (tenant, shown))

    def _all(self) -> Iterator[tuple[Posted, str, bytes]]:
        after = 0
        while page := _posted(self._file.read, "WHERE one.number > ? ORDER BY one.number LIMIT 500", (after,)):
            rows = self._file.read(
                "SELECT number, tenant, hash FROM ledger_posting WHERE number > ? ORDER BY number LIMIT 500", (after,)
            )
            kept = {row[0]: (str(row[1]), cast("bytes", row[2])) for row in rows}
            for one in page:
                yield one, *kept[one.number]
            after = page[-1].number

    def _last(self, read: Read) -> tuple[int, bytes]:
        rows = [*read("SELECT number, hash FROM ledger_posting ORDER BY number DESC LIMIT 1", ())]
        return (rows[0][0], rows[0][1]) if rows else (0, START)


def _numbers(read: Read, tenant: str, legs: Sequence[Leg]) -> dict[str, int]:
    """The accounts of legs by id. Raises BadRequestData for one that is not there."""
    ids = {leg.account for leg in legs}
    rows = read(
        "SELECT id, number FROM ledger_account WHERE tenant = ? AND id IN (SELECT value FROM json_each(?))",
        (tenant, json.dumps(sorted(ids))),
    )
    found = {str(one): int(number) for one, number in rows}
    if len(found) < len(ids):
        place = next(place for place, leg in enumerate(legs) if leg.account not in found)
        raise BadRequestData("there is no such account", pointer=f"/legs/{place}/account", remedy="open it first")
    return found


def _check_kept(posted: Posted) -> None:
    try:
        check(posted.posting)
    except BadRequestData as error:
        raise Unbalanced(f"posting {posted.number} is none: {error.detail}") from error


def _to_nobody(_tenant: str, _ids: tuple[str, ...]) -> None:
    """Before there is a room."""


def _reads(db: Db) -> Read:
    return lambda sql, bindings: list(db.execute(sql, bindings))


def _refused(error: RuleBroken) -> Conflict:
    text = str(error)
    if "floor_kept" in text:
        return Conflict("an account has not enough", pointer="/legs", remedy="at most its balance")
    if "reverses" in text:
        return Conflict("it was taken back before", pointer="/id", remedy="once")
    return Conflict(text.removeprefix("ConstraintError: "), pointer="/legs", remedy="accounts that are open")


def _content(posting: Posting) -> dict[str, Json]:
    legs: list[Json] = [[leg.account, leg.currency, leg.amount] for leg in posting.legs]
    return {
        "key": posting.key, "reason": posting.reason, "legs": legs, "about": dict(posting.about),
        "reverses": posting.reverses,
    }  # fmt: skip


def _posted(read: Read, where: str, bindings: tuple[SqlValue, ...]) -> list[Posted]:
    found = []
    for number, posting_id, at, key, reason, about, was, back in read(f"{_POSTING} {where}", bindings):
        legs = tuple(Leg(*row) for row in read(_LEGS, (number,)))
        posting = Posting(key, reason, legs, json.loads(about), was or "")
        found.append(Posted(number, posting_id, at, posting, back or ""))
    return found


def _account(row: tuple[Any, ...]) -> Account:
    return Account(*row)
