"""What is JSON and what is not, and that nothing is rounded (clauses 4.6.1, 5.5.4)."""

from __future__ import annotations

from typing import Any

import pytest

from broker.decode.text import DEPTH_MAX, parse_json
from broker.errors import BadRequestData, InvalidRequest


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b'{"a":',
        b'{"a":1} x',
        b'{"a":1}{"b":2}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b'{"a":"\xff"}',
        b'{"\xff":1}',
        b'"\xed\xa0\x80"',
        rb'"\ud800"',
        rb'"\udc00x"',
        b"[1,]",
        b"[01]",
        b"'a'",
        b'"a\x01"',
        b"[" * 300 + b"]" * 300,
        b"[" + b"1" * 5000 + b"]",
    ],
)
def test_what_is_no_json_is_an_invalid_request(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse_json(body)
    assert refused.value.clause == "5.5.4"
    assert refused.value.remedy


def test_a_refusal_says_the_line_and_the_column() -> None:
    with pytest.raises(InvalidRequest, match="line 2 column 6"):
        parse_json(b'{"a":1,\n "b":}')


def test_a_duplicate_member_is_named() -> None:
    with pytest.raises(InvalidRequest, match='"speed"'):
        parse_json(b'{"speed":1,"speed":1}')


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"1E+309", b"9" * 400 + b".0"])
def test_a_number_beyond_a_double_is_refused(number: bytes) -> None:
    for body in (number, b'{"a":[{"b":%s}]}' % number):
        with pytest.raises(BadRequestData, match="range of a double"):
            parse_json(body)


def test_nesting_has_a_limit() -> None:
    assert parse_json(b"[" * DEPTH_MAX + b"]" * DEPTH_MAX) is not None
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}"), (b'[{"}":', b"}]")):
        times = DEPTH_MAX // len(closing) + 1
        with pytest.raises(BadRequestData, match=str(DEPTH_MAX)):
            parse_json(opening * times + b"1" + closing * times)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"123456789012345678901234567890", 123456789012345678901234567890),
        (b"-18446744073709551617", -18446744073709551617),
        (b"0.1", 0.1),
        (b"5e-324", 5e-324),
        (b"1.7976931348623157e308", 1.7976931348623157e308),
        (b'"\\u0000\\ud83d\\ude00"', "\x00😀"),
        (b" [ ] ", []),
        (b"null", None),
    ],
)
def test_values_are_exact(body: bytes, value: Any) -> None:
    assert parse_json(body) == value
