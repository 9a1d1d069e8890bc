"""Which services there are, in the order in which they are opened: what stands later may call what stands before."""

from __future__ import annotations

from importlib import import_module
from typing import Final, cast

from services.room import Ground, Room

ROOMS: Final[dict[str, str]] = {
    "consents": "services.consents.room",
    "store": "services.store.room",
    "bank": "services.bank.room",
    "ledger": "services.ledger.room",
    "pricing": "services.pricing.room",
    "safe": "services.safe.room",
    "audit": "services.audit.room",
}
"""Each module has `open_room(ground: Ground) -> Room`."""
SWITCHED: Final[dict[str, str]] = {
    "energy": "services.energy.room",
    "watch": "services.watch.room",
    "lockers": "services.lockers.room",
    "childcare": "services.childcare.room",
    "currency": "services.currency.room",
}
"""As ROOMS, and opened after them: those that a city switches on by a section of this name in the file of --access."""
ROOTS: Final = ("/services", "/.well-known", "/admin/audit", "/admin/explain")
"""The parts of the URL map that they serve."""


def open_rooms(ground: Ground) -> dict[str, Room]:
    """All of them. Raises BadCity."""
    opened = cast("dict[str, Room]", ground.rooms)
    switched = {name: module for name, module in SWITCHED.items() if name in ground.city}
    for name, module in (ROOMS | switched).items():
        opened[name] = import_module(module).open_room(ground)
    return opened
