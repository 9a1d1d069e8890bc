"""Laws of dividing a write among sources (clauses 4.3.6.2, 4.3.6.3), with a table of dividers that break them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.model.entity import Document, instances
from broker.model.registration import EntityInfo, Information, Mode, Registration
from federation.messages import Match
from federation.plan_provide import IDENTITY, Split, split

NAMES = [f"urn:x:{letter}" for letter in "abcd"]
MODES: list[Mode] = ["exclusive", "redirect", "inclusive"]
DATASETS = [None, "urn:d:1", "urn:d:2"]
Divider = Callable[..., Split]


def _attribute(datasets: Sequence[str | None]) -> Any:
    found = [{"type": "Property", "value": 1, **({"datasetId": one} if one else {})} for one in datasets]
    return found[0] if len(found) == 1 else found


ATTRIBUTES = st.lists(st.sampled_from(DATASETS), min_size=1, max_size=3, unique=True).map(_attribute)
DOCUMENTS = st.dictionaries(st.sampled_from(NAMES), ATTRIBUTES).map(
    lambda attributes: {"id": "urn:e:1", "type": "urn:t:1", **attributes}
)


@st.composite
def matches(draw: st.DrawFn) -> Match:
    """A registration that is about the entity."""
    parts = tuple(
        Information((EntityInfo(("urn:t:1",)),), tuple(names))
        for names in draw(st.lists(st.lists(st.sampled_from(NAMES), unique=True), min_size=1, max_size=2))
    )
    mode = draw(st.sampled_from(MODES))
    datasets = draw(st.lists(st.sampled_from(["@none", "urn:d:1"]), unique=True))
    number = draw(st.integers(0, 99))
    return Match(Registration(f"urn:r:{number}", "http://x", parts, mode, dataset_ids=tuple(datasets)), parts)


def _atoms(document: Document | None) -> set[tuple[str, object]]:
    """Attribute instances, by name and datasetId."""
    return {
        (name, one.get("datasetId"))
        for name, value in (document or {}).items()
        if name not in IDENTITY
        for one in instances(value)
    }


def _registered(match: Match, document: Document) -> set[tuple[str, object]]:
    datasets = match.registration.dataset_ids
    return {
        (name, dataset)
        for name, dataset in _atoms(document)
        if any(not part.attributes or name in part.attributes for part in match.information)
        and (not datasets or (dataset or "@none") in datasets)
    }


def obeys(divide: Divider, document: Document, found: Sequence[Match]) -> bool:
    """Whether a division keeps the laws."""
    divided = divide(document, found, identity=True)
    held = {
        mode: set[tuple[str, object]]().union(
            *(_registered(one, document) for one in found if one.registration.mode == mode)
        )
        for mode in MODES
    }
    proxied = held["exclusive"] | held["redirect"]
    shared = {mode: set[tuple[str, object]]() for mode in held}
    for share in divided.shares:
        shared[share.registration.mode] |= _atoms(share.document)
    return (
        _atoms(divided.rest) == _atoms(document) - proxied
        and shared["exclusive"] == held["exclusive"]
        and shared["redirect"] == held["redirect"] - held["exclusive"]
        and shared["inclusive"] == held["inclusive"] - proxied
    )


@given(DOCUMENTS, st.lists(matches(), max_size=4))
def test_each_instance_goes_where_it_is_registered(document: Document, found: list[Match]) -> None:
    assert obeys(split, document, found)


def _keeps_all(document: Document, found: Sequence[Match], **how: Any) -> Split:
    return replace(split(document, found, **how), rest=document)


def _sends_all(document: Document, found: Sequence[Match], **how: Any) -> Split:
    divided = split(document, found, **how)
    return replace(divided, shares=tuple(replace(one, document=document) for one in divided.shares))


def _asks_nobody(document: Document, found: Sequence[Match], **how: Any) -> Split:
    return replace(split(document, found, **how), shares=())


def _forgets_datasets(document: Document, found: Sequence[Match], **how: Any) -> Split:
    plain = [replace(one, registration=replace(one.registration, dataset_ids=())) for one in found]
    return split(document, plain, **how)


def _takes_all_for_inclusive(document: Document, found: Sequence[Match], **how: Any) -> Split:
    plain = [replace(one, registration=replace(one.registration, mode="inclusive")) for one in found]
    return split(document, plain, **how)


@pytest.mark.parametrize("divide", [_keeps_all, _sends_all, _asks_nobody, _forgets_datasets, _takes_all_for_inclusive])
def test_the_laws_bite(divide: Divider) -> None:
    broken = False

    @given(DOCUMENTS, st.lists(matches(), max_size=4))
    def look(document: Document, found: list[Match]) -> None:
        nonlocal broken
        broken = broken or not obeys(divide, document, found)

    look()
    assert broken
