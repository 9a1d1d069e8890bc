"""Who asks: a principal, and the roles that somebody may have."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from broker.model.values import Instant


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: `name` is `anonymous` where no access is configured.

    `roles` are among ROLES; `tenants` those that they may enter (None: all); `recipient` is the organisation (a URI)
    that they ask for, `subject` the pseudonym of the resident that they are; `purposes` what the data are for, of the
    vocabulary `purpose` (IRIs). Nothing of it is a secret: it is kept with what somebody asked for (`kept`). `until` is
    when what they showed of themselves ends (None: never); it makes nobody another one.
    """

    name: str = "anonymous"
    purposes: frozenset[str] = field(default_factory=frozenset)
    roles: frozenset[str] = field(default_factory=frozenset)
    tenants: frozenset[str] | None = None
    recipient: str = ""
    subject: str = ""
    until: Instant | None = field(default=None, compare=False)

    def kept(self) -> str:
        """It as text, without its purposes: the name alone where there is no more to say of them."""
        if not (self.roles or self.tenants is not None or self.recipient or self.subject):
            return self.name
        told = {
            "name": self.name, "roles": sorted(self.roles), "recipient": self.recipient, "subject": self.subject,
            "tenants": None if self.tenants is None else sorted(self.tenants),
        }  # fmt: skip
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"), sort_keys=True)

    @classmethod
    def of_kept(cls, text: str, purposes: Iterable[str] = ()) -> Principal:
        """Whom `kept` told of."""
        if not text.startswith("{"):
            return cls(text, frozenset(purposes))
        told = json.loads(text)
        tenants = told["tenants"]
        return cls(
            told["name"],
            frozenset(purposes),
            frozenset(told["roles"]),
            None if tenants is None else frozenset(tenants),
            told["recipient"],
            told["subject"],
        )


ROLES = frozenset({"operator", "board", "auditor", "resident", "recipient", "device"})
"""What somebody from outside may be: who runs the hub, the ethics board, an auditor, a resident, an organisation, …"""
SYSTEM = "system"
"""The role of the hub's own parts (adapters, services): no token and no key gives it."""
ADAPTER = "adapter"
"""A role that adapters have beside SYSTEM: what they write comes from devices, and none of it is a service's word."""


ANYONE = Principal()
"""Nobody in particular: who has the fewest rights."""
