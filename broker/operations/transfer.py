"""Whole sets of entities in and out of a store: what `misono import` and `misono export` do with it.

An import creates or replaces (clause 5.6.8); an entity that would stay the same is not written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future

from broker.decode.entity import decode_entity, decode_simplified, is_simplified
from broker.decode.files import in_utc
from broker.errors import NgsiError
from broker.ldcontext.active import ActiveContext
from broker.model import change
from broker.model.entity import Document, Entity
from broker.model.values import Instant, Json
from broker.operations.broker import Broker, Call
from broker.operations.futures import then
from broker.operations.guard import guarded
from broker.ports import Command, Decision, Keep, Put


def read_entity(
    body: dict[str, Json], resolve: Callable[[Json], ActiveContext], *, context: Json, convert_times: bool = False
) -> Document:
    """The document of an entity as it stands in a file, in whichever representation, with its own @context.

    `context` holds for entities that carry none. Raises NgsiError: LdContextNotAvailable naming the URL, or
    BadRequestData naming the member and the clause.
    """
    names = resolve(body.get("@context", context))
    members = in_utc(body) if convert_times else dict(body)
    members.pop("@context", None)
    return decode_simplified(members, names) if is_simplified(members) else decode_entity(members, names)


def load_entities(broker: Broker, call: Call, documents: Sequence[Document]) -> Future[list[NgsiError | None]]:
    """Create or replace each, in one transaction; at each place None, or why it was refused. Makes the tenant."""

    def refusals(results: list[object]) -> list[NgsiError | None]:
        return [result if isinstance(result, NgsiError) else None for result in results]

    return then(broker.entities.apply(call.tenant, [_upsert(call, document) for document in documents]), refusals)


def _upsert(call: Call, document: Document) -> Command:
    def decide(current: Entity | None, now: Instant) -> Decision:
        if current is None:
            return Put(change.create(document, now))
        after, _ = change.replace(current, document, now)
        return Keep() if after is current else Put(after)

    entity_id = str(document["id"])
    return Command(entity_id, guarded(call.restriction, decide), creates=True, expected=document, by=call.principal)


def dump_entities(broker: Broker, call: Call) -> Iterator[Entity]:
    """All live entities of one moment that the caller may see, in the order of their creation."""
    for entity in broker.entities.scan(call.tenant):
        shown = call.restriction.show(entity)
        if shown is not None:
            yield shown
