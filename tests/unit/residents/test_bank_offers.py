"""No offer is live without a decision of the board that holds for it as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broker.errors import BadRequestData, Conflict, Forbidden, ResourceNotFound
from tests.fakes.bank_city import BankCity, bank_city

STATE = "https://misono.example/def/offerState"
STEPS = "ActivityObservation/steps"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[BankCity]:
    with bank_city(tmp_path) as found:
        found.board()
        yield found


def state(city: BankCity, offer: str) -> str:
    return str(city.shown(offer)[STATE]["vocab"]).rpartition("/")[2]


def publish(city: BankCity, offer: str, **body: bool) -> None:
    city.ask("operator", "POST", f"/offers/{offer}/publication", body)


def test_an_offer_is_live_once_the_board_allows_it(city: BankCity) -> None:
    offer = city.offer()
    assert state(city, offer) == "offerDraft"
    with pytest.raises(Conflict, match="without a valid decision"):
        publish(city, offer)
    assert city.ask("university", "GET", "/offers") == []
    with pytest.raises(ResourceNotFound):
        city.ask("university", "GET", f"/offers/{offer}")
    city.review(offer)
    publish(city, offer)
    assert state(city, offer) == "offerLive"
    assert [one["id"] for one in city.ask("university", "GET", "/offers")] == [offer]


def test_a_refusal_of_the_board_allows_nothing(city: BankCity) -> None:
    offer = city.offer()
    decision = city.review(offer, dict.fromkeys(("engineer", "guard", "lawyer"), "reject"))
    assert decision["ethicsOutcome"] == "notApproved"
    with pytest.raises(Conflict):
        publish(city, offer)


def test_the_newest_decision_counts(city: BankCity) -> None:
    offer = city.offer()
    city.review(offer)
    city.review(offer, dict.fromkeys(("engineer", "guard", "lawyer", "thinker"), "reject"))
    with pytest.raises(Conflict):
        publish(city, offer)


def test_conditions_have_to_be_accepted(city: BankCity) -> None:
    offer = city.offer()
    decision = city.review(offer, {"lawyer": "conditional"})
    assert (decision["ethicsOutcome"], decision["conditions"]) == ("conditional", ["tell people every year"])
    with pytest.raises(Conflict, match="tell people every year"):
        publish(city, offer)
    publish(city, offer, acceptsConditions=True)
    assert state(city, offer) == "offerLive"


def test_an_offer_that_changes_is_a_draft_that_needs_another_review(city: BankCity) -> None:
    offer = city.live_offer()
    city.ask("operator", "PATCH", f"/offers/{offer}", {"retention": "P10Y"})
    assert state(city, offer) == "offerDraft"
    with pytest.raises(Conflict):
        publish(city, offer)


def test_a_decision_about_other_terms_allows_nothing(city: BankCity) -> None:
    offer = city.offer()
    question = {"about": offer, "question": {"ja": "よいか", "en": "May it be?"}}
    review = city.ask("operator", "POST", "/board/reviews", question)["id"]
    city.ask("operator", "PATCH", f"/offers/{offer}", {"profiling": True})
    for name in ("engineer", "guard", "lawyer", "thinker", "neighbour"):
        city.ask(name, "PUT", f"/board/reviews/{review}/vote", {"vote": "approve", "reason": "fine"})
    city.ask("lawyer", "POST", f"/board/reviews/{review}/decision", {
        "summary": {"ja": "概要", "en": "Summary"}, "validUntil": city.in_days(10),
    })  # fmt: skip
    with pytest.raises(Conflict, match="without a valid decision"):
        publish(city, offer)


def test_a_decision_taken_back_suspends_the_offer_in_the_same_act(city: BankCity) -> None:
    offer = city.offer()
    decision = city.review(offer)["id"]
    publish(city, offer)
    with pytest.raises(Forbidden):
        city.ask("operator", "POST", f"/board/decisions/{decision}/revocation", {"reason": "new facts"})
    city.ask("thinker", "POST", f"/board/decisions/{decision}/revocation", {"reason": "new facts"})
    assert state(city, offer) == "offerSuspended"
    assert city.ask("university", "GET", "/offers") == []
    with pytest.raises(Conflict):
        publish(city, offer)


def test_an_offer_is_live_no_longer_than_its_decision_holds(city: BankCity) -> None:
    offer = city.offer()
    city.review(offer, days=10)
    publish(city, offer)
    city.clock.advance(10 * 86_400)
    assert city.ask("university", "GET", "/offers") == []  # before any timer
    city.room.look()
    assert state(city, offer) == "offerSuspended"


def test_an_offer_whose_time_is_over_is_closed(city: BankCity) -> None:
    offer = city.live_offer(validUntil=city.in_days(5))
    city.clock.advance(5 * 86_400)
    city.room.look()
    assert state(city, offer) == "offerClosed"
    with pytest.raises(Conflict, match="closed"):
        city.ask("operator", "PATCH", f"/offers/{offer}", {"retention": "P1Y"})


@pytest.mark.parametrize(
    ("terms", "pointer"),
    [
        ({"dataItems": ["ActivityObservation/nothing"]}, "/dataItems/0"),
        ({"dataItems": ["Nothing/steps"]}, "/dataItems/0"),
        ({"dataItems": [f"{STEPS}@yearly"]}, "/dataItems/0"),
        ({"purposes": ["Anything"]}, "/purposes/0"),
        ({"validUntil": "2020-01-01T00:00:00Z"}, "/validUntil"),
        ({"validFrom": "tomorrow"}, "/validFrom"),
        ({"dataItems": [STEPS], "secondaryUse": True}, "/dataItems/0"),
        ({"dataItems": [STEPS], "sensitiveInference": True}, "/sensitiveInference"),
        ({"benefit": {"ja": "助言"}}, "/benefit"),
        ({"surprise": 1}, "/"),
    ],
)
def test_what_no_decision_could_allow_is_not_drafted(city: BankCity, terms: dict[str, object], pointer: str) -> None:
    with pytest.raises(BadRequestData) as refused:
        city.offer(**terms)
    assert refused.value.pointer == pointer
    assert refused.value.remedy
    assert city.ask("operator", "GET", "/offers") == []


def test_secondary_use_of_what_needs_special_care_is_aggregates(city: BankCity) -> None:
    assert city.offer(dataItems=[f"{STEPS}@aggregate"], secondaryUse=True)


def test_every_item_of_a_type_leaves_out_what_needs_special_care(city: BankCity) -> None:
    city.recipient()
    offer = city.live_offer(dataItems=["ActivityObservation/*"])
    with pytest.raises(BadRequestData, match="not offered") as refused:
        city.agreement(offer, [STEPS])
    assert refused.value.pointer == "/dataItems/0"
    assert city.agreement(offer, ["ActivityObservation/refDevice@daily"])["state"] == "agreed"


def test_who_acts_as_operator_and_board_acts_as_neither(city: BankCity) -> None:
    for path in ("/offers", "/board/members"):
        with pytest.raises(Forbidden, match="kept apart"):
            city.ask("both", "GET", path)
    with pytest.raises(Forbidden):
        city.ask("hana", "POST", "/offers", {})


def test_lists_are_paged_with_a_link_to_the_next(city: BankCity) -> None:
    offers = [city.offer() for _ in range(3)]
    found = [one["id"] for one in city.ask("operator", "GET", "/offers?limit=2")]
    link = dict(city.last.headers)["Link"]
    rest = city.ask("operator", "GET", link[1 : link.index(">")].removeprefix("/services/bank"))
    assert [*found, *(one["id"] for one in rest)] == offers
    assert "Link" not in dict(city.last.headers)
