"""The section [pricing] of the file of --access: versions of the rules, the one that holds now, experiments.

[pricing]
current = "2026-10"
[pricing.rules."2026-10"]
base = {"*" = 10}
…                                   as services/pricing/usual.toml, which holds where there is no section
[pricing.experiments.dearer]
versions = ["2026-10", "2027-04"]
wants = [{items = ["HeartRateObservation/heartRate@daily"], days = 30, recipientClass = "commercial"}]
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final

from broker.model.values import Json
from broker.ports.consents import GRANULARITIES
from services.pricing.prices import Buyer
from services.pricing.rules import RECIPIENT_CLASSES, BadRules, Rules, read_rules
from services.room import BadCity

NUMBERS: Final = {"small_count": (5, 100), "exclusive_days": (30, 366), "raw_per_day": (288, 86_400)}
"""Each with its usual and its largest value."""
RAW_LEAST: Final = 24
"""What is measured is not rarer than hours: else a finer granularity had fewer values than a coarser one."""
DAYS_MAX: Final = 3_660


@dataclass(frozen=True, slots=True)
class Want:
    """What a typical recipient asks of one person in a month."""

    items: tuple[tuple[str, str], ...]
    days: int
    buyer: Buyer


@dataclass(frozen=True, slots=True)
class Experiment:
    """Versions that are compared: over what was sold, and over what is wanted."""

    name: str
    versions: tuple[str, ...]
    wants: tuple[Want, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """How this city prices.

    What is measured comes `raw_per_day` times a day; an exclusive sale keeps others away for `exclusive_days`; of fewer
    people than `small_count` no incomes are told.
    """

    versions: Mapping[str, Rules]
    current: str
    experiments: Mapping[str, Experiment] = field(default_factory=dict)
    small_count: int = 5
    exclusive_days: int = 30
    raw_per_day: int = 288

    @property
    def rules(self) -> Rules:
        """Those that hold now."""
        return self.versions[self.current]


def read_settings(city: Mapping[str, Json]) -> Settings:
    """The section. Raises BadCity."""
    given = city.get("pricing")
    section = _usual() if given is None else _table("", given)
    known = {"current", "rules", "experiments", *NUMBERS}
    if unknown := sorted(section.keys() - known):
        raise BadCity(f"[pricing] {unknown[0]}: nothing of that name; there are {', '.join(sorted(known))}")
    rules = _table("rules", section.get("rules"))
    versions = {name: _rules(name, one) for name, one in rules.items()}
    current = section.get("current")
    if current not in versions:
        raise BadCity(f"[pricing] current: is one of {', '.join(versions) or 'the rules, of which there are none'}")
    numbers = {name: _number(section, name) for name in NUMBERS}
    if numbers["raw_per_day"] < RAW_LEAST:
        raise BadCity(f"[pricing] raw_per_day: {RAW_LEAST} or more: what is measured is not rarer than hours")
    experiments = {
        name: _experiment(name, one, versions) for name, one in _table("", section.get("experiments", {})).items()
    }
    return Settings(versions, current, experiments, **numbers)


def _usual() -> Mapping[str, Any]:
    return tomllib.loads(files("services.pricing").joinpath("usual.toml").read_text(encoding="utf-8"))


def _table(name: str, given: object) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise BadCity(f"[pricing{'.' if name else ''}{name}]: it is a table")
    return given


def _rules(name: str, given: object) -> Rules:
    try:
        return read_rules(name, _table(f"rules.{name}", given))
    except BadRules as error:
        raise BadCity(f"[pricing.rules.{name}] {error}") from error


def _number(section: Mapping[str, Any], name: str) -> int:
    usual, most = NUMBERS[name]
    given = section.get(name, usual)
    if type(given) is not int or not 1 <= given <= most:
        raise BadCity(f"[pricing] {name}: a whole number from 1 to {most}")
    return given


def _experiment(name: str, given: object, versions: Mapping[str, Rules]) -> Experiment:
    where, table = f"[pricing.experiments.{name}]", _table(f"experiments.{name}", given)
    if unknown := sorted(table.keys() - {"versions", "wants"}):
        raise BadCity(f"{where} {unknown[0]}: there are versions and wants")
    compared = table.get("versions")
    if not isinstance(compared, list) or not compared or any(one not in versions for one in compared):
        raise BadCity(f"{where} versions: a list of some of {', '.join(versions)}")
    wants = table.get("wants", [])
    if not isinstance(wants, list):
        raise BadCity(f"{where} wants: a list")
    return Experiment(name, tuple(compared), tuple(_want(f"{where} wants", one) for one in wants))


def _want(where: str, given: object) -> Want:
    if not isinstance(given, dict) or not {"items"} <= given.keys() <= {"items", "days", "recipientClass", "exclusive"}:
        raise BadCity(f"{where}: each has items, and may have days, recipientClass and exclusive")
    days, klass = given.get("days", 30), given.get("recipientClass", "commercial")
    if type(days) is not int or not 1 <= days <= DAYS_MAX or klass not in RECIPIENT_CLASSES:
        raise BadCity(f"{where}: days are 1 to {DAYS_MAX}, recipientClass is one of {', '.join(RECIPIENT_CLASSES)}")
    items = given["items"]
    if not isinstance(items, list) or not all(isinstance(one, str) for one in items):
        raise BadCity(f"{where}: items are texts, as Type/attribute@daily")
    parts = [one.partition("@") for one in items]
    if any((granularity or "raw") not in GRANULARITIES for _, _, granularity in parts):
        raise BadCity(f"{where}: a granularity is one of {', '.join(GRANULARITIES)}")
    named = tuple((name, granularity or "raw") for name, _, granularity in parts)
    return Want(named, days, Buyer(klass, given.get("exclusive") is True))
