"""Create, read, update and delete of subscriptions, in the store's transaction (clauses 5.8.1 to 5.8.5)."""

from __future__ import annotations

from typing import Any

import pytest

from broker.decode.subscription import Received, decode_subscription
from broker.errors import AlreadyExists, BadRequestData, NonexistentTenant, ResourceNotFound
from broker.ldcontext.core import core_context
from broker.model.subscription import Subscription
from broker.operations import subscribe
from broker.operations.broker import Broker
from broker.ports import Principal
from broker.ports.outbox import SUBSCRIPTION, Delivery
from broker.query.ast import Window
from tests.fakes.clock import START, FakeClock
from tests.fakes.house import make_broker, make_call

CALL = make_call()
ID = "urn:ngsi-ld:Subscription:1"
CONTEXT = "https://example.org/c.jsonld"


def received(body: dict[str, Any] | None = None, **members: Any) -> Received:
    whole = {
        "id": ID,
        "type": "Subscription",
        "entities": [{"type": "House"}],
        "notification": {"endpoint": {"uri": "http://h"}},
        **members,
    }
    return decode_subscription(whole if body is None else body, core_context(), fragment=body is not None)


def create(broker: Broker, **members: Any) -> Subscription:
    return subscribe.create_subscription(broker, CALL, received(**members), CONTEXT).result()


def test_what_was_created_is_what_is_found() -> None:
    broker = make_broker()
    made = create(broker)
    found = subscribe.retrieve_subscription(broker, CALL, ID)
    assert (found.subscription, found.created_at, found.delivery) == (made, START, Delivery())
    assert made.jsonld_context == CONTEXT
    held = broker.held.find_held("", SUBSCRIPTION, ID)
    assert held is not None
    assert Subscription.from_body(held.body) == made
    assert held.expires_at is None, "one that has expired can still be read and prolonged"


def test_an_id_is_made_where_none_is_given() -> None:
    broker = make_broker()
    body = received()
    given = Received(body.names, body.members)
    ids = {subscribe.create_subscription(broker, CALL, given, CONTEXT).result().id for _ in range(2)}
    assert len(ids) == 2
    assert all(one.startswith("urn:ngsi-ld:Subscription:") for one in ids)


def test_an_id_is_taken_once() -> None:
    broker = make_broker()
    create(broker)
    with pytest.raises(AlreadyExists):
        create(broker)


def test_a_new_subscription_makes_the_tenant_and_no_other_operation_does() -> None:
    broker, call = make_broker(), make_call(tenant="city")
    for refused in (
        lambda: subscribe.retrieve_subscription(broker, call, ID),
        lambda: subscribe.query_subscriptions(broker, call, Window(10)),
        lambda: subscribe.update_subscription(broker, call, ID, received({})).result(),
        lambda: subscribe.delete_subscription(broker, call, ID).result(),
    ):
        with pytest.raises(NonexistentTenant):
            refused()
    subscribe.create_subscription(broker, call, received(), CONTEXT).result()
    assert subscribe.retrieve_subscription(broker, call, ID).subscription.id == ID
    with pytest.raises(ResourceNotFound):
        subscribe.retrieve_subscription(broker, CALL, ID)


def test_unknown_and_ill_formed_ids_are_refused() -> None:
    broker = make_broker()
    for one, error in ((ID, ResourceNotFound), ("nonsense", BadRequestData)):
        with pytest.raises(error):
            subscribe.retrieve_subscription(broker, CALL, one)
        with pytest.raises(error):
            subscribe.update_subscription(broker, CALL, one, received({"isActive": False})).result()
        with pytest.raises(error):
            subscribe.delete_subscription(broker, CALL, one).result()


def test_an_update_is_made_on_what_is_there() -> None:
    clock = FakeClock()
    broker = make_broker(clock)
    create(broker)
    clock.advance()
    subscribe.update_subscription(broker, CALL, ID, received({"description": "new"})).result()
    found = subscribe.retrieve_subscription(broker, CALL, ID)
    assert (found.subscription.description, found.subscription.jsonld_context) == ("new", CONTEXT)
    assert (found.created_at, found.modified_at) == (START, START + 1_000_000)


def test_an_expired_subscription_is_active_again_with_a_later_end() -> None:
    clock = FakeClock()
    broker = make_broker(clock)
    create(broker, expiresAt="2026-01-01T00:00:01Z")
    clock.advance(60)
    subscription = subscribe.retrieve_subscription(broker, CALL, ID).subscription
    assert subscription.status(clock.now()) == "expired"
    later = received({"expiresAt": "2026-01-02T00:00:00Z"})
    assert subscribe.update_subscription(broker, CALL, ID, later).result().status(clock.now()) == "active"
    past = received({"expiresAt": "2026-01-01T00:00:30Z"})
    with pytest.raises(BadRequestData):
        subscribe.update_subscription(broker, CALL, ID, past).result()


def test_it_notifies_for_whoever_made_or_last_changed_it() -> None:
    broker = make_broker()
    nurse = make_call()
    nurse.principal = Principal("nurse", frozenset({"care", "billing"}))
    made = subscribe.create_subscription(broker, nurse, received(), CONTEXT).result()
    assert (made.principal, made.purposes) == ("nurse", ("billing", "care"))
    assert subscribe.update_subscription(broker, CALL, ID, received({})).result().principal == "anonymous"


def test_deleted_is_gone() -> None:
    broker = make_broker()
    create(broker)
    subscribe.delete_subscription(broker, CALL, ID).result()
    with pytest.raises(ResourceNotFound):
        subscribe.retrieve_subscription(broker, CALL, ID)
    create(broker)


def test_pages_walk_from_the_oldest() -> None:
    clock = FakeClock()
    broker = make_broker(clock)
    for number in (3, 1, 2):
        clock.advance()
        create(broker, id=f"urn:s:{number}")
    page = subscribe.query_subscriptions(broker, CALL, Window(2, count=True))
    assert ([one.subscription.id for one in page.found], page.total, page.more) == (["urn:s:3", "urn:s:1"], 3, True)
    page = subscribe.query_subscriptions(broker, CALL, Window(2, 2))
    assert ([one.subscription.id for one in page.found], page.total, page.more) == (["urn:s:2"], None, False)


def test_a_language_filter_is_looked_at() -> None:
    broker = make_broker()
    with pytest.raises(BadRequestData) as refused:
        create(broker, lang="!!")
    assert refused.value.pointer == "/lang"


@pytest.mark.parametrize(
    ("delivery", "members"),
    [
        (Delivery(), {}),
        (Delivery(1, 0, START), {"timesSent": 1, "lastNotification": "2026-01-01T00:00:00.000000Z"}),
        (
            Delivery(2, 1, START, START, START + 1),
            {
                "timesSent": 2,
                "timesFailed": 1,
                "lastNotification": "2026-01-01T00:00:00.000000Z",
                "lastSuccess": "2026-01-01T00:00:00.000000Z",
                "lastFailure": "2026-01-01T00:00:00.000001Z",
                "status": "failed",
            },
        ),
        (
            Delivery(0, 0, None, START + 1, START),
            {
                "lastSuccess": "2026-01-01T00:00:00.000001Z",
                "lastFailure": "2026-01-01T00:00:00.000000Z",
                "status": "ok",
            },
        ),
    ],
)
def test_counters_tell_what_was(delivery: Delivery, members: dict[str, Any]) -> None:
    assert subscribe.counters(delivery) == members
