"""Whether a command may be sent, and what the device is told: limits and interlocks, against the entity as it is now.

    judge(rule, command.instance, Scene(entity, look, bounds)) -> Judged(2300, "WTT")     raises Outside

Fail closed: what cannot be looked up (an attribute that a limit names and nobody has measured yet) holds the command.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeGuard, cast

from adapters.commands.rules import Bound, Condition, Path, Rule
from broker.model.entity import Document, instances
from broker.model.values import Json, Scalar
from datamodels.units import NoConversion, convert

Look: TypeAlias = Callable[[str], Document | None]
"""Gives another entity as it is now; None where there is none."""
TEXT_MAX: Final = 10_000
_TOLD_MAX: Final = 100
_MOST: Final = sys.float_info.max


class Outside(Exception):
    """The command is outside of what the device may be told; the text says why, for the person who gave it."""


@dataclass(frozen=True, slots=True)
class Range:
    """What the model of an entity says of a number: bounds in its unit (None: not said), and that unit."""

    least: float | None = None
    most: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """The entity, how others are looked up, and what its model says: bounds of the attribute, what else is wrong."""

    entity: Document
    look: Look
    range: Range = Range()
    against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What the device is told, in its unit."""

    value: Json
    unit: str


def judge(rule: Rule, instance: Mapping[str, Json], scene: Scene) -> Judged:
    """The device's value of a command. Raises Outside."""
    for said in scene.against:
        raise Outside(said)
    for condition in rule.only_when:
        _require(rule, condition, scene)
    command = rule.command
    value = _value(instance)
    if command.words is not None:
        return Judged(_word(rule, value), command.unit)
    numbers = command.unit or rule.least or rule.most or command.times != 1 or command.plus
    if not numbers:
        return Judged(_plain(value), "")
    amount = _converted(rule, value, instance.get("unitCode"), scene.range.unit)
    _within(rule, amount, scene)
    told = _measurable(amount * command.times + command.plus)
    return Judged(int(told) if float(told).is_integer() and isinstance(value, int) else told, command.unit)


def _value(instance: Mapping[str, Json]) -> Json:
    for member in ("value", "vocab", "json"):
        if member in instance:
            return instance[member]
    raise Outside("a command is a Property, a VocabProperty or a JsonProperty")


def _plain(value: Json) -> Json:
    if isinstance(value, str) and len(value) > TEXT_MAX:
        raise Outside(f"a text of {len(value)} characters; at most {TEXT_MAX} are sent")
    return value


def _word(rule: Rule, value: Json) -> Json:
    words = cast("Mapping[str, Json]", rule.command.words)
    text = (
        ("true" if value else "false") if isinstance(value, bool) else value if isinstance(value, str) else f"{value}"
    )
    for word in (text, rule.command.names.compact_value(text) if isinstance(value, str) else text):
        if word in words:
            return words[word]
    raise Outside(f"{text[:100]!r} is none of {', '.join(words)}")


def _converted(rule: Rule, value: Json, given: Json, modelled: str) -> float:
    """The amount in the command's own unit."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Outside(f"{str(value)[:_TOLD_MAX]!r} is no number")
    _measurable(value)
    unit, wanted = str(given or modelled or rule.command.unit), rule.command.unit
    return _in(value, unit, wanted) if wanted else value


def _is_number(value: Json) -> TypeGuard[int | float]:
    """Whether it is one that can be reckoned with: whole numbers may be longer than any float."""
    return not isinstance(value, bool) and isinstance(value, int | float) and abs(value) <= _MOST


def _measurable(value: float) -> float:
    if not _is_number(value):
        raise Outside("the number is beyond all measure")
    return value


def _in(value: float, unit: str, wanted: str) -> float:
    try:
        return _measurable(convert(value, unit, wanted))
    except NoConversion as error:
        raise Outside(str(error)) from error


def _within(rule: Rule, amount: float, scene: Scene) -> None:
    unit = rule.command.unit
    least = [*_amounts(rule, rule.least, scene), *_modelled(scene.range.least, scene.range.unit, unit)]
    most = [*_amounts(rule, rule.most, scene), *_modelled(scene.range.most, scene.range.unit, unit)]
    if rule.is_energy and not (least and most):
        side = "lower" if not least else "upper"
        raise Outside(
            f"no {side} limit of {rule.command.term} is known, and without one nothing is sent that moves energy"
        )
    for bound, text in least:
        if amount < bound:
            raise Outside(f"{amount:g} {unit} is less than {bound:g} {unit} ({text})")
    for bound, text in most:
        if amount > bound:
            raise Outside(f"{amount:g} {unit} is more than {bound:g} {unit} ({text})")


def _amounts(rule: Rule, bounds: Iterable[Bound], scene: Scene) -> Iterable[tuple[float, str]]:
    for bound in bounds:
        if not bound.of:
            yield bound.times, "the mapping's limit"
            continue
        found = _found(bound.of, bound.text, scene)
        value, unit = found.get("value"), found.get("unitCode")
        if not _is_number(value):
            raise Outside(f"{bound.text} is no number, and it limits this command")
        amount = _in(value, str(unit), rule.command.unit) if unit and rule.command.unit else value
        yield _measurable(bound.times * amount), bound.text


def _modelled(bound: float | None, unit: str, wanted: str) -> Iterable[tuple[float, str]]:
    if bound is not None:
        yield (_in(bound, unit, wanted) if unit and wanted else bound), "the model's limit"


def _found(path: Path, text: str, scene: Scene) -> Mapping[str, Json]:
    """The attribute's default instance. Raises Outside where it is not known."""
    entity: Document | None = scene.entity
    for step in path[:-1]:
        target = _default(entity, step).get("object")
        entity = scene.look(target) if isinstance(target, str) else None
    found = _default(entity, path[-1])
    if not found:
        raise Outside(f"{text} is not known, and this command depends on it")
    return found


def _default(entity: Document | None, name: str) -> Mapping[str, Json]:
    held = [] if entity is None else instances(entity.get(name))
    return next((one for one in held if "datasetId" not in one), {})


def _require(rule: Rule, condition: Condition, scene: Scene) -> None:
    found = _found(condition.of, condition.text, scene)
    value = _value(found) if "object" not in found else found["object"]
    if condition.one_of:
        _require_one(rule, condition, value)
        return
    if not _is_number(value):
        raise Outside(f"{condition.text} is no number, and this command depends on it")
    if condition.least is not None and value < condition.least:
        raise Outside(f"{condition.text} is {value:g}; below {condition.least:g} this command is not sent")
    if condition.most is not None and value > condition.most:
        raise Outside(f"{condition.text} is {value:g}; above {condition.most:g} this command is not sent")


def _require_one(rule: Rule, condition: Condition, value: Json) -> None:
    names = rule.command.names
    held: list[Json] = value if isinstance(value, list) else [value]
    short = [names.compact_value(one) if isinstance(one, str) else one for one in held]
    if not any(_equals(one, wanted) for one in (*held, *short) for wanted in condition.one_of):
        is_, wanted = ", ".join(map(str, short))[:_TOLD_MAX] or "empty", " or ".join(map(str, condition.one_of))
        raise Outside(f"{condition.text} is {is_}; only with {wanted} is this command sent")


def _equals(one: Json, wanted: Scalar) -> bool:
    """As people mean it: 1 is 1.0, and not true."""
    return isinstance(one, bool) is isinstance(wanted, bool) and one == wanted
