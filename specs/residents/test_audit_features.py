"""The feature of the audit as tests, and its words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from pytest_bdd import given, parsers, scenarios, then, when

from broker.audit.checking import check
from broker.audit.log import AuditLog
from broker.audit.roots import ROOT
from tests.engines.wires.running import WIRES, fresh
from tests.fakes.consent_city import ADVICE, CLINIC, HEART, PULSE, ConsentCity, consent_city, for_
from tests.fakes.unmistakable import UNMISTAKABLE

scenarios("audit.feature")

ADMIN, OPEN = "//admin/audit", "//services/audit"


@dataclass
class Story:
    """The city; `told` is the last answer, `roots` are sizes of signed roots."""

    city: ConsentCity
    told: Any = None
    record: str = ""
    roots: list[int] = field(default_factory=list)

    def ask(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """The answer's body."""
        self.told = self.city.ask(who, method, path, body)
        return self.told

    @property
    def log(self) -> AuditLog:
        """As the hub has it."""
        assert self.city.built.admitted is not None
        return cast("AuditLog", self.city.built.admitted.audit)

    def disclosures(self) -> list[Any]:
        """Those of somebody, as the auditor finds them."""
        found = self.city.ask("kaneko", "GET", f"{ADMIN}?kind=disclosure&limit=1000")
        return [one for one in found if one["told"]]


@pytest.fixture
def story(store: str, tmp_path: Path) -> Iterator[Story]:
    with ExitStack() as closing:
        place = closing.enter_context(fresh(WIRES[store])) if store in WIRES else store
        yield Story(closing.enter_context(consent_city(tmp_path, place)))


@given(parsers.parse('the pulse of "{one}" and of "{other}" was measured'))
def was_measured(story: Story, one: str, other: str) -> None:
    for name in (one, other):
        story.city.pulse(name, UNMISTAKABLE)


@given(parsers.parse('"{name}" has consented to the pulse for the clinic'))
def has_consented(story: Story, name: str) -> None:
    story.record = story.city.give(name, story.city.terms())["id"]


@given(parsers.parse('the clinic reads the pulse of "{name}"'))
@when(parsers.parse('the clinic reads the pulse of "{name}"'))
def clinic_reads(story: Story, name: str) -> None:
    assert story.city.sees("clinic", name) == UNMISTAKABLE


@when(parsers.parse('the clinic asks for the pulse of "{name}"'))
def clinic_asks(story: Story, name: str) -> None:
    story.ask("clinic", "GET", f"//ngsi-ld/v1/entities/urn:ngsi-ld:HeartRateObservation:{name}")


@when(parsers.parse('"{name}" reads his own pulse'))
@then(parsers.parse('"{name}" still reads her own pulse'))
def reads_own(story: Story, name: str) -> None:
    assert story.city.sees(name, name) == UNMISTAKABLE


@when(parsers.parse('"{name}" withdraws'))
def withdraws(story: Story, name: str) -> None:
    story.city.withdraw(name, record=story.record)
    assert story.city.status == 200


@when(parsers.parse('"{name}" asks what was told of "{other}"'))
def asks_of(story: Story, name: str, other: str) -> None:
    story.ask(name, "GET", f"{OPEN}/disclosures{for_(other)}")


@when(parsers.re(r'"(?P<who>\w*)" looks into the audit'))
def looks_into(story: Story, who: str) -> None:
    story.ask(who, "GET", ADMIN)


@when(parsers.parse('"{name}" has it proven'))
def has_it_proven(story: Story, name: str) -> None:
    (entry,) = story.disclosures()
    story.ask(name, "GET", f"{OPEN}/proof?number={entry['number']}")


@given("the auditor has a root signed")
@when("the auditor has a root signed")
def has_a_root_signed(story: Story) -> None:
    story.roots.append(story.ask("kaneko", "POST", f"{ADMIN}/roots")["size"])


