"""What is found of new entities by one look is what the rules find one by one, and so are their labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from broker.access.labels import ANONYMISED, PASSES, Profiles, label, own_class, subject_number, subjects_in
from broker.access.writing import WriteRules
from broker.errors import NgsiError
from broker.model.entity import ENTITY_MEMBERS, Entity, instances
from broker.model.subjects import DATA_CLASS, DATA_SUBJECT
from tests.strategies.cities import HEART, HOUSE, NAME, ODD, PARK, STEPS, WATCH, Tags

NAMED = st.sampled_from(["urn:misono:subject:a", "urn:misono:subject:b", "urn:misono:subject:", "Hana", 7, None])
SAID = st.sampled_from(["none", "anonymised", "pseudonymised", "personal", "special-care", "nonsense"])


def prop(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value}


SUBJECT = st.one_of(
    NAMED.map(prop),
    st.lists(NAMED, min_size=1, max_size=2).map(prop),
    st.lists(NAMED, max_size=2).map(lambda held: {"type": "ListProperty", "valueList": held}),
    NAMED.map(lambda one: {"type": "Relationship", "object": one}),
    NAMED.map(lambda one: prop(one) | {"expiresAt": "2099-01-01T00:00:00Z"}),
)
PARTS = st.fixed_dictionaries({}, optional={DATA_CLASS: SAID.map(prop), DATA_SUBJECT: SUBJECT})
VALUE = PARTS.map(lambda parts: prop(1) | parts)
MEMBER = st.one_of(VALUE, VALUE, st.tuples(VALUE, VALUE).map(lambda two: [two[0], two[1] | {"datasetId": "urn:d:1"}]))
WHOM = st.one_of(SUBJECT, SUBJECT, st.tuples(SUBJECT, PARTS).map(lambda two: two[0] | two[1]))
TYPES = st.sampled_from([WATCH, HOUSE, PARK, ODD, [WATCH, ODD], [PARK, HOUSE]])
DOCUMENT = st.fixed_dictionaries(
    {"id": st.just("urn:e:1"), "type": TYPES},
    optional={DATA_SUBJECT: WHOM, HEART: MEMBER, STEPS: MEMBER, NAME: MEMBER, "scope": st.just(["/a", "/b"])},
)


def refused(rule: Callable[[], None]) -> tuple[type, str, str | None] | None:
    try:
        rule()
    except NgsiError as error:
        return type(error), error.detail, error.pointer
    return None


@given(DOCUMENT, st.booleans(), st.sampled_from(["", "people"]))
def test_one_look_refuses_what_the_rules_refuse(document: dict[str, Any], system: bool, tenant: str) -> None:
    rules = WriteRules(Profiles(Tags()), frozenset({"people"}))

    def one_by_one() -> None:
        if not system:
            rules.require_class(None, document)
        rules.require_pseudonyms({}, document)
        rules.require_known(tenant, document["type"], document)

    assert refused(lambda: rules.require_new(tenant, document, system=system)) == refused(one_by_one)


@given(DOCUMENT)
def test_labels_say_who_alone_an_entity_is_about(document: dict[str, Any]) -> None:
    parts = [one for name, held in document.items() if name not in ENTITY_MEMBERS for one in instances(held)]
    said = [one for one in parts if DATA_CLASS in one or DATA_SUBJECT in one]
    whom = subjects_in(document[DATA_SUBJECT]) if DATA_SUBJECT in document else frozenset()
    found = label(Entity(document, 0, 0)).of
    if not whom and not said:
        assert not found
        return
    several = len(whom) != 1 or any(DATA_SUBJECT in one or own_class(one) == ANONYMISED for one in said)
    assert found[None][0] == (PASSES if several else subject_number(*whom))
