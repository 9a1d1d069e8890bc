"""The section [bank] of the file of --access, read and checked.

    [bank]
    operator = {name = "Misono Data Trust", address = "…", representative = "…", contact = "…"}
    decision_days_max = 365
    public_tenants = [""]

Nothing of it must be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from broker.model.values import Json
from services.room import BadCity

_PROVIDER: Final = ("name", "address", "representative", "contact")
_NUMBERS: Final = {
    "decision_days_max": (365, 731),
    "acknowledge_days": (3, 30),
    "answer_days": (14, 90),
    "small_count": (5, 100),
    "page_entities": (500, 5_000),
}
"""Each with its usual and its largest value."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Who provides: what the records of both sides name (APPI 29, 30)."""

    name: str = ""
    address: str = ""
    representative: str = ""
    contact: str = ""

    def told(self) -> dict[str, Json]:
        """As JSON."""
        return {name: getattr(self, name) for name in _PROVIDER}


@dataclass(frozen=True, slots=True)
class Settings:
    """How this bank works. Days are those from the event on; counts of people below `small_count` are not told."""

    provider: Provider = Provider()
    decision_days_max: int = 365
    acknowledge_days: int = 3
    answer_days: int = 14
    small_count: int = 5
    page_entities: int = 500
    public_tenants: frozenset[str] = field(default_factory=lambda: frozenset({""}))


def read_settings(city: Mapping[str, Json]) -> Settings:
    """The section. Raises BadCity."""
    section = city.get("bank", {})
    if not isinstance(section, dict):
        raise BadCity("[bank]: it is a table")
    unknown = sorted(section.keys() - {*_NUMBERS, "operator", "public_tenants"})
    if unknown:
        raise BadCity(f"[bank] {unknown[0]}: nothing of that name; there are {', '.join(sorted(_NUMBERS))}")
    return Settings(
        provider=_provider(section.get("operator", {})),
        public_tenants=_tenants(section.get("public_tenants", [""])),
        **{name: _number(section, name) for name in _NUMBERS},
    )


def _number(section: Mapping[str, Json], name: str) -> int:
    usual, most = _NUMBERS[name]
    given = section.get(name, usual)
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= most:
        raise BadCity(f"[bank] {name}: a whole number from 1 to {most}")
    return given


def _provider(given: Json) -> Provider:
    texts = given if isinstance(given, dict) else {"": given}
    found = {name: text for name, text in texts.items() if name in _PROVIDER and isinstance(text, str)}
    if len(found) != len(texts):
        raise BadCity(f"[bank] operator: texts named {', '.join(_PROVIDER)}")
    return Provider(**found)


def _tenants(given: Json) -> frozenset[str]:
    names = given if isinstance(given, list) else [None]
    found = frozenset(name for name in names if isinstance(name, str))
    if len(found) != len(names):
        raise BadCity("[bank] public_tenants: a list of different names of tenants, as ['']")
    return found
