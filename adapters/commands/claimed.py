"""What adapters claimed in a tenant, as every broker of the store knows it: what commands, and whose key seals it.

    claims.of("")["urn:ngsi-ld:EVChargingStation:misono:c1"]  ->  {IRI of chargingLimit: Sealing(key, types)}

Claims are a document of the tenant: all processes see a change within FRESH_S. A tenant without any costs a look into a
dictionary.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias, cast

from broker.errors import NonexistentTenant
from broker.model.claims import Claim, kept_claim
from broker.model.values import Json
from broker.operations.claim import DOCUMENT, KIND
from broker.ports.held import HeldStore

FRESH_S: Final = 0.25
_TENANTS_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class Sealing:
    """With what changes of an attribute are sealed, and of which types (IRIs) the entity must be for that."""

    key: bytes
    types: frozenset[str]

    def __repr__(self) -> str:
        return f"Sealing(types={sorted(self.types)})"


Claimed: TypeAlias = Mapping[str, Mapping[str, Sealing]]
"""Entity id -> attribute (IRI) -> how it is sealed."""
NOTHING: Final[Claimed] = {}


class Claims(Protocol):
    """Who knows what is claimed; asked at every write."""

    def of(self, tenant: str) -> Claimed:
        """What is claimed in the tenant now."""


class HeldClaims:
    """Claims in a store of documents."""

    def __init__(self, held: HeldStore, seconds: Callable[[], float] = time.monotonic) -> None:
        self._held, self._seconds = held, seconds
        self._known: dict[str, tuple[float, int, Claimed]] = {}

    def of(self, tenant: str) -> Claimed:
        """As Claims says."""
        now = self._seconds()
        known = self._known.get(tenant)
        if known is not None and now - known[0] < FRESH_S:
            return known[2]
        try:
            generation = self._held.held_generation(tenant, KIND)
            found = known[2] if known is not None and known[1] == generation else self._read(tenant)
        except NonexistentTenant:
            return NOTHING
        if len(self._known) >= _TENANTS_MAX:
            self._known.clear()
        self._known[tenant] = (now, generation, found)
        return found

    def _read(self, tenant: str) -> Claimed:
        held = self._held.find_held(tenant, KIND, DOCUMENT)
        if held is None:
            return NOTHING
        said = (cast("Mapping[str, Json]", one) for one in held.body.values())
        return compiled(kept_claim(cast("Mapping[str, Json]", one["claim"])) for one in said)


def compiled(claims: Iterable[Claim]) -> Claimed:
    """Claims, which are apart, by entity."""
    found: dict[str, Mapping[str, Sealing]] = {}
    for claim in claims:
        key = bytes.fromhex(claim.key)
        for row in claim.rows:
            sealings = {
                name: Sealing(key, frozenset(type_ for type_, each in row.commands.items() if name in each))
                for name in row.attributes
            }
            for entity_id in row.entities:
                before = found.get(entity_id)
                found[entity_id] = sealings if before is None else _joined(before, sealings)
    return found


def _joined(one: Mapping[str, Sealing], other: Mapping[str, Sealing]) -> Mapping[str, Sealing]:
    """What several rows say of one entity; of one attribute in both all types."""
    joined = dict(one)
    for name, sealing in other.items():
        before = joined.get(name)
        joined[name] = sealing if before is None else Sealing(sealing.key, sealing.types | before.types)
    return joined
