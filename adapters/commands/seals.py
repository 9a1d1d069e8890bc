"""What a command's attribute carries, so that nothing but a write that was admitted becomes a command.

    "https://…/chargingLimit": {"type": "Property", "value": 3000, "unitCode": "WTT",
        "https://…/commandId":   {"type": "Property", "value": "urn:…"},    from the client, or not at all
        "https://…/commandTtl":  {"type": "Property", "value": 60},         from the client, or not at all; seconds
        "https://…/commandedBy": {"type": "Property", "value": "anonymous"},         from the guard alone
        "https://…/commandSeal": {"type": "Property", "value": "1767…:3:9f86d0…"}}   from the guard alone

The seal is made with a key of this broker's adapters, over everything else and the instant of the write. Whatever was
written while nobody asked for the right to it (before the device was provisioned, by a file, in another broker) has
none that is good, and commands nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
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
_SEAL: Final = re.compile(r"([0-9]{1,18}):([0-9]{1,18}):[0-9a-f]{64}", re.ASCII)
_OURS: Final = frozenset({COMMANDED_BY, COMMAND_SEAL})
_OF_COMMAND: Final = frozenset({COMMAND_ID, COMMAND_TTL})


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


def ordered(instance: Mapping[str, Json]) -> dict[str, Json]:
    """What the device shall do: the value with its unit and what else is said of it, but not which command it is."""
    return {name: value for name, value in content(instance).items() if name not in _OF_COMMAND}


def sealed(key: bytes, of: tuple[str, str, str], instance: Instance, by: str, when: tuple[Instant, int]) -> Instance:
    """The instance, with who wrote it and the seal.

    `of` is tenant, entity and attribute, `when` the instant and how many were sealed before: the same value at the
    same instant is another order all the same.
    """
    said = content(instance)
    kept: Instance = {name: value for name, value in instance.items() if name not in _OURS}
    seal = f"{when[0]}:{when[1]}:{_digest(key, of, said, by, when)}"
    return {
        **kept,
        COMMANDED_BY: {"type": "Property", "value": by},
        COMMAND_SEAL: {"type": "Property", "value": seal},
    }


def commander(key: bytes, of: tuple[str, str, str], instance: Mapping[str, Json]) -> tuple[str, Instant] | None:
    """Who wrote this, and when; None where the seal is not good."""
    when = _when(instance)
    if when is None:
        return None
    by, digest = text(instance, COMMANDED_BY), text(instance, COMMAND_SEAL).rpartition(":")[2]
    good = _digest(key, of, content(instance), by, when)
    return (by, when[0]) if hmac.compare_digest(good.encode(), digest.encode()) else None


def sealed_before(instance: Mapping[str, Json] | None) -> int:
    """How many orders of this attribute were sealed, as far as the last one tells."""
    when = None if instance is None else _when(instance)
    return 0 if when is None else when[1] + 1


def _when(instance: Mapping[str, Json]) -> tuple[Instant, int] | None:
    found = _SEAL.fullmatch(text(instance, COMMAND_SEAL))
    return None if found is None else (int(found[1]), int(found[2]))


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


def _digest(key: bytes, of: tuple[str, str, str], said: Mapping[str, Json], by: str, when: tuple[Instant, int]) -> str:
    whole = canonical({"of": list(of), "said": dict(said), "by": by, "when": list(when)})
    return hmac.new(key, whole, hashlib.sha256).hexdigest()
