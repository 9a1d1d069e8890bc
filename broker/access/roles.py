"""Who there is, by what they do: sets of roles that the rows of the table of rights are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from broker.ports import ROLES

ANYBODY: Final = "anybody"
"""Who does not say who they are, in tenants that the file of --access calls public."""
OPEN: Final = frozenset({"open"})
"""Nobody is asked: a document for everybody, or what asks for a secret of its own."""
NOBODY: Final = frozenset[str]()

OPERATOR: Final = frozenset({"operator"})
BOARD: Final = frozenset({"board"})
AUDITOR: Final = frozenset({"auditor"})
RESIDENT: Final = frozenset({"resident"})
RECIPIENT: Final = frozenset({"recipient"})
DEVICE: Final = frozenset({"device"})
EVERYBODY: Final = ROLES
READERS: Final = ROLES | {ANYBODY}
WRITERS: Final = OPERATOR | DEVICE
"""Who writes entities; residents correct their data in their store, adapters and services are the hub's own."""
FOLLOWERS: Final = OPERATOR | RECIPIENT | RESIDENT | DEVICE
"""Who has subscriptions, entity maps and snapshots: each their own."""
OVERSEERS: Final = OPERATOR | AUDITOR

Rows = Mapping[str, frozenset[str]]
