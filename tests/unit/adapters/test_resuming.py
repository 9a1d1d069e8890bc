"""What a hub shows to have taken is not written to its history a second time; nothing else is left out."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.resuming import written_before
from broker.ports.hub import Fragment

LEVEL, STATE = "https://example.org/level", "https://example.org/state"


def said(value: int, at: int, name: str = LEVEL, entity: int = 1) -> dict[str, Any]:
    observed = f"2026-01-01T00:00:{at:02}.000000Z"
    return {"id": f"urn:x:{entity}", "type": "T", name: {"type": "Property", "value": value, "observedAt": observed}}


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from([LEVEL, STATE])), max_size=12), st.data()
)
def test_a_cut_anywhere_leaves_out_what_was_written_only(
    messages: list[tuple[int, int, str]], data: st.DataObject
) -> None:
    """Each message has its own instant; the hub had taken the first `cut` of them."""
    writes: list[Fragment] = [said(value, at, name, entity) for at, (value, entity, name) in enumerate(messages)]
    cut = data.draw(st.integers(0, len(writes)))
    now: dict[str, dict[str, Any]] = {}
    for fragment in writes[:cut]:
        now.setdefault(str(fragment["id"]), {"id": fragment["id"], "type": "T", "other": 1}).update(fragment)
    assert written_before(writes, now) == set(range(cut))


def test_what_says_no_instant_is_written_again() -> None:
    bare: dict[str, Any] = {"id": "urn:x:1", "type": "T", LEVEL: {"type": "Property", "value": 1}}
    assert written_before([bare], {"urn:x:1": bare}) == set()


def test_another_value_or_another_instant_is_news() -> None:
    now = {"urn:x:1": said(1, 5)}
    assert written_before([said(2, 5)], now) == set()
    assert written_before([said(1, 6)], now) == set()
    assert written_before([said(1, 5, STATE)], now) == set()
    assert written_before([said(1, 5)], now) == {0}


def test_what_is_newer_than_what_the_entity_shows_is_news_wherever_it_stands() -> None:
    """The second of them only repeats what the hub had long before the cut."""
    assert written_before([said(21, 5), said(20, 4)], {"urn:x:1": said(20, 4)}) == {1}
    now = {"urn:x:1": {**said(20, 4), **said(1, 2, STATE)}}
    assert written_before([said(2, 3, STATE), said(20, 4)], now) == {1}, "of another attribute as well"
    assert written_before(
        [said(1, 6), said(2, 9), said(3, 8, STATE)], {"urn:x:1": {**said(2, 9), **said(3, 8, STATE)}}
    ) == {0, 1, 2}


def test_what_is_older_than_what_the_entity_shows_was_shown_before() -> None:
    first, late = said(18, 2), said(3, 1, STATE)
    assert written_before([first, late, said(20, 4)], {"urn:x:1": said(20, 4)}) == {0, 2}, "the state is not there"
    assert written_before([first, late, said(20, 4)], {"urn:x:1": {**late, **said(20, 4)}}) == {0, 1, 2}


def test_instances_of_other_data_sets_are_told_apart() -> None:
    one = said(1, 5)[LEVEL]
    both = [one, {**one, "datasetId": "urn:d:2", "value": 7}]
    now: dict[str, dict[str, Any]] = {"urn:x:1": {"id": "urn:x:1", "type": "T", LEVEL: both}}
    assert written_before([{"id": "urn:x:1", "type": "T", LEVEL: both}], now) == {0}
    assert written_before([{"id": "urn:x:1", "type": "T", LEVEL: {**both[1], "value": 8}}], now) == set()
