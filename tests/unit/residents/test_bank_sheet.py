"""The conformance sheet, the public summary, and the table of rights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.access.rights import RIGHTS
from broker.access.roles import OPEN
from broker.errors import BadRequestData, Forbidden, NgsiError, ResourceNotFound
from broker.ports import ROLES
from broker.ports.hub import Fragment, HubAway
from services.bank.configured import read_settings
from services.bank.doors import Row
from services.bank.words import criteria, words
from services.room import BadCity
from tests.fakes.bank_city import UNIVERSITY, BankCity, bank_city

JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


@pytest.fixture
def city(tmp_path: Path) -> Iterator[BankCity]:
    operator = {"name": "信託", "address": "緑区", "representative": "太郎", "contact": "03"}
    with bank_city(tmp_path, city={"bank": {"operator": operator}}) as found:
        yield found


def states(city: BankCity) -> dict[str, str]:
    return {one["id"]: one["state"] for one in city.ask("auditor", "GET", "/conformance")["criteria"]}


def test_the_sheet_says_what_is_met_now_and_what_is_the_operator_s(city: BankCity) -> None:
    before = states(city)
    assert (before["C1"], before["B1"], before["A1"]) == ("notMet", "duty", "met")
    city.board()
    assert states(city)["C1"] == "met"
    members = city.ask("operator", "GET", "/board/members")
    lawyer = next(one["id"] for one in members if "lawyer" in one["viewpoints"])
    city.ask("operator", "POST", f"/board/members/{lawyer}/end", {"reason": "moved"})
    after = city.ask("auditor", "GET", "/conformance")
    (row,) = [one for one in after["criteria"] if one["id"] == "C1"]
    assert (row["state"], row["evidence"]) == ("notMet", "5 members; none: lawyer")


def test_what_is_overdue_is_not_met(city: BankCity) -> None:
    city.ask("hana", "POST", "/complaints", {"text": "…"})
    assert states(city)["C4"] == "met"
    city.clock.advance(4 * 86_400)
    city.room.look()
    assert states(city)["C4"] == "notMet"


def test_every_criterion_is_in_both_languages_and_says_whose_it_is() -> None:
    rows = criteria()["criterion"]
    assert len({row["id"] for row in rows}) == len(rows) >= 20
    for row in rows:
        for text in (row, row["duty"], row.get("by", row["duty"])):
            assert JAPANESE.search(text["ja"]), row["id"]
            assert text["en"].isascii(), row["id"]
        assert ("check" in row) == ("by" in row), row["id"]


def test_the_page_is_html_without_scripts(city: BankCity) -> None:
    for language in ("ja", "en"):
        page = city.ask("operator", "GET", f"/conformance?format=page&lang={language}")
        assert words()["sheet"]["title"][language] in page
        assert f'lang="{language}"' in page
        assert "<script" not in page
    with pytest.raises(Forbidden):
        city.ask("university", "GET", "/conformance")


def test_everybody_reads_the_summary_and_nothing_personal_in_it(city: BankCity) -> None:
    city.board()
    city.recipient()
    draft, offer = city.offer(), city.live_offer()
    city.ask("hana", "POST", "/complaints", {"text": "SECRET"})
    told = city.ask("nobody", "GET", "/summary")
    assert [one["id"] for one in told["offers"]] == [offer]
    assert [one["id"] for one in told["recipients"]] == [UNIVERSITY]
    assert told["board"]["lawyer"] == 1
    assert told["decisions"][0]["summary"]["ja"]
    assert told["complaints"] == {"received": 1}
    text = str(told)
    assert not [one for one in ("SECRET", "hana", draft, "principal", "votes", "evidence") if one in text]


def test_other_tenants_have_no_summary(tmp_path: Path) -> None:
    with bank_city(tmp_path, city={"bank": {"public_tenants": ["other"]}}) as city, pytest.raises(ResourceNotFound):
        city.ask("nobody", "GET", "/summary")


@pytest.mark.parametrize(
    "section",
    [{"operator": {"phone": "03"}}, {"operator": "us"}, {"decision_days_max": 0}, {"answer_days": True},
     {"public_tenants": [1]}, {"unknown": 1}, 7],
)  # fmt: skip
def test_a_section_that_is_not_in_order_is_refused(section: Any) -> None:
    with pytest.raises(BadCity, match=r"\[bank\]"):
        read_settings({"bank": section})


def test_every_row_has_its_roles_in_the_table_of_rights(city: BankCity) -> None:
    for row in city.room.rows():
        assert RIGHTS[row.operation] == (frozenset(row.roles) if row.roles else OPEN), row.operation


def test_no_row_lets_another_role_in(city: BankCity) -> None:
    refused = 0
    for row in city.room.rows():
        for role in ROLES - set(row.roles) if row.roles else ():
            who = {"operator": "operator", "auditor": "auditor", "resident": "hana", "recipient": "university",
                   "board": "lawyer", "device": "nobody"}[role]  # fmt: skip
            with pytest.raises(Forbidden, match="this is for"):
                city.ask(who, row.method, _address(row), {})
            refused += 1
    assert refused > 150


def test_what_the_hub_did_not_take_is_shown_later(city: BankCity, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(tenant: str, fragments: list[Fragment]) -> list[NgsiError | None]:
        raise HubAway(f"{tenant}: {len(fragments)}")

    with monkeypatch.context() as context:
        context.setattr(city.hub, "upsert", away)
        with pytest.raises(NgsiError, match="shown in the hub soon"):
            city.recipient()
    assert city.shown(UNIVERSITY) is None
    city.room.look()
    assert city.shown(UNIVERSITY)["https://misono.example/def/recipientState"]["vocab"].endswith("/recipientApplied")
    assert city.room.book.ahead() == []


def test_what_changes_while_it_is_shown_is_shown_as_it_is_then(city: BankCity, monkeypatch: pytest.MonkeyPatch) -> None:
    city.recipient()
    upsert, once = city.hub.upsert, [1]

    def slow(tenant: str, fragments: list[Fragment]) -> list[NgsiError | None]:
        if once:  # another process suspends it, and shows that first
            once.clear()
            city.ask("operator", "POST", f"/recipients/{UNIVERSITY}/suspension", {"reason": "a breach"})
        return upsert(tenant, fragments)

    with monkeypatch.context() as context:
        context.setattr(city.hub, "upsert", slow)
        city.ask("operator", "PATCH", f"/recipients/{UNIVERSITY}", {"contact": "new"})
    state = city.shown(UNIVERSITY)["https://misono.example/def/recipientState"]["vocab"]
    assert state.endswith("/recipientSuspended")
    assert city.room.book.ahead() == []


def test_one_that_the_hub_refuses_holds_up_no_other(city: BankCity, monkeypatch: pytest.MonkeyPatch) -> None:
    city.recipient(days=5)
    city.recipient("urn:ngsi-ld:RecipientOrganisation:other", days=5)
    city.clock.advance(6 * 86_400)
    upsert = city.hub.upsert

    def picky(tenant: str, fragments: list[Fragment]) -> list[NgsiError | None]:
        refused: list[NgsiError | None] = [
            BadRequestData("no") if one["id"] == UNIVERSITY else None for one in fragments
        ]
        return refused if any(refused) else upsert(tenant, fragments)

    with monkeypatch.context() as context:
        context.setattr(city.hub, "upsert", picky)
        with pytest.raises(NgsiError, match="does not show it"):
            city.room.look()
    state = "https://misono.example/def/recipientState"
    assert city.shown("urn:ngsi-ld:RecipientOrganisation:other")[state]["vocab"].endswith("Suspended")
    assert city.shown(UNIVERSITY)[state]["vocab"].endswith("Active")
    city.room.look()
    assert city.shown(UNIVERSITY)[state]["vocab"].endswith("Suspended")


def _address(row: Row) -> str:
    return re.sub(r"\{\w+\}", "urn:x:1", row.path)
