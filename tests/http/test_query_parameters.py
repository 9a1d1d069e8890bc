"""The query string (clauses 6.3.10, 6.3.13, 6.3.20)."""

from __future__ import annotations

import pytest

from broker.errors import BadRequestData, InvalidRequest, NgsiError
from broker.http.parameters import TABLE, Parameters, read_parameters
from broker.http.table import OPERATIONS

QUERY = next(operation.accepts for operation in OPERATIONS if operation.name == "query_entities")


def read(query_string: str) -> Parameters:
    return read_parameters(QUERY, query_string)


def test_every_parameter_an_operation_takes_is_in_the_table_and_every_row_is_used() -> None:
    taken = {name for operation in OPERATIONS for name in operation.accepts.names}
    assert taken == set(TABLE)


def test_values_have_the_type_their_row_says() -> None:
    found = read("limit=20&count=true&type=A%2CB&options=sysAttrs,keyValues&q=name%3D%3D%22a+b%22&offset=")
    assert found.number("limit", 5) == 20
    assert found.flag("count") is True
    assert found.text("type") == "A,B"
    assert found.words("options") == ("sysAttrs", "keyValues")
    assert found.text("q") == 'name=="a b"'
    assert "offset" not in found
    assert found.number("offset", 0) == 0


@pytest.mark.parametrize(
    ("query_string", "refusal"),
    [
        ("nothing=1", InvalidRequest),
        ("type=A&type=B", InvalidRequest),
        ("options=noOverwrite", InvalidRequest),
        ("format=xml", InvalidRequest),
        ("format=sysAttrs", InvalidRequest),
        ("pick=a&omit=b", BadRequestData),
        ("attrs=a&pick=b", BadRequestData),
        ("q=%FF", InvalidRequest),
        ("q=" + "a" * 20_000, InvalidRequest),
        ("limit=-1", BadRequestData),
        ("limit=1.5", BadRequestData),
        ("limit=99999999999999999999", BadRequestData),
        ("limit=%D9%A3", BadRequestData),
        ("limit=0", BadRequestData),
        ("count=yes", BadRequestData),
        ("join=deep", BadRequestData),
        ("join=flat&joinLevel=0", BadRequestData),
        ("joinLevel=2", BadRequestData),
        ("georel=within", BadRequestData),
        ("coordinates=[1,2]", BadRequestData),
        ("options=sysAttrs,,keyValues", BadRequestData),
    ],
)
def test_what_cannot_be_is_refused_and_named(query_string: str, refusal: type[NgsiError]) -> None:
    with pytest.raises(refusal) as refused:
        read(query_string)
    assert refused.value.clause
    assert refused.value.remedy


def test_limit_zero_is_for_counting() -> None:
    assert read("limit=0&count=true").number("limit", 20) == 0
