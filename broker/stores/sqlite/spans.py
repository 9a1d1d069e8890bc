"""A value of a query as conditions on leaves: in the index (`leaf`) and in an entity's own leaves (`probe`).

    number > 20     leaf:  value > 20 AND value < ''                    '' is the least text, and texts follow numbers
                    probe: v.type IN ('integer', 'real') AND v.value > 20
    text == "on"    leaf:  value = 'on'
                    probe: v.type = 'text' AND v.value = 'on'

A span may hold more than the value means (`exact` says so), never less.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from broker.model.values import Scalar, to_instant, to_text
from broker.query.ast import DateTimeValue, DateValue, Op, TimeValue, UriValue, Value
from broker.stores.sqlite.index import INTEGER_MAX, TEXT_CHARACTERS_MAX, rounded

_LAST: Final = "\U0010ffff"
_SECONDS: Final = 19  # characters of a DateTime down to the second
_CLOCK: Final = 8
_TYPES: Final = {"number": "v.type IN ('integer', 'real')", "text": "v.type = 'text'"}


@dataclass(frozen=True, slots=True)
class Span:
    """Leaves of one kind (`number`, `text`, `true`, `false`, `any`) within bounds `(operator, value)`."""

    kind: str
    bounds: tuple[tuple[str, Scalar], ...] = ()
    exact: bool = True

    def in_leaf(self) -> tuple[str, list[object]]:
        """The condition on columns of `leaf`."""
        if self.kind in ("true", "false"):
            return "value = ?", [b"\x01" if self.kind == "true" else b"\x00"]
        parts = [f"value {operator} ?" for operator, _ in self.bounds]
        operators = {operator[0] for operator, _ in self.bounds}
        if self.kind == "number" and not operators & {"=", "<"}:
            parts.append("value < ''")
        if self.kind == "text" and not operators & {"=", "<"}:
            parts.append("value < x''")
        if self.kind == "text" and not operators & {"=", ">"}:
            parts.append("value >= ''")
        return " AND ".join(parts) or "1", [value for _, value in self.bounds]

    def in_probe(self) -> tuple[str, list[object]]:
        """The condition on a row `v` of `json_each(leaves, path)`."""
        if self.kind in ("true", "false"):
            return f"v.type = '{self.kind}'", []
        parts = [_TYPES[self.kind]] if self.kind in _TYPES else []
        parts += [f"v.value {operator} ?" for operator, _ in self.bounds]
        return " AND ".join(parts) or "1", [value for _, value in self.bounds]


ANY: Final = Span("any")
TEXTS: Final = Span("text", exact=False)


def equal(value: Value, *, instant: bool) -> Span | None:
    """Leaves that may equal the value; None where none can. `instant`: the leaves are microseconds of observedAt."""
    if instant:
        return _on_instant(Op.EQ, value)
    match value:
        case bool():
            return Span("true" if value else "false")
        case int() | float():
            number, exact = _number(value)
            return Span("number", (("=", number),), exact)
        case DateTimeValue() | TimeValue():
            start = _start(value)
            return Span("text", ((">=", start), ("<=", start + _LAST)), exact=False)
        case str() | UriValue() | DateValue():
            text = value if isinstance(value, str) else value.uri if isinstance(value, UriValue) else value.text
            return Span("text", (("=", text[:TEXT_CHARACTERS_MAX]),), len(text) < TEXT_CHARACTERS_MAX)


def ordered(op: Op, value: Value, *, instant: bool) -> Span | None:
    """Leaves that may stand in `op` (one of `< <= > >=`) to the value; None where none can."""
    if instant:
        return _on_instant(op, value)
    match value:
        case bool() | UriValue():
            return None
        case int() | float():
            number, exact = _number(value)
            return Span("number", ((op.value if exact else _loose(op), number),), exact)
        case str():
            exact = len(value) < TEXT_CHARACTERS_MAX
            return Span("text", ((op.value if exact else _loose(op), value[:TEXT_CHARACTERS_MAX]),), exact)
        case DateTimeValue() | DateValue() | TimeValue():
            start = _start(value)
            bound = (">=", start) if op in (Op.GE, Op.GT) else ("<=", start + _LAST)
            return Span("text", (bound,), exact=False)


def between(low: Value, high: Value, *, instant: bool) -> Span | None:
    """Leaves that may lie from `low` to `high`; None where none can."""
    above, below = ordered(Op.GE, low, instant=instant), ordered(Op.LE, high, instant=instant)
    if above is None or below is None:
        return None
    if "any" in (above.kind, below.kind):
        return Span("any", exact=False)
    if above.kind != below.kind:
        return None
    return Span(above.kind, above.bounds + below.bounds, above.exact and below.exact)


def _on_instant(op: Op, value: Value) -> Span | None:
    """On observedAt: texts that are DateTimes are compared in time, other texts by `match` alone."""
    at = value.instant if isinstance(value, DateTimeValue) else to_instant(value) if isinstance(value, str) else None
    if at is not None:
        return Span("number", (("=" if op is Op.EQ else op.value, at),))
    return Span("any", exact=False) if isinstance(value, str | UriValue | DateValue | TimeValue) else None


def _number(value: float) -> tuple[float, bool]:
    """The number as the index has it, and whether no other number looks the same there."""
    if type(value) is int:
        return (value, True) if -INTEGER_MAX < value < INTEGER_MAX else (rounded(value), False)
    return value, -float(INTEGER_MAX) < value < float(INTEGER_MAX)


def _start(value: DateTimeValue | DateValue | TimeValue) -> str:
    """What texts that are equal in time start with; such starts stand in the order of time."""
    match value:
        case DateTimeValue(at):
            return to_text(at)[:_SECONDS]
        case DateValue(text):
            return text
        case TimeValue(_, text):
            return text[:_CLOCK]


def _loose(op: Op) -> str:
    return ">=" if op in (Op.GE, Op.GT) else "<="
