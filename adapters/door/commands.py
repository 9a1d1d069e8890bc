r"""`/admin/commands`: commands to devices are given, looked at, and proven.

    curl -X POST http://127.0.0.1:1026/admin/commands -H 'Content-Type: application/json' \
      -d '{"entity": "urn:ngsi-ld:EVChargingStation:misono:c1", "attribute": "chargingLimit", "value": 3000,
           "unitCode": "WTT", "ttl_s": 60}'
    {"id": "urn:ngsi-ld:Command:…", "status": "DELIVERED", …}

An `id` of the client's own makes it safe to send again: the same command comes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from adapters.commands.asking import Asking, Desk
from adapters.commands.states import Commanded
from broker.http.messages import Response
from broker.http.respond import plain
from broker.http.rooms.route import Asked, Route
from broker.model.values import Json, to_text

LIMIT, LIMIT_MAX, AFTER_MAX = 100, 1_000, 2**53
_FILTERS: Final = frozenset({"entity", "adapter", "device", "status"})
_PAGED: Final = frozenset({"after", "limit"})


@dataclass(frozen=True, slots=True)
class CommandDoor:
    """The handlers."""

    desk: Desk

    def routes(self) -> tuple[Route, ...]:
        """Their rows."""
        root = "/admin/commands"
        return (
            Route("POST", root, "iot_create_command", self.create_command, body=True),
            Route("GET", root, "iot_list_commands", self.list_commands, parameters=_FILTERS | _PAGED),
            Route("GET", f"{root}/audit", "iot_audit_commands", self.audit_commands, parameters=_PAGED),
            Route("GET", f"{root}/{{command}}", "iot_retrieve_command", self.retrieve_command),
        )

    def create_command(self, asked: Asked) -> Response:
        """POST /admin/commands: 202, as far as it got in a moment; ERROR and why where it was not sent."""
        made = self.desk.give(_asking(asked))
        location = f"/admin/commands/{quote(made.id, safe=':')}"
        return plain(shown_command(made), 202, (("Location", location),))

    def list_commands(self, asked: Asked) -> Response:
        """GET /admin/commands: those of the tenant, oldest first, after the number `after`; a Link to the next ones."""
        limit = asked.number("limit", LIMIT, LIMIT_MAX) or LIMIT
        filters = {name: text for name, text in asked.query.items() if name in _FILTERS}
        page = self.desk.listed(_asking(asked), filters, asked.number("after", 0, AFTER_MAX), limit)
        found: list[Json] = [*map(shown_command, page.commands)]
        if page.last is None:
            return plain(found)
        kept = "".join(f"{name}={quote(text, safe='')}&" for name, text in sorted(filters.items()))
        link = f'</admin/commands?{kept}after={page.last}&limit={limit}>;rel="next";type="application/json"'
        return plain(found, headers=(("Link", link),))

    def retrieve_command(self, asked: Asked) -> Response:
        """GET /admin/commands/{command}."""
        return plain(shown_command(self.desk.find(_asking(asked), asked.path["command"])))

    def audit_commands(self, asked: Asked) -> Response:
        """GET /admin/commands/audit: its rows after the number `after`, without what is of other tenants."""
        limit = asked.number("limit", LIMIT, LIMIT_MAX) or LIMIT
        return plain([*self.desk.audit(_asking(asked), asked.number("after", 0, AFTER_MAX), limit)])


def shown_command(one: Commanded) -> dict[str, Json]:
    """A command as people see it."""
    whole: dict[str, Json] = {
        "id": one.id,
        "number": one.number,
        "status": one.status,
        "result": one.result,
        "entity": one.entity,
        "attribute": one.attribute,
        "instance": dict(one.instance),
        "adapter": one.adapter,
        "device": one.device,
        "part": one.part,
        "name": one.name,
        "by": one.by,
        "madeAt": to_text(one.made_at),
        "expiresAt": to_text(one.expires_at),
        "changedAt": to_text(one.changed_at),
        "attempts": one.attempts,
    }
    return {name: value for name, value in whole.items() if value not in ("", None)}


def _asking(asked: Asked) -> Asking:
    return Asking(asked.principal, asked.tenant, asked.body)
