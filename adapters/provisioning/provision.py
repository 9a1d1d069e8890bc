"""A device or a group as somebody provisioned it, and what both are read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from adapters.device import OFFLINE_AFTER_S, RATE_PER_S, Device
from broker.model.values import Json

Source: TypeAlias = Literal["file", "book", "group"]
"""Who said so: an adapter's file, a person (by command or HTTP), or the first message of a device of a known group."""
NEW_MAX: Final = 1000
"""Devices that one group makes of messages, where nothing else is said: a key that got about fills no disk."""


@dataclass(frozen=True, slots=True)
class Provision:
    """A device, and what is told of it: the end of its key, where it is from, and how an IoT Agent's client put it.

    `also` are digests of further keys that open it; `document` is the mapping that follows from what that client said.
    """

    device: Device
    hint: str = ""
    source: Source = "file"
    as_given: Mapping[str, Json] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    document: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """Devices with one API key; what is said here holds for each of them that says nothing else.

    With `new`, a device that is not known and comes with the key is made, `new_max` at most.
    """

    name: str
    adapter: str
    tenant: str = ""
    key_digest: str = ""
    hint: str = ""
    mapping: str = ""
    entity_type: str = ""
    fixed: Mapping[str, Json] = field(default_factory=dict)
    options: Mapping[str, Json] = field(default_factory=dict)
    rate_per_s: float = RATE_PER_S
    offline_after_s: float = OFFLINE_AFTER_S
    new: bool = False
    new_max: int = NEW_MAX
    source: Source = "file"
    as_given: Mapping[str, Json] = field(default_factory=dict)
    document: Mapping[str, Json] = field(default_factory=dict)

    def device(self, device_id: str) -> Device:
        """A device of this group of which nothing else is said."""
        return Device(
            id=device_id,
            adapter=self.adapter,
            tenant=self.tenant,
            group=self.name,
            mapping=self.mapping,
            entity_type=self.entity_type,
            key_digest=self.key_digest,
            fixed=self.fixed,
            options=self.options,
            rate_per_s=self.rate_per_s,
            offline_after_s=self.offline_after_s,
        )


@dataclass(frozen=True, slots=True)
class Provisions:
    """What one adapter's file provisions."""

    devices: tuple[Provision, ...] = ()
    groups: tuple[Group, ...] = ()
