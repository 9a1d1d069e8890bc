"""The feature of consents as tests, and its words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from tests.engines.wires.running import WIRES, fresh
from tests.fakes.consent_city import ADVICE, CLINIC, ConsentCity, consent_city, for_

scenarios("consent.feature")

HEART, BOOKINGS = "HeartRateObservation/heartRate", "FacilityBooking/*"
HOUR_S, DAY_S = 3_600, 86_400


@dataclass
class Consented:
    """What was made so far; `told` is the last answer."""

    city: ConsentCity
    terms: str = ""
    told: Any = None
    notices: dict[str, str] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)

    def give(self, name: str, path: str = "", **more: Any) -> Any:
        """A consent of somebody; its id is kept."""
        self.told = self.city.give(name, self.terms, path, **more)
        if self.city.status == 201:
            self.records[self.told["subject"].rpartition(":")[2]] = self.told["id"]
        return self.told

    def waiting(self, name: str) -> list[Any]:
        """What waits for somebody's answer."""
        return list(self.city.ask(name, "GET", "/requests")["requests"])


@pytest.fixture
def one(store: str, tmp_path: Path) -> Iterator[Consented]:
    with ExitStack() as closing:
        place = closing.enter_context(fresh(WIRES[store])) if store in WIRES else store
        yield Consented(closing.enter_context(consent_city(tmp_path, place)))


@given("a clinic that may receive data, and its terms for the pulse")
def a_clinic(one: Consented) -> None:
    one.terms = one.city.terms()


@given(parsers.parse('the pulse of "{name}" was measured'))
def was_measured(one: Consented, name: str) -> None:
    one.city.pulse(name)


@given(parsers.parse('the pulse of "{name}" was measured by what "{other}" shares with him'))
def was_measured_together(one: Consented, name: str, other: str) -> None:
    one.city.pulse(name, others=(other,))


@given(parsers.parse('"{name}" has consented to the pulse'))
def has_consented(one: Consented, name: str) -> None:
    assert one.give(name)["holds"] is True


@given(parsers.parse('"{name}" has consented to the pulse for {days:d} days'))
def has_consented_for(one: Consented, name: str, days: int) -> None:
    assert one.give(name, validUntil=one.city.in_days(days))["holds"] is True
    assert one.city.sees("clinic", name) is not None


@given(parsers.parse('"{name}" has consented to the pulse and to her bookings'))
def has_consented_to_both(one: Consented, name: str) -> None:
    assert one.give(name, dataItems=[HEART, BOOKINGS])["holds"] is True


@given(parsers.parse('"{guardian}" is the guardian of "{name}"'))
def is_guardian(one: Consented, guardian: str, name: str) -> None:
    one.city.ask("yamada", "POST", "/delegations", {
        "subject": f"urn:misono:subject:{name}", "delegate": f"urn:misono:subject:{guardian}", "kind": "legalGuardian",
        "scope": ["maySee", "mayDecide"], "validUntil": one.city.in_days(300), "evidence": "登記事項証明書",
    })  # fmt: skip
    assert one.city.status == 201


@given("the evidence of the clinic has run out")
def evidence_has_run_out(one: Consented) -> None:
    one.city.organisation(evidenceValidUntil=one.city.in_days(-1))


@when(parsers.parse('the clinic reads the pulse of "{name}"'))
def reads(one: Consented, name: str) -> None:
    one.told = one.city.ask("clinic", "GET", f"//ngsi-ld/v1/entities/urn:ngsi-ld:HeartRateObservation:{name}")


@when(parsers.parse('"{name}" is shown the terms'))
def is_shown(one: Consented, name: str) -> None:
    one.told = one.city.ask(name, "POST", "/notices", {"terms": one.terms})
    one.notices[name] = str(one.told.get("id", ""))


@when(parsers.parse('"{name}" consents to the pulse'))
def consents(one: Consented, name: str) -> None:
    by_notice(one, name, name)


@when(parsers.parse('"{name}" consents by the notice of "{other}"'))
def by_notice(one: Consented, name: str, other: str) -> None:
    body = {"notice": one.notices[other], "dataItems": [HEART], "specialCare": [HEART]}
    one.told = one.city.ask(name, "POST", "/records", body)


@when(parsers.parse('"{name}" consents to the pulse without having been shown it'))
def without_notice(one: Consented, name: str) -> None:
    one.notices[name] = "urn:ngsi-ld:ConsentNotice:none"
    consents(one, name)


@when(parsers.parse('"{name}" consents to her sleep by the terms for the pulse'))
def wider(one: Consented, name: str) -> None:
    one.give(name, dataItems=["SleepObservation/deepSleep"], specialCare=["SleepObservation/deepSleep"])


