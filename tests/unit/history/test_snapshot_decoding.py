"""Bodies of snapshots: what they say, and refusals that name the member (clause 5.2.41)."""

from __future__ import annotations

from typing import Any

import pytest

from broker.decode.snapshot import decode_change, decode_clone, decode_snapshot
from broker.errors import BadRequestData, OperationNotSupported
from broker.model.duration import Duration
from broker.model.snapshot import Snapshot, Sought

QUERY = {"type": "Query", "entities": [{"type": "House"}]}
IN_TIME = {**QUERY, "temporalQ": {"timerel": "after", "timeAt": "2026-01-01T00:00:00Z"}}
ID = "urn:ngsi-ld:Snapshot:1"


def snapshot(**members: Any) -> dict[str, Any]:
    return {"type": "Snapshot", "snapshotQueries": [QUERY], **members}


def test_a_body_says_what_is_wanted() -> None:
    body = snapshot(
        id=ID,
        snapshotTemporalQueries=[IN_TIME],
        snapshotLifetime="PT1H",
        snapshotPriority=7,
        endpoint="https://example.org/done",
        receiverInfo=[{"key": "X-Key", "value": "1"}],
        snapshotStatus="success",
        createdAt="2020-01-01T00:00:00Z",
    )
    found = decode_snapshot(body)
    assert (found.id, found.priority, found.lifetime) == (ID, 7, Duration(0, 3_600_000_000))
    assert (found.endpoint, found.receiver_info) == ("https://example.org/done", (("X-Key", "1"),))
    assert [query.entities[0].type for query in found.queries] == ["House"]
    assert found.temporal_queries[0].times is not None
    kept = {name: body[name] for name in ("snapshotQueries", "snapshotTemporalQueries", "snapshotLifetime")}
    assert found.given == kept


@pytest.mark.parametrize(
    ("members", "pointer"),
    [
        ({"type": "Snap"}, "/type"),
        ({"snapshotQueries": []}, "/snapshotQueries"),
        ({"snapshotQueries": [{**QUERY, "q": 5}]}, "/snapshotQueries/0/q"),
        ({"snapshotQueries": [QUERY, IN_TIME]}, "/snapshotQueries/1/temporalQ"),
        ({"snapshotTemporalQueries": [QUERY]}, "/snapshotTemporalQueries/0/temporalQ"),
        ({"snapshotTemporalQueries": [{**QUERY, "temporalQ": 1}]}, "/snapshotTemporalQueries/0/temporalQ"),
        ({"snapshotLifetime": "long"}, "/snapshotLifetime"),
        ({"snapshotPriority": 11}, "/snapshotPriority"),
        ({"snapshotPriority": 0}, "/snapshotPriority"),
        ({"endpoint": "mqtt://host/topic"}, "/endpoint"),
        ({"endpoint": "nowhere"}, "/endpoint"),
        ({"receiverInfo": [{"key": "Host", "value": "a"}]}, "/receiverInfo/0/key"),
        ({"id": "no uri"}, "/id"),
        ({"colour": "red"}, "/colour"),
        ({"snapshotLifetime": None}, "/snapshotLifetime"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_member(members: dict[str, Any], pointer: str) -> None:
    with pytest.raises(BadRequestData) as refused:
        decode_snapshot(snapshot(**members))
    assert refused.value.pointer == pointer


def test_other_endpoints_are_not_spoken_to() -> None:
    with pytest.raises(OperationNotSupported):
        decode_snapshot(snapshot(endpoint="gopher://host/x"))


def test_without_queries_there_is_nothing_to_take() -> None:
    with pytest.raises(BadRequestData):
        decode_snapshot({"type": "Snapshot"})


@pytest.mark.parametrize("name", ["snapshotQueries", "snapshotTemporalQueries"])
def test_queries_belong_to_the_making(name: str) -> None:
    bodies: list[Any] = [{"type": "Snapshot", name: []}, {"type": "Snapshot", name: [QUERY]}]
    for body in bodies:
        with pytest.raises(BadRequestData):
            decode_clone(body)
        with pytest.raises(BadRequestData):
            decode_change(body, ID)


def test_a_change_may_take_away() -> None:
    found = decode_change({"endpoint": "urn:ngsi-ld:null", "snapshotPriority": 2, "id": ID}, ID)
    assert (found.removed, found.priority, found.endpoint) == (frozenset({"endpoint"}), 2, None)
    with pytest.raises(BadRequestData) as refused:
        decode_change({"id": "urn:other"}, ID)
    assert refused.value.pointer == "/id"


def test_a_snapshot_comes_back_from_its_body() -> None:
    sought = Sought(["IdIn", ["tuple", "urn:a"]], None, ("urn:d",), 2, ("urn:b",), {"at": 1, "names": []})
    made = Snapshot(
        ID, "p#1#x", {"snapshotLifetime": "P1D"}, 1, 2, 3, 4, 7, "partial", "https://a.org/", (("a", "b"),),
        (sought,), (sought,), ({"resultStatus": "empty"},), (), "p#0#y", "me", ("care",),
    )  # fmt: skip
    assert Snapshot.from_body(made.to_body()) == made


@pytest.mark.parametrize(
    ("details", "status"),
    [
        (["success", "success"], "success"),
        (["success", "empty"], "partial"),
        (["success", "failure"], "partial"),
        (["empty", "empty"], "empty"),
        (["empty", "failure"], "empty"),
        (["failure"], "failure"),
    ],
)
def test_the_status_follows_from_what_the_queries_came_to(details: list[str], status: str) -> None:
    made = Snapshot(ID, "p", {}, 1, 1, 9, 1)
    came_to = [{"resultStatus": one} for one in details]
    for cut in range(len(came_to) + 1):
        assert made.concluded(came_to[:cut], came_to[cut:], 5).status == status  # type: ignore[arg-type]
