"""Laws of merging: nothing is invented, nothing is lost; the order of sources decides ties only (clause 4.5.5.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.model.entity import Entity
from broker.model.values import to_text
from federation.merge import Part, merge_parts

NOW = 1_000_000
NAMES = ("urn:n:a", "urn:n:b")
_TIMES = st.integers(0, 3)
_DATASETS = st.sampled_from([None, "urn:d:1"])


def _instance(found: tuple[int, int | None, str | None, int | None]) -> dict[str, Any]:
    value, observed, dataset, modified = found
    instance: dict[str, Any] = {"type": "Property", "value": value}
    for name, held in (("observedAt", observed), ("modifiedAt", modified)):
        if held is not None:
            instance[name] = to_text(held)
    return instance if dataset is None else {**instance, "datasetId": dataset}


_INSTANCES = st.tuples(st.integers(0, 99), st.none() | _TIMES, _DATASETS, st.none() | _TIMES).map(_instance)


@st.composite
def _parts(draw: st.DrawFn) -> Part:
    document: dict[str, Any] = {"id": "urn:e:1", "type": draw(st.sampled_from(["urn:t:1", "urn:t:2"]))}
    for name in draw(st.sets(st.sampled_from(NAMES))):
        found = {one.get("datasetId"): one for one in draw(st.lists(_INSTANCES, min_size=1, max_size=2))}
        document[name] = next(iter(found.values())) if len(found) == 1 else list(found.values())
    expires = draw(st.none() | st.sampled_from([NOW - 1, NOW + 1, NOW + 2]))
    created = draw(_TIMES)
    return Part(Entity(document, created, created, expires), draw(st.booleans()), draw(st.booleans()))


def _sure(part: Part) -> Part:
    """The same from a source that is no auxiliary one and says when."""
    return replace(part, dated=True, auxiliary=False)


def _keys(entity: Entity) -> set[tuple[str, Any]]:
    return {(name, one.get("datasetId")) for name, found in entity.attributes() for one in found}


def _live(parts: list[Part]) -> list[Part]:
    return [one for one in parts if one.entity.expires_at is None or one.entity.expires_at > NOW]


@given(st.lists(_parts(), max_size=4))
def test_every_instance_is_there_once_and_is_one_of_those_that_were_said(parts: list[Part]) -> None:
    merged, live = merge_parts(parts, NOW), _live(parts)
    assert (merged is None) == (not live)
    if merged is None:
        return
    said: set[tuple[str, Any]] = set().union(*(_keys(one.entity) for one in live))
    names = {name for name, _ in said}
    assert {name for name, _ in _keys(merged)} == names
    assert _keys(merged) <= said
    assert len(_keys(merged)) == sum(len(found) for _, found in merged.attributes())
    values = {(name, one["value"]) for part in live for name, found in part.entity.attributes() for one in found}
    assert {(name, one["value"]) for name, found in merged.attributes() for one in found} <= values


@given(st.lists(_parts(), max_size=4))
def test_an_auxiliary_part_changes_nothing_of_what_others_say(parts: list[Part]) -> None:
    equal = [one for one in _live(parts) if not one.auxiliary]
    merged, alone = merge_parts(parts, NOW), merge_parts(equal, NOW)
    if alone is None or merged is None:
        return
    for name, found in alone.attributes():
        assert [one["value"] for one in merged.instances(name)] == [one["value"] for one in found]


@given(st.lists(_parts().map(_sure), min_size=2, max_size=4), st.randoms())
def test_the_order_of_sources_decides_between_equals_only(parts: list[Part], random: Any) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)
    one, other = merge_parts(parts, NOW), merge_parts(shuffled, NOW)
    if one is None or other is None:
        assert one is other
        return
    assert _keys(one) == _keys(other)
    assert (one.created_at, one.modified_at, one.expires_at) == (other.created_at, other.modified_at, other.expires_at)
    for name in NAMES:
        assert _ranks(one, name) == _ranks(other, name)


def _ranks(entity: Entity, name: str) -> dict[Any, Any]:
    return {one.get("datasetId"): one.get("observedAt") for one in entity.instances(name)}


@given(_parts())
def test_what_one_source_alone_says_is_as_it_said_it(part: Part) -> None:
    merged = merge_parts([part], NOW)
    assert merged is None or merged is part.entity
