"""Retention: how long history is kept, by tenant and type, from a file of rules.

[[history]]                 the first rule that fits an entity holds
tenant = "city"             absent: every tenant
types = ["SmartMeter"]      terms of the core @context or IRIs; absent: every type
keep_days = 30              absent: for ever
then = "thinned"            or "gone", which it is if nothing is said
period_s = 3600             of thinned history: one aggregate for each such period
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from broker.operations.broker import Broker
from broker.ports.evolution import Retention
from broker.ports.places import snapshot_of

_DAY: Final = 24 * 3600 * 1_000_000
_MEMBERS: Final = {"tenant": str, "types": list, "keep_days": (int, float), "then": str, "period_s": (int, float)}


class BadRules(ValueError):
    """A file of rules that says nothing clear; the message says what."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule for one tenant, or (None) for all."""

    tenant: str | None
    retention: Retention


def read_rules(text: str, expand: Callable[[str], str]) -> list[Rule]:
    """The rules in their order; `expand` gives the IRI of a type. Raises BadRules."""
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadRules(str(error)) from error
    rules = found.pop("history", [])
    if found or not isinstance(rules, list):
        raise BadRules("it holds something else than tables [[history]]")
    return [_rule(number, rule, expand) for number, rule in enumerate(rules, 1)]


def retain(broker: Broker, rules: Sequence[Rule]) -> int:
    """Apply the rules once, in every tenant; how many instances went. Snapshots stay as they are."""
    gone = 0
    for tenant in broker.tenants.names():
        wanted = [rule.retention for rule in rules if rule.tenant in (None, tenant)]
        if wanted and snapshot_of(tenant) is None:
            gone += broker.history.retain(tenant, wanted)
    return gone


def _rule(number: int, given: Mapping[str, Any], expand: Callable[[str], str]) -> Rule:
    for name, value in given.items():
        if name not in _MEMBERS or not isinstance(value, cast("type", _MEMBERS[name])) or isinstance(value, bool):
            raise BadRules(f"rule {number}: {name} = {value!r} is not understood")
    then, period_s, keep_days = given.get("then", "gone"), given.get("period_s", 0), given.get("keep_days")
    if then not in ("gone", "thinned") or (then == "thinned") != (period_s > 0):
        raise BadRules(f"rule {number}: `then` is gone, or thinned with a period_s above 0")
    if keep_days is not None and keep_days < 0:
        raise BadRules(f"rule {number}: keep_days is below 0")
    keep = None if keep_days is None else round(keep_days * _DAY)
    types = frozenset(expand(str(one)) for one in given.get("types", ()))
    outcome = cast("Literal['gone', 'thinned']", then)
    return Rule(given.get("tenant"), Retention(types, keep, outcome, round(period_s * 1_000_000)))
