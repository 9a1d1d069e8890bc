"""Laws of histories over the wire: what is sent comes back, whole, as pairs, by its time (clauses 4.5.6 to 4.5.9)."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.decode.entity import decode_entity
from broker.decode.temporal import decode_history
from broker.encode.entity import encode_normalized
from broker.encode.temporal import TemporalRepresentation, encode_evolution
from broker.errors import ResourceNotFound
from broker.operations.evolve import upsert_evolution
from broker.operations.recall import retrieve_evolution
from broker.query.times import NO_TIMES, TemporalTexts, parse_times
from tests.fakes.house import make_broker, make_call
from tests.strategies.wire import DATASETS, TERMS, instances

ENTITY = {"id": "urn:x:1", "type": "House"}
NORMALIZED, PAIRS = TemporalRepresentation(), TemporalRepresentation("temporalValues")


def _at(second: int) -> str:
    return f"2026-01-01T00:{second // 60:02}:{second % 60:02}Z"


@st.composite
def histories(draw: st.DrawFn) -> dict[str, list[Any]]:
    """Attributes with instances of different times, some of a dataset, in any order of their sending."""
    found = {}
    for name in draw(st.lists(st.sampled_from(TERMS), min_size=1, max_size=3, unique=True)):
        seconds = draw(st.lists(st.integers(0, 3599), min_size=1, max_size=5, unique=True))
        sent = [{**draw(instances(depth=1)), "observedAt": _at(second)} for second in seconds]
        found[name] = [
            {**one, "datasetId": dataset} if (dataset := draw(st.sampled_from([None, *DATASETS[:2]]))) else one
            for one in sent
        ]
    return found


def _kept(
    sent: dict[str, list[Any]], shape: TemporalRepresentation = NORMALIZED, texts: TemporalTexts = NO_TIMES
) -> Any:
    """What a broker shows of a history that was sent to it; nothing where nothing is within the time."""
    broker, call = make_broker(), make_call()
    upsert_evolution(broker, call, decode_history({**ENTITY, **copy.deepcopy(sent)}, call.names)).result()
    try:
        (evolution,) = retrieve_evolution(broker, call, "urn:x:1", parse_times(texts)).evolutions
    except ResourceNotFound:
        return {}
    return encode_evolution(evolution, shape, call.names)


def _normalized(instance: Any) -> Any:
    """The instance as an entity's attribute would be shown."""
    names = make_call().names
    return encode_normalized(decode_entity({**ENTITY, "a": copy.deepcopy(instance)}, names), names)["a"]


def _values(shown: Any, name: str) -> list[Any]:
    return [_without_id(one) for one in shown.get(name, ())]


def _without_id(instance: Any) -> Any:
    return {member: value for member, value in instance.items() if member != "instanceId"}


@given(histories())
def test_what_is_sent_comes_back_in_the_order_of_time(sent: dict[str, list[Any]]) -> None:
    shown = _kept(sent)
    for name, instances_sent in sent.items():
        expected = sorted(instances_sent, key=lambda one: one["observedAt"])
        assert _values(shown, name) == [_normalized(one) for one in expected]
        assert len({one["instanceId"] for one in shown[name]}) == len(expected)


@given(histories())
def test_pairs_read_back_are_the_same_pairs(sent: dict[str, list[Any]]) -> None:
    pairs = {name: value for name, value in _kept(sent, PAIRS).items() if name not in ENTITY}
    assert _kept(pairs, PAIRS) == {**ENTITY, **pairs}


@given(histories(), st.integers(0, 3599), st.integers(1, 6))
def test_before_and_after_divide_a_history_and_last_n_takes_its_end(
    sent: dict[str, list[Any]], second: int, last_n: int
) -> None:
    name = next(iter(sent))
    everything = _values(_kept(sent), name)
    before, after = (_values(_kept(sent, texts=TemporalTexts(one, _at(second))), name) for one in ("before", "after"))
    assert before + after == everything
    last = _kept(sent, texts=TemporalTexts("after", _at(0), last_n=last_n))
    assert _values(last, name) == everything[::-1][:last_n]
