"""The ledger books once, whole, and never changes what it booked."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.errors import BadRequestData, Conflict, ResourceNotFound
from broker.keeping import Db, KeptFile, RuleBroken
from services.ledger.book import Ledger, Opening, Unbalanced
from services.ledger.postings import JPY, POINT, Account, Leg, Posting, shared
from tests.fakes.clock import FakeClock

HANA, TARO = "urn:misono:subject:hana", "urn:misono:subject:taro"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[KeptFile]:
    file = KeptFile(tmp_path / "services.sqlite", "services")
    yield file
    file.close()


@pytest.fixture
def ledger(file: KeptFile) -> Ledger:
    numbers = itertools.count(1)
    return Ledger(file, FakeClock(), lambda: f"{next(numbers):032x}")


@pytest.fixture
def issuer(ledger: Ledger) -> Account:
    return ledger.open("", Opening("urn:misono:city", "issuerAccount", POINT, None))


def resident(ledger: Ledger, owner: str = HANA) -> Account:
    return ledger.open("", Opening(owner, "residentAccount", POINT))


def issued(ledger: Ledger, issuer: Account, to: Account, amount: int, key: str = "first") -> None:
    ledger.post("", Posting(key, "issuance", (Leg(issuer.id, POINT, -amount), Leg(to.id, POINT, amount))))


def test_what_one_account_gives_another_gets(ledger: Ledger, issuer: Account) -> None:
    hana, taro = resident(ledger), resident(ledger, TARO)
    issued(ledger, issuer, hana, 1_000)
    ledger.post("", Posting("gift", "transfer", (Leg(hana.id, POINT, -300), Leg(taro.id, POINT, 300))))
    assert [ledger.account("", one.id).balance for one in (issuer, hana, taro)] == [-1_000, 700, 300]
    assert [one.posting.key for one in ledger.statement("", hana.id)] == ["first", "gift"]
    assert [one.posting.key for one in ledger.statement("", taro.id)] == ["gift"]
    assert ledger.verify() == 2


def test_the_same_key_books_once_and_something_else_under_it_is_refused(ledger: Ledger, issuer: Account) -> None:
    hana = resident(ledger)
    issued(ledger, issuer, hana, 1_000)
    issued(ledger, issuer, hana, 1_000)
    assert ledger.account("", hana.id).balance == 1_000
    with pytest.raises(Conflict):
        issued(ledger, issuer, hana, 999)
    assert ledger.account("", hana.id).balance == 1_000


@pytest.mark.parametrize(
    ("legs", "pointer"),
    [
        ((), "/legs"),
        ((("a", POINT, 1),), "/legs"),
        ((("a", POINT, 1), ("b", POINT, -2)), "/legs"),
        ((("a", POINT, 1), ("b", JPY, -1)), "/legs"),
        ((("a", POINT, 0), ("b", POINT, 0)), "/legs/0/amount"),
        ((("a", POINT, True), ("b", POINT, -1)), "/legs/0/amount"),
        ((("a", "EUR", 1), ("b", "EUR", -1)), "/legs/0/currency"),
        ((("a", POINT, 10**15 + 1), ("b", POINT, -(10**15) - 1)), "/legs/0/amount"),
    ],
)
def test_what_does_not_balance_is_not_booked(
    ledger: Ledger, legs: tuple[tuple[str, str, int], ...], pointer: str
) -> None:
    with pytest.raises(BadRequestData) as refused:
        ledger.post("", Posting("wrong", "transfer", tuple(Leg(*one) for one in legs)))
    assert refused.value.pointer == pointer
    assert ledger.verify() == 0


def test_an_account_that_has_not_enough_gives_nothing_and_nothing_is_booked(ledger: Ledger, issuer: Account) -> None:
    hana, taro = resident(ledger), resident(ledger, TARO)
    issued(ledger, issuer, hana, 100)
    with pytest.raises(Conflict, match="not enough"):
        ledger.post("", Posting("gift", "transfer", (Leg(hana.id, POINT, -101), Leg(taro.id, POINT, 101))))
    assert [ledger.account("", one.id).balance for one in (hana, taro)] == [100, 0]
    assert ledger.verify() == 1


def test_a_posting_is_taken_back_once_by_another_one(ledger: Ledger, issuer: Account) -> None:
    hana = resident(ledger)
    issued(ledger, issuer, hana, 100)
    first = ledger.statement("", hana.id)[0]
    back = ledger.reverse("", first.id, "oops")
    assert back.posting.reverses == first.id
    assert ledger.reverse("", first.id, "oops").id == back.id
    with pytest.raises(Conflict):
        ledger.reverse("", first.id, "again")
    assert ledger.account("", hana.id).balance == 0
    assert ledger.find("", first.id).reversed_by == back.id


def test_an_account_of_another_tenant_is_not_there(ledger: Ledger, issuer: Account) -> None:
    with pytest.raises(ResourceNotFound):
        ledger.account("aizu", issuer.id)
    hana = resident(ledger)
    with pytest.raises(BadRequestData) as refused:
        ledger.post("aizu", Posting("k", "transfer", (Leg(issuer.id, POINT, -1), Leg(hana.id, POINT, 1))))
    assert refused.value.pointer == "/legs/0/account"


def test_a_frozen_account_takes_and_gives_nothing_and_one_with_a_balance_is_not_closed(
    ledger: Ledger, issuer: Account
) -> None:
    hana = resident(ledger)
    issued(ledger, issuer, hana, 100)
    with pytest.raises(Conflict):
        ledger.set_state("", hana.id, "accountClosed")
    ledger.set_state("", hana.id, "accountFrozen")
    with pytest.raises(Conflict):
        issued(ledger, issuer, hana, 100, "second")
    ledger.set_state("", hana.id, "accountActive")
    issued(ledger, issuer, hana, 100, "second")
    assert ledger.account("", hana.id).balance == 200


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ledger_leg SET amount = amount + 1",
        "DELETE FROM ledger_leg",
        "UPDATE ledger_posting SET reason = 'transfer'",
        "DELETE FROM ledger_posting",
        "UPDATE ledger_account SET balance = balance + 1",
        "INSERT INTO ledger_leg VALUES (1, 9, 1, 'POINT', 5)",
        "INSERT INTO ledger_leg VALUES (7, 0, 1, 'JPY', 5)",
        "INSERT INTO ledger_posting VALUES (7, '', 'x', 'x', 'transfer', '{}', NULL, 0, x'00')",
    ],
)
def test_the_database_itself_refuses_what_would_break_the_books(
    ledger: Ledger, issuer: Account, file: KeptFile, sql: str
) -> None:
    issued(ledger, issuer, resident(ledger), 100)
    with pytest.raises(RuleBroken):
        file.write(lambda db: db.execute(sql)).result()
    assert ledger.verify() == 1


def test_legs_that_do_not_sum_to_zero_cannot_become_a_posting(ledger: Ledger, issuer: Account, file: KeptFile) -> None:
    resident(ledger)

    def forge(db: Db) -> None:
        db.execute("INSERT INTO ledger_leg VALUES (1, 0, 1, 'POINT', -5)")
        db.execute("INSERT INTO ledger_leg VALUES (1, 1, 2, 'POINT', 6)")
        db.execute("INSERT INTO ledger_posting VALUES (1, '', 'x', 'x', 'transfer', '{}', NULL, 0, x'00')")

    with pytest.raises(RuleBroken, match="sum to zero"):
        file.write(forge).result()
    assert ledger.verify() == 0


def test_a_change_behind_the_triggers_is_found(ledger: Ledger, issuer: Account, file: KeptFile) -> None:
    issued(ledger, issuer, resident(ledger), 100)

    def forge(db: Db) -> None:
        db.execute("DROP TRIGGER ledger_leg_kept")
        db.execute("UPDATE ledger_leg SET amount = amount * 2")

    file.write(forge).result()
    with pytest.raises(Unbalanced):
        ledger.verify()


def test_two_processes_book_on_one_file(tmp_path: Path, ledger: Ledger, issuer: Account) -> None:
    beside = KeptFile(tmp_path / "services.sqlite", "services")
    numbers = itertools.count(10**6)
    other = Ledger(beside, FakeClock(), lambda: f"{next(numbers):032x}")
    hana = resident(ledger)
    for turn in range(10):
        issued((ledger, other)[turn % 2], issuer, hana, 10, f"turn-{turn}")
    beside.close()
    assert ledger.verify() == 10
    assert ledger.account("", hana.id).balance == 100


def test_a_total_is_shared_to_the_unit() -> None:
    assert shared(100, (70, 20, 10)) == [70, 20, 10]
    assert shared(10, (1, 1, 1)) == [4, 3, 3]
    assert shared(1, (70, 20, 10)) == [1, 0, 0]
    assert shared(0, (1, 0)) == [0, 0]
    with pytest.raises(ValueError, match="weights"):
        shared(5, (0, 0))
