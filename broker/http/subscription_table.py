"""The rows of the operation table for subscriptions (clauses 5.8, 6.10, 6.11)."""

from __future__ import annotations

from broker.http import subscriptions
from broker.http.operation import Operation
from broker.http.parameters import Accepted

_LOCAL = Accepted(frozenset({"local"}))
_SYS = frozenset({"sysAttrs"})
_REFUSED, _GONE, _NONE = (400, "ProblemDetails"), (404, "ProblemDetails"), (204, "")
_ALL, _EACH = "/subscriptions", "/subscriptions/{subscriptionId}"

SUBSCRIPTIONS: tuple[Operation, ...] = (
    Operation(
        "create_subscription", "5.8.1", "6.10.3.1", "POST", _ALL, subscriptions.create_subscription,
        ((201, ""), _REFUSED, (409, "ProblemDetails"), (504, "ProblemDetails")), _LOCAL, "object", "Subscription", (),
    ),
    Operation(
        "query_subscriptions", "5.8.4", "6.10.3.2", "GET", _ALL, subscriptions.query_subscriptions,
        ((200, "SubscriptionList"), _REFUSED),
        Accepted(frozenset({"limit", "offset", "count", "options", "local"}), _SYS),
    ),
    Operation(
        "retrieve_subscription", "5.8.3", "6.11.3.1", "GET", _EACH, subscriptions.retrieve_subscription,
        ((200, "Subscription"), _REFUSED, _GONE), Accepted(frozenset({"options", "local"}), _SYS),
    ),
    Operation(
        "update_subscription", "5.8.2", "6.11.3.2", "PATCH", _EACH, subscriptions.update_subscription,
        (_NONE, _REFUSED, _GONE, (504, "ProblemDetails")), _LOCAL, "object", "SubscriptionFragment", (),
    ),
    Operation(
        "delete_subscription", "5.8.5", "6.11.3.3", "DELETE", _EACH, subscriptions.delete_subscription,
        (_NONE, _REFUSED, _GONE), _LOCAL, writes=(),
    ),
)  # fmt: skip
