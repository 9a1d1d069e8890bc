"""What a source is asked of histories (clauses 4.3.6, 5.2.9, 5.7.3.4, 5.7.4.4)."""

from __future__ import annotations

from typing import Any

import pytest

from broker.decode.query import EntitySelector, Query
from broker.ldcontext.core import core_context
from broker.model.registration import EntityInfo, Information, Interval, Registration
from broker.query.ast import HasType, Or
from broker.query.sources import Specification, matched
from broker.query.temporal import TemporalQuery
from broker.query.times import TemporalTexts
from federation.messages import Match
from federation.plan import Naming
from federation.plan_temporal import URL_CHARACTERS_MAX, Asking, in_time, retrieval, sees_all, temporal_query
from federation.wanted import wanted_of

NS = "https://uri.etsi.org/ngsi-ld/default-context/"
NAMES = core_context()
CAR, BOAT = HasType(f"{NS}Car"), HasType(f"{NS}Boat")
TIMES = TemporalTexts("after", "2026-01-01T00:00:00Z", last_n=3)
ANY_CAR = (Information((EntityInfo((f"{NS}Car",)),)),)


def match(wanted: Specification, *information: Information, **more: Any) -> Match:
    registration = Registration("urn:r:1", "http://x.org", information or ANY_CAR, **more)
    return Match(registration, matched(registration, wanted))


def asked(query: Query | None = None, **more: Any) -> Asking:
    """A request for cars by type."""
    query = query or Query((EntitySelector("Car"),))
    wanted = wanted_of(query, NAMES, (), split=False)
    return Asking(query, TIMES, Naming(NAMES, None), wanted=wanted, **more)


def parameters(wanted: Specification, asking: Asking, *information: Information) -> dict[str, str]:
    return dict(temporal_query(match(wanted, *information), wanted, asking).parameters)


def test_a_retrieval_asks_for_registered_attributes_with_their_times() -> None:
    speed = Information((EntityInfo((f"{NS}Car",)),), (f"{NS}speed",))
    wanted = Specification(("urn:x:a/b",), attributes=frozenset({f"{NS}speed", f"{NS}colour"}))
    forward = retrieval(match(wanted, speed), wanted, asked())
    assert (forward.method, forward.path) == ("GET", "/temporal/entities/urn%3Ax%3Aa%2Fb")
    assert dict(forward.parameters) == {
        "timerel": "after", "timeAt": "2026-01-01T00:00:00Z", "lastN": "3", "attrs": "speed", "options": "sysAttrs",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("entities", "wanted", "which"),
    [
        ((EntityInfo((f"{NS}Car",)),), Specification(types=CAR), {"type": "Car"}),
        ((EntityInfo((f"{NS}Car", f"{NS}Bus")),), Specification(types=Or((CAR, BOAT))), {"type": "Car"}),
        ((EntityInfo((f"{NS}Car",)),), Specification(attributes=frozenset({f"{NS}a"})), {"type": "Car", "attrs": "a"}),
        ((EntityInfo((f"{NS}Car",), "urn:x:1"),), Specification(types=CAR), {"type": "Car", "id": "urn:x:1"}),
        (
            (EntityInfo((f"{NS}Car",), None, "urn:x:.*"),),
            Specification(("urn:x:1", "urn:y:1"), types=CAR),
            {"type": "Car", "id": "urn:x:1"},
        ),
        (
            (EntityInfo((f"{NS}Car",), None, "urn:x:.*"),),
            Specification(types=CAR),
            {"type": "Car", "idPattern": "urn:x:.*"},
        ),
        ((), Specification(types=CAR), {"type": "Car"}),
    ],
)
def test_a_query_is_cut_to_what_is_registered(
    entities: tuple[EntityInfo, ...], wanted: Specification, which: dict[str, str]
) -> None:
    found = parameters(wanted, asked(), Information(entities))
    rest = {"timerel", "timeAt", "lastN", "options"}
    assert {name: text for name, text in found.items() if name not in rest} == which


def test_filters_go_to_sources_of_whole_entities_only() -> None:
    query = Query((EntitySelector("Car"),), q="speed>1", scope_q="/a")
    wanted = Specification(types=CAR)
    assert {"q", "scopeQ"} <= parameters(wanted, asked(query)).keys()
    assert not {"q", "scopeQ"} & parameters(wanted, asked(query, split=True)).keys()
    colour = Information((EntityInfo((f"{NS}Car",)),), (f"{NS}colour",))
    whole, part = match(wanted), match(wanted, colour)
    known = wanted_of(query, NAMES, (), split=False)
    assert (sees_all(whole, known), sees_all(part, known)) == (True, False)


def test_what_no_url_holds_goes_by_post() -> None:
    ids = tuple(f"urn:ngsi-ld:Car:{number:04}" for number in range(URL_CHARACTERS_MAX // 20))
    wanted = Specification(types=CAR)
    forward = temporal_query(match(wanted), wanted, asked(by_id="descending").narrowed_to(ids))
    assert (forward.method, forward.path) == ("POST", "/temporal/entityOperations/query")
    assert dict(forward.parameters) == {"limit": f"{len(ids)}", "options": "sysAttrs"}
    assert forward.body == {
        "type": "Query",
        "entities": [{"type": "Car", "id": list(ids)}],
        "temporalQ": {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z", "lastN": 3},
        "ordering": {"orderBy": ["id;desc"]},
    }


@pytest.mark.parametrize(
    ("timeproperty", "span", "served"),
    [
        ("observedAt", (0, 10), False),
        ("observedAt", (0, 101), True),
        ("observedAt", (150, 160), True),
        ("observedAt", (201, 300), False),
        ("modifiedAt", (0, 10), False),
    ],
)
def test_a_source_is_asked_for_times_that_it_has(timeproperty: str, span: tuple[int, int], served: bool) -> None:
    registration = Registration("urn:r:1", "x", ANY_CAR, observation_interval=Interval(100, 200))
    assert in_time(registration, TemporalQuery(timeproperty=timeproperty), span) is served


def test_a_source_that_tells_no_times_has_all() -> None:
    assert in_time(Registration("urn:r:1", "x", ANY_CAR), TemporalQuery(), (0, 1))
