"""The copy of a subscription that a source gets, pure (clause 5.8.1.4).

It is reduced to what the source has registered, and notifies this broker. Where entities may be split over sources,
what decides on whole entities is left out, and decided here when it notifies.

    {entities [{type Car}], watchedAttributes [speed, colour], q speed>50}  at a source of {type Car, [speed]}
        ->  {entities [{type Car}], watchedAttributes [speed], q speed>50, notification {endpoint {uri …/relay/…}}}
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, cast

from broker.encode.subscription import Shown, encode_subscription
from broker.encode.text import dump
from broker.ldcontext.active import ActiveContext
from broker.model.registration import EntityInfo
from broker.model.subscription import Endpoint, NotificationParams, Selector, Subscription
from broker.model.values import Instant, Json
from broker.query.ast import HasType, Node, Or
from broker.query.patterns import compile_pattern
from broker.query.sources import Specification, entity_matches
from broker.query.stored import node_from_json, node_to_json
from federation.messages import Match

GEO_JSON: Final = "application/geo+json"
_ANY_TYPE: Final = "*"


def is_distributed(subscription: Subscription) -> bool:
    """Whether sources may get copies of it (clause 5.5.13)."""
    about_own = any(one.type == _ANY_TYPE for one in subscription.entities)
    return not subscription.local_only and not about_own


def is_split(subscription: Subscription) -> bool:
    """Whether its entities may be spread over sources (clause 5.8.6): only where it says so."""
    return bool(subscription.split_entities)


def is_whole(subscription: Subscription) -> bool:
    """Whether sources give entities as they are, and this broker makes the notification of them."""
    return is_split(subscription) or subscription.notification.endpoint.accept == GEO_JSON


def copy_of(
    subscription: Subscription, match: Match, relay: tuple[str, str], names: ActiveContext, now: Instant
) -> dict[str, Json] | None:
    """The body of the copy, in these names; None where nothing of it is about what the source has.

    `relay` is the id of the copy, and the URI it notifies.
    """
    reduced = _reduced(subscription, match)
    if reduced is None:
        return None
    identifier, uri = relay
    endpoint = Endpoint(uri, timeout=subscription.notification.endpoint.timeout)
    made = replace(
        reduced,
        id=identifier,
        notification=replace(reduced.notification, endpoint=endpoint),
        csf=None,
        name=None,
        description=None,
        local_only=True if match.registration.management_local else None,
    )
    body = encode_subscription(made, names, Shown(now))
    for name in ("status",) if subscription.jsonld_context else ("status", "jsonldContext"):
        body.pop(name, None)
    body["isActive"] = made.active
    if subscription.time_interval is not None or not subscription.triggers:
        body.pop("notificationTrigger", None)
    return body


def digest(body: dict[str, Json]) -> str:
    """The same for the same copy."""
    return hashlib.sha256(dump(cast("Json", body))).hexdigest()


def fragment(body: dict[str, Json], sent: Sequence[str]) -> dict[str, Json]:
    """What makes a copy with the members `sent` into this one (clause 5.8.2)."""
    gone: dict[str, Json] = {name: None for name in sent if name not in body}
    return {name: value for name, value in body.items() if name != "id"} | gone


def _reduced(subscription: Subscription, match: Match) -> Subscription | None:
    offered = _offered(match)
    watched = _watched(subscription, offered)
    if subscription.watched and not watched:
        return None
    entities: tuple[Selector, ...] = ()
    for one in _selectors(subscription, match):
        entities += () if one in entities else (one,)
    if not entities and subscription.entities:
        return None
    found = replace(subscription, entities=entities, watched=watched)
    params = subscription.notification
    if is_whole(subscription):
        found = replace(found, notification=NotificationParams(params.endpoint, sys_attrs=True), lang=None)
    elif offered and params.pick is None and params.omit is None:
        attributes = tuple(one for one in params.attributes if one in offered) or tuple(sorted(offered))
        found = replace(found, notification=replace(params, attributes=attributes))
    if is_split(subscription):
        found = replace(found, q=None, geo=None, scope_q=None, expand_values=(), json_keys=())
    return found


def _watched(subscription: Subscription, offered: frozenset[str]) -> tuple[str, ...]:
    """What the source is to watch; nothing is all it has."""
    if not offered:
        return subscription.watched
    if subscription.watched:
        return tuple(one for one in subscription.watched if one in offered)
    return tuple(sorted(offered)) if subscription.time_interval is None else ()


def _offered(match: Match) -> frozenset[str]:
    """The attributes that the source has registered, none for all."""
    found: set[str] = set()
    for one in match.information:
        if not one.attributes:
            return frozenset()
        found |= one.attributes
    return frozenset(found)


def _selectors(subscription: Subscription, match: Match) -> Iterator[Selector]:
    """Entities that are both subscribed to and registered."""
    infos = [info for one in match.information for info in one.entities]
    if any(not one.entities for one in match.information):
        yield from subscription.entities
        return
    for info in infos:
        if not subscription.entities:
            yield _of_info(info)
        for selector in subscription.entities:
            both = _both(selector, info)
            if both is not None:
                yield both


def _of_info(info: EntityInfo) -> Selector:
    if not info.types:
        return Selector(_ANY_TYPE, None, _ids(info), info.id_pattern)
    nodes: list[Node] = [HasType(one) for one in info.types]
    return Selector("", node_to_json(nodes[0] if len(nodes) == 1 else Or(tuple(nodes))), _ids(info), info.id_pattern)


def _ids(info: EntityInfo) -> tuple[str, ...]:
    return () if info.id is None else (info.id,)


def _both(selector: Selector, info: EntityInfo) -> Selector | None:
    types = None if selector.types is None else node_from_json(selector.types)
    wanted = Specification(selector.ids, None if selector.ids else selector.id_pattern, types)
    if not entity_matches(info, wanted):
        return None
    if info.id is not None:
        return replace(selector, ids=(info.id,), id_pattern=None)
    if selector.ids:
        fits = None if info.id_pattern is None else compile_pattern(info.id_pattern).search
        return replace(selector, ids=tuple(one for one in selector.ids if fits is None or fits(one)), id_pattern=None)
    return replace(selector, id_pattern=selector.id_pattern or info.id_pattern)
