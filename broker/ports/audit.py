"""What was decided and who got what: written before it leaves, never lost, never changed unseen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from broker.model.values import Instant, Json


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody was shown of one person: attributes by entity type (IRIs), and the consents that it rests on.

    `first` and `last` are the instants of the oldest and newest value among them, `values` how many; it holds none.
    """

    subject: str
    items: Mapping[str, frozenset[str]]
    records: frozenset[str] = frozenset()
    values: int = 0
    first: Instant | None = None
    last: Instant | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the audit: a disclosure, a decision, an act. It never holds values of attributes.

    `kind` says what it is (`disclosure`, `emergency`, `erasure`, `consent`, `review`, …), `operation` through what.
    """

    kind: str
    tenant: str
    principal: str
    at: Instant
    recipient: str = ""
    purposes: frozenset[str] = frozenset()
    operation: str = ""
    epoch: int = 0
    told: tuple[Told, ...] = ()
    more: Mapping[str, Json] = field(default_factory=dict)


class Basis(NamedTuple):
    """Why one instance that concerns persons was shown: `rests` are pairs of subject and record, one a subject or more.

    `attribute` is an IRI, `dataset` the instance's datasetId (None: the default one). `record` is the entity id of the
    consent, or, in an emergency (`emergency`), the id of that. `own` says that the instance names its subjects itself.
    It may be shared: the policy makes one for each way in which it decides, not one for each instance.
    """

    attribute: str
    rests: tuple[tuple[str, str], ...]
    dataset: str | None = None
    emergency: bool = False
    own: bool = False


class Witness(Protocol):
    """What looks on while a policy shows: it knows then why what leaves the hub may leave it."""

    def saw(self, entity_id: str, bases: Iterable[Basis], types: Sequence[str] = ()) -> None:
        """The view showed these instances of an entity, which concern persons, by consents or an emergency.

        `types` are the entity's. Called once for every entity that a view leaves anything personal of; not for what
        somebody sees of themself or of those they act for, and not for what concerns nobody. Much of it will not be in
        the answer: that is the witness's to find out. Cheap.
        """


WITNESS: ContextVar[Witness | None] = ContextVar("WITNESS", default=None)
"""That of this thread; None where nothing leaves (writes, SYSTEM, timers): a view tells nobody then.

    witness = WITNESS.get()
    if witness is not None and bases:
        witness.saw(entity.id, bases, entity.types)
"""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What one recipient got of one person in one day of the city, for one set of purposes (APPI 29: bundled).

    `day` is `2026-11-23` in the city's time; `first` and `last` are when it was told, `oldest` and `newest` of when the
    values were. `times` counts how often, `values` how many; `operations` through what, `records` the consents (in an
    emergency its id), `entries` the numbers of the rows of the audit, for proofs; of very many the first ones.
    """

    kind: str
    day: str
    subject: str
    principal: str
    recipient: str
    purposes: frozenset[str]
    items: Mapping[str, frozenset[str]]
    records: frozenset[str]
    operations: frozenset[str]
    times: int
    values: int
    first: Instant
    last: Instant
    oldest: Instant | None = None
    newest: Instant | None = None
    entries: tuple[int, ...] = ()


class Audit(Protocol):
    """The audit of this hub."""

    def record(self, entry: Entry) -> Future[int]:
        """Write it; done, with its number, when it is durable: only then what it tells of may leave the hub."""

    def disclosures(self, tenant: str, subject: str = "", since: Instant = 0) -> Sequence[Disclosure]:
        """Who got what of a person (of everybody where there is no subject), by day, the newest first.

        `since`: what was told from then on.
        """

    def erase(self, tenant: str, subject: str, why: str) -> int:
        """Forget what the audit says of a person, durable on return; how many rows said something.

        The chain stays whole, and says that it was erased. Provision records that the law has kept (APPI 29) are the
        caller's to copy first.
        """


class Unaudited:
    """Nothing is kept: where no access is configured nobody has any rights that could be told of."""

    def record(self, entry: Entry) -> Future[int]:  # noqa: ARG002 - the port's
        """Done at once."""
        done: Future[int] = Future()
        done.set_result(0)
        return done

    def disclosures(self, tenant: str, subject: str = "", since: Instant = 0) -> Sequence[Disclosure]:  # noqa: ARG002 - the port's
        """None."""
        return ()

    def erase(self, tenant: str, subject: str, why: str) -> int:  # noqa: ARG002 - the port's
        """Nothing is there."""
        return 0
