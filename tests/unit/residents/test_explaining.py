"""Why somebody sees something or does not is told by rule and record, and never by a value."""

from __future__ import annotations

from typing import Any

import pytest

from broker.access.consented import ConsentPolicy
from broker.access.consenting import Consenting
from broker.access.explaining import explained, seers
from broker.access.policies import AllowAll
from broker.model.entity import Entity
from broker.model.subjects import DATA_CLASS, DATA_SUBJECT
from broker.model.values import Instant, to_text
from broker.ports import SYSTEM, Command, Principal, Put
from broker.stores.memory import MemoryStore
from tests.fakes.clock import START, FakeClock
from tests.fakes.lawful import DEF
from tests.strategies.cities import HEART, NAME, ODD, ORGS, PURPOSES, STEPS, WATCH, Tags

HANA, KEN = "urn:misono:subject:hana", "urn:misono:subject:ken"
HOUR = 3_600_000_000
SECRET = 61


def prop(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **more}


def watch(*subjects: str, **more: Any) -> Entity:
    about = {DATA_SUBJECT: prop(list(subjects))} if subjects else {}
    observed = prop(SECRET, observedAt=to_text(START))
    return Entity({"id": "urn:e:1", "type": WATCH, **about, HEART: observed, NAME: prop("w"), **more}, START, START)


def organisation(*purposes: str, name: str = ORGS[0]) -> Principal:
    return Principal("org", frozenset(purposes), frozenset({"recipient"}), None, name)


@pytest.fixture
def city() -> ConsentPolicy:
    """Hana consented to heart rates for the first purpose, to steps by the hour, to the whole type for a while."""
    clock = FakeClock(START + 100 * HOUR)
    store = MemoryStore(clock)
    consenting = Consenting(AllowAll(), Tags(), clock, frozenset({"people"}))
    index = consenting.index
    index.begin(store, store, store)
    for number, (items, until) in enumerate(
        [(["Watch/heart"], None), (["Watch/steps@hourly"], None), (["Watch/*"], START + 101 * HOUR)]
    ):
        _put(store, _consent(number, items, until))
    _put(store, {"id": ORGS[0], "type": DEF + "RecipientOrganisation"})
    index.stop()
    return consenting.policy


def _consent(number: int, items: list[Any], until: Instant | None) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": f"urn:c:{number}", "type": DEF + "ConsentRecord", DATA_SUBJECT: prop(HANA),
        DEF + "consentState": {"type": "VocabProperty", "vocab": "https://w3id.org/dpv#ConsentGiven"},
        DEF + "recipient": {"type": "Relationship", "object": ORGS[0]},
        DEF + "purpose": {"type": "VocabProperty", "vocab": PURPOSES[0 if number != 2 else 1]},
        DEF + "dataItems": {"type": "ListProperty", "valueList": items},
        DEF + "validFrom": prop(to_text(START)),
        DEF + "coversObservationsFrom": prop(to_text(START if number != 2 else START + HOUR)),
    }  # fmt: skip
    return document | ({} if until is None else {DEF + "validUntil": prop(to_text(until))})


def _put(store: MemoryStore, document: dict[str, Any]) -> None:
    entity_id = str(document["id"])
    store.apply("", [Command(entity_id, lambda _c, _n: Put(Entity(document, 0, 0)), creates=True)]).result()


def told(city: ConsentPolicy, entity: Entity, who: Principal, name: str = HEART, tenant: str = "") -> Any:
    """What is told of an attribute."""
    found: Any = explained(city, tenant, entity, who)
    assert str(SECRET) not in str(found)
    assert HANA not in str(found)
    return next(one for one in found["attributes"] if one["attribute"] == name)


def test_a_consent_is_named(city: ConsentPolicy) -> None:
    found = told(city, watch(HANA), organisation(PURPOSES[0]))
    assert (found["shown"], found["rule"], found["records"], found["persons"]) == (True, "consent", ["urn:c:0"], 1)
    assert found["class"] == "special-care"
    hanging = told(city, watch(HANA), organisation(PURPOSES[0]), NAME)
    assert (hanging["shown"], hanging["rule"]) == (True, "hangs")


@pytest.mark.parametrize(
    ("entity", "who", "name", "missing"),
    [
        (watch(HANA), organisation(), HEART, "no purpose was stated"),
        (watch(HANA), organisation(PURPOSES[0], name=ORGS[1]), HEART, "may receive nothing"),
        (watch(HANA), Principal("op", roles=frozenset({"operator"})), HEART, "no organisation"),
        (watch(HANA, KEN), organisation(PURPOSES[0]), HEART, "did not consent"),
        (watch(HANA, **{STEPS: prop(1)}), organisation(PURPOSES[0]), STEPS, "for hourly values"),
        (watch(HANA), organisation(PURPOSES[1]), HEART, "needs special care"),
        (watch(HANA, **{STEPS: prop(1)}), organisation(PURPOSES[1]), STEPS, "when this was observed"),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_is_told(
    city: ConsentPolicy, entity: Entity, who: Principal, name: str, missing: str
) -> None:
    found = told(city, entity, who, name)
    assert (found["shown"], found["rule"], found["records"]) == (False, "no-grant", [])
    assert missing in str(found["missing"])


def test_a_consent_that_has_ended_is_told(city: ConsentPolicy) -> None:
    clock: Any = city._clock
    clock.advance(2 * 3600)
    assert "urn:c:2 is not valid any more" in str(
        told(city, watch(HANA, **{STEPS: prop(1)}), organisation(PURPOSES[1]), STEPS)
    )


@pytest.mark.parametrize(
    ("entity", "who", "rule", "shown"),
    [
        (watch(HANA), Principal("hana", roles=frozenset({"resident"}), subject=HANA), "own", True),
        (watch(HANA), Principal("ken", roles=frozenset({"resident"}), subject=KEN), "no-grant", False),
        (watch(), Principal("op", roles=frozenset({"operator"})), "without-subject", False),
        (watch(HANA), Principal("services", roles=frozenset({SYSTEM})), "system", True),
        (watch(HANA, **{HEART: prop(SECRET, **{DATA_CLASS: prop("anonymised")})}), organisation(), "anonymised", True),
        (
            watch(HANA, **{HEART: prop(SECRET, **{DATA_CLASS: prop("pseudonymised")})}),
            organisation(PURPOSES[0]), "pseudonymised", False,
        ),
    ],
)  # fmt: skip
def test_the_rule_is_told(city: ConsentPolicy, entity: Entity, who: Principal, rule: str, *, shown: bool) -> None:
    found = told(city, entity, who)
    assert (found["rule"], found["shown"]) == (rule, shown)


def test_what_nobody_knows_is_told_in_a_tenant_of_persons(city: ConsentPolicy) -> None:
    odd = Entity({"id": "urn:e:1", "type": ODD, NAME: prop("w")}, START, START)
    found: Any = explained(city, "people", odd, organisation(PURPOSES[0]))
    assert (found["exists"], found["known"], found["attributes"][0]["rule"]) == (False, False, "untagged")


def test_who_may_see_an_attribute_is_listed(city: ConsentPolicy) -> None:
    expected = [{"recipient": ORGS[0], "purpose": PURPOSES[0], "records": ["urn:c:0"]}]
    assert seers(city, "", watch(HANA), HEART) == expected
    assert seers(city, "", watch(HANA, KEN), HEART) == []
