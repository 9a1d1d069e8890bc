"""The records of the privacy act: of everything that was told of a person, kept three years, whoever forgets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.errors import BadRequestData, Forbidden
from broker.model.values import Instant
from broker.ports.audit import Entry, Told
from services.bank.records import COLUMNS
from services.bank.words import words
from tests.fakes.bank_city import PURPOSE, UNIVERSITY, BankCity, bank_city

HANA, TARO = "urn:misono:subject:hana", "urn:misono:subject:taro"
STEPS = {"https://misono.example/def/ActivityObservation": frozenset({"https://misono.example/def/steps"})}
DAY_S = 86_400
YEARS_S = 1_096 * DAY_S


@pytest.fixture
def city(tmp_path: Path) -> Iterator[BankCity]:
    operator = {"name": "みその信託", "address": "緑区1", "representative": "見本太郎", "contact": "03"}
    with bank_city(tmp_path, city={"bank": {"operator": operator}}) as found:
        found.recipient()
        yield found


def tell(city: BankCity, subject: str = HANA, at: Instant | None = None, values: int = 3) -> None:
    """The hub tells the university something of a person, through a query."""
    told = Told(subject, STEPS, frozenset({"urn:ngsi-ld:ConsentRecord:1"}), values)
    city.audit.record(Entry(
        "disclosure", "", "uni", at or city.clock.now(), UNIVERSITY, frozenset({PURPOSE}), "query_entities", 1, (told,)
    ))  # fmt: skip


def test_a_person_sees_who_got_what_when_and_why(city: BankCity) -> None:
    tell(city)
    (record,) = city.ask("hana", "GET", "/my/records")
    assert (record["counterpart"], record["name"], record["items"]) == (
        UNIVERSITY, "緑区大学", ["ActivityObservation/steps"],
    )  # fmt: skip
    assert (record["ground"], record["consents"]) == ("consentBasis", ["urn:ngsi-ld:ConsentRecord:1"])
    assert (record["purposes"], record["values"], record["day"]) == ([PURPOSE], 3, "2026-01-01")
    assert city.ask("taro", "GET", "/my/records") == []


def test_nobody_sees_another_s_but_whom_they_act_for(city: BankCity) -> None:
    tell(city)
    with pytest.raises(Forbidden, match="do not act"):
        city.ask("taro", "GET", f"/my/records?for={HANA}")
    for who in ("operator", "board", "university"):
        with pytest.raises(Forbidden):
            city.ask(who, "GET", "/my/records")
    with pytest.raises(Forbidden):
        city.ask("operator", "GET", "/records")


def test_days_are_the_city_s_and_continuous_supply_is_bundled(city: BankCity) -> None:
    start = city.clock.now()  # 09:00 in the city
    tell(city)
    tell(city, at=start + 14 * 3_600_000_000)  # 23:00 of the same day
    tell(city, at=start + 16 * 3_600_000_000)  # 01:00 of the next one
    city.clock.advance(2 * DAY_S)
    assert [(one["day"], one["times"]) for one in city.ask("auditor", "GET", "/records")] == [
        ("2026-01-02", 1), ("2026-01-01", 2),
    ]  # fmt: skip
    (bundle,) = city.ask("auditor", "GET", "/records?bundled=true")
    assert (bundle["day"], bundle["lastDay"], bundle["times"], bundle["values"]) == ("2026-01-01", "2026-01-02", 3, 9)


def test_what_is_told_later_the_same_day_is_counted_once(city: BankCity) -> None:
    for times in (1, 2, 3):
        tell(city)
        assert [one["times"] for one in city.ask("auditor", "GET", "/records")] == [times]


def test_csv_has_headings_in_japanese_and_english_and_runs_nothing(city: BankCity) -> None:
    tell(city, subject="=HYPERLINK(1)")
    for language in ("ja", "en"):
        text = city.ask("auditor", "GET", f"/records?format=csv&lang={language}")
        head, row = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
        assert head == [words()["columns"][name][language] for name in COLUMNS]
        assert dict(zip(COLUMNS, row, strict=True))["subject"] == "'=HYPERLINK(1)"
    with pytest.raises(BadRequestData):
        city.ask("auditor", "GET", "/records?format=pdf")


def test_a_recipient_gets_its_own_records(city: BankCity) -> None:
    tell(city)
    assert len(city.ask("university", "GET", "/records")) == 1
    assert city.ask("company", "GET", "/records") == []
    assert city.ask("company", "GET", f"/records?recipient={UNIVERSITY}") == []
    assert len(city.ask("auditor", "GET", f"/records?recipient={UNIVERSITY}&from=2026-01-01&to=2026-01-01")) == 1
    assert city.ask("auditor", "GET", "/records?from=2026-01-02") == []


def test_records_stay_when_the_audit_forgets_and_go_after_three_years(city: BankCity) -> None:
    tell(city)
    forgotten = city.room.forget("", HANA)
    assert city.audit.erase("", HANA, "asked") == 1
    assert forgotten.kept["services/bank/records"][:2] == (1, "2029-01-01T00:00:00.000000Z")
    assert len(city.ask("hana", "GET", "/my/records")) == 1
    city.clock.advance(YEARS_S - 1)
    city.room.tidy()
    assert len(city.ask("hana", "GET", "/my/records")) == 1
    city.clock.advance(1)
    city.room.tidy()
    assert city.ask("hana", "GET", "/my/records") == []
    assert city.room.forget("", HANA).kept == {}


def test_what_the_bank_itself_got_is_written_down(city: BankCity) -> None:
    body = {
        "provider": {"name": "ウオッチ社", "address": "東京", "representative": "時計次郎"},
        "acquisition": "本人から直接取得", "dataItems": ["ActivityObservation/steps"], "subjects": [HANA, TARO],
        "receivedAt": "2025-12-31T20:00:00Z", "ground": "consentBasis",
    }  # fmt: skip
    assert city.ask("operator", "POST", "/records/received", body) == {"records": 2}
    rows = city.ask("auditor", "GET", "/records?side=receipt")
    assert [(one["subject"], one["name"], one["day"]) for one in rows] == [
        (HANA, "ウオッチ社", "2026-01-01"), (TARO, "ウオッチ社", "2026-01-01"),
    ]  # fmt: skip
    assert [one["acquisition"] for one in city.ask("hana", "GET", "/my/records")] == ["本人から直接取得"]
    with pytest.raises(BadRequestData):
        city.ask("operator", "POST", "/records/received", {**body, "dataItems": ["Nothing/steps"]})


def test_long_lists_go_on_at_a_link(city: BankCity) -> None:
    for number in range(5):
        tell(city, subject=f"urn:misono:subject:{number}")
    first = city.ask("auditor", "GET", "/records?limit=3")
    link = dict(city.last.headers)["Link"]
    rest = city.ask("auditor", "GET", link[1 : link.index(">")].removeprefix("/services/bank"))
    assert len({one["subject"] for one in [*first, *rest]}) == 5
    assert "Link" not in dict(city.last.headers)
