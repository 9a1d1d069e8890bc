"""Whom a token makes somebody: its claims, within what its issuer may give, as a principal.

{"sub": "u-17", "roles": ["recipient"], "recipient": "urn:ngsi-ld:RecipientOrganisation:well", "tenants": [""],
 "authorization_details": [{"type": "misono-purpose", "purposes": ["HealthAdvice"]}]}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from broker.access.configured import ALL, SUBJECT_PREFIX, Issuer
from broker.access.tokens import BadToken
from broker.model.values import Instant
from broker.ports import Principal

DETAIL_TYPE: Final = "misono-purpose"
"""The type of an authorization detail (RFC 9396) that states what data are asked for."""
_DETAIL: Final = frozenset({"type", "purposes", "locations"})
SCOPE_PREFIX: Final = "purpose:"
"""How a scope states the same: `purpose:HealthAdvice`."""
NAME_MAX: Final = 256
LISTED_MAX: Final = 64
DPV: Final = "https://w3id.org/dpv#"


def principal_of(claims: Mapping[str, Any], issuer: Issuer, words: Mapping[str, str], until: Instant) -> Principal:
    """Who somebody is by these claims; `words` are purposes by name. Raises BadToken.

    What the issuer may not give is not given; what somebody is without what belongs to it (an organisation, a
    pseudonym) is refused.
    """
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= NAME_MAX:
        raise BadToken("it does not say who (sub)")
    named = _texts(_at(claims, issuer.claims.roles), "roles")
    roles = frozenset(issuer.roles.get(name, name) for name in named) & issuer.may.roles
    if not roles:
        raise BadToken("it gives no role that its issuer may give")
    recipient = _recipient(claims, issuer) if "recipient" in roles else ""
    subject = _subject(claims, issuer, sub) if "resident" in roles else ""
    name, stated = subject or f"{issuer.name}:{sub}", purposes_of(claims, issuer, words)
    return Principal(name, stated, roles, _tenants(claims, issuer), recipient, subject, until)


def purposes_of(claims: Mapping[str, Any], issuer: Issuer, words: Mapping[str, str]) -> frozenset[str]:
    """The purposes that a token states (IRIs), by authorization details or by scope. Raises BadToken."""
    found: list[str] = []
    details = claims.get("authorization_details", [])
    if not isinstance(details, list) or len(details) > LISTED_MAX:
        raise BadToken("its authorization_details are no list")
    for one in details:
        if isinstance(one, dict) and one.get("type") == DETAIL_TYPE:
            found += _stated(one, issuer)
    scope = claims.get("scope", "")
    if isinstance(scope, str):
        found += [one.removeprefix(SCOPE_PREFIX) for one in scope.split() if one.startswith(SCOPE_PREFIX)]
    return purposes(found, words)


def _stated(detail: Mapping[str, Any], issuer: Issuer) -> list[str]:
    """What one detail states for this hub; one that says more than is read here would be taken for more than it is."""
    if not detail.keys() <= _DETAIL:
        raise BadToken(f"a {DETAIL_TYPE} of it has other members than {', '.join(sorted(_DETAIL))}")
    if "locations" in detail and issuer.audiences.isdisjoint(_texts(detail["locations"], "locations")):
        return []
    return _texts(detail.get("purposes"), "purposes")


def purposes(names: Iterable[str], words: Mapping[str, str]) -> frozenset[str]:
    """IRIs of purposes: a word of the vocabulary, `dpv:Marketing`, or an IRI as it is. Raises BadToken."""
    return frozenset(_purpose(name, words) for name in names)


def _purpose(name: str, words: Mapping[str, str]) -> str:
    if name in words:
        return words[name]
    if name.startswith("dpv:"):
        return DPV + name.removeprefix("dpv:")
    if ":" not in name or len(name) > NAME_MAX:
        raise BadToken("it states a purpose that nobody knows")
    return name


def _recipient(claims: Mapping[str, Any], issuer: Issuer) -> str:
    found = _at(claims, issuer.claims.recipient)
    if not isinstance(found, str) or ":" not in found or len(found) > NAME_MAX:
        raise BadToken("it makes somebody a recipient and does not say which")
    if issuer.may.recipients is not None and found not in issuer.may.recipients:
        raise BadToken("its issuer may not speak for that recipient")
    return found


def _subject(claims: Mapping[str, Any], issuer: Issuer, sub: str) -> str:
    """The pseudonym: of the issuer's table where it has one, else of the claim."""
    found = issuer.subjects.get(sub) if issuer.subjects else _at(claims, issuer.claims.subject)
    if not isinstance(found, str) or not found.startswith(SUBJECT_PREFIX) or len(found) > NAME_MAX:
        raise BadToken("it makes somebody a resident, and no pseudonym is known of them")
    return found


def _tenants(claims: Mapping[str, Any], issuer: Issuer) -> frozenset[str] | None:
    told, most = _at(claims, issuer.claims.tenants), issuer.may.tenants
    if told is None:
        return most if most is not None else frozenset({""})
    found = frozenset(_texts(told, "tenants"))
    if ALL in found:
        return most
    return found if most is None else found & most


def _at(claims: Mapping[str, Any], path: tuple[str, ...]) -> Any:  # noqa: ANN401  of any kind
    found: Any = claims
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _texts(value: object, what: str) -> list[str]:
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, list) or len(several) > LISTED_MAX:
        raise BadToken(f"its {what} are no list of texts")
    if not all(isinstance(one, str) and len(one) <= NAME_MAX for one in several):
        raise BadToken(f"its {what} are no list of texts")
    return several
