"""Consents under rough hands: bodies that make no sense, many at once, many people, terms changed under all of them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.ports.consents import ANY
from services.consents import terms as terms_module
from services.consents.book import Who
from services.consents.giving import Acting
from services.consents.reading import FORMS
from services.consents.states import HOLDING, fold
from tests.fakes.consent_city import ADVICE, CLINIC, PEOPLE, PULSE, ConsentCity, consent_city
from tests.fakes.consent_city import HEART as HEART_TYPE

HEART = "HeartRateObservation/heartRate"
MEMBERS = sorted({name for form in FORMS.schemas.values() for name in form["properties"]})
ROUTES = (
    "/terms", "/notices", "/records", "/withdraw", "/requests", "/delegations", "/emergencies", "/verify",
    "/records/{}/accept", "/records/{}/refuse", "/records/{}/renew", "/records/{}/change", "/terms/{}/versions",
    "/deletions/{}/confirm", "/granted/{}/end", "/delegations/{}/end", "/emergencies/{}/end", "/terms/{}/end",
)  # fmt: skip
WORDS = st.sampled_from(
    ["", "x", "urn:x:y", HEART, "HealthAdvice", "2026-01-02T00:00:00Z", "urn:misono:subject:taro", "\u0000", "😀"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2**70) | WORDS, lambda inner: st.lists(inner, max_size=3), max_leaves=4
)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsentCity]:
    with consent_city(tmp_path_factory.mktemp("rough")) as found:
        yield found


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])
@given(
    route=st.sampled_from(ROUTES), who=st.sampled_from(sorted(PEOPLE)),
    name=st.sampled_from(["x", "%00", "urn:a:b", "%F0%9F%98%80"]),
    body=st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=8) | VALUES,
)  # fmt: skip
def test_no_body_breaks_a_door(city: ConsentCity, route: str, who: str, name: str, body: Any) -> None:
    told = city.ask(who, "POST", route.format(name), body)
    assert city.status < 500, told


def test_who_gives_and_withdraws_at_once_is_left_with_one_truth(city: ConsentCity) -> None:
    terms = city.terms()
    subject = "urn:misono:subject:hana"
    acting = Acting(Who(subject=subject), subject)
    shown = [city.room.terms.notify(city.tenant, acting.who, subject, terms, "ja")["id"] for _ in range(24)]

    def act(number: int) -> None:
        chosen = {"notice": shown[number], "dataItems": [HEART], "specialCare": [HEART]}
        city.room.giving.give(city.tenant, acting, chosen)
        if number % 3 == 0:
            city.room.withdraw_all(city.tenant, acting.who, subject)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(act, range(24)))
    records = city.room.records(city.tenant, subject)
    holding = [one for one in records if one.state in HOLDING]
    assert len(holding) <= 1
    folded = fold(event for _, event in city.room.book.events(city.tenant, "1 = 1"))
    assert {one.id: one.state for one in records} == {one.id: folded[one.id].state for one in records}
    admitted = city.built.admitted
    assert admitted is not None
    grants = admitted.consents.grants(city.tenant, CLINIC, frozenset({ADVICE})).of(subject, HEART_TYPE, PULSE)
    assert {one.record for one in grants} == {one.id for one in holding}
    for one in records:
        assert city.entity(one.id)["consentState"].rpartition("#")[2] == one.state.value
    assert ANY not in {item.attribute for grant in grants for item in grant.items}


def test_terms_change_under_many_and_a_hub_that_ended_meanwhile_goes_on(
    city: ConsentCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(terms_module, "AT_ONCE", 3)
    terms = city.terms()
    people = [f"urn:misono:subject:many-{number}" for number in range(8)]
    for one in people:
        acting = Acting(Who(subject=one), one)
        notice = city.room.terms.notify(city.tenant, acting.who, one, terms, "ja")["id"]
        city.room.giving.give(city.tenant, acting, {"notice": notice, "dataItems": [HEART], "specialCare": [HEART]})
    body = {
        "purpose": "HealthAdvice", "dataItems": [HEART], "benefit": {"ja": "…", "en": "…"}, "retention": "P9Y",
        "privacyNotice": "https://clinic.example",
    }  # fmt: skip
    with monkeypatch.context() as patched:
        patched.setattr(terms_module.TermsRoom, "note_changed", lambda _: None)
        city.ask("clinic", "POST", f"/terms/{terms}/versions", body)
    assert [len(city.room.asking.waiting(city.tenant, one)) for one in people] == [0] * 8
    city.room.tick()
    assert [len(city.room.asking.waiting(city.tenant, one)) for one in people] == [1] * 8
    city.clock.advance(30 * 86_400)
    city.room.tick()
    assert {one.state.value for name in people for one in city.room.records(city.tenant, name)} == {
        "ConsentInvalidated"
    }
