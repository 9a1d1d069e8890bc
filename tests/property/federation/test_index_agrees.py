"""The index of registrations finds what looking at each of them finds (clause 5.12)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from broker.model.registration import EntityInfo, Information, Mode, Registration
from broker.query import pattern_set as sets
from broker.query.ast import And, HasType, Node, Or
from broker.query.pattern_set import pattern_set
from broker.query.patterns import compile_pattern
from broker.query.sources import Specification, matched
from federation import index as under_test
from federation.index import Index
from federation.messages import Match

NOW = 1_000
IDS = ("urn:a:1", "urn:a:2", "urn:b:1", "urn:b:12")
PATTERNS = ("^urn:a:.*", "1$", "urn:b:1", ".*", "^urn:(a|b):2$", "x")
TYPES = ("https://x/A", "https://x/B", "https://x/C")
ATTRIBUTES = ("https://x/p", "https://x/q", "https://x/r")
DATASETS = ("@none", "urn:d:1")
OPERATIONS = ("retrieveOps", "updateAttrs", "redirectionOps", "queryTemporal")
ALIASES = (None, "aizu", "busan")
MODES: tuple[Mode, ...] = ("inclusive", "exclusive", "redirect", "auxiliary")

some_types = st.lists(st.sampled_from(TYPES), max_size=2, unique=True).map(tuple)
some_attributes = st.lists(st.sampled_from(ATTRIBUTES), max_size=2, unique=True).map(tuple)
selections: st.SearchStrategy[Node] = st.recursive(
    st.sampled_from(TYPES).map(HasType),
    lambda inner: st.lists(inner, min_size=1, max_size=2).map(tuple).flatmap(
        lambda terms: st.sampled_from((And(terms), Or(terms)))
    ),
    max_leaves=3,
)  # fmt: skip


@st.composite
def entity_infos(draw: st.DrawFn) -> EntityInfo:
    named = draw(st.sampled_from(("id", "pattern", "neither")))
    types = draw(some_types)
    if named == "id":
        return EntityInfo(types, draw(st.sampled_from(IDS)))
    return EntityInfo(types, None, draw(st.sampled_from(PATTERNS)) if named == "pattern" else None)


informations = st.builds(Information, st.lists(entity_infos(), max_size=2).map(tuple), some_attributes, some_attributes)


@st.composite
def several(draw: st.DrawFn) -> list[Registration]:
    return [
        Registration(
            f"urn:r:{number}", "http://h", tuple(draw(st.lists(informations, min_size=1, max_size=2))),
            mode=draw(st.sampled_from(MODES)),
            operations=tuple(draw(st.lists(st.sampled_from(OPERATIONS), max_size=2, unique=True))),
            alias=draw(st.sampled_from(ALIASES)),
            dataset_ids=tuple(draw(st.lists(st.sampled_from(DATASETS), max_size=2, unique=True))),
            expires_at=draw(st.sampled_from((None, NOW - 1, NOW, NOW + 1))),
        )
        for number in range(draw(st.integers(0, 8)))
    ]  # fmt: skip


specifications = st.builds(
    Specification,
    st.lists(st.sampled_from(IDS), max_size=2, unique=True).map(tuple),
    st.none() | st.sampled_from(PATTERNS),
    st.none() | selections,
    some_attributes.map(frozenset),
    st.lists(st.sampled_from(DATASETS), max_size=1).map(frozenset),
)
vias = st.lists(st.sampled_from(("aizu", "busan")), unique=True).map(frozenset)
operations = st.none() | st.sampled_from(("retrieveEntity", "updateAttrs", "queryTemporal", "queryBatch"))


def looked_at_each(
    registrations: Sequence[Registration], operation: str | None, wanted: Specification, via: frozenset[str]
) -> list[Match]:
    """What clause 5.12 says, one registration at a time."""
    found = []
    for one in registrations:
        serves = operation is None or operation in one.supported
        ended = one.expires_at is not None and one.expires_at <= NOW
        if serves and not ended and one.alias not in via and matched(one, wanted):
            found.append(Match(one, matched(one, wanted)))
    return found


def agrees(
    registrations: list[Registration], wanted: Specification, operation: str | None, via: frozenset[str]
) -> bool:
    index = Index(registrations)
    expected = looked_at_each(registrations, operation, wanted, via)
    for one in wanted.ids:
        about_it = looked_at_each(registrations, None, Specification((one,)), frozenset())
        if about_it and not (index.may_match(one) and index.may_match(one)):
            return False
    return all(list(index.matching(operation, wanted, via, NOW)) == expected for _ in ("new", "remembered"))


def holding(*infos: EntityInfo, names: tuple[str, ...] = ()) -> Registration:
    return Registration("urn:r", "http://h", (Information(infos, names),), operations=("retrieveOps",))


@settings(max_examples=400, deadline=None)
@given(several(), specifications, operations, vias)
@example([holding(EntityInfo((TYPES[0],)))], Specification((IDS[0],)), "retrieveEntity", frozenset())
@example([holding()], Specification((IDS[0],), types=HasType(TYPES[0])), "retrieveEntity", frozenset())
@example([holding(EntityInfo((), IDS[0]))], Specification((IDS[0],), types=HasType(TYPES[0])), None, frozenset())
@example([holding(EntityInfo((TYPES[0],), IDS[0]))], Specification((), "^urn:a"), None, frozenset())
@example([holding(names=ATTRIBUTES)], Specification(attributes=frozenset(ATTRIBUTES[:1])), None, frozenset())
def test_the_index_finds_what_looking_at_each_finds(
    registrations: list[Registration], wanted: Specification, operation: str | None, via: frozenset[str]
) -> None:
    assert agrees(registrations, wanted, operation, via)


CASES: tuple[tuple[Registration, Specification], ...] = (
    (holding(EntityInfo((TYPES[0],), IDS[0])), Specification((IDS[0],))),
    (holding(EntityInfo((TYPES[0],), None, PATTERNS[0])), Specification((IDS[0],))),
    (holding(EntityInfo((TYPES[0],))), Specification((IDS[0],), types=HasType(TYPES[0]))),
    (holding(), Specification((IDS[0],), types=HasType(TYPES[0]))),
    (holding(EntityInfo((TYPES[0],))), Specification(types=HasType(TYPES[0]))),
    (holding(EntityInfo((), IDS[0])), Specification(types=HasType(TYPES[0]))),
    (holding(names=ATTRIBUTES[:1]), Specification(attributes=frozenset(ATTRIBUTES[:1]))),
    (holding(EntityInfo((TYPES[0],))), Specification(attributes=frozenset(ATTRIBUTES[:1]))),
)
TABLES = ("by_id", "by_pattern", "wide", "wide_any_type", "by_type", "any_type", "by_attribute", "any_attribute")


@pytest.mark.parametrize(("at", "table"), list(enumerate(TABLES)), ids=TABLES)
def test_a_table_that_is_missing_shows(at: int, table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    registration, wanted = CASES[at]
    assert agrees([registration], wanted, "retrieveEntity", frozenset())
    put = under_test._Tables.put

    def forgetful(self: under_test._Tables, row: int, one: Registration) -> None:
        put(self, row, one)
        getattr(self, table).clear()

    monkeypatch.setattr(under_test._Tables, "put", forgetful)
    assert not agrees([registration], wanted, "retrieveEntity", frozenset())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from((*PATTERNS, "\\Qa", "(?i)URN:A", "", "a|b")), max_size=6), st.sampled_from(IDS))
def test_a_set_of_patterns_finds_what_each_finds(regexes: list[str], text: str) -> None:
    expected = [at for at, regex in enumerate(regexes) if compile_pattern(regex).search(text) is not None]
    assert sorted(pattern_set(regexes).found(text)) == expected


def test_patterns_too_large_to_be_asked_together_are_asked_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    options = type(sets._OPTIONS)()
    options.log_errors = False
    options.max_mem = 1 << 16
    monkeypatch.setattr(sets, "_OPTIONS", options)
    regexes = [f"^urn:ngsi-ld:[a-z]{{1,20}}:{number}$" for number in range(300)]
    assert list(pattern_set(regexes).found("urn:ngsi-ld:car:217")) == [217]
    assert not pattern_set(regexes).found("urn:ngsi-ld:car:300")
