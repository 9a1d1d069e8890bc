"""What an exclusive or a redirecting registration may not share (clauses 4.3.6.3, 5.9.2.4).

Two such registrations that come at the same time must not both pass, in whichever process: each writes one stamp of
the tenant in its own transaction, and what was decided beside an older stamp is decided again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from broker.errors import Conflict, NgsiError, NonexistentTenant, ServiceUnavailable
from broker.model.registration import REGISTRATION, EntityInfo, Information, Registration
from broker.model.values import Instant
from broker.operations.broker import Broker, Call
from broker.operations.futures import otherwise, then
from broker.ports import UNRESTRICTED
from broker.ports.held import Held, HeldCommand, HeldDecision, Hold, Leave
from broker.query.ast import And, HasAttribute, HasType, IdIn, IdPattern, Node, Or, Selection, Window
from broker.query.sources import Specification, matched

ATTEMPTS = 20
_STAMPS, _STAMP = "proxied_registrations", "urn:ngsi-ld:stamp"


class StaleError(ServiceUnavailable):
    """Another such registration came in between."""


@dataclass(slots=True)
class _Seen:
    """The stamp as it was read, and whether it was still the same in the transaction."""

    version: int
    stale: bool = False

    def stamp(self, current: Held | None, _: Instant) -> HeldDecision:
        self.stale = self.version != (0 if current is None else current.version)
        return Leave() if self.stale else Hold({})


def write_proxied(
    broker: Broker, call: Call, command: HeldCommand, check: Callable[[Registration, Iterable[Registration]], None],
) -> Future[Registration]:  # fmt: skip
    """Apply a command that makes a proxied registration, beside the others as they are in its transaction.

    `check` raises where the registration cannot stand beside those others.
    """
    return _attempt(broker, call, command, check, 1)


def _attempt(
    broker: Broker,
    call: Call,
    command: HeldCommand,
    check: Callable[[Registration, Iterable[Registration]], None],
    number: int,
) -> Future[Registration]:
    seen, others = _look(broker, call.tenant, command.id)

    def decide(current: Held | None, now: Instant) -> HeldDecision:
        if seen.stale:
            raise StaleError("the registrations have moved", clause="4.3.6.3")
        decision = command.decide(current, now)
        if isinstance(decision, Hold) and isinstance(decision.result, Registration):
            check(decision.result, others)
        return decision

    def again(refusal: NgsiError) -> Future[Registration]:
        if not isinstance(refusal, StaleError):
            raise refusal
        if number >= ATTEMPTS:
            raise ServiceUnavailable("too many registrations at once", clause="4.3.6.3", remedy="send it again")
        return _attempt(broker, call, command, check, number + 1)

    commands = [
        HeldCommand(_STAMPS, _STAMP, seen.stamp, command.creates),
        HeldCommand(REGISTRATION, command.id, decide, command.creates),
    ]
    return otherwise(then(broker.held.apply_held(call.tenant, commands), _last), again)


def _look(broker: Broker, tenant: str, own_id: str) -> tuple[_Seen, list[Registration]]:
    try:
        stamp = broker.held.find_held(tenant, _STAMPS, _STAMP)
        held = broker.held.all_held(tenant, REGISTRATION)
    except NonexistentTenant:
        return _Seen(0), []
    others = [Registration.from_body(one.body) for one in held if one.id != own_id]
    return _Seen(0 if stamp is None else stamp.version), [one for one in others if one.proxied]


def _last(results: list[object]) -> Any:  # noqa: ANN401  what the command's decision says
    if isinstance(results[-1], NgsiError):
        raise results[-1]
    return results[-1]


def check_others(made: Registration, others: Iterable[Registration]) -> None:
    """Raise Conflict where what it registers is held by another one alone, or by it alone and another one too.

    Registrations of evolutions and of current state are beside each other (clause 5.2.9).
    """
    for other in others:
        if other.temporal != made.temporal:
            continue
        if (made.mode == "exclusive" and _claims(made, other)) or (
            other.mode == "exclusive" and made.proxied and _claims(other, made)
        ):
            raise Conflict(
                f"The registration {other.id[:200]} is about the same attributes of the same entity.",
                pointer="/information",
                clause="4.3.6.3",
                remedy="Register other attributes, or delete that registration.",
            )


def _claims(exclusive: Registration, other: Registration) -> bool:
    """Whether the other one matches an entity and any of the attributes that the exclusive one names."""
    datasets = frozenset(exclusive.dataset_ids)
    for part in exclusive.information:
        for info in part.entities:
            types = Or(tuple(map(HasType, info.types))) if info.types else None
            ids = () if info.id is None else (info.id,)
            if matched(other, Specification(ids, None, types, part.attributes, datasets)):
                return True
    return False


def check_entities(broker: Broker, call: Call, made: Registration) -> None:
    """Raise Conflict where entities of this broker have what is to be held by the source (clause 5.9.2.4)."""
    if not made.proxied or made.temporal:
        return
    wanted = Or(tuple(_entities(part) for part in made.information))
    try:
        page = broker.entities.select(call.tenant, Selection(wanted), Window(1, 0, count=False), UNRESTRICTED)
    except NonexistentTenant:
        return
    if page.entities:
        raise Conflict(
            "This broker has entities of its own that the registration is about.",
            pointer="/information",
            clause="5.9.2.4",
            remedy="Delete them or those attributes, or register the source as inclusive.",
        )


def _entities(part: Information) -> Node:
    """The entities that have what a part of a registration is about."""
    terms: list[Node] = []
    if part.entities:
        terms.append(Or(tuple(map(_entity, part.entities))))
    if part.attributes:
        terms.append(Or(tuple(map(HasAttribute, sorted(part.attributes)))))
    return And(tuple(terms))


def _entity(info: EntityInfo) -> Node:
    terms: list[Node] = list(map(HasType, info.types))
    if info.id is not None:
        terms = [IdIn((info.id,))]
    elif info.id_pattern is not None:
        terms.append(IdPattern(info.id_pattern))
    return And(tuple(terms))
