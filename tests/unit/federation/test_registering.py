"""What a registration may be, and what is refused (clauses 5.2.8 to 5.2.11, 5.2.34, 4.3.6.6, 5.9.2)."""

from __future__ import annotations

from typing import Any

import pytest

from broker.decode.registration import created, decode_registration, revised
from broker.encode.registration import encode_registration
from broker.errors import BadRequestData
from broker.ldcontext.core import core_context
from broker.model.registration import Registration

NOW = 1_000_000
CORE = core_context()
SMALL: dict[str, Any] = {
    "type": "ContextSourceRegistration",
    "information": [{"entities": [{"type": "House"}]}],
    "endpoint": "https://source.example:1026/some/where",
}
ONE_HOUSE = {"entities": [{"type": "House", "id": "urn:h:1"}], "propertyNames": ["area"]}
INTERVAL = {"startAt": "2026-01-02T00:00:00Z", "endAt": "2026-01-01T00:00:00Z"}


def made(**members: Any) -> Registration:
    return created(decode_registration({**SMALL, **members}, CORE), "urn:r:1", NOW)


@pytest.mark.parametrize(
    ("pointer", "members"),
    [
        ("/type", {"type": "Registration"}),
        ("/id", {"id": "no uri"}),
        ("/endpoint", {"endpoint": "ftp://source.example"}),
        ("/endpoint", {"endpoint": "http://"}),
        ("/endpoint", {"endpoint": "http://source.example:99999"}),
        ("/endpoint", {"endpoint": "http://source.example?a=b"}),
        ("/endpoint", {"endpoint": "http://me:hush@source.example"}),
        ("/information", {"information": []}),
        ("/information", {"information": None}),
        ("/information/0", {"information": [{}]}),
        ("/information/0/entities", {"information": [{"entities": []}]}),
        ("/information/0/entities/0/type", {"information": [{"entities": [{"idPattern": "x"}]}]}),
        ("/information/0/entities/0/id", {"information": [{"entities": [{"type": "House", "id": "x"}]}]}),
        ("/information/0/entities/0/idPattern", {"information": [{"entities": [{"type": "A", "idPattern": "("}]}]}),
        ("/information/0/propertyNames", {"information": [{"propertyNames": []}]}),
        ("/information/0/relationshipNames/0", {"information": [{"relationshipNames": [5]}]}),
        ("/mode", {"mode": "exclusively"}),
        ("/operations/0", {"operations": ["fly"]}),
        ("/operations", {"operations": []}),
        ("/operations", {"mode": "auxiliary", "operations": ["queryEntity", "updateEntity"]}),
        ("/information/0/entities", {"mode": "exclusive"}),
        ("/information/0", {"mode": "exclusive", "information": [{"entities": [{"type": "House", "id": "urn:h:1"}]}]}),
        ("/information/0/entities", {"mode": "exclusive", "information": [{"propertyNames": ["area"]}]}),
        ("/tenant", {"tenant": "a\r\nX-Evil: 1"}),
        ("/contextSourceAlias", {"contextSourceAlias": "two words"}),
        ("/contextSourceInfo/0/key", {"contextSourceInfo": [{"key": "X Evil:", "value": "v"}]}),
        ("/contextSourceInfo/0/value", {"contextSourceInfo": [{"key": "X-Evil", "value": "a\nb"}]}),
        ("/contextSourceInfo/0/value", {"contextSourceInfo": [{"key": "accept", "value": "text/html"}]}),
        ("/contextSourceInfo/0/value", {"contextSourceInfo": [{"key": "jsonldContext", "value": "no url"}]}),
        ("/contextSourceInfo/0/value", {"contextSourceInfo": [{"key": "ngsildConformance", "value": "one"}]}),
        ("/datasetId/0", {"datasetId": ["no uri"]}),
        ("/scope", {"scope": "a b"}),
        ("/expiresAt", {"expiresAt": "1970-01-01T00:00:01Z"}),
        ("/location", {"location": {"type": "Circle", "coordinates": [1, 2]}}),
        ("/observationInterval/startAt", {"observationInterval": {}}),
        ("/managementInterval/endAt", {"managementInterval": INTERVAL}),
        ("/refreshRate", {"refreshRate": "hourly"}),
        ("/management/timeout", {"management": {"timeout": 0}}),
        ("/contract/price", {"contract": {"price": "5"}}),
        ("/contract/licence", {"contract": {"licence": 5}}),
        ("/credentials/kind", {"credentials": {"kind": "magic"}}),
        ("/credentials/value", {"credentials": {"kind": "header", "name": "X-Key"}}),
        ("/credentials/name", {"credentials": {"kind": "header", "name": "X Key", "value": "v"}}),
        ("/credentials/name", {"credentials": {"kind": "mtls", "name": "../../etc/passwd"}}),
        ("/credentials/file", {"credentials": {"kind": "mtls", "name": "aizu", "file": "/etc/passwd"}}),
        (
            "/credentials/tokenUrl",
            {"credentials": {"kind": "oauth2", "tokenUrl": "file:///x", "clientId": "a", "clientSecret": "b"}},
        ),
        ("/passTenant", {"passTenant": "yes"}),
        ("/passTenant", {"passTenant": True, "tenant": "aizu"}),
        ("/owner", {"owner": None}),
    ],
)
def test_what_is_refused(pointer: str, members: dict[str, Any]) -> None:
    with pytest.raises(BadRequestData) as refused:
        made(**members)
    assert refused.value.pointer == pointer
    assert refused.value.remedy


