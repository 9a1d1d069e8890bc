"""Requests that needed other sources are not tried without them at once again."""

from __future__ import annotations

from broker.http.front import WENT_FAR_MAX, WENT_FAR_S, WentFar
from broker.http.messages import Request


def _request(query: str = "type=House", tenant: str = "") -> Request:
    return Request("GET", "/ngsi-ld/v1/entities", query, {"ngsild-tenant": tenant} if tenant else {})


def test_the_same_request_is_known_for_a_while() -> None:
    now = [0.0]
    went = WentFar(lambda: now[0])
    assert not went.lately(_request())
    went.note(_request())
    assert went.lately(_request())
    assert not went.lately(_request("type=Street"))
    assert not went.lately(_request(tenant="t1"))
    now[0] = WENT_FAR_S
    assert not went.lately(_request())


def test_memory_is_bounded() -> None:
    went = WentFar(lambda: 0.0)
    for number in range(WENT_FAR_MAX + 1):
        went.note(_request(f"id=urn:{number}"))
    assert not went.lately(_request("id=urn:0"))
    assert went.lately(_request(f"id=urn:{WENT_FAR_MAX}"))
