"""The rows of the operation table for subscriptions to registrations (clauses 5.11, 6.12, 6.13)."""

from __future__ import annotations

from broker.http import source_subscriptions as told
from broker.http.operation import Operation
from broker.http.parameters import Accepted

_LOCAL = Accepted(frozenset({"local"}))
_SYS = frozenset({"sysAttrs"})
_REFUSED, _GONE, _NONE = (400, "ProblemDetails"), (404, "ProblemDetails"), (204, "")
_ALL, _EACH = "/csourceSubscriptions", "/csourceSubscriptions/{subscriptionId}"

SOURCE_SUBSCRIPTIONS: tuple[Operation, ...] = (
    Operation(
        "create_source_subscription", "5.11.2", "6.12.3.1", "POST", _ALL, told.create_source_subscription,
        ((201, ""), _REFUSED, (409, "ProblemDetails"), (504, "ProblemDetails")), _LOCAL, "object", "Subscription", (),
    ),
    Operation(
        "query_source_subscriptions", "5.11.5", "6.12.3.2", "GET", _ALL, told.query_source_subscriptions,
        ((200, "SubscriptionList"), _REFUSED),
        Accepted(frozenset({"limit", "offset", "count", "options", "local"}), _SYS),
    ),
    Operation(
        "retrieve_source_subscription", "5.11.4", "6.13.3.1", "GET", _EACH, told.retrieve_source_subscription,
        ((200, "Subscription"), _REFUSED, _GONE), Accepted(frozenset({"options", "local"}), _SYS),
    ),
    Operation(
        "update_source_subscription", "5.11.3", "6.13.3.2", "PATCH", _EACH, told.update_source_subscription,
        (_NONE, _REFUSED, _GONE, (504, "ProblemDetails")), _LOCAL, "object", "SubscriptionFragment", (),
    ),
    Operation(
        "delete_source_subscription", "5.11.6", "6.13.3.3", "DELETE", _EACH, told.delete_source_subscription,
        (_NONE, _REFUSED, _GONE), _LOCAL, writes=(),
    ),
)  # fmt: skip
