"""Which compartments a parcel fits in, as the hub shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from broker.model.entity import instances
from broker.model.values import Json
from broker.ports.hub import Hub

DEF: Final = "https://misono.example/def/"
SIZES: Final = ("sizeS", "sizeM", "sizeL", "sizeXL")
TEMPERATURES: Final = ("ambient", "chilled", "frozen")
FREE: Final = "free"


def fitting(hub: Hub, tenant: str, locker: str, size: str, temperature: str) -> list[tuple[str, str]]:
    """(id, its state) of those of a locker that are large enough and as cold, the smallest first."""
    found = []
    for one in hub.query(tenant, DEF + "LockerCompartment"):
        own, state = _word(one, "compartmentSize"), _word(one, "compartmentState")
        wide = SIZES.index(own) if own in SIZES else len(SIZES) - 1
        cold = _word(one, "temperatureClass") or TEMPERATURES[0]
        if _related(one, "refLocker") == locker and wide >= SIZES.index(size) and cold == temperature:
            found.append((wide, str(one["id"]), state))
    return [(entity_id, state) for _, entity_id, state in sorted(found)]


def _word(entity: Mapping[str, Json], name: str) -> str:
    held = next((one.get("vocab", one.get("value")) for one in instances(entity.get(DEF + name))), "")
    return held.rpartition("/")[2].rpartition("#")[2] if isinstance(held, str) else ""


def _related(entity: Mapping[str, Json], name: str) -> str:
    return next((str(one.get("object")) for one in instances(entity.get(DEF + name))), "")
