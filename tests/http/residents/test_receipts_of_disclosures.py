"""Who was told something of persons is given the number of its entry, and can ask by it what that rests on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.consent_city import ADVICE, CLINIC, HEART, PULSE, ConsentCity, consent_city

NAME, BASE = "misono-disclosure", "//services/audit/disclosures"


@pytest.fixture(params=["memory", "sqlite"])
def city(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ConsentCity]:
    with consent_city(tmp_path, str(request.param)) as found:
        found.pulse("hana")
        found.pulse("taro")
        yield found


def test_a_recipient_asks_what_an_answer_rests_on(city: ConsentCity) -> None:
    record = city.give("hana", city.terms())["id"]
    assert city.sees("clinic", "hana") == 62
    number = city.headers[NAME]
    found = city.ask("clinic", "GET", f"{BASE}/{number}")
    assert city.status == 200
    assert (found["number"], found["kind"], found["recipient"]) == (int(number), "disclosure", CLINIC)
    assert (found["purposes"], found["records"], found["operation"]) == ([ADVICE], [record], "retrieve_entity")
    assert PULSE in found["items"][HEART]
    [receipt] = found["receipts"]
    assert city.entity(receipt)["consent"] == record
    assert "urn:misono:subject:" not in json.dumps(found)
    assert set(found) == {
        "number", "at", "kind", "recipient", "purposes", "operation", "items", "records", "receipts",
    }  # fmt: skip
    city.clock.advance(1)
    city.withdraw("hana", record=record)
    assert city.ask("clinic", "GET", f"{BASE}/{number}") == found, "what it got then it got then"
    city.sees("clinic", "hana")
    assert NAME not in city.headers


def test_nobody_else_learns_of_an_entry(city: ConsentCity) -> None:
    city.give("hana", city.terms())
    city.sees("clinic", "hana")
    number = city.headers[NAME]
    missing = city.ask("shop", "GET", f"{BASE}/999999")
    assert city.status == 404
    acts = [one["number"] for one in city.ask("kaneko", "GET", "//admin/audit?kind=consent")]
    assert acts
    for one in (number, *acts, "0", "-1", "x", "1" * 40, "%D9%A1"):
        assert city.ask("shop", "GET", f"{BASE}/{one}") == missing
        assert city.ask("yamada", "GET", f"{BASE}/{one}") == missing
        assert city.status == 404
    for one in acts:  # about the clinic, and nothing that it was told
        city.ask("clinic", "GET", f"{BASE}/{one}")
        assert city.status == 404
    for who, status in (("hana", 403), ("kaneko", 403), ("", 401)):
        city.ask(who, "GET", f"{BASE}/{number}")
        assert city.status == status


def test_answers_that_tell_of_nobody_have_no_number(city: ConsentCity) -> None:
    city.give("hana", city.terms())
    for who, path in (
        ("hana", "entities/urn:ngsi-ld:HeartRateObservation:hana"),
        ("clinic", "entities/urn:ngsi-ld:HeartRateObservation:taro"),
        ("clinic", "entities?type=https://misono.example/def/Lamp&limit=0&count=true"),
        ("shop", f"entities?type={HEART}"),
    ):
        city.ask(who, "GET", f"//ngsi-ld/v1/{path}")
        assert NAME not in city.headers, path
    for more in ("", "&limit=0&count=true"):
        city.ask("clinic", "GET", f"//ngsi-ld/v1/entities?type={HEART}{more}")
        assert city.headers[NAME].isdigit()
    history = f"//ngsi-ld/v1/temporal/entities?type={HEART}&timerel=after&timeAt=2000-01-01T00:00:00Z"
    city.ask("clinic", "GET", history)
    assert city.headers[NAME].isdigit()


def test_what_is_erased_is_told_to_nobody(city: ConsentCity) -> None:
    record = city.give("hana", city.terms())["id"]
    city.sees("clinic", "hana")
    number = city.headers[NAME]
    assert city.built.admitted is not None
    assert city.built.admitted.audit.erase(city.tenant, "urn:misono:subject:hana", "asked")
    found = city.ask("clinic", "GET", f"{BASE}/{number}")
    assert (city.status, found["records"], found["items"], found["receipts"]) == (200, [], {}, [])
    assert record not in json.dumps(found)
