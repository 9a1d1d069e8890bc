"""What subscriptions select, as registrations are matched with it, pure (clauses 5.8.1.4, 5.11.2.4, 5.12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from broker.ldcontext.active import ActiveContext
from broker.model.registration import Information, Registration
from broker.model.subscription import Subscription
from broker.model.values import Json
from broker.query.ast import Geo
from broker.query.bind import bind
from broker.query.percent import decoded
from broker.query.q import parse_q
from broker.query.scopes import parse_scope_q
from broker.query.source_filters import SourceQuery
from broker.query.sources import Specification, matched
from broker.query.stored import node_from_json
from broker.query.times import TemporalTexts, parse_times

_TIMES = {
    "timerel": "timerel", "timeAt": "time_at", "endTimeAt": "end_time_at", "timeproperty": "timeproperty",
    "lastN": "last_n",
}  # fmt: skip


def specifications(subscription: Subscription) -> tuple[Specification, ...]:
    """Entities and attributes that the subscription is about; one of these is enough."""
    watched = frozenset(subscription.watched) - {"scope"}
    attributes = watched | frozenset(subscription.notification.attributes) if watched else watched
    if not watched:
        attributes = frozenset(subscription.notification.attributes)
    datasets = frozenset(subscription.dataset_ids)
    found = tuple(
        Specification(
            one.ids,
            None if one.ids else one.id_pattern,
            None if one.types is None else node_from_json(one.types),
            attributes,
            datasets,
        )
        for one in subscription.entities
    )
    return found or (Specification(attributes=attributes, dataset_ids=datasets),)


def source_query(subscription: Subscription, names: ActiveContext) -> SourceQuery:
    """The registrations that a subscription to registrations is about; `names` are those of its @context."""
    geo = None if subscription.geo is None else cast(Geo, node_from_json(subscription.geo.node))
    scope = None if subscription.scope_q is None else parse_scope_q(subscription.scope_q)
    csf = None if subscription.csf is None else bind(parse_q(decoded(subscription.csf)), names)
    times = None if subscription.temporal is None else parse_times(_texts(subscription.temporal))
    return SourceQuery(specifications(subscription), geo, scope, csf, times)


def parts_of(registration: Registration, wanted: tuple[Specification, ...]) -> tuple[Information, ...]:
    """The RegistrationInfo elements that matter to one of them, in their order, each once."""
    found = {one for each in wanted for one in matched(registration, each)}
    return tuple(one for one in registration.information if one in found)


def _texts(given: Mapping[str, Json]) -> TemporalTexts:
    return TemporalTexts(**{_TIMES[name]: value for name, value in given.items()})  # type: ignore[arg-type]
