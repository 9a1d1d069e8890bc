"""A version of the rules by which personal data are priced. Pure.

    rules = read_rules(mapping)            # [pricing.rules."2026-10"] of the file of --access
    rules.factor("granularity", "daily")   -> Fraction(1, 4)

Prices are in thousandths of a point or a yen; factors are exact fractions. What a version may say is held so that
nobody gains by asking otherwise: finer never costs less than coarser, fresher than older, special care than none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from broker.ports.consents import GRANULARITIES

SENSITIVITIES: Final = ("level1", "level2", "level3", "level4")
"""From what hardly tells of a person to what needs special care."""
FRESHNESS: Final = ("live", "day", "month", "year", "older")
RECIPIENT_CLASSES: Final = ("publicBody", "researchBody", "nonProfit", "commercial")
EXCLUSIVITY: Final = ("shared", "exclusive")
TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "sensitivity": SENSITIVITIES,
    "granularity": GRANULARITIES,
    "freshness": FRESHNESS,
    "recipientClass": RECIPIENT_CLASSES,
    "exclusivity": EXCLUSIVITY,
}
RISING: Final = frozenset({"sensitivity", "exclusivity"})
FALLING: Final = frozenset({"granularity", "freshness"})
BASE_MAX: Final = 10**9
FACTOR_MAX: Final = 1_000
DENOMINATOR_MAX: Final = 10**6


class BadRules(Exception):
    """The rules are not in order; the text names the member and what would do."""


@dataclass(frozen=True, slots=True)
class Split:
    """How what is paid is shared, by weights: the persons, the community's fund, the operator."""

    persons: int = 70
    community: int = 20
    operator: int = 10


@dataclass(frozen=True, slots=True)
class Rules:
    """One version. `base` is the price of one value by data item (`Type/attribute`), `*` for all others."""

    version: str
    currency: str
    base: Mapping[str, int]
    tables: Mapping[str, Mapping[str, Fraction]]
    levels: Mapping[str, str]
    cap_month: int
    epsilon: int
    split: Split = Split()
    valid_s: int = 900

    def factor(self, table: str, word: str) -> Fraction:
        """One factor. Raises KeyError for a word that the table has not."""
        return self.tables[table][word]

    def base_of(self, item: str) -> int:
        """What one raw value of an item costs before factors."""
        return self.base.get(item, self.base["*"])

    def level_of(self, item: str, *, special: bool = False) -> str:
        """How sensitive an item is: as the rules say, else as what needs special care is, or any personal value."""
        return self.levels.get(item, SENSITIVITIES[-1] if special else "level2")


def read_rules(version: str, given: Mapping[str, Any]) -> Rules:
    """The rules of a version. Raises BadRules."""
    known = {"currency", "base", "levels", "cap_month", "epsilon", "split", "valid_s", *TABLES}
    if strange := sorted(set(given) - known):
        raise BadRules(f"{strange[0]}: there is no such member; there are {', '.join(sorted(known))}")
    base = {item: _whole(f"base.{item}", amount, BASE_MAX) for item, amount in _table(given, "base").items()}
    if "*" not in base:
        raise BadRules("base: needs a price for all other items, as '\"*\" = 10'")
    levels = {item: _word(f"levels.{item}", level, SENSITIVITIES) for item, level in given.get("levels", {}).items()}
    return Rules(
        version,
        _word("currency", given.get("currency", "POINT"), ("POINT", "JPY")),
        base,
        {name: _factors(name, words, _table(given, name)) for name, words in TABLES.items()},
        levels,
        _whole("cap_month", given.get("cap_month", 500_000), 10**12),
        _whole("epsilon", given.get("epsilon", 1_000), BASE_MAX),
        _split(given.get("split", {})),
        _whole("valid_s", given.get("valid_s", 900), 86_400),
    )


def _table(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = given.get(name)
    if not isinstance(table, dict):
        raise BadRules(f"{name}: is missing; it is a table")
    return table


def _factors(name: str, words: tuple[str, ...], given: Mapping[str, Any]) -> dict[str, Fraction]:
    if set(given) != set(words):
        raise BadRules(f"{name}: needs a factor for each of {', '.join(words)}, and no other")
    factors = {word: _factor(f"{name}.{word}", given[word]) for word in words}
    values = list(factors.values())
    if name in RISING and values != sorted(values):
        raise BadRules(f"{name}: factors must not fall from {words[0]} to {words[-1]}: the dearer would be had cheaper")
    if name in FALLING and values != sorted(values, reverse=True):
        raise BadRules(
            f"{name}: factors must not rise from {words[0]} to {words[-1]}: finer would cost less than coarser"
        )
    return factors


def _factor(where: str, given: object) -> Fraction:
    try:
        factor = Fraction(str(given)) if isinstance(given, str | int | float) and not isinstance(given, bool) else None
    except (ValueError, ZeroDivisionError):
        factor = None
    if factor is None or not 0 <= factor <= FACTOR_MAX or factor.denominator > DENOMINATOR_MAX:
        raise BadRules(f'{where}: is a factor from 0 to {FACTOR_MAX}, as 0.25 or "1/3"')
    return factor


def _whole(where: str, given: object, most: int) -> int:
    if type(given) is not int or not 0 <= given <= most:
        raise BadRules(f"{where}: is a whole number from 0 to {most}")
    return given


def _word(where: str, given: object, words: tuple[str, ...]) -> str:
    if given not in words:
        raise BadRules(f"{where}: is one of {', '.join(words)}")
    return str(given)


def _split(given: Mapping[str, Any]) -> Split:
    if set(given) - {"persons", "community", "operator"}:
        raise BadRules("split: has persons, community and operator")
    usual = Split()
    parts = [_whole(f"split.{name}", given.get(name, getattr(usual, name)), 1_000) for name in Split.__slots__]
    if not sum(parts):
        raise BadRules("split: somebody has to get something")
    return Split(*parts)
