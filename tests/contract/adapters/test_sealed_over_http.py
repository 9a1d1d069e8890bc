"""What a hub seals is good for an adapter that reads it over HTTP, whatever it holds; only what it claims comes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.commands.claimed import FRESH_S
from adapters.commands.seals import commander
from broker.errors import BadRequestData, Conflict
from broker.hub.over_http import HubOverHttp
from broker.ports.hub import Followed, HubAway, HubForgot
from tests.outside.served import start, stop

NS = "https://example.org/def/"
VALVE, OPEN, LEVEL = NS + "Valve", NS + "open", NS + "level"
ONE = "urn:x:1"
KEY = "5a" * 32
CLAIM: dict[str, Any] = {"key": KEY, "rows": [{"commands": {VALVE: [OPEN]}, "entities": [ONE]}]}
PATIENCE_S = 10.0
SCALARS = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
PLAIN = st.recursive(SCALARS, lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=5)
PARTS = st.dictionaries(
    st.sampled_from([NS + "by", NS + "why"]),
    st.builds(lambda value: {"type": "Property", "value": value}, SCALARS)
    | st.just({"type": "Relationship", "object": "urn:x:9"}),
    max_size=2,
)
ORDERS = st.one_of(
    st.builds(lambda value, parts: {"type": "Property", "value": value, **parts}, PLAIN, PARTS),
    st.builds(
        lambda value, at: {"type": "Property", "value": value, "unitCode": "WTT", "observedAt": at},
        st.floats(-1e9, 1e9),
        st.sampled_from(["2026-11-23T03:00:00Z", "2026-11-23T03:00:00.123456Z"]),
    ),
    st.builds(lambda word: {"type": "VocabProperty", "vocab": NS + word}, st.sampled_from(["Start", "Stop"])),
    st.builds(lambda value: {"type": "JsonProperty", "json": {"a": value, "type": [value]}}, PLAIN),
    st.just({"type": "LanguageProperty", "languageMap": {"ja": "開", "en": "open"}}),
)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubOverHttp]:
    broker = start(tmp_path_factory.mktemp("hub") / "data")
    with HubOverHttp(broker.root) as found:
        yield found
    stop(broker)


@pytest.fixture(scope="module")
def claimed(hub: HubOverHttp) -> HubOverHttp:
    hub.claim("", "valves", CLAIM)
    time.sleep(2 * FRESH_S)
    return hub


def followed(hub: HubOverHttp, after: int) -> Followed:
    """The next ones that come."""
    end = time.monotonic() + PATIENCE_S
    while not (found := hub.follow("", after, frozenset({OPEN}))).changes:
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.005)
    return found


def until_refused(hub: HubOverHttp, after: int) -> None:
    """Ask as an adapter does, now and then."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        hub.follow("", after, frozenset({OPEN}))
        time.sleep(0.01)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ORDERS)
def test_a_seal_is_good_on_the_other_side(claimed: HubOverHttp, order: dict[str, Any]) -> None:
    before = claimed.newest("")
    assert claimed.upsert("", [{"id": ONE, "type": VALVE, LEVEL: {"type": "Property", "value": 1}, OPEN: order}]) == [
        None
    ]
    (change,) = followed(claimed, before).changes
    instance: Any = change.after[OPEN]
    found = commander(bytes.fromhex(KEY), ("", ONE, OPEN), instance)
    assert found == ("anonymous", change.at)
    assert commander(bytes.fromhex(KEY), ("", ONE, LEVEL), instance) is None


def test_only_what_is_claimed_comes_and_what_is_passed_over_counts(claimed: HubOverHttp) -> None:
    after = claimed.newest("")
    levels: list[Any] = [{"id": ONE, "type": VALVE, LEVEL: {"type": "Property", "value": one}} for one in range(50)]
    assert claimed.upsert("", levels) == [None] * 50
    order: Any = {"id": ONE, "type": VALVE, OPEN: {"type": "Property", "value": 77}}
    assert claimed.upsert("", [order]) == [None]
    told = []
    claimed.listen(lambda: told.append(1))
    found = followed(claimed, after)
    assert [one.entity_id for one in found.changes] == [ONE]
    assert found.position == claimed.newest("")
    assert claimed.follow("", found.position, frozenset({OPEN})).changes == []
    assert claimed.upsert("", [{**order, OPEN: {"type": "Property", "value": 78}}]) == [None]
    assert len(followed(claimed, found.position).changes) == 1
    assert told


def test_a_position_of_another_log_is_told_and_so_is_a_tenant_that_is_not_there(claimed: HubOverHttp) -> None:
    far = claimed.newest("") + 1_000
    with pytest.raises(HubForgot):
        until_refused(claimed, far)
    for _ in range(20):
        assert claimed.follow("nowhere", 0, frozenset({OPEN})) == Followed([], 0)
        time.sleep(0.01)


def test_claims_are_refused_in_the_hubs_words_and_given_back(hub: HubOverHttp) -> None:
    hub.claim("city", "valves", CLAIM)
    hub.claim("city", "valves", CLAIM)
    for body, refusal in (({**CLAIM, "key": "ab" * 32}, Conflict), ({**CLAIM, "rows": []}, BadRequestData)):
        with pytest.raises(refusal):
            hub.claim("city", "valves", body)
    hub.disclaim("city", "valves")
    hub.disclaim("city", "valves")
    hub.disclaim("nowhere", "valves")
    with HubOverHttp("http://127.0.0.1:1") as away, pytest.raises(HubAway):
        away.claim("", "valves", CLAIM)
