"""What is told of registrations, against what was told before (clauses 5.3.3, 5.11.7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from broker.ldcontext.core import core_context
from broker.model.registration import EntityInfo, Information, Interval, Registration
from broker.model.subscription import Endpoint, NotificationParams, Selector, Subscription
from broker.query.ast import HasType
from broker.query.source_filters import SourceQuery
from broker.query.sources import Specification
from broker.query.stored import node_to_json
from federation.news import Listed, Notice, Told, matching, next_notice, notification, period_notice
from federation.selecting import source_query, specifications

HOUSE, STREET = "https://x.org/House", "https://x.org/Street"
SUBSCRIPTION = Subscription("urn:s:1", NotificationParams(Endpoint("http://x.org/")))


def of_type(name: str) -> Information:
    return Information((EntityInfo((name,)),))


def source(name: str, version: int = 1, at: int = 0, **members: Any) -> Listed:
    members.setdefault("information", (of_type(HOUSE),))
    return Listed(Registration(name, "http://source.example", **members), version, at)


def listed(*found: Listed) -> dict[str, Listed]:
    return {one.registration.id: one for one in found}


def names(notice: Notice | None) -> tuple[str, list[str]] | None:
    return None if notice is None else (notice.reason, [one.registration.id for one in notice.registrations])


def test_a_new_subscription_is_told_all_that_matches() -> None:
    notice = next_notice(Told(), 1, 5, listed(source("a"), source("b")))
    assert names(notice) == ("newlyMatching", ["a", "b"])
    assert notice is not None
    assert next_notice(notice.after, 1, 5, listed(source("a"), source("b"))) is None


def test_new_changed_and_gone_are_told_one_after_the_other() -> None:
    told = Told(1, 5, listed(source("a"), source("b", 3)))
    now = listed(source("b", 4), source("c"))
    heard = []
    while (notice := next_notice(told, 1, 5, now)) is not None:
        heard.append(names(notice))
        told = notice.after
    assert heard == [("newlyMatching", ["c"]), ("updated", ["b"]), ("noLongerMatching", ["a"])]


def test_one_that_was_deleted_and_made_anew_is_new() -> None:
    told = Told(1, 5, listed(source("a", 1, at=1)))
    assert names(next_notice(told, 1, 5, listed(source("a", 1, at=2)))) == ("newlyMatching", ["a"])


def test_a_changed_subscription_is_told_what_matches_now_and_nothing_of_what_did() -> None:
    told = Told(1, 5, listed(source("a")))
    notice = next_notice(told, 2, 5, listed(source("b")))
    assert names(notice) == ("newlyMatching", ["b"])
    assert notice is not None
    assert next_notice(notice.after, 2, 5, listed(source("b"))) is None


def test_a_period_is_told_once() -> None:
    now = listed(source("a"))
    first = period_notice(Told(), 1, 5, now, 0)
    assert names(first) == ("newlyMatching", ["a"])
    assert first is not None
    assert period_notice(first.after, 1, 5, now, 0) is None
    assert names(period_notice(first.after, 1, 5, now, 1)) == ("updated", ["a"])


def test_what_was_told_is_kept_as_it_was() -> None:
    told = Told(2, 7, listed(source("a", 3, 4, observation_interval=Interval(1))), 9)
    assert Told.from_json(told.to_json()) == told


def test_only_what_matters_is_told_and_no_secret() -> None:
    one = source(
        "a",
        information=(of_type(HOUSE), of_type(STREET)),
        info=(("Authorization", "Bearer x"), ("X-Ward", "3")),
        credentials={"value": "x"},
    )
    found = matching(
        SourceQuery((Specification(types=HasType(HOUSE)),)), [one, source("b", information=(of_type(STREET),))]
    )
    assert list(found) == ["a"]
    kept = found["a"].registration
    assert kept.information == (of_type(HOUSE),)
    assert kept.info == (("Authorization", "***"), ("X-Ward", "3"))
    assert kept.credentials is None


def test_a_notification_has_the_members_of_its_type_and_types_in_arrays() -> None:
    notice = Notice("updated", (source("urn:r:1"),), Told())
    body = notification(notice, "urn:n:1", SUBSCRIPTION, core_context(), 0)
    assert set(body) == {"id", "type", "subscriptionId", "notifiedAt", "triggerReason", "data"}
    assert body["type"] == "ContextSourceNotification"
    data: Any = body["data"]
    assert data[0]["information"] == [{"entities": [{"type": [HOUSE]}]}]


def test_the_same_news_have_the_same_occasion() -> None:
    now = listed(source("a"))
    one, same = next_notice(Told(), 1, 5, now), next_notice(Told(), 1, 5, now)
    other = next_notice(Told(), 2, 5, now)
    assert one is not None
    assert same is not None
    assert other is not None
    assert one.occasion == same.occasion != other.occasion


def test_watched_attributes_and_those_of_the_notification_are_matched() -> None:
    subscription = replace(
        SUBSCRIPTION,
        entities=(Selector("House", node_to_json(HasType(HOUSE)), ("urn:h:1",), "ignored"),),
        watched=("https://x.org/speed", "scope"),
        notification=NotificationParams(Endpoint("http://x.org/"), attributes=("https://x.org/colour",)),
    )
    (found,) = specifications(subscription)
    assert found.ids == ("urn:h:1",)
    assert found.id_pattern is None
    assert found.types == HasType(HOUSE)
    assert found.attributes == {"https://x.org/speed", "https://x.org/colour"}
    assert specifications(SUBSCRIPTION) == (Specification(),)


def test_a_temporal_query_is_matched_with_intervals() -> None:
    times = {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z", "timeproperty": "createdAt"}
    query = source_query(replace(SUBSCRIPTION, temporal=times), core_context())
    found = matching(
        query,
        [source("a"), source("b", management_interval=Interval(0)), source("c", observation_interval=Interval(0))],
    )
    assert list(found) == ["b"]
