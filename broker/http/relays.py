"""`/federation/relay/{token}`: where sources notify of what is subscribed to here (clauses 5.8.1.4, 5.8.6).

The token is made for one copy of one subscription at one source, who alone is told of it.
"""

from __future__ import annotations

from broker.errors import ResourceNotFound
from broker.http.exchange import Exchange
from broker.http.messages import Answer
from broker.http.operation import Operation

ROOT = "/federation"
RELAY = "/relay"


def relay_notification(exchange: Exchange) -> Answer:
    """POST /federation/relay/{token}: 200 once the subscriber has it, 404, 502."""
    if exchange.house.far is None:
        raise no_copy()
    return exchange.house.far.relay(exchange)


def no_copy() -> ResourceNotFound:
    """A refusal, to be raised."""
    return ResourceNotFound(
        "Nobody subscribes through this.", pointer="token", clause="5.8.6", remedy="delete the subscription there"
    )


RELAYS = (
    Operation(
        "relay_notification", "5.8.6", "6.3.8", "POST", f"{RELAY}/{{token}}", relay_notification,
        ((200, ""), (400, "ProblemDetails"), (404, "ProblemDetails"), (502, "ProblemDetails")),
        body="object", schema="Notification", writes=(), hot=True, root=ROOT,
    ),
)  # fmt: skip
"""Outside the standard, and open to whoever has a token."""
