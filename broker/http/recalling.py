"""What a temporal request asks for: from parameters or a body to a query of histories and how they are shown.

Clauses 4.11, 4.5.19, 5.7.3, 5.7.4, 6.3.12.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from broker.decode.query import Query
from broker.encode.temporal import TemporalFormat, TemporalRepresentation
from broker.errors import BadRequestData
from broker.http.parameters import Parameters
from broker.http.seeking import attributes_of, query_of, view_of
from broker.ldcontext.active import ActiveContext
from broker.operations.consume import require_depth
from broker.query.ast import Ordering
from broker.query.projection import CORE_MEMBERS, Projection
from broker.query.temporal import TemporalQuery
from broker.query.times import TemporalTexts, parse_times

FORMATS: dict[str, TemporalFormat] = {
    "normalized": "normalized",
    "concise": "concise",
    "temporalValues": "temporalValues",
    "simplified": "temporalValues",
    "keyValues": "temporalValues",
    "aggregatedValues": "aggregatedValues",
}
_SCOPE = "scope"


@dataclass(frozen=True, slots=True)
class Form:
    """`format` and `options` of a request: the format that was named, if any, and whether sysAttrs was."""

    named: TemporalFormat | None
    sys_attrs: bool


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is asked of histories, and how they are shown."""

    query: TemporalQuery
    representation: TemporalRepresentation


def form_of(parameters: Parameters) -> Form:
    """What `format` and `options` ask for; format wins over options (clause 6.3.12)."""
    return _form(parameters.text("format"), parameters.words("options"))


@lru_cache(maxsize=256)
def _form(format_given: str | None, options: tuple[str, ...]) -> Form:
    named = {FORMATS[word] for word in ([format_given] if format_given else options) if word in FORMATS}
    if len(named) > 1:
        raise BadRequestData(
            "options names more than one format",
            pointer="options",
            clause="6.3.12",
            remedy="one of: temporalValues, aggregatedValues",
        )
    return Form(named.pop() if named else None, "sysAttrs" in options)


def texts_of(parameters: Parameters) -> TemporalTexts:
    """The temporal query of a GET, as it was sent."""
    text = parameters.text
    methods = text("aggrMethods")
    return TemporalTexts(
        text("timerel"),
        text("timeAt"),
        text("endTimeAt"),
        text("timeproperty"),
        parameters.number("lastN", 0) or None,
        None if methods is None else tuple(one.strip() for one in methods.split(",")),
        text("aggrPeriodDuration"),
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """One temporal request as texts; `instances_max` is how many of an attribute an answer may hold."""

    query: Query
    times: TemporalTexts
    form: Form
    instances_max: int


@lru_cache(maxsize=1024)
def recall_get(parameters: Parameters, names: ActiveContext, instances_max: int) -> Recalled:
    """What the parameters of a GET ask for, understood once for the same parameters."""
    return recall_of(Asked(query_of(parameters), texts_of(parameters), form_of(parameters), instances_max), names)


@lru_cache(maxsize=1024)
def recall_of(asked: Asked, names: ActiveContext) -> Recalled:
    """The request understood. Raises BadRequestData for what no grammar knows, and for linked entities (5.7.3.4)."""
    if asked.query.join is not None or asked.query.contained_by:
        raise _not_joined()
    view = view_of(asked.query, names)
    require_depth(None, view.projection, None)
    shown = _format(asked)
    texts = asked.times
    if shown == "aggregatedValues":
        texts = replace(texts, methods=texts.methods or ())
    else:
        texts = replace(texts, methods=None, period=None)
    query = replace(
        parse_times(texts),
        names=_names(asked.query, view.projection, names),
        dataset_ids=asked.query.dataset_ids,
        instances_max=asked.instances_max,
        sys_attrs=asked.form.sys_attrs,
    )
    projection = None if asked.query.attrs else view.projection
    representation = TemporalRepresentation(
        shown, asked.form.sys_attrs, asked.query.lang, query.timeproperty, projection
    )
    return Recalled(query, representation)


def _format(asked: Asked) -> TemporalFormat:
    """The format that was named; methods without one ask for aggregated values (clause 5.2.44)."""
    return asked.form.named or ("normalized" if asked.times.methods is None else "aggregatedValues")


def _names(query: Query, projection: Projection | None, names: ActiveContext) -> frozenset[str]:
    """The attributes of which there must be instances: attrs, or what pick picks where it picks attributes alone."""
    if query.attrs:
        return frozenset(attributes_of(query, names))
    if projection is None or projection.omits:
        return frozenset()
    picked = frozenset(projection.by_name)
    return picked if picked.isdisjoint(CORE_MEMBERS - {_SCOPE}) else frozenset()


def by_id(order: Ordering | None) -> Literal["ascending", "descending"] | None:
    """How evolutions are ordered by their ids. Raises BadRequestData for any other order (clause 5.7.4.4)."""
    if order is None:
        return None
    for term in order.terms:
        if term.path.name != "id" or term.path.subs or term.path.members:
            raise BadRequestData(
                f"Histories cannot be ordered by {term.path.name}.",
                pointer="orderBy",
                clause="5.7.4.4",
                remedy="orderBy=id or orderBy=id;desc",
            )
    return "descending" if order.terms[0].descending else "ascending"


def _not_joined() -> BadRequestData:
    return BadRequestData(
        "A history joins no linked entities.",
        pointer="join",
        clause="5.7.4.4",
        remedy="leave join and containedBy out, and ask for the linked entities' own histories",
    )
