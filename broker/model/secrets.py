"""What of an endpoint is a secret: it is kept and used, and shown to nobody (clauses 5.2.15, 5.2.22).

A subscription that is read shows `***` in the place of a secret. One that is read, changed and sent back keeps its
secrets, as long as it still goes to the same place.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from broker.model.registration import Registration
from broker.model.subscription import Endpoint
from broker.model.values import Json

HIDDEN: Final = "***"
FROM_REQUEST: Final = "urn:ngsi-ld:request"
"""The value of a key of contextSourceInfo that stands for the header of the same name of each request."""
_PROVING: Final = frozenset({"value", "clientSecret"})
"""The members of credentials that prove who this hub is."""
_TELLING: Final = ("auth", "token", "secret", "passw", "credential", "cookie", "apikey", "api-key", "api_key", "sig")


def is_secret(key: str) -> bool:
    """Whether a key of receiverInfo or notifierInfo names something secret: `Authorization`, `X-Api-Key`."""
    lowered = key.lower()
    return any(part in lowered for part in _TELLING)


def masked(endpoint: Endpoint) -> Endpoint:
    """The endpoint as it may be shown: `mqtt://user:***@host/topic`."""
    user, password, _ = _userinfo(endpoint.uri)
    return replace(
        endpoint,
        uri=_with_userinfo(endpoint.uri, f"{user}:{HIDDEN}") if password else endpoint.uri,
        receiver_info=_masked_pairs(endpoint.receiver_info),
        notifier_info=_masked_pairs(endpoint.notifier_info),
    )


def unmasked(endpoint: Endpoint, known: Endpoint | None) -> Endpoint | None:
    """The endpoint with the secrets of the known one where it has `***`; None where there is none to put there.

    Secrets go only to where they went before: to the same scheme, host, port and user.
    """
    if masked_parts(endpoint) == 0:
        return endpoint
    if known is None or _place(endpoint.uri) != _place(known.uri):
        return None
    user, password, _ = _userinfo(endpoint.uri)
    kept = _userinfo(known.uri)[1]
    found = replace(
        endpoint,
        uri=_with_userinfo(endpoint.uri, f"{user}:{kept}") if password == HIDDEN and kept else endpoint.uri,
        receiver_info=_unmasked_pairs(endpoint.receiver_info, known.receiver_info),
        notifier_info=_unmasked_pairs(endpoint.notifier_info, known.notifier_info),
    )
    return None if masked_parts(found) else found


def masked_parts(endpoint: Endpoint) -> int:
    """How many secrets of the endpoint read `***`."""
    pairs = (*endpoint.receiver_info, *endpoint.notifier_info)
    return (_userinfo(endpoint.uri)[1] == HIDDEN) + sum(is_secret(key) and value == HIDDEN for key, value in pairs)


def _masked_pairs(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((key, HIDDEN if is_secret(key) else value) for key, value in pairs)


def _unmasked_pairs(
    pairs: tuple[tuple[str, str], ...], known: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    kept = {key.lower(): value for key, value in known}
    return tuple(
        (key, kept.get(key.lower(), value) if is_secret(key) and value == HIDDEN else value) for key, value in pairs
    )


def _userinfo(uri: str) -> tuple[str, str, str]:
    """User, password and what stands behind them: `("u", "p", "host:1883")`."""
    userinfo, at, rest = urlsplit(uri).netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    return (user, password, rest) if at else ("", "", rest)


def _with_userinfo(uri: str, userinfo: str) -> str:
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=f"{userinfo}@{_userinfo(uri)[2]}"))


def _place(uri: str) -> tuple[str, str, str]:
    user, _, rest = _userinfo(uri)
    return urlsplit(uri).scheme.lower(), user, rest.lower()


def shown_credentials(credentials: Json) -> Json:
    """Credentials as they may be shown: what they are called, and `***` for what proves it."""
    if not isinstance(credentials, dict):
        return credentials
    return {name: HIDDEN if name in _PROVING else value for name, value in credentials.items()}


def shown_info(info: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Pairs as they may be shown; what is taken from each request is no secret (clause 4.3.6.5)."""
    return tuple((key, HIDDEN if is_secret(key) and value != FROM_REQUEST else value) for key, value in info)


def unmasked_registration(found: Registration, known: Registration | None) -> Registration | None:
    """The registration with the secrets of the known one where it has `***`; None where there is none to put there.

    Secrets go only to where they went before: to the same scheme, host and port, tokens to the same token URL.
    """
    hidden = _hidden_parts(found)
    if not hidden:
        return found
    if known is None or _place(found.endpoint) != _place(known.endpoint):
        return None
    whole = replace(
        found,
        info=_unmasked_pairs(found.info, known.info),
        credentials=_unmasked_credentials(found.credentials, known.credentials),
    )
    return None if _hidden_parts(whole) else whole


def takes_secrets_along(found: Registration, known: Registration, given: Collection[str]) -> bool:
    """Whether a registration now goes elsewhere with secrets that were not given anew, by the names of its fields."""
    if _place(found.endpoint) == _place(known.endpoint):
        return False
    held = found.credentials if isinstance(found.credentials, dict) else {}
    if "credentials" not in given and not _PROVING.isdisjoint(held):
        return True
    return "info" not in given and any(is_secret(key) and value != FROM_REQUEST for key, value in found.info)


def _hidden_parts(registration: Registration) -> int:
    credentials = registration.credentials if isinstance(registration.credentials, dict) else {}
    proofs = sum(name in _PROVING and value == HIDDEN for name, value in credentials.items())
    return proofs + sum(is_secret(key) and value == HIDDEN for key, value in registration.info)


def _unmasked_credentials(found: Json, known: Json) -> Json:
    if not isinstance(found, dict) or not isinstance(known, dict):
        return found
    if any(found.get(name) != known.get(name) for name in (*found, *known) if name not in _PROVING):
        return found
    return {name: known.get(name, value) if value == HIDDEN else value for name, value in found.items()}
