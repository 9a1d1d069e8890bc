"""What a mapping's file says of a command beyond its name: limits, interlocks, rate, lifetime. Pure.

commands:
  - attribute: chargingLimit
    name: SetChargingProfile
    unit: WTT
    min: 0                                       a number, in `unit`
    max: [7400, ratedPower, {of: refRouter.ratedPower, times: 0.8}]       all of them hold
    only_when: {status: [available, occupied], refRouter.stateOfCharge: {min: 0.2}}
    rate_per_min: 6
    ttl_s: 60
    once: true                                   it must not be said twice: not sent again after a crash
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from adapters.mapping.members import Members, members
from adapters.mapping.plan import CommandRule, DeviceMapping
from broker.errors import BadRequestData
from broker.model.values import Json, Scalar
from datamodels.units import units

TTL_S: Final = 60.0
TTL_MAX_S: Final = 86_400.0
RATE_PER_MIN: Final = 30
RATE_MAX_PER_MIN: Final = 6_000
BOUNDS_MAX: Final = 16
DEPTH_MAX: Final = 2
_KNOWN: Final = frozenset({"min", "max", "only_when", "rate_per_min", "ttl_s", "once", "answers"})
_BOUND: Final = frozenset({"of", "times"})
_CONDITION: Final = frozenset({"min", "max"})
ENERGY: Final = frozenset({"power", "apparent power", "reactive power", "energy", "current", "voltage", "charge"})
"""Quantities whose commands need limits on both sides: without them nothing is sent."""
Path: TypeAlias = tuple[str, ...]
"""Attributes (IRIs): relationships to follow, and what is looked at last."""


@dataclass(frozen=True, slots=True)
class Bound:
    """`times` of the value of an attribute; of nothing: the number itself."""

    times: float
    of: Path = ()
    text: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Condition:
    """What an attribute must be for the command to be sent: one of some values, or within bounds."""

    of: Path
    text: str
    one_of: tuple[Scalar, ...] = ()
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One command of a mapping with all that is said of it; `status` and `result` are the attributes (IRIs) it has."""

    command: CommandRule
    status: str
    result: str
    least: tuple[Bound, ...] = ()
    most: tuple[Bound, ...] = ()
    only_when: tuple[Condition, ...] = ()
    rate_per_min: int = RATE_PER_MIN
    ttl_s: float = TTL_S
    once: bool = False
    answers: bool = True

    @property
    def is_energy(self) -> bool:
        """Whether it moves energy: then limits must be known."""
        unit = units().get(self.command.unit)
        return unit is not None and unit.quantity in ENERGY


def read_rules(mapping: DeviceMapping) -> tuple[Rule, ...]:
    """The commands of a mapping. Raises BadMapping, which names file and member."""
    rules = tuple(
        _rule(one, members(dict(one.settings), f"{mapping.file}: commands.{place}"))
        for place, one in enumerate(mapping.commands)
    )
    _apart(mapping, rules)
    return rules


def _rule(command: CommandRule, given: Members) -> Rule:
    given.only(_KNOWN)
    if command.unit and command.words is not None:
        given.refuse("words", "either words or a unit: a word has no unit")
    rate = given.whole("rate_per_min", 1, RATE_MAX_PER_MIN)
    ttl_s = given.number("ttl_s")
    if ttl_s is not None and not 0 < ttl_s <= TTL_MAX_S:
        given.refuse("ttl_s", f"a number of seconds above 0, {TTL_MAX_S:g} at most")
    return Rule(
        command,
        command.names.expand(f"{command.term}Status"),
        command.names.expand(f"{command.term}Result"),
        _bounds(command, given, "min"),
        _bounds(command, given, "max"),
        _conditions(command, given),
        RATE_PER_MIN if rate is None else rate,
        TTL_S if ttl_s is None else ttl_s,
        given.flag("once"),
        given.flag("answers", default=True),
    )


def _bounds(command: CommandRule, given: Members, name: str) -> tuple[Bound, ...]:
    said = given.of.get(name)
    row: Sequence[Json] = [] if said is None else said if isinstance(said, list) else [said]
    if len(row) > BOUNDS_MAX:
        given.refuse(name, f"{BOUNDS_MAX} bounds at most")
    if row and command.words is not None:
        given.refuse(name, "no bounds: words have none")
    return tuple(_bound(command, given, name, one) for one in row)


def _bound(command: CommandRule, given: Members, name: str, said: Json) -> Bound:
    if isinstance(said, int | float) and not isinstance(said, bool) and math.isfinite(said):
        return Bound(said, text=f"{said:g} {command.unit}".strip())
    if isinstance(said, str):
        return Bound(1, _path(command, given, name, said), said)
    if not isinstance(said, dict):
        given.refuse(name, "a number, the name of an attribute, {of: ratedPower, times: 0.8}, or a list of these")
    inner = Members(said, f"{given.where}.{name}").only(_BOUND)
    of, times = inner.text("of"), inner.number("times")
    if times is None:
        return Bound(1, _path(command, given, name, of), of)
    return Bound(times, _path(command, given, name, of), f"{times:g} times {of}")


def _conditions(command: CommandRule, given: Members) -> tuple[Condition, ...]:
    found = given.below("only_when")
    return tuple(_condition(command, found, name, said) for name, said in found.of.items())


def _condition(command: CommandRule, given: Members, name: str, said: Json) -> Condition:
    path = _path(command, given, name, name)
    if isinstance(said, dict):
        inner = Members(said, f"{given.where}.{name}").only(_CONDITION)
        least, most = inner.number("min"), inner.number("max")
        if least is None and most is None:
            inner.refuse("", "min, max or both")
        return Condition(path, name, least=least, most=most)
    row = said if isinstance(said, list) else [said]
    values = tuple(one for one in row if isinstance(one, str | int | float))
    if not row or len(values) != len(row):
        given.refuse(name, "a value, a list of values, or {min: 0.2}")
    return Condition(path, name, one_of=values)


def _path(command: CommandRule, given: Members, name: str, text: str) -> Path:
    """`refRouter.ratedPower` as IRIs; an IRI stands alone, with its dots."""
    steps = [text] if ":" in text else text.split(".")
    if not all(steps) or len(steps) > DEPTH_MAX:
        given.refuse(name, "an attribute, or one of the entity that a relationship leads to: refRouter.ratedPower")
    try:
        return tuple(command.names.expand(step) for step in steps)
    except BadRequestData as error:
        given.refuse(name, error.detail)


def _apart(mapping: DeviceMapping, rules: Sequence[Rule]) -> None:
    """What is commanded must not be what is measured, or a measurement would be taken for a command."""
    commanded: dict[tuple[str, str], int] = {}
    for place, rule in enumerate(rules):
        where = Members({}, f"{mapping.file}: commands.{place}")
        key = (rule.command.entity_type, rule.command.attribute)
        if key in commanded:
            where.refuse("attribute", f"commands.{commanded[key]} has {rule.command.term!r} already")
        commanded[key] = place
        for entity in mapping.entities:
            measured: Mapping[str, object] = {one.iri: one for one in entity.attributes} | dict(entity.fixed)
            if entity.type == rule.command.entity_type and rule.command.attribute in measured:
                where.refuse("attribute", f"another name: {rule.command.term!r} is an attribute that is measured")
