"""The terms of a registration: who gets the data and what for, without which nothing about persons is asked or sent."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from broker.model.registration import Registration

NEEDED: Final = ("recipient", "purpose")
HEADERS: Final = {"recipient": "Misono-Recipient", "purpose": "Misono-Purpose"}
_PLAIN: Final = " !\"#$&'()*+,/:;<=>?@[]^`{|}"
"""What can stand in a header as it is, beside letters, digits and `_.-~`; the percent sign cannot, being the escape."""


def missing_terms(registration: Registration, personal: frozenset[str]) -> tuple[str, ...]:
    """Which of NEEDED a registration that may be about persons lacks: it names such a type, or no types at all."""
    if not personal or not _about(registration, personal):
        return ()
    contract = registration.contract if isinstance(registration.contract, dict) else {}
    return tuple(name for name in NEEDED if not str(contract.get(name, "")).strip())


def term_headers(registration: Registration) -> dict[str, str]:
    """Recipient and purpose as headers of what is asked there; what is no ASCII is UTF-8, percent-encoded."""
    contract = registration.contract if isinstance(registration.contract, dict) else {}
    given = {header: contract.get(name) for name, header in HEADERS.items()}
    return {header: quote(text.strip(), safe=_PLAIN) for header, text in given.items() if isinstance(text, str)}


def _about(registration: Registration, personal: frozenset[str]) -> bool:
    for one in registration.information:
        if not one.entities or any(not info.types or not personal.isdisjoint(info.types) for info in one.entities):
            return True
    return False