@when("somebody asks whether the second root goes on where the first was")
def asks_onwards(story: Story) -> None:
    first, second = story.roots
    story.ask("", "GET", f"{OPEN}/consistency?from={first}&to={second}")


@when("somebody asks whether the first root goes on where the second was")
def asks_backwards(story: Story) -> None:
    first, second = story.roots
    story.ask("", "GET", f"{OPEN}/consistency?from={second}&to={first}")


@when("somebody asks about a root that was never signed")
def asks_about_none(story: Story) -> None:
    story.ask("", "GET", f"{OPEN}/consistency?from={story.roots[0]}&to=9999")


@when(parsers.parse('"{name}" has herself erased'))
def has_herself_erased(story: Story, name: str) -> None:
    story.ask(name, "POST", "//services/store/erasures", {"confirm": True})
    assert story.told["state"] == "done"


@when("somebody changes in the file to whom it was told")
def changes_the_file(story: Story) -> None:
    sql = "UPDATE link SET told = replace(told, ':clinic', ':casino') WHERE kind = 'disclosure' RETURNING number"
    assert story.log.file.write(lambda db: db.execute(sql).fetchall()).result()


@given("the audit takes nothing any more")
def takes_nothing(story: Story) -> None:
    story.log.file.close()


@then(parsers.parse("it is refused as {name}"))
def is_refused(story: Story, name: str) -> None:
    assert story.city.status == {"Forbidden": 403, "Unauthorized": 401, "ResourceNotFound": 404}.get(name, 400)
    assert story.told["type"].endswith(name), story.told
    assert story.told["remedy"]


@then(
    parsers.parse('the auditor finds that the clinic got the pulse of "{name}" once, for health advice, by her consent')
)
def clinic_got(story: Story, name: str) -> None:
    (entry,) = story.disclosures()
    (one,) = entry["told"]
    assert (entry["recipient"], entry["purposes"]) == (CLINIC, [ADVICE])
    assert (one["subject"], one["records"]) == (f"urn:misono:subject:{name}", [story.record])
    assert PULSE in one["items"][HEART]


@then("the auditor finds that nobody got anything")
def nobody_got(story: Story) -> None:
    assert story.disclosures() == []


@then("no value stands in the audit")
def no_value(story: Story) -> None:
    said = json.dumps([row for table in ("link", "part") for row in story.log.file.read(f"SELECT told FROM {table}")])  # noqa: S608
    assert "Observation" in said
    assert str(UNMISTAKABLE) not in said


@then(parsers.parse('"{name}" reads that the clinic got her pulse'))
def reads_that(story: Story, name: str) -> None:
    (bundle,) = story.ask(name, "GET", f"{OPEN}/disclosures")
    assert (bundle["recipient"], bundle["times"]) == (CLINIC, 1)
    assert PULSE in bundle["items"][HEART]


@then(parsers.parse('"{name}" reads that nobody got anything of his'))
def reads_nothing(story: Story, name: str) -> None:
    assert story.ask(name, "GET", f"{OPEN}/disclosures") == []


@then("the proof leads to the signed root")
def is_proven(story: Story) -> None:
    said = story.log.signer.verify(story.told["root"], ROOT)
    assert (story.told["size"], said["size"]) == (story.roots[-1], story.roots[-1])
    assert [json.loads(part["told"])["subject"] for part in story.told["said"]["parts"]] == ["urn:misono:subject:hana"]


@then("it does")
def does(story: Story) -> None:
    assert (story.city.status, [story.told["from"], story.told["to"]]) == (200, story.roots)


@then("the chain is whole")
def is_whole(story: Story) -> None:
    assert check(story.log).faults == []


@then("the chain is not whole")
def is_not_whole(story: Story) -> None:
    assert any("was changed" in fault for fault in check(story.log).faults)


@then("the answer is 503, and the pulse is not in it")
def is_503(story: Story) -> None:
    assert story.city.status == 503
    assert str(UNMISTAKABLE) not in json.dumps(story.told)
