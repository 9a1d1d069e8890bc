"""Accounts of one's own over HTTP: what is moved, issued, frozen, taken back, shown in the hub and never seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from services.ledger.room import LedgerRoom
from tests.fakes.consent_city import ConsentCity, consent_city, for_

L = "//services/ledger"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[ConsentCity]:
    with consent_city(tmp_path) as found:
        yield found


def opened(city: ConsentCity, who: str, currency: str = "POINT", **more: str) -> str:
    found = city.ask(who, "POST", f"{L}/accounts", {"currency": currency, **more})
    assert city.status == 201, found
    return str(found["id"])


def issue(city: ConsentCity, to: str, amount: Any, key: str = "first") -> Any:
    return city.ask("yamada", "POST", f"{L}/issuances", {"to": to, "amount": amount}, Idempotency_Key=key)


def transfer(city: ConsentCity, who: str, giver: str, to: str, amount: Any, *, key: str = "gift") -> Any:
    body = {"from": giver, "to": to, "amount": amount}
    return city.ask(who, "POST", f"{L}/transfers", body, Idempotency_Key=key)


def balance(city: ConsentCity, who: str, account: str) -> Any:
    return city.ask(who, "GET", f"{L}/accounts/{account}")["balance"]


def to_nobody(_tenant: str, _ids: tuple[str, ...]) -> None:
    """The process ends before anything is shown."""


def room(city: ConsentCity) -> LedgerRoom:
    return cast("LedgerRoom", city.served._rooms["ledger"])


def test_points_are_issued_moved_once_and_seen_by_their_owner_alone(city: ConsentCity) -> None:
    hana, taro = opened(city, "hana"), opened(city, "taro")
    assert opened(city, "hana") == hana
    issue(city, hana, 100)
    assert city.status == 201
    first = transfer(city, "hana", hana, taro, 12.5)
    assert (city.status, first["amount"], first["other"]) == (201, -12.5, taro)
    assert transfer(city, "hana", hana, taro, 12.5) == first, "the same key is the same transfer"
    transfer(city, "hana", hana, taro, 13)
    assert city.status == 409
    assert (balance(city, "hana", hana), balance(city, "taro", taro)) == (87.5, 12.5)
    lines = city.ask("hana", "GET", f"{L}/accounts/{hana}/statement?limit=1")
    assert [one["amount"] for one in lines["transactions"]] == [100]
    rest = city.ask("hana", "GET", f"{L}/accounts/{hana}/statement?limit=5&after={lines['after']}")
    assert [one["amount"] for one in rest["transactions"]] == [-12.5]
    assert city.ask("taro", "GET", f"{L}/transactions/{first['id']}")["amount"] == 12.5
    for who in ("taro", "yamada", "kaneko", "clinic"):
        absent = city.ask(who, "GET", f"{L}/accounts/urn:ngsi-ld:LocalCurrencyAccount:none")
        assert city.ask(who, "GET", f"{L}/accounts/{hana}") == absent
        city.ask(who, "GET", f"{L}/accounts/{hana}/statement")
        assert city.status == 404, who
    city.ask("ken", "GET", f"{L}/transactions/{first['id']}")
    assert city.status == 404
    assert [one["id"] for one in city.ask("hana", "GET", f"{L}/accounts")["accounts"]] == [hana]


def test_what_is_no_amount_is_not_moved(city: ConsentCity) -> None:
    hana, taro = opened(city, "hana"), opened(city, "taro")
    issue(city, hana, 100)
    for amount in (0, -1, 0.0001, 1e300, 12.3456, True, "1"):
        refused = transfer(city, "hana", hana, taro, amount)
        assert (city.status, refused["pointer"]) == (400, "/amount"), amount
    assert balance(city, "hana", hana) == 100


def test_who_has_not_enough_moves_nothing_and_nobody_moves_what_is_anothers(city: ConsentCity) -> None:
    hana, taro, clinic = opened(city, "hana"), opened(city, "taro"), opened(city, "clinic")
    yen = opened(city, "taro", "JPY")
    issue(city, hana, 10)
    transfer(city, "hana", hana, taro, 10.001)
    assert city.status == 409
    transfer(city, "taro", hana, taro, 1)
    assert city.status == 404
    transfer(city, "clinic", hana, clinic, 1)
    assert city.status == 404
    transfer(city, "hana", hana, yen, 1)
    assert city.status == 409
    transfer(city, "hana", hana, hana, 1)
    assert city.status == 409
    transfer(city, "hana", hana, "urn:ngsi-ld:LocalCurrencyAccount:none", 1)
    assert city.status == 400
    city.ask("hana", "POST", f"{L}/transfers", {"from": hana, "to": taro, "amount": 1})
    assert city.status == 400, "without a key the same request could book twice"
    transfer(city, "hana", hana, clinic, 4)
    assert (balance(city, "hana", hana), balance(city, "clinic", clinic)) == (6, 4)


def test_the_operator_issues_freezes_and_takes_back_without_seeing_balances(city: ConsentCity) -> None:
    hana, taro = opened(city, "hana"), opened(city, "taro")
    issued = issue(city, hana, 100)
    assert issue(city, hana, 100)["id"] == issued["id"]
    frozen = city.ask("yamada", "POST", f"{L}/accounts/{hana}/state", {"state": "accountFrozen", "reason": "lost"})
    assert frozen == {"id": hana, "state": "accountFrozen"}
    transfer(city, "hana", hana, taro, 1)
    assert city.status == 409
    city.ask("yamada", "POST", f"{L}/accounts/{hana}/state", {"state": "accountActive", "reason": "found"})
    gift = transfer(city, "hana", hana, taro, 30)
    back = city.ask("yamada", "POST", f"{L}/transactions/{gift['id']}/reversal", {"reason": "by mistake"})
    assert (city.status, back["reverses"]) == (201, gift["id"])
    assert city.ask("yamada", "POST", f"{L}/transactions/{gift['id']}/reversal", {"reason": "x"})["id"] == back["id"]
    assert balance(city, "hana", hana) == 100
    assert city.ask("taro", "GET", f"{L}/transactions/{gift['id']}")["reversedBy"] == back["id"]
    own = {one["kind"]: one["balance"] for one in city.ask("yamada", "GET", f"{L}/accounts")["accounts"]}
    assert own == {"issuerAccount": -100}
    for who, path in (("hana", "/issuances"), ("kaneko", f"/accounts/{hana}/state"), ("clinic", "/verify")):
        city.ask(who, "POST", L + path, {})
        assert city.status == 403, (who, path)


def test_a_delegate_moves_in_the_name_of_who_asked_them_to(city: ConsentCity) -> None:
    city.ask("hana", "POST", "/delegations", {
        "delegate": "urn:misono:subject:taro", "kind": "chosenDelegate", "scope": ["maySee", "mayDecide"],
        "validUntil": city.in_days(10),
    })  # fmt: skip
    assert city.status == 201
    hana = city.ask("taro", "POST", f"{L}/accounts{for_('hana')}", {"currency": "POINT"})["id"]
    assert opened(city, "hana") == hana
    assert balance(city, "taro", hana) == 0
    city.ask("ken", "POST", f"{L}/accounts{for_('hana')}", {"currency": "POINT"})
    assert city.status == 403


def test_the_auditor_verifies_the_books_against_a_head_of_before(city: ConsentCity) -> None:
    hana = opened(city, "hana")
    issue(city, hana, 1)
    before = city.ask("kaneko", "POST", f"{L}/verify", {})
    assert (before["holds"], before["postings"]) == (True, 1)
    issue(city, hana, 2, "second")
    after = city.ask("kaneko", "POST", f"{L}/verify", {"head": before["head"]})
    assert (after["holds"], after["postings"]) == (True, 2)
    file = room(city).ledger._file

    def cut_off(db: Any) -> None:
        for name in ("leg_stays", "posting_stays", "balance_kept"):
            db.execute(f"DROP TRIGGER ledger_{name}")
        db.execute("DELETE FROM ledger_posting WHERE number = 2")
        db.execute("DELETE FROM ledger_leg WHERE posting = 2")
        db.execute("UPDATE ledger_account SET balance = 1000 * iif(balance < 0, -1, 1)")

    file.write(cut_off).result()
    assert city.ask("kaneko", "POST", f"{L}/verify", {})["holds"] is True, "a tail cut off is not seen by itself"
    cut = city.ask("kaneko", "POST", f"{L}/verify", {"head": after["head"]})
    assert (cut["holds"], cut["why"]) == (False, "posting 2 was there and is gone")
    city.ask("kaneko", "POST", f"{L}/verify", {"head": after["head"][:-4] + "AAAA"})
    assert city.status == 400


def test_the_hub_shows_an_account_to_its_owner_and_what_waits_is_shown_later(city: ConsentCity) -> None:
    hana, taro = opened(city, "hana"), opened(city, "taro")
    issued = issue(city, hana, 5)
    gift = transfer(city, "hana", hana, taro, 2.5)
    shown = city.entity(hana)
    assert (shown["balance"], shown["dataSubject"]) == (2, "urn:misono:subject:hana")
    assert city.entity(issued["id"])["dataSubject"] == "urn:misono:subject:hana"
    assert city.entity(gift["id"]) is None, "it would be about both"
    for who, status in (("hana", 200), ("taro", 404), ("yamada", 404), ("clinic", 404)):
        city.ask(who, "GET", f"//ngsi-ld/v1/entities/{hana}")
        assert city.status == status, who
    ledger = room(city).ledger
    shown_by, ledger.shown = ledger.shown, to_nobody
    transfer(city, "hana", hana, taro, 1.5, key="later")
    assert city.entity(hana)["balance"] == 2
    ledger.shown = shown_by
    room(city).tick()
    assert city.entity(hana)["balance"] == 1
    assert ledger.unshown() == []


def test_who_is_forgotten_leaves_books_that_hold_and_nothing_of_them_in_the_hub(city: ConsentCity) -> None:
    hana, taro = opened(city, "hana"), opened(city, "taro")
    issued = issue(city, hana, 5)
    transfer(city, "hana", hana, taro, 2)
    assert room(city).erase(city.tenant, "urn:ngsi-ld:HeartRateObservation:x") == {}
    assert room(city).erase(city.tenant, hana) == {"services/ledger/accounts": 1}
    room(city).tick()
    assert (city.entity(hana), city.entity(issued["id"])) == (None, None)
    assert city.ask("hana", "GET", f"{L}/accounts") == {"accounts": []}
    assert balance(city, "taro", taro) == 2
    assert city.ask("kaneko", "POST", f"{L}/verify", {})["holds"] is True
    rows = room(city).ledger._file.read("SELECT owner FROM ledger_account WHERE owner LIKE '%hana%'")
    assert rows == []
