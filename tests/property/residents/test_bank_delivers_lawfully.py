"""What is delivered is what people allowed and the agreement is of; audit and receipts say exactly that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.ports.consents import ANY
from tests.fakes.bank_city import BankCity, bank_city
from tests.fakes.consenting import BOOKING, END, START, TYPE, Allowed, book_room

ITEMS = {
    "start": (["FacilityBooking/bookingStart"], {START}),
    "both": (["FacilityBooking/bookingStart", "FacilityBooking/bookingEnd"], {START, END}),
    "any": (["FacilityBooking/*"], {START, END}),
}
ALLOWED = {START: {START}, END: {END}, ANY: {START, END}}
PEOPLE = tuple(f"urn:misono:subject:{number}" for number in range(5))


@dataclass
class Bank:
    """A bank with an agreement about each of ITEMS, and a booking of each of PEOPLE."""

    city: BankCity
    allowed: Allowed
    agreements: dict[str, str]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    allowed, directory = Allowed(), Path(tmp_path_factory.mktemp("bank"))
    with bank_city(directory, allowed=allowed) as city:
        city.board()
        city.recipient()
        agreements = {
            name: city.agreement(city.live_offer(dataItems=texts), texts)["id"] for name, (texts, _) in ITEMS.items()
        }
        for number, subject in enumerate(PEOPLE):
            book_room(city.hub, str(number), subject)
        yield Bank(city, allowed, agreements)


@given(
    consents=st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from([START, END, ANY])),
    name=st.sampled_from(sorted(ITEMS)),
)
@settings(max_examples=60, deadline=None)
def test_deliveries_audit_and_receipts_agree_with_consents(bank: Bank, consents: dict[str, str], name: str) -> None:
    city, wanted = bank.city, ITEMS[name][1]
    bank.allowed.given.clear()
    for subject, attribute in consents.items():
        bank.allowed.give(subject, attribute)
    expected = {
        subject: ALLOWED[attribute] & wanted for subject, attribute in consents.items() if ALLOWED[attribute] & wanted
    }
    told, before = deliver(city, bank.agreements[name])
    assert {whose(one): one["entity"].keys() - {"id", "type"} for one in told["records"]} == expected
    assert {one.subject: one.items for one in before} == {
        subject: {TYPE: frozenset(names)} for subject, names in expected.items()
    }
    assert {one.subject: one.values for one in before} == {subject: len(names) for subject, names in expected.items()}
    receipts = {receipt for one in told["records"] for receipt in one["receipts"]}
    handed = city.ground.file.read("SELECT subject, receipt, amount FROM bank_handed WHERE delivery = ?", (told["id"],))
    assert {row[0]: row[2] for row in handed} == {subject: len(names) for subject, names in expected.items()}
    assert {row[1] for row in handed} == receipts


def deliver(city: BankCity, agreement: str) -> tuple[Any, tuple[Any, ...]]:
    """What is answered, and what the audit was told of persons for it."""
    before = len(city.audit.entries)
    told = city.ask("university", "POST", f"/agreements/{agreement}/deliveries", {})
    entries = city.audit.entries[before:]
    assert len(entries) <= 1
    return told, entries[0].told if entries else ()


def whose(record: Any) -> str:
    """Of whom a record is."""
    return PEOPLE[int(record["entity"]["id"].removeprefix(f"{BOOKING}:"))]
