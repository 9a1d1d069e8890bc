"""What a follower sees of a change: filters on both sides of it, and what a restriction leaves."""

from __future__ import annotations

from typing import Any

import pytest

from broker.access.view import Rules, view_of
from broker.errors import Gone
from broker.model.entity import Entity
from broker.operations.follow import Seen, Wanted, read_changes, see, see_restricted, start_after
from broker.ports import LoggedChange, Restriction
from broker.query.ast import Compare, HasType, InScope, Op, Path
from broker.stores import memory
from tests.fakes.house import NS, fill, make_broker, make_call, prop

HOUSE, ROOM = f"{NS}House", f"{NS}Room"
ID = "urn:ngsi-ld:House:1"


def change(before: dict[str, Any] | None, after: dict[str, Any] | None, **more: Any) -> LoggedChange:
    return LoggedChange(1, ID, 2, 0, before, after, types=more.get("types", (HOUSE,)), scopes=more.get("scopes", ()))


def house(**attributes: Any) -> Entity:
    shown = {NS + name: prop(value) for name, value in attributes.items()}
    document: dict[str, Any] = {"id": ID, "type": HOUSE, **shown}
    return Entity(document, 0, 0)


def seen_of(one: LoggedChange, wanted: Wanted) -> list[Seen]:
    return see([one], wanted)


@pytest.mark.parametrize("type_", [HOUSE, ROOM])
def test_a_change_of_type_is_of_both_types(type_: str) -> None:
    one = change({"type": ROOM}, {"type": HOUSE})
    assert seen_of(one, Wanted(HasType(type_)))
    assert not seen_of(one, Wanted(HasType(f"{NS}Castle")))


@pytest.mark.parametrize(
    ("before", "after", "scopes", "pattern", "wanted"),
    [
        ({}, {"scope": "/a"}, ("/a",), "/a", True),
        ({"scope": "/a"}, {}, (), "/a", True),
        ({"scope": "/a"}, {"scope": "/b"}, ("/b",), "/a", True),
        ({NS + "x": prop(1)}, {NS + "x": prop(2)}, ("/a",), "/a", True),
        ({}, {"scope": "/a"}, ("/a",), "/b", False),
    ],
)
def test_a_change_of_scope_is_of_both_scopes(
    before: dict[str, Any], after: dict[str, Any], scopes: tuple[str, ...], pattern: str, wanted: bool
) -> None:
    assert bool(seen_of(change(before, after, scopes=scopes), Wanted(InScope(pattern)))) is wanted


def test_an_attribute_that_came_or_went_was_touched() -> None:
    wanted = Wanted(attributes=frozenset({NS + "x"}))
    assert seen_of(change({NS + "x": prop(1)}, {}), wanted)
    assert seen_of(change({}, {NS + "x": prop(1)}), wanted)
    assert not seen_of(change({NS + "y": prop(1)}, {NS + "y": prop(2)}), wanted)


def test_a_condition_of_access_is_asked_of_the_entity_as_it_is_now() -> None:
    broker = make_broker()
    open_only = Restriction(where=Compare(Path(NS + "open"), Op.EQ, True))
    one = change({NS + "x": prop(1)}, {NS + "x": prop(2)})
    for is_open, expected in ((True, 1), (False, 0)):
        fill(broker, house(x=2, open=is_open))
        assert len(see_restricted(broker, make_call(open_only), [one], Wanted())) == expected


def test_of_an_entity_that_is_gone_the_log_must_do() -> None:
    broker = make_broker()
    open_only = Restriction(where=Compare(Path(NS + "open"), Op.EQ, True))
    whole = dict(house(x=2, open=True).document)
    assert see_restricted(broker, make_call(open_only), [change(whole, None)], Wanted())
    part = change({NS + "x": prop(1)}, {NS + "x": prop(2)})
    assert not see_restricted(broker, make_call(open_only), [part], Wanted()), "nothing tells that it was open"


def test_only_what_is_shown_counts_as_touched() -> None:
    broker = make_broker()
    hiding = make_call(Restriction(view=view_of(Rules(attributes=frozenset({NS + "x"})))))
    one = change({NS + "x": prop(1), NS + "y": prop(1)}, {NS + "x": prop(2), NS + "y": prop(2), "expiresAt": "2099"})
    (seen,) = see_restricted(broker, hiding, [one], Wanted())
    assert (seen.before, seen.after) == ({NS + "y": prop(1)}, {NS + "y": prop(2), "expiresAt": "2099"})
    assert not see_restricted(broker, hiding, [one], Wanted(attributes=frozenset({NS + "x"})))
    assert not see_restricted(broker, hiding, [change({NS + "x": prop(1)}, {NS + "x": prop(2)})], Wanted())


def test_a_rewrite_of_the_same_value_is_a_change_and_one_of_hidden_parts_is_none() -> None:
    broker = make_broker()
    hiding = make_call(Restriction(view=view_of(Rules(sub_attributes=frozenset({(NS + "x", NS + "sub")})))))
    again = change({NS + "x": prop(1)}, {NS + "x": {**prop(1), "modifiedAt": "2026-01-01T00:00:00.000000Z"}})
    assert see_restricted(broker, hiding, [again], Wanted())
    below = change(
        {NS + "x": {**prop(1), NS + "sub": prop(1)}},
        {NS + "x": {**prop(1), NS + "sub": prop(2), "modifiedAt": "2026-01-01T00:00:00.000000Z"}},
    )
    assert not see_restricted(broker, hiding, [below], Wanted())


def test_positions_are_of_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "LOG_ROWS_MAX", 3)
    broker = make_broker()
    assert start_after(broker.changes, "", None) == 0
    assert start_after(broker.changes, "", 0) == 0
    for value in range(5):
        fill(broker, house(x=value))
    assert [start_after(broker.changes, "", position) for position in (None, 2, 5)] == [5, 2, 5]
    for position in (1, 6):
        with pytest.raises(Gone) as refused:
            start_after(broker.changes, "", position)
        assert refused.value.oldest == 3
        assert refused.value.remedy
    assert [one.sequence for one in read_changes(broker.changes, "", 2, 2)] == [3, 4]
    with pytest.raises(Gone):
        read_changes(broker.changes, "", 1, 2)
