"""Data are handed over under an agreement: what is consented to, written down before it leaves, never to be passed on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from services.bank.delivering import TYP
from tests.fakes.bank_city import BankCity, bank_city
from tests.fakes.consenting import BOOKING, START, Allowed, book_room

HANA, TARO = "urn:misono:subject:hana", "urn:misono:subject:taro"


@pytest.fixture
def allowed() -> Allowed:
    return Allowed()


@pytest.fixture
def city(tmp_path: Path, allowed: Allowed) -> Iterator[BankCity]:
    with bank_city(tmp_path, allowed=allowed) as found:
        found.board()
        found.recipient()
        book_room(found.hub, "1", HANA)
        book_room(found.hub, "2", TARO)
        yield found


def deliver(city: BankCity, agreement: str, **body: Any) -> Any:
    return city.ask("university", "POST", f"/agreements/{agreement}/deliveries", body)


def test_what_is_consented_to_is_handed_over_and_nothing_else(city: BankCity, allowed: Allowed) -> None:
    agreement = city.agreement(city.live_offer())["id"]
    allowed.give(HANA)
    told = deliver(city, agreement)
    assert [record["entity"]["id"] for record in told["records"]] == [f"{BOOKING}:1"]
    assert told["records"][0]["entity"].keys() == {"id", "type", START}
    assert told["reprovision"] == "prohibited"
    assert "distribute" in [one["action"] for one in told["policy"]["prohibition"]]
    receipt = told["records"][0]["receipts"][0]
    shown = city.shown(receipt)
    assert shown["https://misono.example/def/dataSubject"]["value"] == HANA
    assert shown["https://misono.example/def/consent"]["object"] == allowed.record(HANA)
    assert city.ground.signer.verify(told["signature"], TYP)["contentHash"] == told["contentHash"]
    (entry,) = city.audit.entries
    assert [(one.subject, one.values, *one.records) for one in entry.told] == [(HANA, 1, allowed.record(HANA))]
