"""What became of commands, on their entities: `<name>Status` and `<name>Result`, of the newest command of each.

"https://…/chargingLimitStatus": {"type": "Property", "value": "DELIVERED", "observedAt": "2026-…Z",
                                  "https://…/commandId": {"type": "Property", "value": "urn:…"}}
"https://…/chargingLimitResult": {"type": "Property", "value": "", …}         what the device said, or why not
"""

from __future__ import annotations

import logging
from typing import Final

from adapters.commands.book import CommandBook
from adapters.commands.rules import Rule
from adapters.commands.seals import COMMAND_ID
from adapters.commands.states import Commanded
from adapters.commands.targets import Targets
from broker.model.entity import as_list
from broker.model.values import Json, to_text
from broker.ports.hub import Fragment, Hub

log = logging.getLogger("misono.adapters.commands")

BATCH: Final = 100


class Teller:
    """Writes states to the hub; what was not written is written again."""

    def __init__(self, hub: Hub, book: CommandBook, targets: Targets) -> None:
        self._hub, self._book, self._targets = hub, book, targets

    def turn(self) -> int:
        """Write what is to be told; how many states were. Raises HubAway, NotKept."""
        commands = self._book.untold(BATCH)
        by_tenant: dict[str, list[Fragment]] = {}
        for command in commands:
            fragment = self._fragment(command)
            if fragment is not None:
                by_tenant.setdefault(command.tenant, []).append(fragment)
        for tenant, fragments in by_tenant.items():
            for refusal in self._hub.upsert(tenant, fragments):
                if refusal is not None:
                    log.warning("the status of a command was refused: %s", refusal)
        if commands:
            self._book.told(commands)
        return len(commands)

    def _fragment(self, command: Commanded) -> Fragment | None:
        """None where there is nobody to tell, or a newer command speaks for the attribute."""
        if not self._book.is_newest(command):
            return None
        entity = self._hub.entity(command.tenant, command.entity)
        rule = None if entity is None else self._rule(command, as_list(entity["type"]))
        if entity is None or rule is None:
            return None
        about: dict[str, Json] = {
            "observedAt": to_text(command.changed_at),
            COMMAND_ID: {"type": "Property", "value": command.id},
        }
        result = "" if command.result is None else command.result
        return {
            "id": command.entity,
            "type": entity["type"],
            rule.status: {"type": "Property", "value": command.status, **about},
            rule.result: {"type": "Property", "value": result, **about},
        }

    def _rule(self, command: Commanded, types: list[str]) -> Rule | None:
        target = self._targets.behind(command.adapter, command.device, (command.tenant, command.entity))
        return None if target is None else target.rule(command.attribute, types)
