"""A broker as adapters and services use it: in this process, or over HTTP, with the same meaning.

Names in entities and fragments are expanded (IRIs), so that nobody's @context has to travel; values are normalized
NGSI-LD (clause 4.5.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from broker.errors import NgsiError
from broker.model.values import Instant, Json
from broker.ports.erasures import ErasedPerson

Fragment: TypeAlias = Mapping[str, Json]
"""`{"id": "urn:…", "type": IRI, IRI: {"type": "Property", "value": 1, "observedAt": "2026-11-23T03:00:00Z"}}`."""


class HubAway(Exception):
    """The hub cannot be reached, or takes nothing now: nothing is known to be written, ask again later."""


class HubForgot(Exception):
    """The changes after that position are no longer kept; `oldest` is where they begin now."""

    def __init__(self, oldest: int) -> None:
        super().__init__(f"changes are kept from {oldest} on")
        self.oldest = oldest


@dataclass(frozen=True, slots=True)
class HubChange:
    """One change of one entity: the changed attributes (IRI -> normalized) before and after; absent: not there."""

    sequence: int
    entity_id: str
    types: tuple[str, ...]
    at: Instant
    before: Mapping[str, Json]
    after: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Followed:
    """Changes that were asked for, oldest first, and the position up to which there are no others."""

    changes: list[HubChange]
    position: int


@dataclass(frozen=True, slots=True)
class Past:
    """Some of an entity's history: `{"id": …, "type": …, IRI: [instances, oldest first], …}`.

    Where that is not all of it, `more` is where the rest begins.
    """

    document: dict[str, Json]
    more: Instant | None = None


class Hub(Protocol):
    """The operations that adapters and services need. Every method may raise HubAway; every method blocks."""

    def upsert(self, tenant: str, fragments: Sequence[Fragment]) -> list[NgsiError | None]:
        """Make entities, or update the attributes named (clause 5.6.8, `options=update`); durable on return.

        At each place None, or why that one was refused. The same entity twice is written twice, in order.
        """

    def entity(self, tenant: str, entity_id: str) -> dict[str, Json] | None:
        """One entity as it is now; None where there is none."""

    def query(self, tenant: str, type_: str, q: str = "") -> Iterator[dict[str, Json]]:
        """All entities of a type (IRI), page by page; `q` as in clause 4.9, its names expanded."""

    def delete(self, tenant: str, ids: Sequence[str]) -> list[NgsiError | None]:
        """Delete entities (clause 5.6.10); at each place None or why not."""

    def newest(self, tenant: str) -> int:
        """The position of the last change; 0 where there is none."""

    def changes(self, tenant: str, after: int, wait_s: float) -> list[HubChange]:
        """What changed after that position, oldest first, some hundred at most; waits so long for the first one.

        Empty when nothing came in time. Raises HubForgot.
        """

    def about(self, tenant: str, subject: str) -> dict[str, frozenset[str]]:
        """Every entity that is, or was, about a person (a pseudonym), wherever it stands, and all whom it is about.

        The set is empty where only instances of some attributes are about them.
        """

    def history(self, tenant: str, entity_id: str, since: Instant | None = None, most: int = 1_000) -> Past | None:
        """What an entity was: `most` instances of each attribute at most, observed from `since` on; None for nothing.

        With `since` what was never observed is left out.
        """

    def erase(self, tenant: str, subject: str, keep: frozenset[str], agreed: frozenset[str]) -> ErasedPerson:
        """Erase all that is about a person, but for entities of the types `keep` (IRIs); durable on return.

        What is about others as well goes only where all of them `agreed`.
        """


class CommandHub(Protocol):
    """What tells a hub which attributes command devices: adapters, of their own."""

    def claim(self, tenant: str, adapter: str, body: Mapping[str, Json]) -> None:
        """Claim them in the place of the last claim (see broker.model.claims); durable on return.

        Raises the refusal, HubAway.
        """

    def disclaim(self, tenant: str, adapter: str) -> None:
        """Claim nothing any more. Raises the refusal, HubAway."""


class FollowedHub(CommandHub, Protocol):
    """A hub elsewhere, of which some changes are followed."""

    def newest(self, tenant: str) -> int:
        """The position of the last change; 0 where there is none. Raises HubAway."""

    def follow(self, tenant: str, after: int, attributes: frozenset[str]) -> Followed:
        """What has come by now of changes after that position that touch one of the attributes (IRIs).

        Does not wait. Raises HubAway, HubForgot.
        """

    def listen(self, told: Callable[[], None]) -> None:
        """Be told when there may be something to follow; be quick."""