@when(parsers.parse('"{name}" consents to the pulse without naming that it needs special care'))
def without_naming(one: Consented, name: str) -> None:
    one.give(name, specialCare=[])


@when(parsers.parse('"{name}" withdraws everything'))
def withdraws(one: Consented, name: str) -> None:
    one.city.withdraw(name, all=True)
    assert one.city.status == 200


@when(parsers.parse('"{name}" withdraws the pulse'))
def withdraws_item(one: Consented, name: str) -> None:
    one.city.withdraw(name, item=HEART)
    assert one.city.status == 200


@when(parsers.parse("{number:d} {unit:w} go by"))
def go_by(one: Consented, number: int, unit: str) -> None:
    one.city.clock.advance(number * {"hours": HOUR_S, "days": DAY_S}[unit])
    one.city.room.tick()


@when(parsers.parse('"{name}" allows the pulse by the day only'))
def by_the_day(one: Consented, name: str) -> None:
    one.city.ask(name, "POST", f"/records/{one.records[name]}/change", {"dataItems": [f"{HEART}@daily"]})
    assert one.city.status == 201


@when("the clinic changes its terms")
def changes_terms(one: Consented) -> None:
    one.city.ask("clinic", "POST", f"/terms/{one.terms}/versions", {
        "purpose": "HealthAdvice", "dataItems": [HEART], "benefit": {"ja": "助言", "en": "Advice"}, "retention": "P9Y",
        "privacyNotice": "https://clinic.example/notice",
    })  # fmt: skip
    assert one.city.status == 201


@when(parsers.parse('the clinic asks "{name}"'))
def asks(one: Consented, name: str) -> None:
    one.city.ask("clinic", "POST", "/requests", {"terms": one.terms, "subjects": [f"urn:misono:subject:{name}"]})
    assert one.city.status == 202


@when(parsers.parse('"{name}" refuses'))
def refuses(one: Consented, name: str) -> None:
    one.city.ask(name, "POST", f"/records/{one.waiting(name)[0]['id']}/refuse", {})
    assert one.city.status == 200


@when(parsers.parse('"{name}" puts it off'))
def puts_off(one: Consented, name: str) -> None:
    one.city.ask(name, "POST", f"/records/{one.waiting(name)[0]['id']}/defer", {})
    assert one.city.status == 200


@when(parsers.parse('"{name}" accepts'))
@when(parsers.parse('"{name}" agrees'))
def accepts(one: Consented, name: str) -> None:
    body = {"notice": one.city.notice(name, one.terms), "dataItems": [HEART], "specialCare": [HEART]}
    one.city.ask(name, "POST", f"/records/{one.waiting(name)[0]['id']}/accept", body)
    assert one.city.status == 200


@when(parsers.parse('"{name}" proposes to "{other}" to allow it together'))
def proposes(one: Consented, name: str, other: str) -> None:
    assert one.give(name, household=[f"urn:misono:subject:{other}"])["holds"] is False


@when(parsers.parse('"{guardian}" consents for "{name}"'))
def consents_for(one: Consented, guardian: str, name: str) -> None:
    one.give(guardian, for_(name))


@when(parsers.parse('the operator breaks the glass for {hours:d} hours for "{name}"'))
def breaks_the_glass(one: Consented, hours: int, name: str) -> None:
    one.told = one.city.ask("yamada", "POST", "/emergencies", {
        "reason": "地震のあとの安否を確かめるため", "hours": hours, "subjects": [f"urn:misono:subject:{name}"],
    })  # fmt: skip


@when(parsers.parse('somebody verifies the receipt of "{name}"'))
def verifies(one: Consented, name: str, change: str = "") -> None:
    found = one.city.ask(name, "GET", f"/records/{one.records[name]}/receipt?version=1")["jws"]
    one.told = one.city.ask("", "POST", "/verify", {"jws": found + change})


@when(parsers.parse('somebody verifies a changed receipt of "{name}"'))
def verifies_changed(one: Consented, name: str) -> None:
    verifies(one, name, "AA")


@when(parsers.parse('the operator writes a consent of "{name}" as an entity'))
def writes(one: Consented, name: str) -> None:
    given = {
        "dataSubject": f"urn:misono:subject:{name}", "recipient": CLINIC, "purpose": ADVICE,
        "dataItems": [HEART], "consentState": "https://w3id.org/dpv#ConsentGiven",
        "validFrom": one.city.in_days(0), "validUntil": one.city.in_days(10),
    }  # fmt: skip
    members = {
        f"https://misono.example/def/{key}": {"type": "Property", "value": value} for key, value in given.items()
    }
    one.told = one.city.ask("yamada", "POST", "//ngsi-ld/v1/entities", {
        "id": "urn:ngsi-ld:ConsentRecord:forged", "type": "https://misono.example/def/ConsentRecord", **members,
    })  # fmt: skip


