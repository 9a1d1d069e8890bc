"""Quotes over HTTP: whose data they are of, what they cost and why, who is paid, and what refuses."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from services.pricing.room import Noise
from tests.fakes.consent_city import CLINIC, for_
from tests.fakes.priced_city import HEART, PricedCity, priced_city


@pytest.fixture
def city(tmp_path: Path) -> Iterator[PricedCity]:
    with priced_city(tmp_path) as found:
        yield found


def test_a_quote_is_paid_to_persons_community_and_operator_exactly_and_once(city: PricedCity) -> None:
    city.consents("hana", "taro")
    city.money("clinic", 10)
    quote = city.quote()
    assert (city.status, quote["people"], quote["price"], quote["total"]) == (201, 2, 3, 6)
    assert quote["split"] == {"persons": 4.2, "community": 1.2, "operator": 0.6}
    assert "hana" not in str(quote)
    (line,) = quote["explanation"]["lines"]
    assert [(one["name"], one["word"], one["value"]) for one in line["factors"]] == [
        ("sensitivity", "level4", "4"), ("granularity", "daily", "0.75"), ("freshness", "month", "1"),
        ("recipientClass", "commercial", "1"), ("exclusivity", "shared", "1"),
    ]  # fmt: skip
    assert line["factors"][0]["text"] == {
        "ja": "要配慮個人情報: \u00d7 4", "en": "needs special care: \u00d7 4",
    }  # fmt: skip
    accepted = city.accept(quote)
    assert (city.status, accepted["accepted"]["total"], accepted["accepted"]["people"]) == (201, 6, 2)
    assert city.accept(quote)["accepted"] == accepted["accepted"]
    assert city.status == 200, "what was accepted before is told again"
    assert [city.balance(who) for who in ("clinic", "hana", "taro")] == [4, 2.1, 2.1]
    own = {one["kind"]: one["balance"] for one in city.ask("yamada", "GET", "//services/ledger/accounts")["accounts"]}
    assert own == {"issuerAccount": -10, "communityFund": 1.2, "operatorAccount": 0.6}
    assert city.ledger.ledger.verify() == 2
    (income,) = city.ask("hana", "GET", "/my/income")["income"]
    assert (income["paid"], income["recipient"], income["times"]) == (2.1, CLINIC, 1)
    (payment,) = city.ask("hana", "GET", "/my/payments")["payments"]
    shown = city.city.entity(payment["id"])
    assert (shown["paidAmount"], shown["dataSubject"]) == (2.1, "urn:misono:subject:hana")
    assert city.city.entity(quote["id"])["quoteHash"].startswith("sha-256:")
    for who, status in (("hana", 200), ("taro", 404), ("clinic", 404), ("yamada", 404)):
        city.city.ask(who, "GET", f"//ngsi-ld/v1/entities/{payment['id']}")
        assert city.status == status, who


def test_only_persons_are_in_it_whose_consents_cover_all_of_it(city: PricedCity) -> None:
    assert city.quote()["people"] == 0
    city.consents("hana")
    city.consents("taro", item=f"{HEART}@monthly")
    assert city.quote()["people"] == 1, "monthly values are not daily ones"
    assert city.quote(dataItems=[f"{HEART}@monthly"])["people"] == 2
    assert city.quote(purpose="AcademicResearch")["people"] == 0
    assert city.quote(dataItems=[f"{HEART}@daily", "FacilityBooking/bookingStart@daily"])["people"] == 0
    assert city.quote(until=city.day(3_000))["people"] == 0, "a consent that ends before covers no longer span"
    quote = city.quote()
    city.money("clinic", 100)
    city.city.withdraw("hana", all=True)
    city.accept(quote)
    assert city.status == 409, "nobody is left"
    assert (city.balance("clinic"), city.balance("hana")) == (100, None)


def test_who_asks_for_more_than_is_paid_is_left_out(city: PricedCity) -> None:
    city.consents("hana", "taro")
    city.money("clinic", 100)
    asked = city.ask("hana", "PUT", "/my/reserves", {"item": HEART, "amount": 2.101})
    assert asked == {"item": HEART, "currency": "POINT", "amount": 2.101}
    assert city.quote()["people"] == 1
    city.ask("hana", "PUT", "/my/reserves", {"item": HEART, "amount": 2.1})
    quote = city.quote()
    assert quote["people"] == 2
    city.ask("taro", "PUT", "/my/reserves", {"item": "*", "amount": 50})
    assert city.accept(quote)["accepted"]["people"] == 1, "asked for before it was accepted"
    assert city.balance("taro") is None
    assert [one["item"] for one in city.ask("taro", "GET", "/my/reserves")["reserves"]] == ["*"]
    city.ask("taro", "PUT", "/my/reserves", {"item": "*", "amount": 0})
    assert city.ask("taro", "GET", "/my/reserves") == {"reserves": []}
    for wrong in ({"item": "heartRate", "amount": 1}, {"item": "*", "amount": -1}, {"item": "*", "amount": 0.0001}):
        city.ask("taro", "PUT", "/my/reserves", wrong)
        assert city.status == 400, wrong
    city.ask("taro", "GET", f"/my/reserves{for_('hana')}")
    assert city.status == 403


def test_a_month_pays_no_more_than_its_cap_whatever_was_quoted_before(city: PricedCity) -> None:
    city.consents("hana")
    city.money("clinic", 1_000)
    span = {"from": city.day(-301), "until": city.day(-1)}
    first, second = city.quote(**span), city.quote(**span)
    assert first["total"] == second["total"] == 49.5
    assert [city.accept(one)["accepted"]["total"] for one in (first, second)] == [49.5, 49.5]
    third = city.quote(**span)
    assert (third["price"], third["total"]) == (49.5, 1)
    city.accept(third)
    assert city.balance("hana") == 70
    assert city.quote(**span)["total"] == 0


def test_a_recipient_that_has_not_enough_gets_a_conflict_and_nothing_is_booked(city: PricedCity) -> None:
    city.consents("hana", "taro")
    city.money("clinic", 5.999)
    quote = city.quote()
    refused = city.accept(quote)
    assert (city.status, refused["detail"]) == (409, "an account has not enough")
    assert (city.balance("clinic"), city.balance("hana")) == (5.999, None)
    assert city.ask("hana", "GET", "/my/payments") == {"payments": []}
    city.money("clinic", 1)
    assert city.accept(quote)["accepted"]["total"] == 6


def test_a_quote_is_signed_ends_and_is_its_recipients_alone(city: PricedCity) -> None:
    city.consents("hana")
    city.money("clinic", 100)
    quote = city.quote()
    verdict = city.ask("", "POST", "/quotes/verify", {"quote": quote["quote"]})
    assert (verdict["verdict"], verdict["quote"]["total"], verdict["quote"]["jti"]) == ("valid", 3, quote["id"])
    head, _, rest = quote["quote"].partition(".")
    forged = city.ask("", "POST", "/quotes/verify", {"quote": f"{head}.A{rest[1:]}"})
    assert forged["verdict"] == "forged"
    city.accept(quote, "shop")
    assert city.status == 404
    city.ask("shop", "GET", f"/quotes/{quote['id']}")
    assert city.status == 404
    assert city.ask("kaneko", "GET", "/quotes")["quotes"][0]["id"] == quote["id"]
    city.city.clock.advance(901)
    assert city.ask("", "POST", "/quotes/verify", {"quote": quote["quote"]})["verdict"] == "expired"
    city.accept(quote)
    assert city.status == 409
    city.pricing.tick()
    assert city.pricing._book.read("SELECT count(*) FROM pricing_share") == [(0,)]


def test_what_is_no_question_is_refused(city: PricedCity) -> None:
    for wrong, pointer in (
        ({"dataItems": ["FacilityBooking/*"]}, "/dataItems/0"), ({"dataItems": ["Nothing/at"]}, "/dataItems/0"),
        ({"until": city.day(-11)}, "/until"), ({"from": "2026-02-30"}, "/from"), ({"purpose": "Fun"}, "/purpose"),
        ({"dataItems": []}, "/dataItems"), ({"more": 1}, "/"),
    ):  # fmt: skip
        assert (city.quote(**wrong)["pointer"], city.status) == (pointer, 400), wrong
    city.quote("shop")
    assert city.status == 403, "the bank does not know it"
    city.quote("hana")
    assert city.status == 403
    assert (city.quote(offer="urn:ngsi-ld:DataOffer:none")["pointer"], city.status) == ("/offer", 409)


def test_under_an_offer_only_while_the_board_allows_it(city: PricedCity) -> None:
    city.consents("hana")
    city.money("clinic", 100)
    offer = city.live_offer(reservePrice=3, priceCurrency="POINT", priceRuleVersion="dearer")
    assert (city.quote(offer=offer)["price"], city.quote()["price"]) == (6, 3)
    city.quote(offer=offer, dataItems=[f"{HEART}@hourly"])
    assert city.status == 400
    city.quote(offer=offer, purpose="AcademicResearch")
    assert city.status == 400
    city.quote(offer=offer, **{"from": city.day(-3)})
    assert city.status == 409, "below the offer's reserve price"
    quote = city.quote(offer=offer)
    decision = city.ask("yamada", "GET", "//services/bank/board/decisions")[0]["id"]
    city.ask("lawyer", "POST", f"//services/bank/board/decisions/{decision}/revocation", {"reason": "new facts"})
    city.accept(quote)
    assert city.status == 409
    assert city.balance("hana") is None


def test_nobody_else_gets_what_was_sold_exclusively(city: PricedCity) -> None:
    city.consents("hana")
    city.money("clinic", 100)
    quote = city.quote(exclusive=True)
    assert quote["price"] == 9
    city.accept(quote)
    city.city.organisation("urn:ngsi-ld:RecipientOrganisation:shop")
    city.recipient("urn:ngsi-ld:RecipientOrganisation:shop")
    city.city.give("hana", city.city.terms("shop"))
    assert city.quote("shop")["people"] == 0
    assert city.quote("shop", **{"from": city.day(-30), "until": city.day(-11)})["people"] == 1
    assert city.quote()["people"] == 1
    city.city.clock.advance(31 * 86_400)
    assert city.quote("shop", **{"from": city.day(-42), "until": city.day(-32)})["people"] == 1


def test_an_aggregate_is_priced_by_its_budget_and_paid_once(city: PricedCity) -> None:
    people = [f"urn:misono:subject:{name}" for name in ("hana", "taro")]
    city.money("clinic", 10)
    assert city.pricing.noise_price("misono", CLINIC, [HEART], Fraction(1, 2)) == 2_000
    noise = Noise("safe-1", CLINIC, (HEART,), Fraction(1, 2))
    paid = city.pricing.pay_noise("misono", noise, people)
    assert paid is not None
    assert (paid.people, paid.total, paid.persons) == (2, 4_000, 2_800)
    assert city.pricing.pay_noise("misono", noise, people) is None
    assert [city.balance(who) for who in ("clinic", "hana")] == [6, 1.4]


def test_what_is_taken_back_is_income_no_longer(city: PricedCity) -> None:
    city.consents("hana")
    city.money("clinic", 100)
    transaction = city.accept(city.quote())["accepted"]["transactions"][0]
    city.ask("yamada", "POST", f"//services/ledger/transactions/{transaction}/reversal", {"reason": "not delivered"})
    assert city.status == 201
    city.pricing.tick()
    assert city.ask("hana", "GET", "/my/income") == {"income": []}
    (payment,) = city.ask("hana", "GET", "/my/payments")["payments"]
    assert payment["state"] == "reversed"
    assert city.city.entity(payment["id"])["paymentState"].endswith("reversed")


def test_who_is_forgotten_is_in_no_row_and_the_books_hold(city: PricedCity) -> None:
    city.consents("hana", "taro")
    city.money("clinic", 100)
    city.ask("hana", "PUT", "/my/reserves", {"item": "*", "amount": 1})
    city.accept(city.quote())
    (payment,) = city.ask("hana", "GET", "/my/payments")["payments"]
    assert city.pricing.erase("misono", payment["id"]) == {"services/pricing": 2}
    city.pricing.tick()
    assert city.city.entity(payment["id"]) is None
    assert city.pricing._book.read("SELECT 1 FROM pricing_person WHERE subject LIKE '%hana'") == []
    assert city.ask("hana", "GET", "/my/income") == {"income": []}
    assert len(city.ask("taro", "GET", "/my/income")["income"]) == 1
    assert city.ledger.ledger.verify() == 2


def test_an_experiment_tells_how_incomes_are_spread_and_names_nobody(city: PricedCity) -> None:
    city.money("clinic", 100)
    assert city.ask("engineer", "GET", "/experiments")["experiments"][0]["name"] == "dearer"
    city.consents("hana")
    city.accept(city.quote())
    found = city.ask("engineer", "GET", "/experiments/dearer")
    assert [one["sold"] for one in found["versions"]] == [{"fewerThan": 2}] * 2, "few people are somebody"
    assert [one["wanted"]["income"] for one in found["versions"]] == [6.3, 12.6]
    city.consents("taro")
    city.accept(city.quote())
    found = city.ask("yamada", "GET", "/experiments/dearer")
    assert [one["sold"] for one in found["versions"]] == [
        {"people": 2, "total": 6.3, "mean": 3.15}, {"people": 2, "total": 12.6, "mean": 6.3},
    ]  # fmt: skip
    assert "subject" not in str(found)
    for who in ("hana", "clinic", "kaneko"):
        city.ask(who, "GET", "/experiments/dearer")
        assert city.status == 403, who
    city.ask("yamada", "GET", "/experiments/none")
    assert city.status == 404


def test_anybody_may_ask_what_something_would_cost(city: PricedCity) -> None:
    wanted = {
        "dataItems": [f"{HEART}@daily"], "from": city.day(-11), "until": city.day(-1), "recipientClass": "commercial",
    }  # fmt: skip
    told = city.ask("hana", "POST", "/estimates", wanted)
    assert (told["price"], told["split"]) == (3, {"person": 2.1, "community": 0.6, "operator": 0.3})
    assert city.ask("hana", "POST", "/estimates", {**wanted, "version": "dearer"})["price"] == 6
    assert city.ask("hana", "GET", "/rules")["versions"] == ["first", "dearer"]
    assert city.ask("clinic", "GET", "/rules/first")["factors"]["granularity"]["daily"] == "3/4"
    city.ask("", "GET", "/rules")
    assert city.status == 401
