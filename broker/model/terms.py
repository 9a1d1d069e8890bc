"""The terms of a registration: who gets the data and what for, without which nothing about persons is asked or sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from broker.model.registration import EntityInfo, Registration

NEEDED: Final = ("recipient", "purpose")
HEADERS: Final = {"recipient": "Misono-Recipient", "purpose": "Misono-Purpose"}
_PLAIN: Final = " !\"#$&'()*+,/:;<=>?@[]^`{|}"
"""What can stand in a header as it is, beside letters, digits and `_.-~`; the percent sign cannot, being the escape."""


@dataclass(frozen=True, slots=True)
class Personal:
    """What tells of persons between hubs, names being IRIs.

    `types` tell of persons whatever the attribute, `attributes` do in some type or other; any attribute may where
    `all_attributes` says so. Of `known` types the models say all there is to say: in what is none of `types`, none of
    `attributes` tells of a person.
    """

    types: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    all_attributes: bool = True
    known: frozenset[str] = frozenset()


NOTHING_PERSONAL: Final = Personal()


def nothing_personal() -> Personal:
    """Nothing is known to tell of persons."""
    return NOTHING_PERSONAL


def missing_terms(registration: Registration, personal: Personal) -> tuple[str, ...]:
    """Which of NEEDED a registration that may be about persons lacks: see `may_concern_persons`."""
    return unstated_terms(registration) if may_concern_persons(registration, personal) else ()


def unstated_terms(registration: Registration) -> tuple[str, ...]:
    """Which of NEEDED its contract does not state."""
    contract = registration.contract if isinstance(registration.contract, dict) else {}
    return tuple(name for name in NEEDED if not str(contract.get(name, "")).strip())


def term_headers(registration: Registration) -> dict[str, str]:
    """Recipient and purpose as headers of what is asked there; what is no ASCII is UTF-8, percent-encoded."""
    contract = registration.contract if isinstance(registration.contract, dict) else {}
    given = {header: contract.get(name) for name, header in HEADERS.items()}
    return {header: quote(text.strip(), safe=_PLAIN) for header, text in given.items() if isinstance(text, str)}


def may_concern_persons(registration: Registration, personal: Personal) -> bool:
    """Whether it names a type that tells of persons, or no type and, of attributes, one that may, or all."""
    if not personal.types:
        return False
    for one in registration.information:
        names = one.attributes
        open_ = personal.all_attributes or not names or not personal.attributes.isdisjoint(names)
        for info in one.entities or _ANY:
            if not personal.types.isdisjoint(info.types) if info.types else open_:
                return True
    return False


_ANY: Final = (EntityInfo(),)
