"""`q`, the attribute filter: text -> AST (clause 4.9).

    any    = all *( "|" all )                         ; OR binds looser than AND
    all    = term *( ";" term )
    term   = "(" any ")" / "!" path / target [ test ]
    target = path / dotted "{" [ TYPE *( "," TYPE ) ":" ] any "}"
    path   = dotted [ "[" ( "*" / MEMBER *( "." MEMBER ) ) "]" ]
    dotted = NAME *( "." NAME )                       ; a name may be an IRI, which then ends the path
    test   = ( "==" / "!=" ) ( value *( "," value ) / ordered ".." ordered )
           / ( ">" / ">=" / "<" / "<=" ) ordered / ( "~=" / "!~=" ) REGEX

Wider than the clause in three ways: `!path` holds where the path leads nowhere, a `{ }` may hold whole conditions
(`rel{a==1;b}`) instead of the one path that a test follows (`rel{a}==1`), and a value may be a bare term
(`gender==Male`), as the clause's EXAMPLE 12 has it.
Names leave as short terms; `query.bind` maps them to IRIs.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from broker.errors import BadRequestData, TooComplexQuery
from broker.query.ast import (
    Absent,
    And,
    Between,
    Compare,
    Exists,
    Linked,
    Node,
    OneOf,
    Op,
    Or,
    Path,
    Pattern,
    UriValue,
    Value,
)
from broker.query.lexical import Scanner
from broker.query.patterns import compile_pattern

CHARACTERS_MAX: Final = 4096
DEPTH_MAX: Final = 16  # nested parentheses and braces; keeps recursion and SQL depth bounded

_NAME: Final = re.compile(r"[^\W\d_]\w*(?::(?!//)[^\W\d_]\w*)?")
_IRI: Final = re.compile(r"(?:urn:|[A-Za-z][A-Za-z0-9+.-]*://)[^=!<>~;|()\[\]{}\",\s]+")
_MEMBER: Final = re.compile(r"[^\].\[\x00-\x1f\"]+")
_TYPES: Final = re.compile(r"([^\W\d_]\w*(?:,[^\W\d_]\w*)*):(?!//)")
_TEST: Final = re.compile(r"!~=|~=|==|!=|>=|<=|>|<")
_PATTERNS: Final = frozenset({"~=", "!~="})
_EQUALITIES: Final = frozenset({Op.EQ, Op.NE})


def parse_q(text: str, expand_values: frozenset[str] = frozenset(), json_keys: frozenset[str] = frozenset()) -> Node:
    """Parse one percent-decoded `q` parameter.

    `(speed>50;on==true)|address[city]=="Bern"` gives
    `Or((And((Compare(..), Compare(..))), Compare(Path("address", (), ("city",)), ..)))`.
    Values of attributes in `expand_values` are marked for `query.bind` to expand, unless `json_keys` has them too.

    Raises BadRequestData (clause 4.9; says the column and what was expected) and TooComplexQuery (clause 5.5.2).
    """
    if len(text) > CHARACTERS_MAX:
        raise TooComplexQuery(
            f"q has {len(text)} characters.",
            pointer="q",
            clause="5.5.2",
            remedy=f"At most {CHARACTERS_MAX} characters are read.",
        )
    parser = _Parser(Scanner(text), expand_values - json_keys)
    node = parser.any(depth=0)
    parser.end()
    return node


class _Parser:
    """Reads the grammar of the module from a scanner; methods are named as its rules."""

    def __init__(self, scanner: Scanner, expand_values: frozenset[str]) -> None:
        self._scan = scanner
        self._expand_values = expand_values

    def end(self) -> None:
        if not self._scan.at_end():
            raise self._scan.refusal("'|', ';', an operator or the end")

    def any(self, depth: int) -> Node:
        if depth > DEPTH_MAX:
            raise TooComplexQuery(
                f"q nests deeper than {DEPTH_MAX} parentheses.",
                pointer="q",
                clause="5.5.2",
                remedy="Take away parentheses: ';' binds tighter than '|'.",
            )
        terms = [self._all(depth)]
        while self._scan.skip("|"):
            terms.append(self._all(depth))
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def _all(self, depth: int) -> Node:
        terms = [self._term(depth)]
        while self._scan.skip(";"):
            terms.append(self._term(depth))
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def _term(self, depth: int) -> Node:
        if self._scan.skip("("):
            node = self.any(depth + 1)
            self._scan.need(")", "';', '|' or ')'")
            return node
        if self._scan.skip("!"):
            dotted = self._dotted()
            return Absent(Path(dotted[0], dotted[1:], self._members()))
        target = self._target(depth)
        column = self._scan.column
        test = self._scan.take(_TEST)
        if test is None:
            return target
        return _tested(target, self._test(test), lambda: self._scan.refusal("';', '|' or the end", column))

    def _target(self, depth: int) -> Node:
        dotted = self._dotted()
        if not self._scan.skip("{"):
            return Exists(Path(dotted[0], dotted[1:], self._members()))
        types = self._scan.take(_TYPES)
        inner = self.any(depth + 1)
        self._scan.need("}", "';', '|' or '}'")
        return Linked(Path(dotted[0], dotted[1:]), tuple(types[:-1].split(",")) if types else (), inner)

    def _dotted(self) -> tuple[str, ...]:
        names = [self._name()]
        while self._scan.skip("."):
            names.append(self._name())
        return tuple(names)

    def _name(self) -> str:
        name = self._scan.take(_IRI) or self._scan.take(_NAME)
        if name is None:
            raise self._scan.refusal("the name of an attribute")
        return name

    def _members(self) -> tuple[str, ...]:
        if not self._scan.skip("["):
            return ()
        members = [self._member()]
        while self._scan.skip("."):
            members.append(self._member())
        self._scan.need("]", "'.' or ']'")
        return tuple(members)

    def _member(self) -> str:
        member = self._scan.take(_MEMBER)
        if member is None:
            raise self._scan.refusal("a member's name, a language or *")
        return member

    def _test(self, test: str) -> Callable[[Path], Node]:
        """What stands after the operator, as the node it makes of a path."""
        if test in _PATTERNS:
            column = self._scan.column
            regex = self._scan.pattern()
            _checked(regex, column)
            return lambda path: Pattern(path, regex, negated=test == "!~=")
        op = Op(test)
        if op in _EQUALITIES:
            return self._equality(op)
        value = self._scan.ordered()
        return lambda path: Compare(path, op, value)

    def _equality(self, op: Op) -> Callable[[Path], Node]:
        negated = op is Op.NE
        first = self._scan.value()
        if self._scan.skip(".."):
            low, high = self._scan.range_from(first)
            return lambda path: Between(path, low, high, negated)
        values = [first]
        while self._scan.skip(","):
            values.append(self._scan.value())
        if len(values) == 1:
            return lambda path: Compare(path, op, self._coerced(path, first))
        return lambda path: OneOf(path, tuple(self._coerced(path, value) for value in values), negated)

    def _coerced(self, path: Path, value: Value) -> Value:
        """The value, marked where the attribute's values are to be expanded (clause 4.9, expandValues)."""
        dotted = ".".join((path.name, *path.subs))
        if self._expand_values.isdisjoint((dotted, (path.name, *path.subs)[-1])):
            return value
        if isinstance(value, UriValue):
            return UriValue(value.uri, expand=True)
        return UriValue(value, expand=True) if isinstance(value, str) else value


def _tested(target: Node, make: Callable[[Path], Node], refuse: Callable[[], BadRequestData]) -> Node:
    """The test put at the end of the way: `rel{a}==1` tests `a` of what `rel` points to."""
    match target:
        case Exists(path):
            return make(path)
        case Linked(path, types, inner):
            return Linked(path, types, _tested(inner, make, refuse))
        case _:
            raise refuse()


def _checked(regex: str, column: int) -> None:
    try:
        compile_pattern(regex)
    except BadRequestData as refusal:
        refusal.pointer = "q"
        refusal.args = (f"q, column {column}: {refusal.detail}",)
        refusal.detail = refusal.args[0]
        raise
