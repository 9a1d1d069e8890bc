"""`/admin/command-claims`: adapters say which attributes command their devices; operators see it, and end it."""

from __future__ import annotations

from broker.errors import ResourceNotFound
from broker.http.exchange import Exchange
from broker.http.media import JSON
from broker.http.messages import Answer, Deferred, Response
from broker.http.operation import ADMIN, Operation
from broker.http.respond import NO_CONTENT, plain
from broker.operations import claim

_REFUSED, _GONE, _TAKEN = (400, "ProblemDetails"), (404, "ProblemDetails"), (409, "ProblemDetails")
_CLAIM = "/command-claims/{adapter}"


def list_claims(exchange: Exchange) -> Answer:
    """GET /admin/command-claims: who claims which attributes; no key, and no entity's id."""
    return plain(claim.list_claims(exchange.house.broker, exchange.call))


def claim_commands(exchange: Exchange) -> Answer:
    """PUT /admin/command-claims/chargers with `{"key": …, "rows": […]}`: 204, the same again too."""
    pending = claim.claim_commands(exchange.house.broker, exchange.call, exchange.path["adapter"], exchange.body)
    return Deferred(pending, lambda _: NO_CONTENT)


def disclaim_commands(exchange: Exchange) -> Answer:
    """DELETE /admin/command-claims/chargers: its attributes command nothing any more."""

    def render(was: bool) -> Response:  # noqa: FBT001  what the future gives
        if not was:
            raise ResourceNotFound("this adapter claims nothing", remedy="GET /admin/command-claims has those that do")
        return NO_CONTENT

    return Deferred(claim.disclaim_commands(exchange.house.broker, exchange.call, exchange.path["adapter"]), render)


CLAIMS: tuple[Operation, ...] = (
    Operation(
        "iot_list_command_claims", "", "", "GET", "/command-claims", list_claims, ((200, "Json"), _REFUSED),
        writes=(JSON,), root=ADMIN,
    ),
    Operation(
        "iot_claim_commands", "", "", "PUT", _CLAIM, claim_commands, ((204, ""), _REFUSED, _TAKEN), body="object",
        schema="CommandClaim", writes=(), root=ADMIN,
    ),
    Operation(
        "iot_disclaim_commands", "", "", "DELETE", _CLAIM, disclaim_commands, ((204, ""), _REFUSED, _GONE), writes=(),
        root=ADMIN,
    ),
)  # fmt: skip