@pytest.mark.parametrize("name", ["endpoint", "information"])
def test_what_must_be_there_can_neither_be_missing_nor_go(name: str) -> None:
    body = {member: value for member, value in SMALL.items() if member != name}
    with pytest.raises(BadRequestData):
        created(decode_registration(body, CORE), "urn:r:1", NOW)
    with pytest.raises(BadRequestData):
        revised(made(), decode_registration({name: None}, CORE, fragment=True), NOW)


def test_what_brokers_count_is_never_taken_from_a_body() -> None:
    assert made(status="failed", timesSent=5, lastFailure="x", createdAt="x") == made()


def test_names_are_expanded_and_come_back() -> None:
    found = made(information=[ONE_HOUSE, {"relationshipNames": ["isIn"]}], owner="city hall")
    assert found.information[0].entities[0].types == (CORE.expand("House"),)
    assert found.information[0].property_names == (CORE.expand("area"),)
    assert encode_registration(found, CORE) == {
        **SMALL, "id": "urn:r:1", "information": [ONE_HOUSE, {"relationshipNames": ["isIn"]}], "owner": "city hall",
    }  # fmt: skip


def test_an_id_leaves_a_pattern_without_meaning() -> None:
    both = {"type": ["House"], "id": "urn:h:1", "idPattern": "^urn"}
    assert made(information=[{"entities": [both]}]).information[0].entities[0].id_pattern is None


def test_a_fragment_replaces_members_whole() -> None:
    before = made(management={"timeout": 5, "cooldown": 6}, owner="city hall", ward="east", mode="redirect")
    fragment: dict[str, Any] = {
        "management": {"localOnly": True},
        "owner": "urn:ngsi-ld:null",
        "mode": None,
        "ward": "west",
    }
    after = revised(before, decode_registration(fragment, CORE, fragment=True), NOW)
    assert encode_registration(after, CORE) == {
        **SMALL, "id": "urn:r:1", "management": {"localOnly": True}, "ward": "west",
    }  # fmt: skip


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"observationInterval": {"startAt": "2026-01-01T00:00:00Z"}, "expiresAt": "2099-01-01T00:00:00.5Z"},
        {"information": [ONE_HOUSE], "mode": "exclusive", "operations": ["updateOps"], "passTenant": True},
        {"credentials": {"kind": "mtls", "name": "aizu"}, "contextSourceInfo": [{"key": "X-A", "value": ""}]},
        {"location": {"type": "Point", "coordinates": [1, 2]}, "scope": ["/a", "/b"], "datasetId": ["@none"]},
    ],
)
def test_what_is_kept_is_what_was_made(members: dict[str, Any]) -> None:
    found = made(**members)
    assert Registration.from_body(found.to_body()) == found
