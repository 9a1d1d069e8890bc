"""The header Via: who has been asked already (clauses 4.3.6.4, 6.3.18)."""

from __future__ import annotations

from broker.http.messages import Request
from federation.via import is_loop, via_header, via_of


def _request(via: str | None) -> Request:
    return Request("GET", "/ngsi-ld/v1/entities", "", {} if via is None else {"via": via})


def test_names_every_source_passed() -> None:
    assert via_of(_request("1.1 aizu, HTTP/1.1 busan-t1 (a, b), 1.0 genoa")) == {"aizu", "busan-t1", "genoa"}


def test_nobody_where_there_is_no_header() -> None:
    assert via_of(_request(None)) == frozenset()


def test_bears_values_that_are_none() -> None:
    assert via_of(_request(",, aizu, 1.1 busan,")) == {"busan"}


def test_a_tenant_is_a_source_of_its_own() -> None:
    assert is_loop(_request("1.1 misono-t1"), "misono", "t1")
    assert not is_loop(_request("1.1 misono"), "misono", "t1")
    assert not is_loop(_request("1.1 misono-t1"), "misono", "")


def test_adds_this_broker_at_the_end() -> None:
    assert via_header(_request("1.1 aizu"), "misono", "t1") == "1.1 aizu, 1.1 misono-t1"
    assert via_header(_request(None), "misono", "") == "1.1 misono"
