"""The section [consent] of the file of --access, read and checked.

    [consent]
    controller = {name = "みその市データ信託", address = "…", contact = "…", url = "https://…", country = "JP"}
    valid_days_max = 366
    decision_needed = true

Nothing of it must be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from broker.model.values import Json
from services.room import BadCity

_CONTROLLER: Final = ("name", "address", "contact", "url", "country")
_NUMBERS: Final = {
    "valid_days_max": (366, 3_660),
    "notice_hours": (24, 720),
    "request_days": (30, 366),
    "quiet_days": (90, 3_660),
    "reconsent_days": (30, 366),
    "deletion_days": (14, 366),
    "emergency_hours_max": (24, 24),
    "keep_years": (3, 30),
}
"""Each with its usual and its largest value."""


@dataclass(frozen=True, slots=True)
class Controller:
    """Whom people give their data into the hands of (DPV's DataController)."""

    name: str = "Misono"
    address: str = ""
    contact: str = ""
    url: str = ""
    country: str = "JP"


@dataclass(frozen=True, slots=True)
class Settings:
    """How consents work in this city.

    A consent holds `valid_days_max` at most; it is given within `notice_hours` after its notice was shown; a request
    waits `request_days` for an answer and comes again `quiet_days` after a refusal at the earliest; consents lapse
    `reconsent_days` after their terms were changed; recipients delete within `deletion_days`; `keep_years` are those in
    which it can be shown that somebody consented, before persons who left are forgotten.
    """

    controller: Controller = Controller()
    valid_days_max: int = 366
    notice_hours: int = 24
    request_days: int = 30
    quiet_days: int = 90
    reconsent_days: int = 30
    deletion_days: int = 14
    emergency_hours_max: int = 24
    keep_years: int = 3
    decision_needed: bool = False


def read_settings(city: Mapping[str, Json]) -> Settings:
    """The section. Raises BadCity."""
    section = city.get("consent", {})
    if not isinstance(section, dict):
        raise BadCity("[consent]: it is a table")
    unknown = sorted(section.keys() - {*_NUMBERS, "controller", "decision_needed"})
    if unknown:
        raise BadCity(f"[consent] {unknown[0]}: nothing of that name; there are {', '.join(sorted(_NUMBERS))}")
    decided = section.get("decision_needed", False)
    if not isinstance(decided, bool):
        raise BadCity("[consent] decision_needed: true or false")
    numbers = {name: _number(section, name) for name in _NUMBERS}
    return Settings(controller=_controller(section.get("controller", {})), decision_needed=decided, **numbers)


def _number(section: Mapping[str, Json], name: str) -> int:
    usual, most = _NUMBERS[name]
    given = section.get(name, usual)
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= most:
        raise BadCity(f"[consent] {name}: a whole number from 1 to {most}")
    return given


def _controller(given: Json) -> Controller:
    texts = given if isinstance(given, dict) else {"": given}
    found = {name: text for name, text in texts.items() if name in _CONTROLLER and isinstance(text, str)}
    if len(found) != len(texts):
        raise BadCity(f"[consent] controller: texts named {', '.join(_CONTROLLER)}")
    return Controller(**found)
