"""Whatever somebody shows: they are whom their issuer may make them, or they are told 401; never anything else."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given, target
from hypothesis import strategies as st

from broker.access.configured import SUBJECT_PREFIX
from broker.errors import Unauthorized
from broker.ports import ROLES, Principal
from tests.fakes.issuing import AUDIENCE, HANA, NOW_S, URL, WELL, Issuer, Message, made, public, sign_purpose, signed
from tests.unit.residents.identities import City

ISSUER = Issuer()
MAY = ["resident", "recipient", "device"]
KEYS: dict[str, Any] = {"well": {"jwk": public(made("Ed25519")), "roles": ["recipient"], "recipient": WELL}}
CITY = City(ISSUER, keys=KEYS, roles=MAY, tenants=["", "misono"], recipients=[WELL])
GOOD = ISSUER.token(roles=["recipient"], recipient=WELL, scope="purpose:WatchOver")

atoms = (
    st.none() | st.booleans() | st.integers() | st.integers(10**300, 10**310) | st.floats(allow_nan=False)
    | st.text(max_size=8)
)  # fmt: skip
anything = st.recursive(
    atoms, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(max_size=4), one, max_size=3), max_leaves=5
)
names = st.sampled_from([*MAY, "operator", "system", "admin", "*", "", "misono", "other", WELL, HANA, "WatchOver"])
plausible = anything | names | st.lists(names, max_size=3)


def mostly(good: st.SearchStrategy[Any], other: st.SearchStrategy[Any] = anything) -> st.SearchStrategy[Any]:
    """Nine times in ten what is in order: where two things are wrong, only the first one is seen."""
    return st.integers(0, 9).flatmap(lambda one: good if one else other)


purposes = st.lists(st.fixed_dictionaries({"type": st.just("misono-purpose"), "purposes": plausible}), max_size=2)
claims = st.fixed_dictionaries(
    {
        "iss": mostly(st.just(URL)),
        "aud": mostly(st.just(AUDIENCE)),
        "sub": mostly(st.just("u-1")),
        "exp": mostly(st.integers(NOW_S - 100, NOW_S + 600)),
        "roles": mostly(st.lists(st.sampled_from([*MAY, "operator", "system"]), max_size=3), plausible),
        "recipient": mostly(st.just(WELL), plausible),
        "subject": mostly(st.just(HANA), plausible),
    },
    optional={
        "iat": mostly(st.integers(NOW_S - 600, NOW_S + 100)),
        "nbf": mostly(st.integers(NOW_S - 600, NOW_S + 100)),
        "tenants": mostly(st.lists(st.sampled_from(["", "misono", "other", "*"]), max_size=3), plausible),
        "scope": mostly(st.sampled_from(["openid", "purpose:WatchOver", "purpose:urn:x:y"]), plausible),
        "authorization_details": mostly(purposes),
        "cnf": mostly(st.none()),
    },
)
headers = st.fixed_dictionaries(
    {"alg": st.just("ES256") | anything | st.sampled_from(["none", "HS256", "RS256", "EdDSA"])},
    optional={
        "kid": st.just("ES256") | anything, "typ": st.just("at+jwt") | anything, "jwk": anything, "crit": anything,
        "jku": anything, "x5u": anything,
    },
)  # fmt: skip


def who(**shown: str) -> Principal | None:
    """Who they are to the hub; None for a 401. Anything else fails."""
    try:
        return CITY.who(**shown)
    except Unauthorized:
        return None


def is_within(found: Principal) -> bool:
    """Whether the issuer may make somebody that."""
    return (
        found.roles <= {*MAY}
        and found.tenants is not None
        and found.tenants <= {"", "misono"}
        and found.recipient in ("", WELL)
        and (found.recipient != "") == ("recipient" in found.roles)
        and (found.subject == "" or found.subject.startswith(SUBJECT_PREFIX))
    )


def signed_so(header: Mapping[str, Any], told: object) -> str:
    """A token that the issuer's own key signed, whatever its header says."""
    whole = signed({"alg": "ES256"}, json.dumps(told).encode(), ISSUER.keys[0])
    base = signed({**header, "alg": "none"}, json.dumps(told).encode(), None)
    head = b64encode(json.dumps(header).encode(), altchars=b"-_").rstrip(b"=").decode()
    return f"{head}.{base.split('.')[1]}.{whole.rpartition('.')[2]}"


@given(claims)
def test_what_an_issuer_signs_makes_nobody_more_than_it_may(told: dict[str, Any]) -> None:
    token = signed({"alg": "ES256", "typ": "at+jwt", "kid": "ES256"}, json.dumps(told).encode(), ISSUER.keys[0])
    found = who(authorization=f"Bearer {token}")
    target(float(found is not None))
    assert found is None or is_within(found)


@given(headers, claims | anything)
def test_strange_headers_are_refused(header: dict[str, Any], told: object) -> None:
    found = who(authorization=f"Bearer {signed_so(header, told)}")
    assert found is None or is_within(found)


@given(st.integers(0, len(GOOD) - 1), st.characters(codec="latin-1"), st.integers(0, 3))
def test_a_token_that_was_touched_is_not_believed(at: int, letter: str, cut: int) -> None:
    """But for bits that base64 does not use: then it is the same token."""
    touched = GOOD[:at] + letter + GOOD[at + cut :]
    assert who(authorization=f"Bearer {touched}") in (None, CITY.who(GOOD))


@given(
    st.sampled_from(["authorization", "x_api_key", "client_cert", "signature_input", "signature", "misono_purpose"]),
    st.text(st.characters(codec="latin-1"), max_size=60),
)
def test_nonsense_in_a_header_is_a_401_or_nobody(name: str, text: str) -> None:
    found = who(**{name: text})
    assert found is None or not found.roles


@given(st.data())
def test_a_signature_that_was_touched_gives_no_purpose(data: st.DataObject) -> None:
    asked = Message("GET", "/ngsi-ld/v1/entities", "type=Watch", {"misono-purpose": "WatchOver", "host": "hub"})
    message = sign_purpose(asked, made("Ed25519"))
    name = data.draw(st.sampled_from(["signature-input", "signature", "misono-purpose", "host"]))
    text = message.headers[name]
    at, letter = data.draw(st.integers(0, len(text) - 1)), data.draw(st.characters(codec="latin-1"))
    touched = text[:at] + letter + text[at + 1 :]
    forged = replace(message, headers={**message.headers, name: touched})
    try:
        found = CITY.identity.identify(forged)
    except Unauthorized:
        return
    assert touched == text or name in ("host", "signature") or not found.purposes
    assert found.roles <= ROLES
