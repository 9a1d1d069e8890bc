"""Purge Entities here and at sources (clause 5.6.21)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from broker.errors import Conflict, NgsiError
from broker.http.entities import read_purge
from broker.http.exchange import Exchange
from broker.http.messages import Answer, Deferred, Response
from broker.http.respond import multi_status
from broker.http.seeking import ANY_TYPE, attributes_of, query_of
from broker.model.registration import Registration
from broker.operations.batch import BatchResult
from broker.operations.guard import touches_what_is_hidden
from broker.ports import INLINE, OverBudget
from broker.query.bind import bind
from broker.query.q import parse_q
from broker.query.source_filters import fits_csf
from federation.hub import FarHandler, Hub, Local
from federation.merge_provide import Left, Part, Verdict, batch_body, judge, part_of
from federation.messages import Forward, Match
from federation.naming import names_for
from federation.plan_provide import Share, provided
from federation.plan_purge import Purging, purges
from federation.provided import unasked
from federation.wanted import wanted_of

OPERATION = "purgeEntity"


def purge_entities(hub: Hub, exchange: Exchange, local: Local) -> Answer:
    """DELETE /entities (clause 5.6.21): what is registered is deleted where it is held, the rest here.

    `type=*` and an entity map are about this broker alone.
    """
    if exchange.parameters.text("type") == ANY_TYPE or "ngsild-entitymap" in exchange.request.headers:
        return local(exchange)
    query, names = query_of(exchange.parameters), exchange.call.names
    try:
        wanted = wanted_of(query, names, attributes_of(query, names), split=False)
        purging = Purging(wanted, read_purge(exchange))
        csf = None if query.csf is None else bind(parse_q(query.csf), names)
    except NgsiError:
        return local(exchange)  # which refuses it
    found = hub.registry.matching(exchange.call.tenant, None, wanted.selectors[0])
    matches = [one for one in provided(found, OPERATION) if csf is None or fits_csf(one.registration, csf)]
    if not matches:
        return local(exchange)
    if INLINE.get():
        raise OverBudget
    here = local(exchange)
    parts = _ask(hub, exchange, matches, purging)
    if isinstance(here, Response):
        return here
    return _answer(here, parts)


def _ask(hub: Hub, exchange: Exchange, matches: Sequence[Match], purging: Purging) -> list[Part]:
    parts: list[Part] = []
    asked: list[Forward] = []
    for match in matches:
        registration = match.registration
        left = unasked(hub, exchange, registration, OPERATION) or _unseen(exchange)
        forwards = purges(match, purging, *names_for(exchange, registration)) if left is None else []
        if isinstance(forwards, Conflict):
            left = Left(forwards)
        elif left is not None and not registration.proxied and not isinstance(left.refusal, Conflict):
            continue  # a loop
        if left is not None:
            parts.append(Part(registration, left=(left,), done=False))
        else:
            asked += cast("list[Forward]", forwards)
    answers = hub.sources.ask(exchange, asked) if asked else []
    return [
        *parts,
        *(part_of(one, Share(one.forward.registration, {}), exchange.call.names) for one in answers),
    ]


def _unseen(exchange: Exchange) -> Left | None:
    """Why somebody from whom anything is hidden purges nothing elsewhere: a source cannot know what that is."""
    return None if exchange.call.restriction.view is None else Left(touches_what_is_hidden())


def _answer(here: Deferred, parts: list[Part]) -> Response:
    result: BatchResult = here.pending.result()
    if result.success or result.errors:
        parts.append(Part(None, left=tuple(Left(one.refusal) for one in result.errors), done=bool(result.success)))
    verdict = judge(parts)
    if verdict.refusal is not None:
        raise verdict.refusal
    return multi_status(batch_body(result.success, _errors(verdict, result))) if verdict.mixed else here.render(result)


def _errors(verdict: Verdict, result: BatchResult) -> list[tuple[str, NgsiError, Registration | None]]:
    """The errors of this broker by entity, and those of sources by what they have registered."""
    found: list[tuple[str, NgsiError, Registration | None]] = [
        (one.entity_id, one.refusal, None) for one in result.errors
    ]
    for part in verdict.parts:
        if part.registration is not None:
            found += [(_about(part.registration), left.refusal, part.registration) for left in part.left]
    return found


def _about(registration: Registration) -> str:
    """What an error of a whole source is about: the entity that it is registered for, if it is one."""
    ids = {info.id for part in registration.information for info in part.entities}
    alone = ids.pop() if len(ids) == 1 else None
    return alone or registration.id


HANDLERS: Mapping[str, FarHandler] = {"purge_entities": purge_entities}
"""Operation name of the table -> its distributed handler."""
