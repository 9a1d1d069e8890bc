"""Which source has which copy of a subscription: what is kept of it, so that no restart loses a copy (5.8.1.4).

It is a held document of kind `relay` under the id of the subscription, written before a source is asked for anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from broker.model.registration import Registration
from broker.model.values import Json


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy at a source. `sent` is the digest of what the source has, "" where it may have none; with `members`.

    `token` is in the URI that the copy notifies; `registration` is how the source was registered when it got the copy,
    with which it is asked to delete it.
    """

    id: str
    token: str
    registration: Registration
    sent: str = ""
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relay:
    """The copies of one subscription, by the registration of their sources."""

    subscription: str
    copies: Mapping[str, Copy] = field(default_factory=dict)

    def to_body(self) -> dict[str, Json]:
        """The body of the held document."""
        copies: dict[str, Json] = {}
        for name, one in self.copies.items():
            copies[name] = {
                "id": one.id,
                "token": one.token,
                "registration": one.registration.to_body(),
                "sent": one.sent,
                "members": list(one.members),
            }
        return {"copies": copies}

    @classmethod
    def from_body(cls, subscription: str, body: Mapping[str, Json]) -> Relay:
        """The relay of a held document."""
        copies = cast("dict[str, dict[str, Any]]", body["copies"])
        return cls(
            subscription,
            {
                name: Copy(
                    one["id"],
                    one["token"],
                    Registration.from_body(one["registration"]),
                    one["sent"],
                    tuple(one["members"]),
                )
                for name, one in copies.items()
            },
        )
