"""Complaints and incidents: deadlines, who may see what, and what can be erased."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker.errors import Conflict, Forbidden, ResourceNotFound
from tests.fakes.bank_city import UNIVERSITY, BankCity, bank_city
from tests.fakes.consenting import Allowed

CHILD = "urn:misono:subject:child"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[BankCity]:
    with bank_city(tmp_path, allowed=Allowed()) as found:
        yield found


def complain(city: BankCity, path: str = "") -> str:
    return str(city.ask("hana", "POST", f"/complaints{path}", {"text": "SECRET too many letters"})["id"])


def incident(city: BankCity, **more: Any) -> Any:
    return city.ask("operator", "POST", "/incidents", {
        "what": "a lost disk", "foundAt": city.in_days(0), "dataItems": ["ActivityObservation/steps"], "people": 10,
        **more,
    })  # fmt: skip


def test_a_complaint_is_acknowledged_answered_and_closed(city: BankCity) -> None:
    one = f"/complaints/{complain(city)}"
    assert city.ask("operator", "POST", f"{one}/acknowledgement", {})["state"] == "acknowledged"
    answered = city.ask("operator", "POST", f"{one}/answer", {"answer": "fewer now", "compensation": "100 points"})
    assert (answered["state"], answered["answer"]) == ("answered", "fewer now")
    assert city.ask("hana", "POST", f"{one}/escalation", {"note": "not enough"})["state"] == "escalated"
    city.ask("operator", "POST", f"{one}/answer", {"answer": "none now"})
    assert city.ask("hana", "POST", f"{one}/end", {})["state"] == "closed"
    with pytest.raises(Conflict, match="closed"):
        city.ask("operator", "POST", f"{one}/answer", {"answer": "again"})


def test_another_s_complaint_does_not_exist(city: BankCity) -> None:
    one = complain(city)
    with pytest.raises(ResourceNotFound):
        city.ask("taro", "GET", f"/complaints/{one}")
    assert city.ask("taro", "GET", "/complaints") == []
    with pytest.raises(Forbidden):
        city.ask("university", "GET", "/complaints")
    with pytest.raises(Forbidden):
        city.ask("operator", "POST", "/complaints", {"text": "mine"})


def test_an_auditor_sees_its_state_and_not_its_words(city: BankCity) -> None:
    complain(city)
    (seen,) = city.ask("auditor", "GET", "/complaints")
    assert seen["state"] == "received"
    assert "SECRET" not in str(seen)
    assert "hana" not in str(seen)
    assert "SECRET" in str(city.ask("operator", "GET", "/complaints"))


def test_a_guardian_complains_for_a_child(city: BankCity) -> None:
    one = complain(city, f"?for={CHILD}")
    assert [found["id"] for found in city.ask("hana", "GET", f"/complaints?for={CHILD}")] == [one]
    assert city.ask("hana", "GET", "/complaints") == []
    with pytest.raises(Forbidden, match="do not act"):
        city.ask("taro", "POST", f"/complaints?for={CHILD}", {"text": "mine"})


def test_what_is_overdue_is_said_so(city: BankCity) -> None:
    one = complain(city)
    city.clock.advance(3 * 86_400 - 1)
    city.room.look()
    assert city.ask("auditor", "GET", f"/complaints/{one}")["overdue"] == []
    city.clock.advance(1)
    city.room.look()
    assert city.ask("auditor", "GET", f"/complaints/{one}")["overdue"] == ["acknowledge"]
    city.clock.advance(11 * 86_400)
    city.room.look()
    assert city.ask("auditor", "GET", f"/complaints/{one}")["overdue"] == ["acknowledge", "answer"]


def test_what_somebody_wrote_is_erased_from_the_file_too(city: BankCity) -> None:
    one = complain(city)
    assert city.room.forget("", "urn:misono:subject:hana").gone == {"services/bank/complaints": 1}
    assert "SECRET" not in str(city.ask("operator", "GET", f"/complaints/{one}"))
    assert city.ask("hana", "GET", "/complaints") == []
    for path in city.ground.file.path.parent.glob("services.sqlite*"):
        assert b"SECRET" not in path.read_bytes()
    with pytest.raises(Conflict, match="erased"):
        city.ask("operator", "POST", f"/complaints/{one}/answer", {"answer": "too late"})


@pytest.mark.parametrize(
    ("more", "grounds", "final_days"),
    [
        ({}, [], None), ({"people": 1_000}, [], None), ({"people": 1_001}, ["manyPeople"], 30),
        ({"specialCare": True}, ["specialCare"], 30), ({"financialHarm": True}, ["financialHarm"], 30),
        ({"malicious": True, "people": 2_000}, ["malicious", "manyPeople"], 60),
    ],
)  # fmt: skip
def test_the_commission_is_told_where_the_act_says_so(
    city: BankCity, more: dict[str, Any], grounds: list[str], final_days: int | None
) -> None:
    told = incident(city, **more)
    assert told["reportable"] == grounds
    deadlines = (told.get("promptBy"), told.get("promptLatest"), told.get("finalBy"))
    expected = (city.in_days(3), city.in_days(5), city.in_days(final_days)) if final_days else (None, None, None)
    assert deadlines == expected


def test_an_incident_is_closed_once_everybody_was_told(city: BankCity) -> None:
    one = f"/incidents/{incident(city, specialCare=True)['id']}"
    with pytest.raises(Conflict, match="prompt report comes first"):
        city.ask("operator", "POST", f"{one}/final", {"reference": "PPC-2"})
    city.ask("operator", "POST", f"{one}/prompt", {"reference": "PPC-1"})
    with pytest.raises(Conflict, match="final, people"):
        city.ask("operator", "POST", f"{one}/end", {"note": "done"})
    with pytest.raises(Conflict, match="cause, secondaryHarm, publication, prevention"):
        city.ask("operator", "POST", f"{one}/final", {"reference": "PPC-2"})
    say = {"cause": "a bag", "secondaryHarm": "none", "publication": "on the site", "prevention": "no bags"}
    city.ask("operator", "PATCH", one, say)
    city.ask("operator", "POST", f"{one}/final", {"reference": "PPC-2"})
    city.ask("operator", "POST", f"{one}/people", {"reference": "letter 7"})
    with pytest.raises(Conflict):
        city.ask("operator", "POST", f"{one}/people", {"reference": "letter 8"})
    report = city.ask("auditor", "GET", f"{one}/report")
    assert [row["id"] for row in report if row["value"] is None] == ["otherMatters"]
    assert len(report) == 9
    assert city.ask("operator", "POST", f"{one}/end", {"note": "done"})["state"] == "closed"
    with pytest.raises(Conflict):
        city.ask("operator", "PATCH", one, {"people": 1})


def test_an_incident_that_turns_out_larger_is_told_after_all(city: BankCity) -> None:
    one = f"/incidents/{incident(city)['id']}"
    city.clock.advance(86_400)
    told = city.ask("operator", "PATCH", one, {"people": 5_000})
    assert (told["reportable"], told["promptLatest"]) == (["manyPeople"], city.in_days(4))
    city.clock.advance(4 * 86_400)
    city.room.look()
    assert city.ask("auditor", "GET", one)["overdue"] == ["prompt", "people"]


def test_deadlines_that_pass_are_said_so_until_it_is_done(city: BankCity) -> None:
    one = f"/incidents/{incident(city, specialCare=True)['id']}"
    city.clock.advance(5 * 86_400)
    city.room.look()
    assert city.ask("auditor", "GET", one)["overdue"] == ["prompt", "people"]
    city.ask("operator", "POST", f"{one}/prompt", {"reference": "PPC-1"})
    city.clock.advance(25 * 86_400)
    city.room.look()
    assert city.ask("auditor", "GET", one)["overdue"] == ["final", "people"]


def test_a_recipient_tells_of_its_own_and_sees_no_others(city: BankCity) -> None:
    incident(city)
    own = city.ask("university", "POST", "/incidents", {
        "what": "a mail to the wrong person", "foundAt": city.in_days(-1), "people": 1, "recipient": "urn:x:other",
        "dataItems": ["ActivityObservation/steps"],
    })  # fmt: skip
    assert own["recipient"] == UNIVERSITY
    assert [one["id"] for one in city.ask("university", "GET", "/incidents")] == [own["id"]]
    with pytest.raises(ResourceNotFound):
        city.ask("company", "GET", f"/incidents/{own['id']}")
    assert len(city.ask("auditor", "GET", "/incidents")) == 2
    with pytest.raises(Conflict, match="future"):
        incident(city, foundAt=city.in_days(1))
