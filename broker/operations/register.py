"""Registering context sources (clause 5.9).

A registration is a held document; what makes one is decided inside the store's transaction. Writes give a Future.

    register_source(broker, call, received).result() -> Registration(id=…, …)
"""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from broker.decode.registration import Received, created, revised
from broker.errors import AlreadyExists, BadRequestData, NgsiError, ResourceNotFound
from broker.model.names import is_uri
from broker.model.registration import PROXIED, REGISTRATION, Registration
from broker.model.values import Instant
from broker.operations.broker import Broker, Call
from broker.operations.futures import then
from broker.operations.proxied import StaleError, check_entities, check_others, write_proxied
from broker.operations.terms import check_terms
from broker.ports.held import Drop, Held, HeldCommand, HeldDecision, Hold


def register_source(broker: Broker, call: Call, received: Received) -> Future[Registration]:
    """Register Context Source (clause 5.9.2): the registration. Makes the tenant.

    Fails with AlreadyExists, Conflict where it would share what is held in one place only, and BadRequestData where
    the members don't go together or the end has passed.
    """
    registration_id = received.id or f"urn:ngsi-ld:ContextSourceRegistration:{broker.new_id()}"

    def decide(current: Held | None, now: Instant) -> HeldDecision:
        if current is not None:
            raise AlreadyExists(
                f"The registration {registration_id} exists already.",
                pointer="/id",
                clause="5.9.2.4",
                remedy="Choose another id or give none, or PATCH the registration.",
            )
        made = replace(created(received, registration_id, now), principal=call.principal.kept())
        check_terms(broker, made)
        return Hold(made.to_body(), made, made.expires_at)

    command = HeldCommand(REGISTRATION, registration_id, decide, creates=True)
    if received.members.get("mode") not in PROXIED:
        return _one(broker, call, command)
    check_entities(broker, call, created(received, registration_id, broker.clock.now()))
    return write_proxied(broker, call, command, check_others)


def update_source(broker: Broker, call: Call, registration_id: str, received: Received) -> Future[Registration]:
    """Update Context Source Registration (clause 5.9.3): the registration as it is now.

    Fails with ResourceNotFound, Conflict and BadRequestData.
    """
    require_registration_id(registration_id)

    def decide(current: Held | None, now: Instant) -> HeldDecision:
        if current is None:
            raise unknown_registration(registration_id)
        made = revised(Registration.from_body(current.body), received, now)
        made = replace(made, principal=call.principal.kept())
        check_terms(broker, made)
        if made.proxied and not guarded:
            raise StaleError("the registration has moved", clause="4.3.6.3")
        return Hold(made.to_body(), made, made.expires_at)

    held = broker.held.find_held(call.tenant, REGISTRATION, registration_id)
    if held is None:
        raise unknown_registration(registration_id)
    before = Registration.from_body(held.body)
    guarded = received.members.get("mode", before.mode) in PROXIED
    command = HeldCommand(REGISTRATION, registration_id, decide)
    if not guarded:
        return _one(broker, call, command)
    check_entities(broker, call, revised(before, received, broker.clock.now()))
    return write_proxied(broker, call, command, check_others)


def delete_source(broker: Broker, call: Call, registration_id: str) -> Future[Registration]:
    """Delete Context Source Registration (clause 5.9.4): what it was. Fails with ResourceNotFound."""
    require_registration_id(registration_id)

    def decide(current: Held | None, _: Instant) -> HeldDecision:
        if current is None:
            raise unknown_registration(registration_id)
        return Drop(Registration.from_body(current.body))

    return _one(broker, call, HeldCommand(REGISTRATION, registration_id, decide))


def require_registration_id(registration_id: str) -> None:
    """Raise BadRequestData where the id is no URI (clauses 5.9.3.4, 5.9.4.4, 5.10.1.4)."""
    if not is_uri(registration_id):
        raise BadRequestData(
            f"The registration id {registration_id[:80]!r} is no URI.",
            pointer="registrationId",
            clause="5.10.1.4",
            remedy='Give a URI such as "urn:ngsi-ld:ContextSourceRegistration:1".',
        )


def unknown_registration(registration_id: str) -> ResourceNotFound:
    """A refusal, to be raised."""
    return ResourceNotFound(
        f"There is no registration {registration_id[:200]}.",
        pointer="registrationId",
        clause="5.10.1.4",
        remedy="One that GET /ngsi-ld/v1/csourceRegistrations finds.",
    )


def _one(broker: Broker, call: Call, command: HeldCommand) -> Future[Any]:
    return then(broker.held.apply_held(call.tenant, [command]), _first)


def _first(results: list[object]) -> object:
    """The one result. Raises it where it is a refusal."""
    if isinstance(results[0], NgsiError):
        raise results[0]
    return results[0]