@then("there is no such entity for the clinic")
def is_absent(one: Consented) -> None:
    assert one.city.status == 404


@then(parsers.parse("it is refused as {title:w}"))
def is_refused(one: Consented, title: str) -> None:
    assert one.told["type"].rpartition("/")[2].rpartition(":")[2] == title
    assert one.told["remedy"]


@then("she reads the benefit, the purpose and the recipient in Japanese and English")
def reads_notice(one: Consented) -> None:
    assert one.told["benefit"].keys() == one.told["purposeLabel"].keys() == {"ja", "en"}
    assert one.told["recipientName"] == "みどり医院"


@then(parsers.parse('"{name}" allows nothing'))
def allows_nothing(one: Consented, name: str) -> None:
    assert one.city.ask(name, "GET", "/matrix") == {"default": "off", "allowed": []}


@then(parsers.parse('"{name}" allows her bookings and nothing else'))
def allows_bookings(one: Consented, name: str) -> None:
    allowed = one.city.ask(name, "GET", "/matrix")["allowed"]
    assert [row["item"] for row in allowed] == [f"{BOOKINGS}@raw"]


@then(parsers.parse('the clinic sees the pulse of "{name}"'))
def sees(one: Consented, name: str) -> None:
    assert one.city.sees("clinic", name) == 62


@then(parsers.re(r'the clinic sees nothing of "(?P<name>\w+)"(?: yet| any more|, whose days it may have)?'))
def sees_nothing(one: Consented, name: str) -> None:
    assert one.city.sees("clinic", name) is None
    assert one.city.status in (200, 404)


@then(parsers.parse("the clinic is asked to delete it within {days:d} days"))
def asked_to_delete(one: Consented, days: int) -> None:
    (deletion,) = one.city.ask("clinic", "GET", "/deletions")["deletions"]
    assert (deletion["state"], deletion["deadline"]) == ("requested", one.city.in_days(days))


@then("what she consented to first holds no more")
def first_holds_no_more(one: Consented) -> None:
    assert one.city.ask("hana", "GET", f"/records/{one.records['hana']}")["state"] == "ConsentInvalidated"


@then(parsers.parse('"{name}" finds in her list that she is asked again'))
def asked_again(one: Consented, name: str) -> None:
    assert [row["id"] for row in one.waiting(name)] == [one.records[name]]


@then(parsers.parse('nothing waits for an answer of "{name}"'))
def nothing_waits(one: Consented, name: str) -> None:
    assert one.waiting(name) == []


@then("the clinic is told nothing of who refused")
def told_nothing(one: Consented) -> None:
    assert one.city.ask("clinic", "GET", "/changes")["changes"] == []
    assert one.city.ask("clinic", "GET", "/granted")["granted"] == []


@then(parsers.parse('the history of the consent names "{name}" as who gave it'))
def history_names(one: Consented, name: str) -> None:
    events = one.city.ask("hana", "GET", f"/records/{one.records['hana']}/events")["events"]
    assert [event["by"] for event in events] == [f"urn:misono:subject:{name}"]
    assert one.city.entity(one.records["hana"])["dataSubject"] == "urn:misono:subject:hana"


@then(parsers.parse('"{other}" may not decide for "{name}"'))
def may_not_decide(one: Consented, other: str, name: str) -> None:
    one.city.withdraw(other, for_(name), all=True)
    assert one.city.status == 403


@then(parsers.parse('the operator sees the pulse of "{name}"'))
def operator_sees(one: Consented, name: str) -> None:
    assert one.city.sees("yamada", name) == 62


@then(parsers.re(r'the operator sees nothing of "(?P<name>\w+)"(?: any more)?'))
def operator_sees_nothing(one: Consented, name: str) -> None:
    assert one.city.sees("yamada", name) is None


@then(parsers.parse('"{name}" is told who looked, when and why'))
def is_told(one: Consented, name: str) -> None:
    (told,) = one.city.ask(name, "GET", "/requests")["emergencies"]
    assert told["accessedBy"] == "yamada"
    assert "安否" in told["reason"]
    assert told["validFrom"] < told["endedAt"]


@then("it is valid")
def is_valid(one: Consented) -> None:
    assert (one.told["verdict"], one.told["holds"]) == ("valid", True)


@then("it is not valid any more")
def is_valid_no_more(one: Consented) -> None:
    assert (one.told["verdict"], one.told["holds"]) == ("ended", False)


@then("it is not one of this hub")
def is_forged(one: Consented) -> None:
    assert one.told == {"verdict": "forged", "holds": False, "receipt": {}}
