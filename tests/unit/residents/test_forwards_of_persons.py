"""What says whom it is about goes to sources under terms alone: who gets it, and what for."""

from __future__ import annotations

import pytest

from broker.model.registration import EntityInfo, Information, Registration
from broker.model.subjects import DATA_SUBJECT
from broker.model.terms import Personal
from broker.model.values import Json
from federation.messages import Forward, Head
from federation.persons import lacking_terms, together

SUBJECT: Json = {"type": "Property", "value": "urn:misono:subject:hana"}
PLAIN: dict[str, Json] = {"id": "urn:x:1", "type": "Reading", "heartRate": {"type": "Property", "value": 71}}


def forward(body: Json, contract: Json = None, method: str = "POST") -> Forward:
    registration = Registration("urn:r:1", "http://aizu:1026", (), contract=contract)
    return Forward(registration, "createEntity", method, "/entities", body=body)


@pytest.mark.parametrize(
    "body",
    [
        {**PLAIN, "dataSubject": SUBJECT},
        {**PLAIN, DATA_SUBJECT: SUBJECT},
        [PLAIN, {**PLAIN, "heartRate": {"type": "Property", "value": 71, "dataSubject": SUBJECT}}],
        {"heartRate": {"type": "Property", "value": 71, "dataClass": {"type": "Property", "value": "personal"}}},
    ],
)
def test_it_needs_a_recipient_and_a_purpose(body: Json) -> None:
    assert lacking_terms(forward(body)) == ("recipient", "purpose")
    assert lacking_terms(forward(body, {"recipient": "Aizu"})) == ("purpose",)
    assert lacking_terms(forward(body, {"recipient": "Aizu", "purpose": "HealthAdvice"})) == ()
    assert lacking_terms(forward(PLAIN)) == ()
    assert lacking_terms(forward(None, method="GET")) == ()


READING, PARK, THING = "https://example.org/Reading", "https://example.org/Park", "https://example.org/Thing"
NS = "https://uri.etsi.org/ngsi-ld/default-context/"
PERSONAL = Personal(frozenset({READING}), frozenset({NS + "heartRate"}), all_attributes=False, known=frozenset({PARK}))
BOTH = ("recipient", "purpose")


def of(*types: str, names: tuple[str, ...] = ()) -> Registration:
    infos = tuple(EntityInfo((one,)) for one in types)
    return Registration("urn:r:1", "http://aizu:1026", (Information(infos, names),))


@pytest.mark.parametrize(
    ("registration", "q", "missing"),
    [
        (of(THING), "heartRate>100", BOTH),
        (of(THING), "speed>100", ()),
        (of(THING), "not a condition", BOTH),
        (of(PARK), "heartRate>100", ()),
        (of(PARK), "visitor{heartRate>100}", BOTH),
        (of(PARK), 'speed[heartRate]==1|speed.dataSubject=="urn:misono:subject:hana"', BOTH),
        (of(PARK, THING), "heartRate>100", BOTH),
        (of(names=(NS + "speed",)), "speed>1", ()),
        (of(names=(NS + "heartRate",)), "speed>1", BOTH),
        (of(READING), "speed>1", BOTH),
    ],
)
def test_a_condition_may_tell(registration: Registration, q: str, missing: tuple[str, ...]) -> None:
    asked = Forward(registration, "queryEntity", "GET", "/entities", (("q", q),))
    posted = Forward(registration, "createSubscription", "POST", "/subscriptions", body={"q": q.replace(" ", "%20")})
    assert (lacking_terms(asked, PERSONAL), lacking_terms(posted, PERSONAL)) == (missing, missing)


@pytest.mark.parametrize(
    ("head", "missing"),
    [
        (Head(frozenset({THING, READING})), BOTH),
        (Head(frozenset({THING})), ()),
        (Head(marked=True), BOTH),
        (Head(), ()),
    ],
)
def test_what_is_held_of_it_tells(head: Head, missing: tuple[str, ...]) -> None:
    written = Forward(of(THING), "updateEntity", "PATCH", "/entities/urn:x:1/attrs", head=head)
    assert lacking_terms(written, PERSONAL) == missing
    several = Forward(of(THING), "updateBatch", "POST", "/entityOperations/update", head=together([Head(), head]))
    assert lacking_terms(several, PERSONAL) == missing
