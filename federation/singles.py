"""A batch entity by entity, at sources that do not serve the batch operation (clauses 5.6.7.4 to 5.6.10.4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias
from urllib.parse import quote

from broker.errors import AlreadyExists, NgsiError, OperationNotSupported
from broker.http.exchange import Exchange
from broker.model.entity import Document
from federation.hub import Hub
from federation.merge_provide import part_of
from federation.messages import Answered, Forward
from federation.plan_batch import CREATED, Batch, Parcel, Tally, second_single
from federation.plan_fragment import named_document

SINGLES_AT_ONCE = 32
"""Requests to one source for single entities that are on their way together; the rest wait to see how those end."""

Step: TypeAlias = tuple[Parcel, int, str]
"""A single operation for one member at one source: the parcel, the member's number, the operation."""


def ask_singles(hub: Hub, exchange: Exchange, batch: Batch, steps: Sequence[Step], tally: Tally) -> list[Step]:
    """Ask for single entities; what is left to ask is returned: to write what could not be created."""
    again: list[Step] = []
    silent: dict[str, NgsiError] = {}
    for chunk in _chunks(steps):
        asked = []
        for parcel, number, operation in chunk:
            if parcel.registration.id in silent:
                tally.fail(parcel, (number,), silent[parcel.registration.id])
            else:
                asked.append((parcel, number, operation))
        forwards = [_single_forward(*step) for step in asked]
        for step, answered in zip(asked, hub.sources.ask(exchange, forwards) if forwards else (), strict=True):
            refusal = _count_single(batch, step, answered, (tally, again))
            if refusal is not None and answered.trouble:
                silent[step[0].registration.id] = refusal
    return again


def _chunks(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    for start in range(0, len(steps), SINGLES_AT_ONCE):
        yield steps[start : start + SINGLES_AT_ONCE]


def _count_single(batch: Batch, step: Step, answered: Answered, where: tuple[Tally, list[Step]]) -> NgsiError | None:
    """Count what came of a single operation, or put down what is to be asked next; why it failed, if it did."""
    (parcel, number, operation), (tally, again) = step, where
    part = part_of(answered, parcel.shares[number], parcel.names)
    refusals = list({id(left.refusal): left.refusal for left in part.left}.values())
    there = any(isinstance(one, AlreadyExists) for one in refusals)
    if there and batch.kind == "upsert" and operation == "createEntity":
        second = second_single(batch, parcel.registration)
        if isinstance(second, OperationNotSupported):
            tally.fail(parcel, (number,), second)
        else:
            again.append((parcel, number, second))
        return None
    if part.done:
        tally.succeed(number, parcel.entity_id(number), created=answered.status == CREATED)
    for refusal in refusals:
        tally.fail(parcel, (number,), refusal)
    return refusals[0] if refusals else None


def _single_forward(parcel: Parcel, number: int, operation: str) -> Forward:
    method, tail, parameters = _SINGLES[operation]
    share = parcel.shares[number]
    path = "/entities" if operation == "createEntity" else f"/entities/{quote(parcel.entity_id(number), safe='')}{tail}"
    body = None if method == "DELETE" else named_document(_body(share.document, operation), parcel.names)
    return Forward(share.registration, operation, method, path, parameters, body, parcel.source, head=share.head)


_SINGLES: Mapping[str, tuple[str, str, tuple[tuple[str, str], ...]]] = {
    "createEntity": ("POST", "", ()),
    "replaceEntity": ("PUT", "", ()),
    "mergeEntity": ("PATCH", "", ()),
    "deleteEntity": ("DELETE", "", ()),
    "updateEntity": ("PATCH", "/attrs", ()),
    "appendAttrs": ("POST", "/attrs", (("options", "noOverwrite"),)),
}


def _body(document: Document, operation: str) -> Document:
    if operation in ("createEntity", "replaceEntity"):
        return document
    return {name: value for name, value in document.items() if name != "id"}
