"""Whether a person lets an organisation be served: what every service asks that serves somebody for somebody else."""

from __future__ import annotations

from collections.abc import Iterable

from services.room import Ground

DEF = "https://misono.example/def/"


def lets(ground: Ground, tenant: str, recipient: str, subject: str, wanted: tuple[str, str, Iterable[str]]) -> bool:
    """Whether a consent holds now: `wanted` is a purpose, a type and attributes, by their names in the models."""
    purpose, type_, attributes = wanted
    grants = ground.consents.grants(tenant, recipient, frozenset({f"{DEF}purpose/{purpose}"}))
    now = ground.clock.now()
    return all(
        any(
            one.since <= now and (one.until is None or now < one.until)
            for one in grants.of(subject, DEF + type_, DEF + name)
        )
        for name in attributes
    )
