"""What says whom it is about goes to sources under terms alone: who gets it, and what for."""

from __future__ import annotations

import pytest

from broker.model.registration import Registration
from broker.model.subjects import DATA_SUBJECT
from broker.model.values import Json
from federation.messages import Forward
from federation.persons import lacking_terms

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
