"""`q` read by example, and its refusals (clause 4.9)."""

from __future__ import annotations

import pytest

from broker.errors import BadRequestData, TooComplexQuery
from broker.query.ast import (
    Absent,
    And,
    Between,
    Compare,
    DateTimeValue,
    DateValue,
    Exists,
    Linked,
    Node,
    OneOf,
    Op,
    Or,
    Path,
    Pattern,
    TimeValue,
    UriValue,
)
from broker.query.q import parse_q

A, B = Path("a"), Path("b")
NOON = 12 * 3600 * 1_000_000


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("a", Exists(A)),
        ("!a", Absent(A)),
        ("!a.b[c];b", And((Absent(Path("a", ("b",), ("c",))), Exists(B)))),
        ("a==20", Compare(A, Op.EQ, 20)),
        ('a!="Mercedes"', Compare(A, Op.NE, "Mercedes")),
        ('a==";|)"', Compare(A, Op.EQ, ";|)")),
        ("a>-1.5e3", Compare(A, Op.GT, -1500.0)),
        ("a==100000000000000000000000000001", Compare(A, Op.EQ, 10**29 + 1)),
        ("a<=2026-01-01T00:00:00Z", Compare(A, Op.LE, DateTimeValue(1_767_225_600_000_000))),
        ("a==2026-01-01T00:00:00,5Z", Compare(A, Op.EQ, DateTimeValue(1_767_225_600_500_000))),
        ("a<2026-01-01", Compare(A, Op.LT, DateValue("2026-01-01"))),
        ("a>=12:00:00Z", Compare(A, Op.GE, TimeValue(NOON, "12:00:00Z"))),
        ("a==true", Compare(A, Op.EQ, value=True)),
        ("a==urn:x:1", Compare(A, Op.EQ, UriValue("urn:x:1"))),
        ("a==Male", Compare(A, Op.EQ, UriValue("Male"))),
        ('a=="x",1,false', OneOf(A, ("x", 1, False))),
        ("a!=urn:x:1,urn:x:2", OneOf(A, (UriValue("urn:x:1"), UriValue("urn:x:2")), negated=True)),
        ("a==10..20", Between(A, 10, 20)),
        ('a!="a".."b"', Between(A, "a", "b", negated=True)),
        ("a==2026-01-01..2026-01-31", Between(A, DateValue("2026-01-01"), DateValue("2026-01-31"))),
        ('a~="^m|n$"', Pattern(A, "^m|n$")),
        (r'a~="a\.b"', Pattern(A, r"a\.b")),
        ("a!~=^(m|n)$;b", And((Pattern(A, "^(m|n)$", negated=True), Exists(B)))),
        ("a;b|a", Or((And((Exists(A), Exists(B))), Exists(A)))),
        ("a;(b|a)", And((Exists(A), Or((Exists(B), Exists(A)))))),
        ("a.b.observedAt", Exists(Path("a", ("b", "observedAt")))),
        ("a.b[c.d-e]", Exists(Path("a", ("b",), ("c", "d-e")))),
        ("a[*]", Exists(Path("a", (), ("*",)))),
        ("a[pt-BR]", Exists(Path("a", (), ("pt-BR",)))),
        ("a{b}==40", Linked(A, (), Compare(B, Op.EQ, 40))),
        ("a{b==40}", Linked(A, (), Compare(B, Op.EQ, 40))),
        ("a{T,U:b{a}}!=1..2", Linked(A, ("T", "U"), Linked(B, (), Between(A, 1, 2, negated=True)))),
        ("a{T:b==1;b}", Linked(A, ("T",), And((Compare(B, Op.EQ, 1), Exists(B))))),
        ("https://example.org/a.b#c>1", Compare(Path("https://example.org/a.b#c"), Op.GT, 1)),
        ("ex:a.b>1", Compare(Path("ex:a", ("b",)), Op.GT, 1)),
        ("温度>1", Compare(Path("温度"), Op.GT, 1)),
    ],
)
def test_reads(text: str, node: Node) -> None:
    assert repr(parse_q(text)) == repr(node)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 0), ("a==", 3), ("a==1;", 5), ("(a", 2), ("a)", 1), ("a b", 1), ("a..b", 2), ("1a", 0), ("a[b", 3),
        ("a[]", 2), ("a[b].c", 4), ("a{b", 3), ("a{b;a}==1", 6), ("a>4..5", 3), ("a>true", 2), ("a>urn:x", 2),
        ('a>"x",1', 5), ("a==01", 3), ("a==1e400", 3), ("a==NaN5.", 3), ('a=="x', 3), ('a=="\\q"', 3),
        ('a=="\\ud800"', 3), ("a==2026-13-01", 3), ("a==2026-02-30T00:00:00Z", 3), ("a==25:00:00Z", 3),
        ("a==2026-01-01T00:00:00+09:00", 3), ('a==1.."b"', 6), ("a==true..false", 3), ("a==1..", 6), ("a~=", 3),
        ('a~="(?=b)"', 3), ('a~="(b"', 3), ("a=1", 1), ("!a==1", 2), ("!(a)", 1),
    ],
)  # fmt: skip
def test_refusal_says_the_column(text: str, column: int) -> None:
    with pytest.raises(BadRequestData, match=rf"q, column {column}:") as caught:
        parse_q(text)
    assert (caught.value.pointer, caught.value.clause) == ("q", "4.9")
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["a" * 4097, "(" * 17 + "a" + ")" * 17, "a{" * 17 + "a" + "}" * 17, "(" * 4000])
def test_too_complex(text: str) -> None:
    with pytest.raises(TooComplexQuery):
        parse_q(text)


def test_sixteen_deep_is_read() -> None:
    assert parse_q("(" * 16 + "a" + ")" * 16) == Exists(A)


def test_values_of_expand_values_are_marked() -> None:
    marked = parse_q('a=="Male",Female;b==Male', frozenset({"a"}))
    assert marked == And(
        (
            OneOf(A, (UriValue("Male", expand=True), UriValue("Female", expand=True))),
            Compare(B, Op.EQ, UriValue("Male")),
        )
    )
    assert parse_q("a==Male", frozenset({"a"}), frozenset({"a"})) == Compare(A, Op.EQ, UriValue("Male"))
    assert parse_q("a{b}==Male", frozenset({"b"})) == Linked(A, (), Compare(B, Op.EQ, UriValue("Male", expand=True)))
