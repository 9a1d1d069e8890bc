"""`/admin/dead-letters` and `/admin/test-deliveries`: what operators do with notifications that did not arrive."""

from __future__ import annotations

from typing import cast

from broker.errors import BadRequestData
from broker.http.exchange import Exchange
from broker.http.messages import Answer, Deferred, Response
from broker.http.operation import ADMIN, Operation
from broker.http.parameters import Accepted
from broker.http.respond import Headers, plain
from broker.model.values import Json, to_text
from broker.operations import deliver
from broker.operations.deliver import Wanted
from broker.ports.outbox import OutboxRow, Probed

_PATH = f"{ADMIN}/dead-letters"
_REFUSED = (400, "ProblemDetails")


def list_dead_letters(exchange: Exchange) -> Answer:
    """GET /admin/dead-letters: a page of them, oldest first; a Link to the next one."""
    limits, parameters = exchange.house.limits, exchange.parameters
    limit = min(parameters.number("limit", limits.page_default) or limits.page_default, limits.page_max)
    after = parameters.number("after", 0)
    rows, more = deliver.list_dead_letters(exchange.house.broker, exchange.call, after, limit)
    headers: Headers = ()
    if more:
        headers = (("Link", f'<{_PATH}?after={rows[-1].number}&limit={limit}>;rel="next";type="application/json"'),)
    return plain([_shown(row) for row in rows], headers=headers)


def redeliver_dead_letters(exchange: Exchange) -> Answer:
    """POST /admin/dead-letters/redeliver: `{"redelivered": 3}`."""
    pending = deliver.redeliver_dead_letters(exchange.house.broker, exchange.call, _wanted(exchange))
    return Deferred(pending, lambda number: plain({"redelivered": number}))


def discard_dead_letters(exchange: Exchange) -> Answer:
    """POST /admin/dead-letters/discard: `{"discarded": 3}`."""
    pending = deliver.discard_dead_letters(exchange.house.broker, exchange.call, _wanted(exchange))
    return Deferred(pending, lambda number: plain({"discarded": number}))


def test_delivery(exchange: Exchange) -> Answer:
    """POST /admin/test-deliveries: `{"notificationId": …, "delivered": false, "reason": …, "tookMs": 12.5}`."""
    name = cast("dict[str, Json]", exchange.body).get("subscriptionId")
    if not isinstance(name, str) or not name:
        raise BadRequestData(
            "the body names no subscription", pointer="/subscriptionId",
            remedy='{"subscriptionId": "urn:ngsi-ld:Subscription:1"}',
        )  # fmt: skip
    return Deferred(deliver.test_delivery(exchange.house.broker, exchange.call, name), _probed)


def _probed(probed: Probed) -> Response:
    body: dict[str, Json] = {"notificationId": probed.id, "delivered": not probed.reason, "tookMs": probed.took_ms}
    return plain({**body, "reason": probed.reason} if probed.reason else body)


def _wanted(exchange: Exchange) -> Wanted:
    body = cast("dict[str, Json]", exchange.body)
    numbers, subscription = body.get("numbers"), body.get("subscriptionId")
    if isinstance(numbers, list) and subscription is None and all(type(one) is int for one in numbers):
        return Wanted(numbers=tuple(cast("list[int]", numbers)))
    if isinstance(subscription, str) and subscription and numbers is None:
        return Wanted(subscription=subscription)
    raise BadRequestData(
        "the body says not which dead letters are meant", pointer="/numbers",
        remedy='{"numbers": [17, 18]} or {"subscriptionId": "urn:ngsi-ld:Subscription:1"}',
    )  # fmt: skip


def _shown(row: OutboxRow) -> Json:
    return {
        "number": row.number,
        "notificationId": row.id,
        "subscriptionId": row.subscription,
        "entityId": row.change.entity.id,
        "changedAt": to_text(row.change.at),
        "attempts": row.attempts,
        "redelivered": row.redelivered,
        "reason": row.reason,
    }


DEAD_LETTERS: tuple[Operation, ...] = (
    Operation(
        "list_dead_letters", "", "", "GET", "/dead-letters", list_dead_letters, ((200, "DeadLetterList"), _REFUSED),
        Accepted(frozenset({"limit", "after"})), writes=("application/json",), root=ADMIN,
    ),
    Operation(
        "redeliver_dead_letters", "", "", "POST", "/dead-letters/redeliver", redeliver_dead_letters,
        ((200, "Json"), _REFUSED), body="object", schema="DeadLetters", writes=("application/json",), root=ADMIN,
    ),
    Operation(
        "discard_dead_letters", "", "", "POST", "/dead-letters/discard", discard_dead_letters,
        ((200, "Json"), _REFUSED), body="object", schema="DeadLetters", writes=("application/json",), root=ADMIN,
    ),
    Operation(
        "test_delivery", "", "", "POST", "/test-deliveries", test_delivery,
        ((200, "Json"), _REFUSED, (404, "ProblemDetails")), body="object", schema="TestDelivery",
        writes=("application/json",), root=ADMIN, asks=True,
    ),
)  # fmt: skip
