"""A device as it was provisioned: who it is, what it becomes, how it is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from broker.model.values import Json

RATE_PER_S = 20.0
"""Messages a second of one device that are taken on the average, where nothing else is said; bursts of ten seconds."""
OFFLINE_AFTER_S = 600.0


@dataclass(frozen=True, slots=True)
class Device:
    """One device of one adapter, its group's settings merged in.

    `id` is its name in the protocol, unique with `adapter`. `mapping` names one of the mappings; `entity_id`,
    `entity_type` (IRI) win over those of the mapping. `fixed` are attributes (IRI -> normalized) that every fragment
    carries. `key_digest` is the SHA-256 of its API key (hexadecimal; empty: none is asked for). `address` is where it
    is reached (`192.0.2.7:502`, a charge point's id); `options` are the protocol's own (register maps, unit ids).
    """

    id: str
    adapter: str
    tenant: str = ""
    group: str = ""
    mapping: str = ""
    entity_id: str = ""
    entity_type: str = ""
    key_digest: str = ""
    address: str = ""
    fixed: Mapping[str, Json] = field(default_factory=dict)
    options: Mapping[str, Json] = field(default_factory=dict)
    rate_per_s: float = RATE_PER_S
    offline_after_s: float = OFFLINE_AFTER_S


class Registry(Protocol):
    """Who is provisioned. Reads are from memory and cheap; a change is seen within a second, in other processes too."""

    def find(self, adapter: str, device_id: str, key: str = "") -> Device:
        """The device, or one made from its group where the group takes new ones.

        Raises BadFrame: `unknown_device`, or `wrong_key` (the same words for a key that is wrong and one that is
        missing).
        """

    def of_adapter(self, adapter: str) -> tuple[Device, ...]:
        """All devices of an adapter: whom a polling link asks."""

    def of_entity(self, tenant: str, entity_id: str) -> Device | None:
        """The device behind an entity: who gets its commands."""
