"""The body of a temporal query by POST: a Query with temporalQ and aggrParams (clauses 5.2.21, 5.2.23, 5.2.44).

{"type": "Query", "entities": [{"type": "House"}], "temporalQ": {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z"},
 "aggrParams": {"aggrMethods": ["avg"], "aggrPeriodDuration": "PT1H"}}
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.decode.given import Given
from broker.decode.query import Query, decode_query
from broker.decode.reading import below, refusal, shown
from broker.model.values import Json
from broker.query.times import TemporalTexts

_TIMES = ("timerel", "timeAt", "endTimeAt", "timeproperty", "lastN")
_AGGREGATION = ("aggrMethods", "aggrPeriodDuration")
_LAST_MAX = 2**31 - 1


@dataclass(frozen=True, slots=True)
class TemporalQueryBody:
    """What a body asks for: which entities, and what of their histories (None without a temporalQ)."""

    query: Query
    times: TemporalTexts | None


def decode_temporal_query(body: Json) -> TemporalQueryBody:
    """The query in a body. Raises BadRequestData for a member of the wrong shape, and for an unknown one."""
    if not isinstance(body, dict):
        return TemporalQueryBody(decode_query(body), None)
    rest = {name: value for name, value in body.items() if name not in ("temporalQ", "aggrParams")}
    times = _members(body, "temporalQ", (*_TIMES, *_AGGREGATION), "5.2.21")
    aggregation = _members(body, "aggrParams", _AGGREGATION, "5.2.44")
    texts = None if "temporalQ" not in body else _texts({**times, **aggregation})
    return TemporalQueryBody(decode_query(rest), texts)


def temporal_texts(given: Given) -> TemporalTexts:
    """A TemporalQuery that is a member of something else (clause 5.2.21). Raises BadRequestData."""
    for member in given.members():
        if member not in _TIMES:
            raise refusal(
                f"There is no member {shown(member)}.", below(given.pointer, member), "5.2.21", ", ".join(_TIMES)
            )
    return _texts({member: given.member(member) for member in given.members()})


def _members(body: dict[str, Json], name: str, known: tuple[str, ...], clause: str) -> dict[str, Given]:
    if name not in body:
        return {}
    given = Given(body[name], "/" + name, clause)
    for member in given.members():
        if member not in known:
            raise refusal(
                f"There is no member {shown(member)}.", below(given.pointer, member), clause, ", ".join(known)
            )
    return {member: given.member(member) for member in given.members()}


def _texts(members: dict[str, Given]) -> TemporalTexts:
    texts = {name: given.text() for name, given in members.items() if name not in ("lastN", "aggrMethods")}
    return TemporalTexts(
        texts.get("timerel"),
        texts.get("timeAt"),
        texts.get("endTimeAt"),
        texts.get("timeproperty"),
        members["lastN"].whole(_LAST_MAX) if "lastN" in members else None,
        _methods(members["aggrMethods"]) if "aggrMethods" in members else None,
        texts.get("aggrPeriodDuration"),
    )


def _methods(given: Given) -> tuple[str, ...]:
    """Methods in a list, or in one text with a comma between."""
    if isinstance(given.value, list):
        return tuple(one.text() for one in given.each())
    return tuple(one.strip() for one in given.text().split(","))
