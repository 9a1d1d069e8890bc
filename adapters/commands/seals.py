"""What a command's attribute carries, so that nothing but a write that was admitted becomes a command.

    "https://…/chargingLimit": {"type": "Property", "value": 3000, "unitCode": "WTT",
        "https://…/commandId":   {"type": "Property", "value": "urn:…"},    from the client, or not at all
        "https://…/commandTtl":  {"type": "Property", "value": 60},         from the client, or not at all; seconds
        "https://…/commandedBy": {"type": "Property", "value": "anonymous"},         from the guard alone
        "https://…/commandSeal": {"type": "Property", "value": "1767…:9f86d0…"}}     from the guard alone

The seal is made with a key of this broker's adapters, over everything else and the instant of the write. Whatever was
written while nobody asked for the right to it (before the device was provisioned, by a file, in another broker) has
none that is good, and commands nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from broker.audit.chain import canonical
from broker.ldcontext.active import DEFAULT_VOCABULARY
from broker.model.entity import Instance
from broker.model.values import Instant, Json

COMMAND_ID: Final = f"{DEFAULT_VOCABULARY}commandId"
COMMAND_TTL: Final = f"{DEFAULT_VOCABULARY}commandTtl"
COMMANDED_BY: Final = f"{DEFAULT_VOCABULARY}commandedBy"
COMMAND_SEAL: Final = f"{DEFAULT_VOCABULARY}commandSeal"
ID_MAX: Final = 256
_STAMPS: Final = frozenset({"createdAt", "modifiedAt"})
_OURS: Final = frozenset({COMMANDED_BY, COMMAND_SEAL})


def content(instance: Mapping[str, Json]) -> dict[str, Json]:
    """What of an instance somebody ordered: without the seal, and without the times that the store keeps."""
    return {name: value for name, value in written(instance).items() if name not in _OURS}


def written(instance: Mapping[str, Json]) -> dict[str, Json]:
    """An instance without the times that the store keeps; the seal is part of it."""
    return {
        name: written(value) if isinstance(value, dict) and name.startswith("http") else value
        for name, value in instance.items()
        if name not in _STAMPS
    }


def sealed(key: bytes, of: tuple[str, str, str], instance: Instance, by: str, now: Instant) -> Instance:
    """The instance, with who wrote it and the seal; `of` is tenant, entity and attribute."""
    said = content(instance)
    kept: Instance = {name: value for name, value in instance.items() if name not in _OURS}
    seal = f"{now}:{_digest(key, of, said, by, now)}"
    return {
        **kept,
        COMMANDED_BY: {"type": "Property", "value": by},
        COMMAND_SEAL: {"type": "Property", "value": seal},
    }


def commander(key: bytes, of: tuple[str, str, str], instance: Mapping[str, Json]) -> tuple[str, Instant] | None:
    """Who wrote this, and when; None where the seal is not good."""
    by, seal = text(instance, COMMANDED_BY), text(instance, COMMAND_SEAL)
    at, _, digest = seal.partition(":")
    if not at.isascii() or not at.isdigit():
        return None
    good = _digest(key, of, content(instance), by, int(at))
    return (by, int(at)) if hmac.compare_digest(good, digest) else None


def text(instance: Mapping[str, Json], name: str) -> str:
    """The text of a sub-attribute; empty where there is none."""
    held = instance.get(name)
    value = held.get("value") if isinstance(held, dict) else None
    return value if isinstance(value, str) else ""


def number(instance: Mapping[str, Json], name: str) -> float | None:
    """The number of a sub-attribute; None where there is none."""
    held = instance.get(name)
    value = held.get("value") if isinstance(held, dict) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _digest(key: bytes, of: tuple[str, str, str], said: Mapping[str, Json], by: str, at: Instant) -> str:
    whole = canonical({"of": list(of), "said": dict(said), "by": by, "at": at})
    return hmac.new(key, whole, hashlib.sha256).hexdigest()
